"""Patterns of slices of 16 bits: weighted k-means on what a training split has, in whole numbers."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt16, UInt64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.words import count_ones, lowest_one

SLICE_BITS = 16
"""Bits of a slice: Phi (ISCA 2025), Table 1."""
ONE = 256
"""A coordinate of 1, in the whole numbers that centres are kept in."""
CENTRES_AT_ONCE = 1024
"""Distances are at most 2^20, or less than zero by as much: so many times as large they have 32 bits."""


def slices_of(rows: UInt64, fan_in: int) -> UInt16:
    """Slices, uint16 (..., ceil(K / 16)), of packed rows, uint64 (..., ceil(K / 64)); bit b of slice i is column
    16 i + b."""
    little = np.ascontiguousarray(rows).astype("<u8", copy=False)
    return little.view("<u2")[..., : -(-fan_in // SLICE_BITS)].astype(np.uint16, copy=False)


class SliceCounts(NamedTuple):
    """Different slices of one place, sorted, and how many there are: int64 (n,) each."""

    values: Int64
    numbers: Int64

    @classmethod
    def of(cls, slices: UInt16) -> SliceCounts:
        """Of one place: uint16 (n,); slices that have fewer than two ones are left out."""
        return cls.of_places(slices[None])[0]

    @classmethod
    def of_places(cls, slices: UInt16) -> list[SliceCounts]:
        """Of each of the places, uint16 (places, n), all sorted and counted together."""
        places, n = slices.shape
        by_value = np.sort(slices, axis=1)
        is_first = np.ones((places, n), bool)  # the first of equal ones
        np.not_equal(by_value[:, 1:], by_value[:, :-1], out=is_first[:, 1:])
        first = np.flatnonzero(is_first)
        found, numbers = by_value.reshape(-1)[first], np.diff(first, append=places * n)
        is_kept = np.bitwise_count(found) > 1
        values, numbers = found[is_kept].astype(np.int64), numbers[is_kept]
        starts = np.searchsorted(first[is_kept], np.arange(places + 1) * n).tolist()
        return [cls(values[start:end], numbers[start:end]) for start, end in itertools.pairwise(starts)]

    def plus(self, other: SliceCounts) -> SliceCounts:
        """Those of both."""
        values, places = np.unique(np.concatenate([self.values, other.values]), return_inverse=True)
        numbers = np.zeros(len(values), np.int64)
        np.add.at(numbers, places, np.concatenate([self.numbers, other.numbers]))
        return SliceCounts(values, numbers)


def patterns_of(seen: SliceCounts, wanted: int, iterations: int, seed: tuple[int, ...]) -> UInt16:
    """At most `wanted` patterns, sorted, of what was seen at one place."""
    found = seen.values
    if len(found) > wanted:
        draws = np.random.default_rng(seed).integers(0, 2**62, wanted)
        centres = np.zeros((SLICE_BITS, wanted), np.int64)
        find_centres(found, seen.numbers, draws, iterations, centres)
        bits = (2 * centres >= ONE).astype(np.int64)
        found = np.unique((bits << np.arange(SLICE_BITS)[:, None]).sum(axis=0))
        found = found[np.bitwise_count(found) > 1]
    return found.astype(np.uint16)


@kernel
def start_centres(values: Int64, weights: Int64, draws: Int64, centres_out: Int64) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    values, weights: int64 (n,), different slices and how many there are. draws: int64 (k,), a random number for each
    centre. centres_out: int64 (16, k), coordinates in units of 1 / ONE.
    """
    distance = np.ones(len(values), np.int64)
    for centre in range(len(draws)):
        total = 0
        for i in range(len(values)):
            total += weights[i] * distance[i]
        left = draws[centre] % max(1, total)
        chosen = 0
        while chosen < len(values) - 1 and left >= weights[chosen] * distance[chosen]:
            left -= weights[chosen] * distance[chosen]
            chosen += 1
        for bit in range(len(centres_out)):
            centres_out[bit, centre] = ONE * (values[chosen] >> bit & 1)
        for i in range(len(values)):
            differing = count_ones(np.uint64(values[i] ^ values[chosen]))
            distance[i] = differing if centre == 0 else min(distance[i], differing)


@kernel
def find_centres(values: Int64, weights: Int64, draws: Int64, iterations: int, centres_out: Int64) -> None:
    """Weighted k-means: `centres_out`, int64 (16, k), after so many iterations, or when they move no more.

    values, weights: int64 (n,), different slices of two ones at least, and how many there are. draws: int64 (k,).
    """
    start_centres(values, weights, draws, centres_out)
    count = centres_out.shape[1]
    nearest, least = np.full(len(values), -1), np.zeros(len(values), np.int64)
    sums = np.zeros((count, len(centres_out) + 1), np.int64)
    moved = np.arange(count)
    for iteration in range(iterations):
        if len(moved) == 0:
            break
        all_anew = iteration == 0 or count > CENTRES_AT_ONCE
        find_nearest(values, weights, centres_out, moved, all_anew, nearest, least, sums)
        moved = move_centres(sums, centres_out)


@kernel
def find_nearest(
    values: Int64,
    weights: Int64,
    centres: Int64,
    moved: Int64,
    all_anew: bool,
    nearest: Int64,
    least: Int64,
    sums: Int64,
) -> None:
    """Bring up to date what belongs to the nearest centre of every slice, the first of several.

    centres: int64 (16, k). moved: int64 (m,), those that have moved since the last time: a slice whose own centre has
    not gone away from it needs to look at these only, unless `all_anew`.
    nearest: int64 (n,), numbers of centres, -1 before there is one; least: int64 (n,), distances as they are compared.
    Distances are found for many centres side by side, and carry the centre's number in their lowest bits, so that the
    least of them tells the first of the nearest.
    sums: int64 (k, 17), over the slices of a centre, how often each bit is set, and how many slices there are.
    """
    bits, count = centres.shape
    numbered = np.zeros(count, np.int32)
    for centre in range(count):
        square = 0
        for bit in range(bits):
            square += centres[bit, centre] * centres[bit, centre]
        numbered[centre] = square * CENTRES_AT_ONCE + centre % CENTRES_AT_ONCE
    # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds to the distance, but for what all centres have
    of_bits = (-2 * ONE * CENTRES_AT_ONCE * centres).astype(np.int32)
    of_moved, numbered_moved = np.zeros((bits, len(moved)), np.int32), np.zeros(len(moved), np.int32)
    has_moved = np.zeros(count, np.uint8)
    for place in range(len(moved)):
        has_moved[moved[place]] = 1
        numbered_moved[place] = numbered[moved[place]]
        for bit in range(bits):
            of_moved[bit, place] = of_bits[bit, moved[place]]
    room = np.zeros(count, np.int32)
    ones = np.zeros(bits, np.int64)
    for i in range(len(values)):
        set_bits = 0
        word = np.uint64(values[i])
        while word:
            ones[set_bits] = lowest_one(word)
            word &= word - np.uint64(1)
            set_bits += 1
        before = nearest[i]
        own = least[i]
        if not all_anew and has_moved[before]:
            own = np.int64(numbered[before])
            for place in range(set_bits):
                own += np.int64(of_bits[ones[place], before])
        if not all_anew and own <= least[i]:
            least[i] = min(own, least_distance(of_moved, numbered_moved, 0, ones[:set_bits], room))
            nearest[i] = least[i] % CENTRES_AT_ONCE
        else:
            for first in range(0, count, CENTRES_AT_ONCE):
                end = min(first + CENTRES_AT_ONCE, count)
                found = least_distance(of_bits, numbered[first:end], first, ones[:set_bits], room)
                if first == 0 or found // CENTRES_AT_ONCE < least[i] // CENTRES_AT_ONCE:
                    least[i] = found
                    nearest[i] = first + found % CENTRES_AT_ONCE
        if nearest[i] != before:
            if before >= 0:
                add_slice(ones[:set_bits], -weights[i], sums[before])
            add_slice(ones[:set_bits], weights[i], sums[nearest[i]])


@kernel
def add_slice(ones: Int64, weight: int, sums_out: Int64) -> None:
    """Add slices whose set bits are `ones`, so many of them, to a centre's sums, int64 (17,)."""
    for place in range(len(ones)):
        sums_out[ones[place]] += weight
    sums_out[len(sums_out) - 1] += weight


@kernel
def move_centres(sums: Int64, centres: Int64) -> Int64:
    """Move every centre, int64 (16, k), to the weighted mean of its slices, rounded down; one without slices stays.

    sums: int64 (k, 17), see `find_nearest`. Returns those that have moved, int64 (m,).
    """
    bits, count = centres.shape
    moved = np.zeros(count, np.int64)
    found = 0
    for centre in range(count):
        slices = sums[centre, bits]
        has_moved = False
        for bit in range(bits):
            if slices > 0:
                coordinate = ONE * sums[centre, bit] // slices
                has_moved |= coordinate != centres[bit, centre]
                centres[bit, centre] = coordinate
        if has_moved:
            moved[found] = centre
            found += 1
    return moved[:found]


@kernel
def least_distance(of_bits: Int32, numbered: Int32, first: int, ones: Int64, distance: Int32) -> int:
    """The least of `numbered`, int32 (k,), plus what the bits `ones`, two at least, add to it.

    of_bits: int32 (16, centres), of which those from `first` on count. distance: int32 (k or more,), room.
    """
    count = len(numbered)
    last = len(ones) - 1
    row, added = of_bits[ones[0]][first : first + count], of_bits[ones[last]][first : first + count]
    for centre in range(count):
        distance[centre] = numbered[centre] + row[centre] + added[centre]
    for place in range(1, last):
        row = of_bits[ones[place]][first : first + count]
        for centre in range(count):
            distance[centre] += row[centre]
    least = distance[0]
    for centre in range(count):
        least = min(least, distance[centre])
    return int(np.int64(least))
