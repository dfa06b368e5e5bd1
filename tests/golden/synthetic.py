"""Small synthetic networks for golden results, in plain NumPy: seeded weights and inputs, and spikes that follow.

Each layer is fed by the one before. Random numbers are raw words of PCG64, whose stream NumPy never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class IntegerNeuron:
    """leak = (v * leak_numerator) >> leak_shift; no leak if leak_shift is 0. One threshold for all channels."""

    threshold: int
    potential_bits: int = 16
    leak_numerator: int = 1
    leak_shift: int = 0
    reset: Literal["hard", "soft"] = "hard"
    reset_value: int = 0


@dataclass(frozen=True, eq=False)
class SyntheticLayer:
    """A layer with its spikes.

    inputs: (N, T, C, H, W), values of input_bits. weights: (M, C / groups, R, S). bias: (M,) or None.
    recorded: whether the output spikes go into the trace file.
    """

    name: str
    inputs: Int64
    weights: Int64
    weight_bits: int
    neuron: IntegerNeuron
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    input_bits: int = 1
    bias: Int64 | None = None
    is_linear: bool = False
    recorded: bool = True

    @property
    def outputs(self) -> Int64:
        """Output spikes (N, T, M, P, Q), 0 or 1."""
        sums = _convolve(self.inputs, self.weights, self.stride, self.padding, self.groups)
        if self.bias is not None:
            sums = sums + self.bias[:, None, None]
        neuron, highest = self.neuron, (1 << (self.neuron.potential_bits - 1)) - 1
        potential, spikes = np.zeros_like(sums[:, 0]), np.zeros_like(sums)
        for t in range(sums.shape[1]):
            leaked = (potential * neuron.leak_numerator) >> neuron.leak_shift
            potential = np.clip(leaked + sums[:, t], -highest - 1, highest)
            spikes[:, t] = potential >= neuron.threshold
            after = potential - neuron.threshold if neuron.reset == "soft" else neuron.reset_value
            potential = np.where(spikes[:, t] == 1, after, potential)
        return spikes


def _convolve(x: Int64, weights: Int64, stride: tuple[int, int], padding: tuple[int, int], groups: int) -> Int64:
    """(N, T, C, H, W) and (M, C / groups, R, S) to (N, T, M, P, Q)."""
    x = np.pad(x, ((0, 0), (0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    n, t, c, height, width = x.shape
    m, fan, kernel_h, kernel_w = weights.shape
    down, right = stride
    rows, columns = (height - kernel_h) // down + 1, (width - kernel_w) // right + 1
    grouped = weights.reshape(groups, m // groups, fan, kernel_h, kernel_w)
    sums = np.zeros((n, t, groups, m // groups, rows, columns), np.int64)
    for r in range(kernel_h):
        for s in range(kernel_w):
            tap = x[
                ..., r : r + (rows - 1) * stride[0] + 1 : stride[0], s : s + (columns - 1) * stride[1] + 1 : stride[1]
            ]
            tap = tap.reshape(n, t, groups, c // groups, rows, columns)
            sums += np.einsum("ntgcpq,gmc->ntgmpq", tap, grouped[..., r, s])
    return sums.reshape(n, t, m, rows, columns)


class _Numbers:
    """Random integers from raw words."""

    def __init__(self, seed: int) -> None:
        self._words = np.random.PCG64(seed)

    def below(self, limit: int, *shape: int) -> Int64:
        """Integers 0 .. limit - 1 of a shape."""
        words = np.asarray(self._words.random_raw(int(np.prod(shape))), np.uint64)
        return ((words >> np.uint64(11)) % np.uint64(limit)).astype(np.int64).reshape(shape)

    def inputs(self, bits: int, percent: int, *shape: int) -> Int64:
        """Values 1 .. 2**bits - 1 at so many percent of the positions, 0 elsewhere."""
        return np.where(self.below(100, *shape) < percent, 1 + self.below((1 << bits) - 1, *shape), 0)

    def weights(self, bits: int, zero_percent: int, *shape: int) -> Int64:
        """Codes of all values that so many bits hold, zeros more often."""
        codes = self.below(1 << bits, *shape) - (1 << (bits - 1))
        return np.where(self.below(100, *shape) < zero_percent, 0, codes)


def _chain(numbers: _Numbers, inputs: Int64, input_bits: int, *layers: dict[str, Any]) -> list[SyntheticLayer]:
    """Layers one after the other. Each is described by the fields of SyntheticLayer, and

    weights: the shape (M, C / groups, R, S), or (M,) for a linear layer, which takes the map as a vector.
    zero_percent: of the weights. bias: the largest magnitude, or missing. empty_row: a kernel row of zeros, or missing.
    """
    made: list[SyntheticLayer] = []
    for layer in layers:
        described = dict(layer)
        shape = described.pop("weights")
        if len(shape) == 1:
            inputs = inputs.reshape(*inputs.shape[:2], -1, 1, 1)
            shape = (shape[0], inputs.shape[2], 1, 1)
            described["is_linear"] = True
        weights = numbers.weights(described["weight_bits"], described.pop("zero_percent"), *shape)
        if "empty_row" in described:
            weights[:, :, described.pop("empty_row")] = 0
        largest = described.pop("bias", None)
        bias = None if largest is None else numbers.below(2 * largest + 1, shape[0]) - largest
        made.append(SyntheticLayer(inputs=inputs, weights=weights, bias=bias, input_bits=input_bits, **described))
        inputs, input_bits = made[-1].outputs, 1
    return made


def strided() -> list[SyntheticLayer]:
    """Binary inputs, strides of 2, padding, groups of 2, leaky neurons with both resets, biases, a linear end."""
    numbers = _Numbers(1)
    return _chain(
        numbers, numbers.inputs(1, 20, 2, 5, 2, 11, 9), 1,
        {"name": "conv1", "weights": (8, 2, 3, 3), "weight_bits": 8, "zero_percent": 10, "padding": (1, 1),
         "neuron": IntegerNeuron(190, 16, 15, 4), "bias": 20},
        {"name": "conv2", "weights": (12, 4, 3, 3), "weight_bits": 8, "zero_percent": 40, "padding": (1, 1),
         "stride": (2, 2), "groups": 2, "neuron": IntegerNeuron(220, 16, 3, 2, "soft"), "bias": 30},
        {"name": "fc", "weights": (10,), "weight_bits": 8, "zero_percent": 70,
         "neuron": IntegerNeuron(300, 16, 1, 1, "soft"), "bias": 9},
    )  # fmt: skip


def counted() -> list[SyntheticLayer]:
    """Event counts of 3 bits, a 5 x 3 kernel, unequal strides and paddings, no leak, negative reset, some recorded."""
    numbers = _Numbers(2)
    return _chain(
        numbers, numbers.inputs(3, 15, 2, 4, 3, 12, 10), 3,
        {"name": "conv1", "weights": (9, 3, 5, 3), "weight_bits": 6, "zero_percent": 30, "padding": (2, 0),
         "stride": (2, 1), "neuron": IntegerNeuron(120, 14, reset="soft"), "recorded": False},
        {"name": "point", "weights": (7, 9, 1, 1), "weight_bits": 5, "zero_percent": 50,
         "neuron": IntegerNeuron(12, 12, reset="hard", reset_value=-7), "bias": 3},
        {"name": "conv2", "weights": (6, 7, 2, 3), "weight_bits": 4, "zero_percent": 80, "padding": (0, 2),
         "stride": (1, 3), "neuron": IntegerNeuron(4, 10, 7, 3), "recorded": False},
        {"name": "fc", "weights": (33,), "weight_bits": 3, "zero_percent": 20, "neuron": IntegerNeuron(3, 9)},
    )  # fmt: skip


def depthwise() -> list[SyntheticLayer]:
    """A group for every channel, ternary weights, narrow potentials that saturate; one sample is silent; no bias."""
    numbers = _Numbers(3)
    inputs = numbers.inputs(1, 30, 3, 6, 6, 8, 8)
    inputs[1] = 0
    return _chain(
        numbers, inputs, 1,
        {"name": "depth", "weights": (12, 1, 3, 3), "weight_bits": 2, "zero_percent": 25, "padding": (1, 1),
         "groups": 6, "neuron": IntegerNeuron(1, 4, 3, 2)},
        {"name": "point", "weights": (10, 12, 1, 1), "weight_bits": 3, "zero_percent": 50,
         "neuron": IntegerNeuron(2, 5, 1, 1, "soft")},
        {"name": "down", "weights": (5, 10, 2, 2), "weight_bits": 4, "zero_percent": 60, "stride": (2, 2),
         "neuron": IntegerNeuron(4, 7, 0, 1)},
        {"name": "fc", "weights": (4,), "weight_bits": 5, "zero_percent": 40, "neuron": IntegerNeuron(9, 8)},
    )  # fmt: skip


def dense() -> list[SyntheticLayer]:
    """Linear layers alone, with wide weights and more channels than a PE has lanes; no bias."""
    numbers = _Numbers(4)
    return _chain(
        numbers, numbers.inputs(1, 12, 2, 3, 300, 1, 1), 1,
        {"name": "fc1", "weights": (70,), "weight_bits": 12, "zero_percent": 60,
         "neuron": IntegerNeuron(6000, 16, 7, 3)},
        {"name": "fc2", "weights": (130,), "weight_bits": 9, "zero_percent": 92,
         "neuron": IntegerNeuron(150, 14, reset="soft")},
        {"name": "fc3", "weights": (11,), "weight_bits": 7, "zero_percent": 0, "neuron": IntegerNeuron(120, 12)},
    )  # fmt: skip


def single_step() -> list[SyntheticLayer]:
    """One timestep of a wide 8-bit picture, of which a third of the rows meets no weight; odd maps; no bias."""
    numbers = _Numbers(5)
    return _chain(
        numbers, numbers.inputs(8, 70, 2, 1, 1, 19, 23), 8,
        {"name": "conv1", "weights": (20, 1, 4, 4), "weight_bits": 5, "zero_percent": 35, "empty_row": 2,
         "stride": (3, 2), "neuron": IntegerNeuron(2200, 18)},
        {"name": "conv2", "weights": (17, 20, 3, 3), "weight_bits": 6, "zero_percent": 55, "padding": (2, 1),
         "neuron": IntegerNeuron(90, 14)},
    )  # fmt: skip


NETWORKS: dict[str, Callable[[], list[SyntheticLayer]]] = {
    network.__name__: network for network in (strided, counted, depthwise, dense, single_step)
}
"""The synthetic networks by name."""
