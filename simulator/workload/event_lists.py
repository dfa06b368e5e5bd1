"""The events of a timestep as lists of where their weights begin, so that those of any window lie side by side.

Spikes come channel by channel. Words of 64 positions, one for each of 64 channels, are turned into words of channels,
and their set bits are listed position by position. From these lists, those of the input rows that a row of outputs
reads are joined column by column: a window is a run of columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt64
from spikecycle.simulator.jit import called_kernel, disjoint_kernel
from spikecycle.simulator.workload.axis import Windows
from spikecycle.simulator.workload.words import WORD_BITS, count_ones, lowest_one
from spikecycle.traces import LayerShape

TOGETHER = 8
"""Bits of a word that are listed without asking whether it has as many."""
COPIED = 64
"""Events that are copied without asking whether a list has as many: enough for a loop with wide registers."""

INPUT_EVENT_BYTES, ROW_EVENT_BYTES = 4, 8
"""Of an event in either list."""


class InputEvents(NamedTuple):
    """Room for the events of a timestep and group, listed by position and channel.

    starts: int32 (H x W + 1,): where those of each position begin. weights: int32, where the weights of each begin,
    from those of the first channel. turned: uint64, for every 64 channels, a word of them for each of 64 positions.
    """

    starts: Int32
    weights: Int32
    turned: UInt64

    @classmethod
    def of(cls, shape: LayerShape) -> InputEvents:
        """Room for as many as a layer can have."""
        channels, positions = shape.C // shape.groups, shape.H * shape.W
        turned = np.empty(-(-channels // WORD_BITS) * WORD_BITS, np.uint64)
        weights = np.empty(channels * positions + max(COPIED, TOGETHER), np.int32)
        return cls(np.empty(positions + 1, np.int32), weights, turned)


class RowEvents(NamedTuple):
    """Room for the events of the input rows that one row of outputs reads, listed by column, row and channel.

    Columns, padding included, lie in the order of what is left when they are divided by the dilation, so that those of
    a window follow one another. starts: int64 (columns + 1,): where those of each column begin. weights: int64, where
    the weights of each begin in a window whose first column is the first of all. apart: columns with the same rest.
    """

    starts: Int64
    weights: Int64
    apart: int

    @classmethod
    def of(cls, shape: LayerShape) -> RowEvents:
        """Room for as many as a layer can have."""
        columns = Windows.of(shape).columns
        reach = (columns.outputs - 1) * columns.stride + (columns.taps - 1) * columns.dilation + 1
        apart = -(-reach // columns.dilation)
        listed = shape.R * shape.W * (shape.C // shape.groups)
        return cls(np.empty(apart * columns.dilation + 1, np.int64), np.zeros(listed + COPIED, np.int64), apart)


@disjoint_kernel
def _turn(words: UInt64, used: int) -> None:
    """Bit i of word j becomes bit j of word i, of 64 words: halves of them change places, and halves of those.

    used: so many, from the first on, have bits that are set.
    """
    width = len(words) // 2  # not a constant: it would be compiled for each width anew
    mask = ~np.uint64(0) >> np.uint64(width)
    while width:
        for first in range(0, len(words), 2 * width):
            for i in range(first, first + (width if width < used else used)):
                low, high = words[np.uint64(i)], words[np.uint64(i + width)]
                exchanged = ((low >> np.uint64(width)) ^ high) & mask
                words[np.uint64(i + width)] = high ^ exchanged
                words[np.uint64(i)] = low ^ (exchanged << np.uint64(width))
        width >>= 1
        mask ^= mask << np.uint64(width)


@called_kernel
def list_events(spiking: UInt64, first_bit: int, positions: int, channels: int, step: int, events: InputEvents) -> None:
    """List the set bits of a group: bit first_bit + c x positions + i is channel c of input position i.

    spiking: (words,), with one behind those that have spikes. step: from the weights of a channel to those of the next.
    """
    starts, weights, turned = events
    blocks = len(turned) // WORD_BITS
    listed = 0
    for first in range(0, positions, WORD_BITS):
        for block in range(blocks):
            words = turned[block * WORD_BITS : (block + 1) * WORD_BITS]
            left = channels - block * WORD_BITS
            used = left if left < WORD_BITS else WORD_BITS
            bit = first_bit + block * WORD_BITS * positions + first
            some = np.uint64(0)
            for c in range(used):
                index, shift = np.uint64(bit // WORD_BITS), np.uint64(bit % WORD_BITS)
                above = spiking[index + np.uint64(1)] << np.uint64(1) << (np.uint64(WORD_BITS - 1) - shift)
                words[np.uint64(c)] = (spiking[index] >> shift) | above
                some |= words[np.uint64(c)]
                bit += positions
            for c in range(used, WORD_BITS):
                words[np.uint64(c)] = np.uint64(0)
            if some:
                _turn(words, used)
        left = positions - first
        for i in range(left if left < WORD_BITS else WORD_BITS):
            starts[np.uint64(first + i)] = listed
            for block in range(blocks):
                word = turned[np.uint64(block * WORD_BITS + i)]
                stop = listed + count_ones(word)
                while listed < stop:
                    for k in range(TOGETHER):
                        weights[np.uint64(listed + k)] = (block * WORD_BITS + lowest_one(word)) * step
                        word &= word - np.uint64(1)
                    listed += TOGETHER
                listed = stop
    starts[positions] = listed


@disjoint_kernel
def join_rows(windows: Windows, p: int, step: int, events: InputEvents, joined: RowEvents) -> None:
    """Join the events of the input rows that row p of outputs reads.

    step: from the weights of a kernel row to those of the next; those of a kernel column follow all its rows.
    """
    rows, columns = windows
    top = p * rows.stride - rows.padding
    first_tap, stop_tap = 0, rows.taps
    while first_tap < stop_tap and top + first_tap * rows.dilation < 0:
        first_tap += 1
    while first_tap < stop_tap and top + (stop_tap - 1) * rows.dilation >= rows.inputs:
        stop_tap -= 1
    top += first_tap * rows.dilation
    place, listed = 0, 0
    for rest in range(columns.dilation):
        for multiple in range(joined.apart):
            joined.starts[np.uint64(place)] = listed
            w = multiple * columns.dilation + rest - columns.padding
            if 0 <= w < columns.inputs:
                position = top * columns.inputs + w
                row = (place * rows.taps + first_tap) * step
                for _ in range(first_tap, stop_tap):
                    first, last = int(events.starts[np.uint64(position)]), int(events.starts[np.uint64(position + 1)])
                    at = listed
                    listed += last - first
                    while first < last:
                        for k in range(COPIED):
                            weights = np.int64(events.weights[np.uint64(first + k)])
                            joined.weights[np.uint64(at + k)] = row + weights
                        first += COPIED
                        at += COPIED
                    position += rows.dilation * columns.inputs
                    row += step
            place += 1
    joined.starts[np.uint64(place)] = listed
