"""Kernel: patterns and corrections of all slices of an operator, and the cycles of their tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt16
from spikecycle.simulator.jit import kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

PLAIN = -1
"""In place of a pattern: none saves anything."""
INDEX_BITS = 13
"""Of the number of a pattern, counted from 1."""
ENTRY_BITS = INDEX_BITS + 5
"""Of what is known of a slice: the number of its pattern over 5 bits of corrections."""
LAST_TAG = (1 << 31 - ENTRY_BITS) - 1
"""Places that are told apart in 32 bits, the tag of the first being 1."""


class LevelLimits(NamedTuple):
    """What the kernel needs of a machine: rows of a tile, slices that level 1 looks at in a cycle, and patterns or
    corrections that one of the levels takes in a cycle."""

    rows: int
    ids_per_cycle: int
    channels: int


@lean_kernel
def nearest_pattern(value: int, patterns: UInt16) -> tuple[int, int]:
    """(index, differing bits) of the pattern that replaces a slice, the first of several; (PLAIN, ones) where none
    saves anything: a pattern costs 1 itself."""
    least = 1 << 62
    for index in range(len(patterns)):
        least = min(least, count_ones(np.uint64(value) ^ np.uint64(patterns[index])) << INDEX_BITS | index)
    ones = count_ones(np.uint64(value))
    if 1 + (least >> INDEX_BITS) < ones:
        return least & ((1 << INDEX_BITS) - 1), least >> INDEX_BITS
    return PLAIN, ones


@kernel
def replace_slices(slices: UInt16, patterns: UInt16, starts: Int64, limits: LevelLimits, totals_out: Int64) -> None:
    """Replace the slices of rows, uint16 (places, rows), by patterns.

    patterns: of all places, one after the other; those of place i are patterns[starts[i] : starts[i + 1]].
    totals_out: int64 (4,), added to: slices with a pattern, corrections, patterns that a tile of rows uses (summed over
    tiles), and cycles of a tile of output channels.
    """
    places, rows = slices.shape
    # the tile that used a pattern last, patterns counted from 1; 0 stands for none, which no tile is the first to use
    used = np.zeros(len(patterns) + 1, np.int64)
    known = np.zeros(1 << 16, np.int32)  # of a slice, over the tag of the place that knows it
    for place in range(places):
        tag = place % LAST_TAG + 1
        if tag == 1:
            known[:] = 0
        own = patterns[starts[place] : starts[place + 1]]
        used[:] = -1
        known[0] = tag << ENTRY_BITS  # a slice without ones has no pattern and no corrections
        for first in range(0, rows, limits.rows):
            used[0] = first
            with_pattern = corrections = new = level_1 = 0
            last = min(first + limits.rows, rows)
            for begin in range(first, last, limits.ids_per_cycle):
                waiting = 0
                # Nothing here depends on the slice: a processor cannot know ahead what most conditions come to.
                for row in range(begin, min(begin + limits.ids_per_cycle, last)):
                    value = slices[place, row]
                    entry = int(known[value])
                    if entry >> ENTRY_BITS != tag:
                        index, differing = nearest_pattern(int(value), own)
                        entry = tag << ENTRY_BITS | (index + 1) << 5 | differing
                        known[value] = entry
                    entry &= (1 << ENTRY_BITS) - 1
                    corrections += entry & 31
                    index = entry >> 5
                    waiting += index != 0
                    new += used[index] != first
                    used[index] = first
                with_pattern += waiting
                level_1 += max(1, -(-waiting // limits.channels))
            totals_out[0] += with_pattern
            totals_out[1] += corrections
            totals_out[2] += new
            totals_out[3] += max(level_1, -(-corrections // limits.channels))
