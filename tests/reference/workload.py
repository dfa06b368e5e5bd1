"""Twin of `spikecycle.simulator.workload`: the im2col matrix of a bit plane, built bit by bit, and fibers by index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """A convolution; padding: (top, bottom, left, right), stride and dilation: (rows, columns)."""

    C: int
    H: int
    W: int
    M: int
    R: int
    S: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def outputs(self) -> tuple[list[int], list[int]]:
        """Where windows begin in the map, rows and columns: every start at which the whole kernel fits its padding."""
        top, bottom, left, right = self.padding
        starts = []
        for size, taps, stride, dilation, before, after in (
            (self.H, self.R, self.stride[0], self.dilation[0], top, bottom),
            (self.W, self.S, self.stride[1], self.dilation[1], left, right),
        ):
            last = size + after - 1 - (taps - 1) * dilation
            starts.append(list(range(-before, last + 1, stride)))
        return starts[0], starts[1]

    def columns(self) -> Iterator[tuple[int, int, int]]:
        """(channel of the group, kernel row, kernel column), in the order of the matrix's columns."""
        return product(range(self.C // self.groups), range(self.R), range(self.S))


def matrix(geometry: Geometry, inputs: np.ndarray, bit: int) -> list[list[list[list[int]]]]:
    """[group][timestep][position][column]: 1 where the input there has the bit."""
    rows, columns = geometry.outputs()
    group_channels = geometry.C // geometry.groups

    def value(t: int, c: int, h: int, w: int) -> int:
        inside = 0 <= h < geometry.H and 0 <= w < geometry.W
        return int(inputs[t, c, h, w]) >> bit & 1 if inside else 0

    return [
        [
            [
                [
                    value(t, group * group_channels + c, h + r * geometry.dilation[0], w + s * geometry.dilation[1])
                    for c, r, s in geometry.columns()
                ]
                for h, w in product(rows, columns)
            ]
            for t in range(len(inputs))
        ]
        for group in range(geometry.groups)
    ]


def tap_counts(geometry: Geometry, inputs: np.ndarray, bits: int) -> Counter[tuple[int, int, int]]:
    """Ones of every column of the matrices, all bits together, by (channel, kernel row, kernel column)."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for bit in range(bits):
        for group, of_group in enumerate(matrix(geometry, inputs, bit)):
            for row in (row for step in of_group for row in step):
                for (c, r, s), one in zip(geometry.columns(), row, strict=True):
                    counts[group * geometry.C // geometry.groups + c, r, s] += one
    return counts


def synaptic_operations(geometry: Geometry, inputs: np.ndarray, bits: int, weights: np.ndarray) -> int:
    """Weights that are not 0, each time that the input which it meets has a bit set."""
    outputs = geometry.M // geometry.groups
    total = 0
    for bit in range(bits):
        for group, of_group in enumerate(matrix(geometry, inputs, bit)):
            for row in (row for step in of_group for row in step):
                for m in range(group * outputs, (group + 1) * outputs):
                    total += sum(
                        one and int(weights[m, c, r, s]) != 0
                        for (c, r, s), one in zip(geometry.columns(), row, strict=True)
                    )
    return total


def fibers(geometry: Geometry, weights: np.ndarray, axis: str) -> list[list[int]]:
    """The weights along an axis, fiber by fiber."""
    groups, inputs, outputs = geometry.groups, geometry.C // geometry.groups, geometry.M // geometry.groups
    taps = list(product(range(geometry.R), range(geometry.S)))
    if axis == "fan_in":
        return [[int(weights[m, c, r, s]) for c, r, s in geometry.columns()] for m in range(geometry.M)]
    if axis == "kernel":
        return [[int(weights[m, c, r, s]) for r, s in taps] for m, c in product(range(geometry.M), range(inputs))]
    if axis == "input_channel":
        return [[int(weights[m, c, r, s]) for c in range(inputs)] for m, (r, s) in product(range(geometry.M), taps)]
    return [
        [int(weights[group * outputs + m, c, r, s]) for m in range(outputs)]
        for group, c, (r, s) in product(range(groups), range(inputs), taps)
    ]
