"""Kernel: patterns and corrections of all slices of an operator, and the cycles of their tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt16
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.words import count_ones

PLAIN = -1
"""In place of a pattern: none saves anything."""
ENTRY_BITS = 18
"""Of what is known of a slice: 13 bits of its pattern, counted from 1, over 5 bits of corrections."""


class LevelLimits(NamedTuple):
    """What the kernel needs of a machine: rows of a tile, slices that level 1 looks at in a cycle, and patterns or
    corrections that one of the levels takes in a cycle."""

    rows: int
    ids_per_cycle: int
    channels: int


@kernel
def nearest_pattern(value: int, patterns: UInt16) -> tuple[int, int]:
    """(index, differing bits) of the pattern that replaces a slice; (PLAIN, ones) where none saves anything."""
    ones = count_ones(np.uint64(value))
    best, cost = PLAIN, ones
    if ones < 2:
        return PLAIN, ones  # a pattern costs 1 itself
    if ones == 2:  # only a pattern that is equal saves anything
        for index in range(len(patterns)):
            if np.int64(patterns[index]) == value:
                return index, 0
        return PLAIN, ones
    for index in range(len(patterns)):
        differing = count_ones(np.uint64(value ^ np.int64(patterns[index])))
        if 1 + differing < cost:
            best, cost = index, 1 + differing
            if differing == 0:
                break
    if best == PLAIN:
        return PLAIN, ones
    return best, cost - 1


@kernel
def replace_slices(slices: UInt16, patterns: UInt16, starts: Int64, limits: LevelLimits, totals_out: Int64) -> None:
    """Replace the slices of rows, uint16 (places, rows), by patterns.

    patterns: of all places, one after the other; those of place i are patterns[starts[i] : starts[i + 1]].
    totals_out: int64 (4,), added to: slices with a pattern, corrections, patterns that a tile of rows uses (summed over
    tiles), and cycles of a tile of output channels.
    """
    places, rows = slices.shape
    used = np.zeros(len(patterns) + 1, np.int64)
    # what is known of a slice, over the number of the place that knows it, counted from 1
    known = np.zeros(1 << 16, np.int64)
    for place in range(places):
        own = patterns[starts[place] : starts[place + 1]]
        used[:] = -1
        for first in range(0, rows, limits.rows):
            with_pattern = corrections = level_1 = waiting = 0
            last = min(first + limits.rows, rows)
            for row in range(first, last):
                value = int(slices[place, row])
                if value > 0:
                    if known[value] >> ENTRY_BITS != place + 1:
                        index, differing = nearest_pattern(value, own)
                        known[value] = (place + 1) << ENTRY_BITS | (index + 1) << 5 | differing
                    entry = known[value] & ((1 << ENTRY_BITS) - 1)
                    corrections += entry & 31
                    index = (entry >> 5) - 1
                    if index != PLAIN:
                        with_pattern += 1
                        waiting += 1
                        if used[index] != first:
                            used[index] = first
                            totals_out[2] += 1
                if (row - first + 1) % limits.ids_per_cycle == 0 or row == last - 1:
                    level_1 += max(1, -(-waiting // limits.channels))
                    waiting = 0
            totals_out[0] += with_pattern
            totals_out[1] += corrections
            totals_out[3] += max(level_1, -(-corrections // limits.channels))
