"""Synapses and neurons in exact integer arithmetic. The semantics of the neuron are those of `traces.neuron`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.errors import ModelsError
from models.integer.node import Recording, Values
from models.integer.sums import FLOAT64_EXACT, exact_sums, largest_sum
from traces import LayerParameters, LayerShape, Neuron

INT32_LIMIT = 2**31  # the first integer that int32 does not hold


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
        """The largest magnitude that weights times inputs can add up to."""
        return largest_sum(self.weights, 2**self.input_bits - 1)

    @property
    def output_bits(self) -> int:
        """1: spikes."""
        return 1

    @torch.no_grad()
    def run(self, inputs: Values) -> Values:
        """Output spikes, uint8 (N, T, M, P, Q), of N samples from potential 0.

        inputs: (N, T, ...) with C x H x W values per timestep, in that order.
        """
        arriving = self.arriving(inputs)
        potential = torch.zeros_like(arriving[:, 0])
        spikes = torch.empty(arriving.shape, dtype=torch.uint8)
        for step in range(arriving.shape[1]):
            potential, spikes[:, step] = advance(potential, arriving[:, step], self.neuron)
        fired: Values = spikes.numpy()
        return fired

    @torch.no_grad()
    def arriving(self, inputs: Values) -> Tensor:
        """What each neuron gets in each timestep, bias included: int32 or int64 (N, T, M, P, Q)."""
        samples, steps = inputs.shape[:2]
        maps = torch.from_numpy(np.ascontiguousarray(inputs)).reshape(samples * steps, *self.shape.input_shape)
        sums = exact_sums(self.shape, self.weights, self.largest_sum, maps).to(self._integers)
        sums += torch.tensor(self.bias).to(sums.dtype)[:, None, None]
        return sums.reshape(samples, steps, *self.shape.output_shape)

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

    @property
    def _integers(self) -> torch.dtype:
        """The integers that hold every sum and every product with the leak's factor."""
        lowest = 2 ** (self.neuron.potential_bits - 1)
        arriving = self.largest_sum + int(np.abs(self.bias.astype(np.int64)).max())
        largest = max(lowest * max(self.neuron.leak_numerator, 1), lowest + arriving, 2 * lowest)
        return torch.int32 if largest < INT32_LIMIT else torch.int64


def advance(potential: Tensor, arriving: Tensor, neuron: Neuron) -> tuple[Tensor, Tensor]:
    """One timestep of all neurons: the potential after reset, and who fired (bool).

    potential, arriving: integers (N, M, P, Q); arriving is the sum of the weights of the spikes, and the bias.
    """
    highest = 2 ** (neuron.potential_bits - 1) - 1
    threshold = torch.tensor(neuron.threshold).to(potential.dtype)[:, None, None]
    leaked = (potential * neuron.leak_numerator) >> neuron.leak_shift
    reached = (leaked + arriving).clamp(-highest - 1, highest)
    fired = reached >= threshold
    after = torch.full_like(reached, neuron.reset_value) if neuron.reset == "hard" else reached - threshold
    return torch.where(fired, after, reached), fired
