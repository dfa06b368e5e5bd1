"""The network that hardware runs, in exact integer arithmetic: what the traces record.

NumPy only. The semantics of the neuron are those of `traces.neuron`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.errors import ModelsError
from traces.neuron import Neuron
from traces.shape import LayerShape

Spikes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

FLOAT64_EXACT = 2**53  # every integer up to this magnitude is exact in float64 (IEEE 754)


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
        per_channel = np.abs(self.weights.astype(np.int64)).reshape(self.shape.M, -1).sum(axis=1)
        largest_sum = int(per_channel.max()) * (2**self.input_bits - 1)
        if largest_sum > FLOAT64_EXACT:
            raise ModelsError(f"layer {self.name}: sums may reach {largest_sum}, beyond exact float64")

    def run(self, inputs: npt.NDArray[np.uint8 | np.uint16]) -> Spikes:
        """Output spikes, uint8 (N, T, M, P, Q), of N samples from potential 0.

        inputs: (N, T, ...) with C x H x W values per timestep, in that order.
        """
        samples, steps = inputs.shape[:2]
        shape = self.shape
        maps = inputs.reshape(samples, steps, shape.C, shape.H, shape.W)
        potential = np.zeros((samples, shape.M, shape.P, shape.Q), dtype=np.int64)
        spikes = np.zeros((samples, steps, *potential.shape[1:]), dtype=np.uint8)
        for step in range(steps):
            arriving = weighted_sums(maps[:, step], self.weights, shape)
            potential, spikes[:, step] = advance(potential, arriving, self.bias, self.neuron)
        return spikes

    def zero_share(self) -> float:
        """Share of weight codes that are zero."""
        return float((self.weights == 0).mean())


def weighted_sums(
    maps: npt.NDArray[np.uint8 | np.uint16], weights: npt.NDArray[np.int32], shape: LayerShape
) -> Integers:
    """Exact sums of weights times inputs, int64 (N, M, P, Q), of one timestep's inputs (N, C, H, W).

    The products are summed in float64, which a matrix library does fast; every partial sum is an integer that
    float64 holds exactly, whatever the order (see IntegerLayer).
    """
    (pad_h, pad_w), (stride_h, stride_w) = shape.padding, shape.stride
    padded = np.pad(maps, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (shape.R, shape.S), axis=(2, 3))
    windows = windows[:, :, ::stride_h, ::stride_w]
    per_group, outputs = shape.C // shape.groups, shape.M // shape.groups
    sums = np.empty((len(maps), shape.M, shape.P, shape.Q), dtype=np.int64)
    for group in range(shape.groups):
        seen = windows[:, group * per_group : (group + 1) * per_group].transpose(0, 2, 3, 1, 4, 5)
        chosen = slice(group * outputs, (group + 1) * outputs)
        matrix = weights[chosen].reshape(outputs, shape.fan_in).astype(np.float64)
        product = seen.reshape(-1, shape.fan_in) @ matrix.T
        sums[:, chosen] = product.reshape(len(maps), shape.P, shape.Q, outputs).transpose(0, 3, 1, 2)
    return sums


def advance(
    potential: Integers, arriving: Integers, bias: npt.NDArray[np.int32], neuron: Neuron
) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """One timestep of all neurons: the potential after reset, and who fired.

    potential, arriving: int64 (N, M, P, Q); bias: int32 (M,).
    """
    highest = 2 ** (neuron.potential_bits - 1) - 1
    threshold = neuron.threshold.astype(np.int64)[:, None, None]
    leaked = (potential * neuron.leak_numerator) >> neuron.leak_shift
    reached = np.clip(leaked + arriving + bias.astype(np.int64)[:, None, None], -highest - 1, highest)
    fired = reached >= threshold
    after = neuron.reset_value if neuron.reset == "hard" else reached - threshold
    return np.where(fired, after, reached), fired


def run_network(layers: Sequence[IntegerLayer], frames: npt.NDArray[np.uint8]) -> list[Spikes]:
    """Output spikes of every layer, each uint8 (N, T, M, P, Q), from frames uint8 (N, T, C, H, W)."""
    spikes = []
    for layer in layers:
        frames = layer.run(frames)
        spikes.append(frames)
    return spikes
