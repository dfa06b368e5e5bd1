"""Weight fibers: a synapse's weights in pieces that are stored and fetched together, along a named axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.errors import UsageError

FIBER_AXES = ("fan_in", "input_channel", "kernel", "output_channel")
"""What a fiber may run along: all weights of an output channel; its input channels at one tap; the taps of one kernel;
the output channels (of a group) at one input channel and tap."""


class WeightFibers(NamedTuple):
    """Fibers in order: fiber f is values[starts[f]:starts[f + 1]]. values: int32 (total,); starts: int64 (F + 1,)."""

    values: Int32
    starts: Int64


def weight_fibers(weights: Int32, groups: int, axis: str) -> WeightFibers:
    """The fibers of weights, int32 (M, C / groups, R, S), along an axis; of a fiber's positions the last runs fastest.

    - "fan_in": one fiber per output channel: input channel, kernel row, kernel column.
    - "kernel": one per output and input channel: kernel row, kernel column.
    - "input_channel": one per output channel, kernel row and column: input channel.
    - "output_channel": one per input channel (of all groups), kernel row and column: output channel of the group.

    Raises UsageError for another axis.
    """
    outputs, inputs, rows, columns = weights.shape
    by_group = weights.reshape(groups, outputs // groups, inputs, rows, columns)
    orders = {
        "fan_in": (by_group, inputs * rows * columns),
        "kernel": (by_group, rows * columns),
        "input_channel": (by_group.transpose(0, 1, 3, 4, 2), inputs),
        "output_channel": (by_group.transpose(0, 2, 3, 4, 1), outputs // groups),
    }
    if axis not in orders:
        raise UsageError(f"unknown fiber axis {axis!r}, allowed: {', '.join(FIBER_AXES)}")
    ordered, length = orders[axis]
    values = np.ascontiguousarray(ordered, dtype=np.int32).reshape(-1)
    return WeightFibers(values, np.arange(0, values.size + 1, length, dtype=np.int64))
