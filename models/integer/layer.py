"""Synapses and neurons in exact integer arithmetic. The neuron's semantics are those of `spikecycle.traces.neuron`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer.neuron import fire, potential_dtype
from spikecycle.models.integer.node import Recording, Values
from spikecycle.models.integer.sums import FLOAT64_EXACT, exact_sums, largest_sum
from spikecycle.traces import LayerParameters, LayerShape, Neuron


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """One layer as the machine holds it.

    weights: int32 (M, C / groups, R, S), two's complement of weight_bits; weight_scale: float64 (M,), the value of
    one code; bias: int32 (M,), added once per timestep; inputs are unsigned numbers of input_bits (1: spikes).
    """

    name: str
    shape: LayerShape
    weights: npt.NDArray[np.int32]
    weight_bits: int
    weight_scale: npt.NDArray[np.float64]
    bias: npt.NDArray[np.int32]
    neuron: Neuron
    input_bits: int = 1

    def __post_init__(self) -> None:
        """ModelsError when a sum of this layer could leave the integers that float64 represents exactly."""
        if self.largest_sum > FLOAT64_EXACT:
            raise ModelsError(f"layer {self.name}: sums may reach {self.largest_sum}, beyond exact float64")

    @cached_property
    def largest_sum(self) -> int:
        """The largest magnitude that weights times inputs and the bias can add up to."""
        return largest_sum(self.weights, 2**self.input_bits - 1) + int(np.abs(self.bias.astype(np.int64)).max())

    @property
    def output_bits(self) -> int:
        """1: spikes."""
        return 1

    @torch.no_grad()
    def run(self, inputs: Values) -> Values:
        """Output spikes, uint8 (N, T, M, P, Q), of N samples from potential 0.

        inputs: (N, T, ...) with C x H x W values per timestep, in that order.
        """
        spikes: Values = fire(self.arriving(inputs), self.neuron).byte().numpy()
        return spikes

    @torch.no_grad()
    def arriving(self, inputs: Values) -> Tensor:
        """What each neuron gets in each timestep, bias included: whole numbers (N, T, M, P, Q) in a float that `fire`
        can go on with."""
        samples, steps = inputs.shape[:2]
        maps = torch.from_numpy(np.ascontiguousarray(inputs)).reshape(samples * steps, *self.shape.input_shape)
        sums = exact_sums(self.shape, self.weights, self.bias, self.largest_sum, maps)
        return sums.to(potential_dtype(self.neuron, self.largest_sum)).reshape(samples, steps, *self.shape.output_shape)

    def trace_layers(self) -> list[LayerParameters]:
        """The layer itself, with its outputs."""
        return [
            LayerParameters(
                self.name, self.shape, self.weights, self.weight_bits, self.neuron, self.input_bits,
                self.weight_scale, self.bias, has_outputs=True,
            )
        ]  # fmt: skip

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """What arrived and who fired."""
        return [Recording(inputs.reshape(*inputs.shape[:2], *self.shape.input_shape), outputs)]
