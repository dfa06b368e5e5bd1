"""The dispatcher's events: which inputs of a region are delivered, and in which word of its encoding they lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64, UInt8, UInt16, UInt32
from spikecycle.simulator.formats import SpikeLayout, silent_entries
from spikecycle.simulator.jit import lean_kernel
from spikecycle.traces.packing import PackedSpikes

WORD_BITS = 32
"""Positions of a word of `spiking_words`: the product that finds a word's lowest set bit stays within 64 bits."""
LOWEST_BIT = 0x077CB531
"""De Bruijn sequence of order 5: its product with 2^i has in bits 27 to 31 a number of its own for every i below 32.
Source: Leiserson, Prokop, Randall, "Using de Bruijn sequences to index a 1 in a computer word" (MIT, 1998)."""
BIT_OF_PRODUCT = (
    0, 1, 28, 2, 29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4, 8, 31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6, 11, 5, 10, 9
)  # fmt: skip
"""The i of each of those numbers."""


class Events(NamedTuple):
    """Events in the order of their broadcast: int32 (capacity,) each.

    channel: input channel. row, column: from the region's first on. word: of the encoded region.
    """

    channel: Int32
    row: Int32
    column: Int32
    word: Int32


class Region(NamedTuple):
    """A box of a map: channels, rows and columns, each [first, stop)."""

    first_channel: int
    stop_channel: int
    first_row: int
    stop_row: int
    first_column: int
    stop_column: int

    @property
    def channel_positions(self) -> int:
        """Positions of one channel."""
        return (self.stop_row - self.first_row) * (self.stop_column - self.first_column)

    @property
    def positions(self) -> int:
        """Positions of all channels."""
        return (self.stop_channel - self.first_channel) * self.channel_positions


def spiking_words(inputs: Inputs | PackedSpikes) -> UInt32:
    """uint32 (T, words): bit i of word w is set where input 32 w + i of a timestep, (C, H, W) flattened, is not 0."""
    if isinstance(inputs, PackedSpikes):
        packed = inputs.packed
    else:
        flat = inputs.reshape(len(inputs), -1)
        packed = np.packbits(flat if flat.dtype.itemsize == 1 else flat != 0, axis=1, bitorder="little")
    size = packed.shape[1]
    if size % 4 or not packed.flags.c_contiguous:
        padded = np.zeros((len(packed), -(-size // 4) * 4), np.uint8)
        padded[:, :size] = packed
        packed = padded
    return packed.view("<u4")


def input_values(inputs: Inputs | PackedSpikes) -> Inputs:
    """What a kernel reads where an input is not 0: (T, C, H, W); of packed spikes one frame of ones, (1, C, H, W)."""
    return np.ones((1, *inputs.shape), np.uint8) if isinstance(inputs, PackedSpikes) else inputs


@lean_kernel
def list_events(
    values: Inputs, spiking: UInt32, region: Region, layout: SpikeLayout, bits_of_product: Int64, events_out: Events
) -> int:
    """Scan a region of one timestep's inputs: one event for every set bit of a value; returns their number.

    values: (C, H, W); spiking: uint32 (words,), which of them are not 0, see `spiking_words`. layout: how the region
    is encoded. bits_of_product: int64 (32,), BIT_OF_PRODUCT. events_out holds positions · input bits at least.
    """
    _, height, width = values.shape
    count = 0
    entry = 0  # the next one
    behind_last = 0  # position after the last one that spikes
    last_entry_of_word = layout.entries_per_word - 1
    word = layout.words_per_entry - 1  # where that entry ends
    position = 0  # of the row's first input in the region
    for channel in range(region.first_channel, region.stop_channel):
        for row in range(region.first_row, region.stop_row):
            first = (channel * height + row) * width + region.first_column
            stop = first + region.stop_column - region.first_column
            bit = first
            while bit < stop:
                inside = bit % WORD_BITS
                found = np.int64(spiking[bit // WORD_BITS]) >> inside
                if stop - bit < WORD_BITS - inside:
                    found &= (1 << (stop - bit)) - 1
                while found != 0:
                    column = bit - first + bits_of_product[(((found & -found) * LOWEST_BIT) & 0xFFFFFFFF) >> 27]
                    found &= found - 1
                    entry += silent_entries(position + column - behind_last, layout)
                    behind_last = position + column + 1
                    index = entry if layout.explicit == 1 else position + column
                    while index > last_entry_of_word:
                        last_entry_of_word += layout.entries_per_word
                        word += layout.words_per_entry
                    entry += 1
                    value = np.int64(values[channel, row, region.first_column + column])
                    while value != 0:
                        events_out.channel[count] = channel
                        events_out.row[count] = row - region.first_row
                        events_out.column[count] = column
                        events_out.word[count] = word
                        count += 1
                        value &= value - 1
                bit += WORD_BITS - inside
            position += stop - first
    return count


@lean_kernel
def count_region_entries(values: UInt8 | UInt16, region: Region, layout: SpikeLayout) -> int:
    """Entries that a region of one timestep's inputs takes in a format without an entry for every position.

    values: (C, H, W).
    """
    entries = 0
    run = 0
    for channel in range(region.first_channel, region.stop_channel):
        for row in range(region.first_row, region.stop_row):
            for column in range(region.first_column, region.stop_column):
                if values[channel, row, column] == 0:
                    run += 1
                else:
                    entries += silent_entries(run, layout) + 1
                    run = 0
    return entries
