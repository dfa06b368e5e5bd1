"""Patterns of slices of 16 bits: weighted k-means on what a training split has, in whole numbers."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt16, UInt64
from spikecycle.simulator.jit import inner_kernel, lean_kernel
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


FARTHEST = 1 << 62
"""A distance beyond all others."""
TOGETHER = 4
"""Set bits whose distances are added in one sweep over the centres; `least_distance` is written for this number."""


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
        values = np.empty(len(self.values) + len(other.values), np.int64)
        numbers = np.empty_like(values)
        count = merge_counts(self, other, values, numbers)
        return SliceCounts(values[:count].copy(), numbers[:count].copy())


@lean_kernel
def merge_counts(one: SliceCounts, other: SliceCounts, values_out: Int64, numbers_out: Int64) -> int:
    """Add up two counts; returns how many different slices there are. values_out, numbers_out: int64 (n + m,)."""
    i = j = count = 0
    while i < len(one.values) or j < len(other.values):
        is_one = j == len(other.values) or (i < len(one.values) and one.values[i] <= other.values[j])
        is_other = i == len(one.values) or (j < len(other.values) and other.values[j] <= one.values[i])
        values_out[count] = one.values[i] if is_one else other.values[j]
        numbers_out[count] = 0
        if is_one:
            numbers_out[count] += one.numbers[i]
            i += 1
        if is_other:
            numbers_out[count] += other.numbers[j]
            j += 1
        count += 1
    return count


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


@lean_kernel
def start_centres(values: Int64, weights: Int64, draws: Int64, distance: Int64, centres_out: Int64) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    values, weights: int64 (n,), different slices and how many there are. draws: int64 (k,), a random number for each
    centre. distance: int64 (n,) of ones, to the nearest centre so far. centres_out: int64 (16, k), coordinates in units
    of 1 / ONE.
    """
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


class Distances(NamedTuple):
    """What distances to centres are added up from, for many centres side by side.

    They are CENTRES_AT_ONCE times as large, and carry the centre's number in their lowest bits, so that the least of
    them tells the first of the nearest.

    of_bits: int32 (17, k), what a set bit adds, and a row of zeros. numbered: int32 (k,), the rest, with the number, of
    which multiples of CENTRES_AT_ONCE are left out. sums: int32 (k,), room.
    """

    of_bits: Int32
    numbered: Int32
    sums: Int32


class ListedSlices(NamedTuple):
    """Slices listed by `list_ones`, and the centre that each belongs to.

    starts: int64 (18,), the slices with b ones are [starts[b], starts[b + 1]). ones: uint8 (n, 16 + TOGETHER), the bits
    that are set, and then the number of a row of zeros. numbers: int64 (n,), how many such slices there are. nearest:
    int64 (n,), numbers of centres, -1 before there is one. least: int64 (n,), distances as they are compared.
    """

    starts: Int64
    ones: UInt8
    numbers: Int64
    nearest: Int64
    least: Int64

    @classmethod
    def empty(cls, count: int) -> ListedSlices:
        """Before so many slices are listed."""
        ones = np.full((count, SLICE_BITS + TOGETHER), SLICE_BITS, np.uint8)
        zeros = np.zeros((2, count), np.int64)
        return cls(np.zeros(SLICE_BITS + 2, np.int64), ones, zeros[0], np.full(count, -1), zeros[1])


class CentreSums(NamedTuple):
    """What centres come to.

    sums: int64 (k, 17), over the slices of a centre, how often each bit is set, and how many slices there are. moved:
    int64 (k,), first of all the numbers of the centres that moved last. has_moved: uint8 (k,), which these are.
    """

    sums: Int64
    moved: Int64
    has_moved: UInt8


def find_centres(values: Int64, weights: Int64, draws: Int64, iterations: int, centres_out: Int64) -> None:
    """Weighted k-means: `centres_out`, int64 (16, k), after so many iterations, or when they move no more.

    values, weights: int64 (n,), different slices of two ones at least, and how many there are. draws: int64 (k,).
    """
    count = len(draws)
    room = np.zeros((2, SLICE_BITS + 2, count), np.int32)
    every, of_moved = (Distances(one[1:], one[0], np.zeros(count, np.int32)) for one in room)
    centres = CentreSums(np.zeros((count, SLICE_BITS + 1), np.int64), np.arange(count), np.ones(count, np.uint8))
    slices = ListedSlices.empty(len(values))
    distances = np.ones(len(values), np.int64)
    iterate(values, weights, draws, iterations, distances, slices, centres, every, of_moved, centres_out)


@lean_kernel
def iterate(
    values: Int64,
    weights: Int64,
    draws: Int64,
    iterations: int,
    distances: Int64,
    slices: ListedSlices,
    centres: CentreSums,
    every: Distances,
    of_moved: Distances,
    centres_out: Int64,
) -> None:
    """Do so; the others are room. distances: int64 (n,) of ones."""
    start_centres(values, weights, draws, distances, centres_out)
    list_ones(values, weights, slices)
    count = len(draws)
    moves = count
    for iteration in range(iterations):
        if moves == 0:
            break
        lay_distances(centres_out, centres.moved, moves, every, of_moved)
        find_nearest(slices, centres, moves, iteration == 0 or count > CENTRES_AT_ONCE, every, of_moved)
        moves = move_centres(centres, centres_out)


@lean_kernel
def lay_distances(centres: Int64, moved: Int64, moves: int, every: Distances, of_moved: Distances) -> None:
    """Distances of centres, int64 (16, k), and once more of the first `moves` centres of `moved` side by side."""
    bits, count = centres.shape
    for centre in range(count):
        square = 0
        for bit in range(bits):
            square += centres[bit, centre] * centres[bit, centre]
            # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds, but for what all centres have
            every.of_bits[bit, centre] = -2 * ONE * CENTRES_AT_ONCE * centres[bit, centre]
        every.numbered[centre] = square * CENTRES_AT_ONCE + centre % CENTRES_AT_ONCE
    for place in range(moves):
        of_moved.numbered[place] = every.numbered[moved[place]]
        for bit in range(bits):
            of_moved.of_bits[bit, place] = every.of_bits[bit, moved[place]]


@lean_kernel
def list_ones(values: Int64, weights: Int64, slices: ListedSlices) -> None:
    """List different slices, int64 (n,), and how many there are; those with fewer ones come first."""
    starts = slices.starts
    for i in range(len(values)):
        starts[count_ones(np.uint64(values[i])) + 1] += 1
    for set_bits in range(1, len(starts)):
        starts[set_bits] += starts[set_bits - 1]
    for i in range(len(values)):
        set_bits = count_ones(np.uint64(values[i]))
        place = starts[set_bits]
        starts[set_bits] += 1
        slices.numbers[place] = weights[i]
        word = np.uint64(values[i])
        for index in range(set_bits):
            slices.ones[place, index] = lowest_one(word)
            word &= word - np.uint64(1)
    for set_bits in range(len(starts) - 1, 0, -1):  # each has moved on to where the next ones begin
        starts[set_bits] = starts[set_bits - 1]
    starts[0] = 0


@lean_kernel
def find_nearest(
    slices: ListedSlices, centres: CentreSums, moves: int, all_anew: bool, every: Distances, of_moved: Distances
) -> None:
    """Bring up to date what belongs to the nearest centre of every slice, the first of several.

    moves: how many centres have moved since the last time: a slice whose own centre has not gone away from it needs to
    look at these only, unless `all_anew`. every, of_moved: distances of all centres, and of these.
    """
    nearest, least = slices.nearest, slices.least
    count = len(centres.has_moved)
    for set_bits in range(1, len(slices.starts) - 1):
        for i in range(slices.starts[set_bits], slices.starts[set_bits + 1]):
            of_slice = slices.ones[i]
            before = nearest[i]
            own = least[i]
            if not all_anew and centres.has_moved[before]:
                own = np.int64(every.numbered[before])
                for place in range(set_bits):
                    own += np.int64(every.of_bits[of_slice[place], before])
            is_near = not all_anew and own <= least[i]
            some, stop = (of_moved, moves) if is_near else (every, count)
            best, block = (own, 0) if is_near else (FARTHEST, 0)
            for first in range(0, stop, CENTRES_AT_ONCE):
                found = least_distance(some, first, min(first + CENTRES_AT_ONCE, stop), of_slice, set_bits)
                # in the first block the lower number, in others a shorter distance alone
                if found < best if first == 0 else found // CENTRES_AT_ONCE < best // CENTRES_AT_ONCE:
                    best, block = found, first
            least[i] = best
            nearest[i] = block + best % CENTRES_AT_ONCE
            if nearest[i] != before:
                if before >= 0:
                    add_slice(of_slice, set_bits, -slices.numbers[i], centres.sums[before])
                add_slice(of_slice, set_bits, slices.numbers[i], centres.sums[nearest[i]])


@inner_kernel
def add_slice(ones: UInt8, set_bits: int, weight: int, sums_out: Int64) -> None:
    """Add slices whose set bits are the first of `ones`, so many of them, to a centre's sums, int64 (17,)."""
    for place in range(set_bits):
        sums_out[ones[place]] += weight
    sums_out[len(sums_out) - 1] += weight


@lean_kernel
def move_centres(centres: CentreSums, places: Int64) -> int:
    """Move every centre, from its place, int64 (16, k), to the weighted mean of its slices, rounded down; one without
    slices stays. Returns how many have moved."""
    bits, count = places.shape
    found = 0
    for centre in range(count):
        slices = centres.sums[centre, bits]
        has_moved = False
        for bit in range(bits):
            if slices > 0:
                coordinate = ONE * centres.sums[centre, bit] // slices
                has_moved |= coordinate != places[bit, centre]
                places[bit, centre] = coordinate
        centres.has_moved[centre] = has_moved
        if has_moved:
            centres.moved[found] = centre
            found += 1
    return found


@inner_kernel
def least_distance(distances: Distances, first: int, last: int, ones: UInt8, set_bits: int) -> int:
    """The least of the distances of centres [first, last) and a slice whose set bits are the first of `ones`."""
    of_bits, sums = distances.of_bits, distances.sums
    before = distances.numbered[first:last]
    for begin in range(0, set_bits - TOGETHER, TOGETHER):
        row_0, row_1 = of_bits[ones[begin]][first:last], of_bits[ones[begin + 1]][first:last]
        row_2, row_3 = of_bits[ones[begin + 2]][first:last], of_bits[ones[begin + 3]][first:last]
        for centre in range(len(before)):
            sums[centre] = before[centre] + row_0[centre] + row_1[centre] + row_2[centre] + row_3[centre]
        before = sums[: last - first]
    begin = (set_bits - 1) // TOGETHER * TOGETHER
    row_0, row_1 = of_bits[ones[begin]][first:last], of_bits[ones[begin + 1]][first:last]
    row_2, row_3 = of_bits[ones[begin + 2]][first:last], of_bits[ones[begin + 3]][first:last]
    least = np.int32((1 << 31) - 1)
    for centre in range(len(before)):
        least = min(least, np.int32(before[centre] + row_0[centre] + row_1[centre] + row_2[centre] + row_3[centre]))
    return int(np.int64(least))
