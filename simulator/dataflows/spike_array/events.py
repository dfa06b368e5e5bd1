"""The dispatcher's events: which inputs of a region are delivered, and in which word of its encoding they lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64, UInt8, UInt16, UInt32
from spikecycle.simulator.formats import SpikeLayout, silent_entries
from spikecycle.simulator.jit import inner_kernel, lean_kernel
from spikecycle.traces.packing import PackedSpikes

WORD_BITS = 32
"""Positions of a word of spikes: the product that finds a word's lowest set bit stays within 64 bits."""
LOWEST_BIT = 0x077CB531
"""De Bruijn sequence of order 5: its product with 2^i has in bits 27 to 31 a number of its own for every i below 32.
Source: Leiserson, Prokop, Randall, "Using de Bruijn sequences to index a 1 in a computer word" (MIT, 1998)."""
BIT_OF_PRODUCT = (
    0, 1, 28, 2, 29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4, 8, 31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6, 11, 5, 10, 9
)  # fmt: skip
"""The i of each of those numbers."""
AT_ONCE = 4
"""Set bits that are looked for in one go: words of a usual density have no more."""


class Events(NamedTuple):
    """Events in the order of their broadcast: int32 (capacity,) each.

    position: in the table of tap cases, see `list_events`. case: its tap case in the first block.
    word: of the encoded region. scanned: words behind that of the event before and ahead of this one.
    """

    position: Int32
    case: Int32
    word: Int32
    scanned: Int32

    @classmethod
    def of(cls, most: int) -> Events:
        """Room for so many events, and what is written behind the last."""
        # pages that no event touches are never backed by memory
        return cls(*(np.empty(most + 1, dtype=np.int32) for _ in cls._fields))


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


class SampleEvents(NamedTuple):
    """Which inputs of a sample are events.

    repeats: uint8 (T, C · H · W), the set bits of every input, each of which is an event; (1, 0) for inputs of one bit.
    spiking: uint32 (T, words): bit i of word w is set where input 32 w + i of a timestep, (C, H, W) flattened, is not
    0.
    """

    repeats: UInt8
    spiking: UInt32

    @classmethod
    def of(cls, inputs: Inputs | PackedSpikes, input_bits: int) -> SampleEvents:
        """Those of (T, C, H, W)."""
        return cls(_set_bits(inputs, input_bits), _spiking_words(inputs))


def _spiking_words(inputs: Inputs | PackedSpikes) -> UInt32:
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


def _set_bits(inputs: Inputs | PackedSpikes, input_bits: int) -> UInt8:
    if input_bits == 1:
        return np.zeros((1, 0), np.uint8)
    assert not isinstance(inputs, PackedSpikes), "packed spikes have one bit"
    return np.bitwise_count(inputs).reshape(len(inputs), -1)


@inner_kernel
def find_spiking(
    spiking: UInt32, region: Region, height: int, width: int, bits_of_product: Int64, events_out: Events
) -> int:
    """Inputs of a region that are not 0, in ascending order; returns their number. Sets events_out.position, where each
    lies in the region, row by row and channel by channel.

    spiking: uint32 (words,), see `SampleEvents`, of a map of height · width a channel. bits_of_product: int64 (32,),
    BIT_OF_PRODUCT.
    """
    channels = region.stop_channel - region.first_channel
    rows, columns = region.stop_row - region.first_row, region.stop_column - region.first_column
    if min(channels, rows, columns) <= 0:  # nothing lies in a region behind the map's last word
        return 0
    has_all_columns = columns == width
    has_all_rows = has_all_columns and rows == height
    parts, lines = 1 if has_all_rows else channels, 1 if has_all_columns else rows  # of a part: in one piece of memory
    length = (channels if has_all_rows else 1) * (rows if has_all_columns else 1) * columns
    count = 0
    before = 0  # positions of the region ahead of the line
    for part in range(parts):
        for line in range(lines):
            row = (region.first_channel + part) * height + region.first_row + line
            first = row * width + region.first_column
            stop = first + length
            for word in range(first // WORD_BITS, (stop + WORD_BITS - 1) // WORD_BITS):
                found = np.int64(spiking[word])
                begin = word * WORD_BITS
                if begin < first:
                    found = found >> (first - begin) << (first - begin)
                if stop - begin < WORD_BITS:
                    found &= (1 << (stop - begin)) - 1
                position = before + begin - first
                while found != 0:
                    # A loop that ended with the last set bit would end too often where a processor does not expect it.
                    for _ in range(AT_ONCE):
                        bit = bits_of_product[(found & -found) * LOWEST_BIT >> 27 & 31]
                        event = np.uint64(count)  # an index that is seen not to be negative
                        events_out.position[event] = position + bit
                        count += found != 0
                        found &= found - 1
            before += length
    return count


@inner_kernel
def repeat_events(
    repeats: UInt8, count: int, region: Region, height: int, width: int, events_out: Events
) -> int:  # fmt: skip
    """Repeat each of `count` events of a region as often as its input says; returns how many there are then.

    repeats: uint8 (C · H · W,), of each input, of a map of height · width a channel. events_out.case is overwritten.
    """
    rows, columns = region.stop_row - region.first_row, region.stop_column - region.first_column
    total = 0
    for i in range(count):
        position = int(np.int64(events_out.position[i]))
        line = position // columns
        row = (region.first_channel + line // rows) * height + region.first_row + line % rows
        events_out.case[i] = row * width + region.first_column + position % columns  # the input's number
        total += int(np.int64(repeats[events_out.case[i]]))
    event = total
    for i in range(count - 1, -1, -1):  # from the last one on, so that none is overwritten before it is read
        position, word = events_out.position[i], events_out.word[i]
        for _ in range(repeats[events_out.case[i]]):
            event -= 1
            events_out.position[event] = position
            events_out.word[event] = word
    return total


@inner_kernel
def list_events(
    repeats: UInt8,
    spiking: UInt32,
    region: Region,
    height: int,
    width: int,
    layout: SpikeLayout,
    cases: Int32,
    first_case: int,
    cases_of_channel: int,
    bits_of_product: Int64,
    events_out: Events,
) -> int:
    """Scan a region of one timestep's inputs: one event for every set bit of a value; returns their number.

    repeats: uint8 (C · H · W,), or (0,), and spiking: uint32 (words,), of the timestep, see `SampleEvents`. height,
    width: of the map. layout: how the region is encoded. cases: int32, from first_case on the tap cases of the
    positions of a channel's part of the region, row by row, among those of the channel. bits_of_product: see
    `find_spiking`.
    events_out has room for `Events.of` positions · input bits.
    """
    count = find_spiking(spiking, region, height, width, bits_of_product, events_out)
    if count == 0:
        return 0
    if layout.explicit == 1:
        entry = 0  # the next one
        behind_last = 0  # position after the last one that spikes
        for i in range(count):
            position = int(np.int64(events_out.position[i]))
            entry += silent_entries(position - behind_last, layout)
            behind_last = position + 1
            events_out.word[i] = entry
            entry += 1
    else:
        for i in range(count):
            events_out.word[i] = events_out.position[i]
    # Quotients by way of floating point, many at a time: (i + 1/2) / n is too far from whole numbers to be rounded up.
    words = 1.0 / layout.entries_per_word
    for i in range(count):
        word = int((events_out.word[i] + 0.5) * words)  # that of the entry
        events_out.word[i] = (word + 1) * layout.words_per_entry - 1
    if len(repeats) > 0:
        count = repeat_events(repeats, count, region, height, width, events_out)
    for i in range(count):
        next_word = int(np.int64(events_out.word[i - 1])) + 1 if i > 0 else 0
        events_out.scanned[i] = max(0, int(np.int64(events_out.word[i])) - next_word)
    of_channel = (region.stop_row - region.first_row) * (region.stop_column - region.first_column)
    channels = 1.0 / of_channel
    for i in range(count):
        position = int(np.int64(events_out.position[i]))
        channel = int((position + 0.5) * channels)
        events_out.position[i] = position + first_case - channel * of_channel
        events_out.case[i] = (region.first_channel + channel) * cases_of_channel
    for i in range(count):  # by itself: with these lookups, the loop above would work on one event at a time
        events_out.case[i] += cases[events_out.position[i]]
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
