"""The dispatcher's events: which inputs of a region are delivered, and in which word of its encoding they lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, UInt8, UInt16
from spikecycle.simulator.formats import SpikeLayout, silent_entries
from spikecycle.simulator.jit import kernel


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


@kernel
def list_events(values: UInt8 | UInt16, region: Region, layout: SpikeLayout, events_out: Events) -> int:
    """Scan a region of one timestep's inputs: one event for every set bit of a value; returns their number.

    values: (C, H, W). layout: how the region is encoded. events_out holds positions · input bits at least.
    """
    count = 0
    entry = 0
    position = 0
    behind_last = 0
    for channel in range(region.first_channel, region.stop_channel):
        for row in range(region.first_row, region.stop_row):
            for column in range(region.first_column, region.stop_column):
                value = np.int64(values[channel, row, column])
                if value != 0:
                    entry += silent_entries(position - behind_last, layout)
                    behind_last = position + 1
                    index = entry if layout.explicit == 1 else position
                    word = index // layout.entries_per_word * layout.words_per_entry + layout.words_per_entry - 1
                    entry += 1
                    while value != 0:
                        events_out.channel[count] = channel
                        events_out.row[count] = row - region.first_row
                        events_out.column[count] = column - region.first_column
                        events_out.word[count] = word
                        count += 1
                        value &= value - 1
                position += 1
    return count


@kernel
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
