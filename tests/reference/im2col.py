"""The im2col matrix in plain Python: one list of bits for each window, looked up place by place."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.expected import Sample, arriving

Matrix = list[list[list[int]]]
"""Bits [timestep][position][k], k running over channel, kernel row and kernel column."""


def im2col(operator: Any, sample: Sample) -> list[list[Matrix]]:
    """The matrix of each group and bit plane: [group][plane]."""
    shape = operator.shape
    inputs = np.abs(arriving(operator.inputs[0], sample).astype(int)).reshape(-1, *shape.input_shape)
    channels = shape.C // shape.groups
    return [
        [_matrix(shape, inputs[:, group * channels : (group + 1) * channels] >> bit & 1) for bit in range(16)]
        for group in range(shape.groups)
    ]


def _matrix(shape: Any, inputs: np.ndarray) -> Matrix:
    return [[_window(shape, frame, p, q) for p in range(shape.P) for q in range(shape.Q)] for frame in inputs]


def _window(shape: Any, frame: np.ndarray, p: int, q: int) -> list[int]:
    bits = []
    for c in range(len(frame)):
        for r in range(shape.R):
            for s in range(shape.S):
                h = p * shape.stride[0] + r * shape.dilation[0] - shape.padding_top
                w = q * shape.stride[1] + s * shape.dilation[1] - shape.padding_left
                inside = 0 <= h < shape.H and 0 <= w < shape.W
                bits.append(int(frame[c, h, w]) if inside else 0)
    return bits
