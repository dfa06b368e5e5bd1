"""Patterns of slices of 16 bits: weighted k-means on what a training split has, in whole numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt16, UInt64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.words import count_ones

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
        """Of uint16 (n,); slices that have fewer than two ones are left out."""
        values, numbers = np.unique(slices, return_counts=True)
        is_kept = np.bitwise_count(values) > 1
        return cls(values[is_kept].astype(np.int64), numbers[is_kept])

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
    for _ in range(iterations):
        if not move_centres(values, weights, centres_out):
            break


@kernel
def move_centres(values: Int64, weights: Int64, centres: Int64) -> bool:
    """One iteration: every slice goes to its nearest centre, the first of several; a centre to the weighted mean of its
    slices, rounded down. A centre without slices stays. Returns whether any has moved.

    Distances are found for many centres side by side, and carry the centre's number in their lowest bits, so that the
    least of them tells the first of the nearest.
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
    sums = np.zeros((count, bits), np.int64)
    members = np.zeros(count, np.int64)
    distance = np.zeros(min(count, CENTRES_AT_ONCE), np.int32)
    ones = np.zeros(bits, np.int64)
    for i in range(len(values)):
        set_bits = 0
        for bit in range(bits):
            if values[i] >> bit & 1:
                ones[set_bits] = bit
                set_bits += 1
        nearest = -1
        least = 0
        for first in range(0, count, CENTRES_AT_ONCE):
            end = min(first + CENTRES_AT_ONCE, count)
            found = least_distance(of_bits, numbered[first:end], first, ones[:set_bits], distance)
            if nearest < 0 or found // CENTRES_AT_ONCE < least:
                least = found // CENTRES_AT_ONCE
                nearest = first + found % CENTRES_AT_ONCE
        members[nearest] += weights[i]
        for place in range(set_bits):
            sums[nearest, ones[place]] += weights[i]
    has_moved = False
    for centre in range(count):
        if members[centre] > 0:
            for bit in range(bits):
                moved = ONE * sums[centre, bit] // members[centre]
                has_moved |= moved != centres[bit, centre]
                centres[bit, centre] = moved
    return has_moved


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
