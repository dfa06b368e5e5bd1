"""Kernels: patterns and corrections of all slices of an operator, and the cycles of their tiles."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt16
from spikecycle.simulator.dataflows.pattern_correction.patterns import Patterns
from spikecycle.simulator.dataflows.pattern_correction.slices import KINDS, PER_WORD, SeenSlices
from spikecycle.simulator.jit import called_kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

CORRECTION_BITS = 5
"""Of a match: its corrections, below the number of its pattern, counted from 1; 0 stands for none."""
UNKNOWN = (1 << CORRECTION_BITS) - 1
"""In place of a match: more corrections than a slice has bits."""
INDEX_BITS = 12
"""Of the number of a pattern, counted from 0."""
MOST_DIFFERING = 15
"""Bits that differ are counted to here: a pattern that differs in so many saves nothing."""


class LevelLimits(NamedTuple):
    """What the kernel needs of a machine: rows of a tile, slices that level 1 looks at in a cycle, and patterns or
    corrections that one of the levels takes in a cycle."""

    rows: int
    ids_per_cycle: int
    channels: int


class KnownSlices(NamedTuple):
    """Slices whose match is known, of all places one after the other: those of place i are
    [starts[i] : starts[i + 1]].

    values, matches: uint16 (n,), and uint16 or int32 (n,), as `match_slice` has them.
    """

    values: UInt16
    matches: UInt16 | Int32
    starts: Int64

    @classmethod
    def of(cls, seen: SeenSlices, patterns: Patterns, wanted: int, most_bytes: int) -> KnownSlices:
        """What replaces the slices that were seen, of at most so many patterns; nothing where it takes more memory."""
        matches = np.empty(len(seen.values), match_type(wanted))
        if seen.values.nbytes + matches.nbytes > most_bytes:
            return cls.none(len(seen.starts) - 1, wanted)
        match_slices(seen.values, seen.starts, patterns, matches)
        return cls(seen.values, matches, seen.starts)

    @classmethod
    def none(cls, places: int, wanted: int) -> KnownSlices:
        """Nothing of so many places: matches are found when slices come."""
        return cls(np.zeros(0, np.uint16), np.zeros(0, match_type(wanted)), np.zeros(places + 1, np.int64))


def match_type(patterns: int) -> Any:
    """The dtype of a match with one of at most so many patterns: the smaller it is, the more caches hold."""
    return np.uint16 if (patterns + 1) << CORRECTION_BITS <= KINDS else np.int32


class ReplaceRoom(NamedTuple):
    """Room for `replace_slices`: matches (KINDS,), all UNKNOWN. added: uint16 (KINDS,). is_used: uint8, one more than a
    place has patterns, zeros."""

    matches: UInt16 | Int32
    added: UInt16
    is_used: UInt8

    @classmethod
    def empty(cls, patterns: int) -> ReplaceRoom:
        """For so many patterns of a place."""
        matches = np.full(KINDS, UNKNOWN, match_type(patterns))
        return cls(matches, np.zeros(KINDS, np.uint16), np.zeros(patterns + 1, np.uint8))


@called_kernel
def match_slice(value: np.uint16, patterns: UInt16) -> int:
    """The pattern that replaces a slice, the first of several, its number counted from 1, over CORRECTION_BITS of bits
    that differ; 0 over the ones of the slice where no pattern saves anything: one costs 1 itself."""
    least, most = np.uint16(KINDS - 1), np.uint16(MOST_DIFFERING)
    for index in range(len(patterns)):
        differing = np.uint16(count_ones(np.uint64(value ^ patterns[index])))
        found = np.uint16((differing if differing < most else most) << INDEX_BITS | index)
        least = found if found < least else least
    nearest, ones = np.int64(least), count_ones(np.uint64(value))
    if 1 + (nearest >> INDEX_BITS) < ones:
        return int((1 + (nearest & (1 << INDEX_BITS) - 1)) << CORRECTION_BITS | nearest >> INDEX_BITS)
    return ones


@lean_kernel
def match_slices(values: UInt16, starts: Int64, patterns: Patterns, matches_out: UInt16 | Int32) -> None:
    """Matches of different slices, (n,), with the patterns of their places."""
    for place in range(len(starts) - 1):
        own = patterns.values[patterns.starts[place] : patterns.starts[place + 1]]
        for i in range(starts[place], starts[place + 1]):
            matches_out[i] = match_slice(values[i], own)


@lean_kernel
def replace_slices(
    slices: UInt16, patterns: Patterns, known: KnownSlices, limits: LevelLimits, room: ReplaceRoom, totals_out: Int64
) -> None:
    """Replace the slices of rows, uint16 (groups, words, rows, 4), by patterns.

    totals_out: int64 (4,), added to: slices with a pattern, corrections, patterns that a tile of rows uses (summed over
    tiles), and cycles of a tile of output channels.
    """
    groups, _, rows, _ = slices.shape
    places = (len(patterns.starts) - 1) // groups
    matches, is_used = room.matches, room.is_used
    share = 1 / np.float64(limits.channels)
    for index in range(groups * places):
        place = index % places
        of_place = slices[index // places, place // PER_WORD]
        column = place % PER_WORD
        own = patterns.values[patterns.starts[index] : patterns.starts[index + 1]]
        for i in range(known.starts[index], known.starts[index + 1]):
            matches[known.values[i]] = known.matches[i]
        added = 0
        for first in range(0, rows, limits.rows):
            with_pattern = corrections = new = level_1 = 0
            last = min(first + limits.rows, rows)
            for begin in range(first, last, limits.ids_per_cycle):
                waiting = 0
                # Nothing here depends on the slice: a processor cannot know ahead what most conditions come to.
                for row in range(begin, min(begin + limits.ids_per_cycle, last)):
                    value = of_place[row, column]
                    match = int(np.int64(matches[value]))
                    if match == UNKNOWN:
                        match = match_slice(value, own)
                        matches[value] = match
                        room.added[added] = value
                        added += 1
                    corrections += match & UNKNOWN
                    pattern = match >> CORRECTION_BITS
                    waiting += pattern != 0
                    is_used[pattern] = 1
                with_pattern += waiting
                # rounded up without a division; with a half less, no quotient lies next to a whole number
                level_1 += max(1, int((np.float64(waiting + limits.channels) - 0.5) * share))
            is_used[0] = 0  # which stands for no pattern
            if len(own) <= last - first:
                for pattern in range(len(own) + 1):
                    new += int(is_used[pattern])
                    is_used[pattern] = 0
            else:
                for row in range(first, last):
                    pattern = int(np.int64(matches[of_place[row, column]])) >> CORRECTION_BITS
                    new += int(is_used[pattern])
                    is_used[pattern] = 0
            totals_out[0] += with_pattern
            totals_out[1] += corrections
            totals_out[2] += new
            totals_out[3] += max(level_1, -(-corrections // limits.channels))
        for i in range(known.starts[index], known.starts[index + 1]):
            matches[known.values[i]] = UNKNOWN
        for i in range(added):
            matches[room.added[i]] = UNKNOWN
