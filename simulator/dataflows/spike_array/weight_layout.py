"""Where fibers lie in the weight memories: MICROARCHITECTURE.md, section 3, "Weight layout"."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers


def units_ahead(fibers: TileFibers, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, C + 1): units of `alignment_bits` of a PE's fibers of all input channels ahead of each."""
    units = fibers.sizes.units(alignment_bits).reshape(len(fibers.own_channels), -1, fibers.phases)
    of_channel = units.sum(axis=2) if fibers.phases > 1 else units[:, :, 0]
    ahead = np.empty((len(of_channel), of_channel.shape[1] + 1), np.int64)
    ahead[:, 0] = 0
    of_channel.cumsum(axis=1, out=ahead[:, 1:])
    return ahead


def units_by_layout(ahead: Int64, input_channels: int) -> Int64:
    """int64 (pes_per_group, input tiles): units of the layout of each PE and input tile of so many channels; ahead: see
    `units_ahead`."""
    starts = ahead[:, :-1:input_channels]
    units = np.empty(starts.shape, np.int64)
    units[:, :-1] = starts[:, 1:]
    units[:, -1] = ahead[:, -1]
    units -= starts
    return units


def first_bits(fibers: TileFibers, input_channels: int, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, C, phases): where each fiber of a channel tile starts in its layout, the fibers of
    `input_channels` channels each being packed in a layout of their own."""
    units = fibers.sizes.units(alignment_bits).reshape(len(fibers.own_channels), -1)
    first = units.cumsum(axis=1)
    first -= units
    length = input_channels * fibers.phases
    if length < units.shape[1]:
        first -= first[:, np.arange(units.shape[1]) // length * length]
    first *= alignment_bits
    return first.reshape(len(units), -1, fibers.phases)
