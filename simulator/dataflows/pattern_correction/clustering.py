"""Kernels: weighted k-means of different slices of 16 bits, in whole numbers.

A distance is a sum over the bits of a slice that are set. Tables hold what three parts of a slice add, for many centres
side by side, in 16 bits: the upper bits of distances are compared, and their remainders, which all slices have alike,
tell apart centres whose upper bits are the same. Where few of many centres have moved, slices whose own has not look at
these only: no other can have become nearer than their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.aligned import aligned_zeros
from spikecycle.simulator.array_types import Int16, Int32, Int64, UInt8, UInt16
from spikecycle.simulator.jit import called_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

SLICE_BITS = 16
"""Bits of a slice: Phi (ISCA 2025), Table 1."""
ONE = 256
"""A coordinate of 1, in the whole numbers that centres are kept in."""
REST_BITS = 6
"""Of a distance, which is at most 2^20, or less than zero by as much: those below the 16 bits that are compared
first."""
LANE_BITS = 7
"""Of the place of a centre in its block, below the remainder of a distance."""
LANES = 1 << LANE_BITS
"""Centres of a block: so many that wide registers, and several at once, take them all."""
NUMBER_BITS = 12
"""Of the number of a centre, below a distance."""
LAST_NUMBER = (1 << NUMBER_BITS) - 1
FAR = np.int16(2**15 - 1)
"""In place of the upper bits of a distance: no centre."""
NO_REST = np.uint16(2**16 - 1)
"""More than a remainder over the place of a centre."""
NOWHERE = 1 << 40
"""Farther than any distance over the number of a centre."""
TABLE_BITS = 5
"""Bits of a slice that the first and the second table take; the third takes the others."""
SECOND, THIRD, SUMS = 1 << TABLE_BITS, 2 << TABLE_BITS, (2 << TABLE_BITS) + (1 << SLICE_BITS - 2 * TABLE_BITS)
"""Where the second and the third table begin, and how many sums all three have."""
EVERY, MOVED = 0, 1
"""Of which centres tables are: all, or those that moved last."""
PART_BITS = 6
PART = 1 << PART_BITS
"""Slices whose shares are added up by themselves, so that a drawn one is found in few steps."""


class CentreTables(NamedTuple):
    """What squared distances to centres are added up from, less the ones of the slice, which all centres have alike, in
    blocks of LANES centres side by side; of EVERY centre, and of those that MOVED.

    bits: int16 (2, blocks, 16, LANES), what each bit adds to the upper bits of a distance. sums: int16 (2, blocks,
    SUMS, LANES), what all values of the parts of a slice add; those of the first part with what all slices have, which
    is FAR where there is no centre. rests: uint16 (2, blocks, LANES), the remainders of distances, over the place of
    the centre. numbers: int64 (2, blocks, LANES), of the centres.
    """

    bits: Int16
    sums: Int16
    rests: UInt16
    numbers: Int64


class Centres(NamedTuple):
    """Where centres are, and what they are the means of.

    coordinates: int16 (k, 16), in units of 1 / ONE. counts: int64 (k, 17), how often each bit is set in the slices of a
    centre, and how many slices there are. is_changed, has_moved: uint8 (k,), whether slices came or went, and whether
    it moved last. tables: of EVERY centre, and of those that MOVED.
    """

    coordinates: Int16
    counts: Int64
    is_changed: UInt8
    has_moved: UInt8
    tables: CentreTables

    @classmethod
    def none(cls, count: int) -> Centres:
        """Room for so many."""
        blocks = -(-count // LANES)
        tables = CentreTables(
            aligned_zeros((2, blocks, SLICE_BITS, LANES), np.int16),
            aligned_zeros((2, blocks, SUMS, LANES), np.int16),
            aligned_zeros((2, blocks, LANES), np.uint16),
            np.arange(blocks * LANES).reshape(1, blocks, LANES).repeat(2, axis=0),
        )
        tables.sums[:, :, 0] = FAR
        return cls(
            np.zeros((count, SLICE_BITS), np.int16),
            np.zeros((count, SLICE_BITS + 1), np.int64),
            np.zeros(count, np.uint8),
            np.zeros(count, np.uint8),
            tables,
        )


class PlaceSlices(NamedTuple):
    """Different slices of a place, in ascending order, and their centres; (parts, PART), with zeros behind the last.

    values, weights: uint16 and int64, slices, and how many there are. nearest: int16, the number of the nearest centre.
    differing: int16, bits that differ from the nearest of the first centres. distances: int64, to the nearest centre,
    over its number. shares: int64 (parts,), sums of weights times bits that differ. listed, far_values, far_distances:
    int32, uint16 and int64, some of the slices.
    """

    values: UInt16
    weights: Int64
    nearest: Int16
    differing: Int16
    distances: Int64
    shares: Int64
    listed: Int32
    far_values: UInt16
    far_distances: Int64

    @classmethod
    def none(cls, count: int) -> PlaceSlices:
        """Room for so many."""
        shape = -(-count // PART), PART
        return cls(
            aligned_zeros(shape, np.uint16),
            aligned_zeros(shape, np.int64),
            aligned_zeros(shape, np.int16),
            aligned_zeros(shape, np.int16),
            aligned_zeros(shape, np.int64),
            np.zeros(shape[0], np.int64),
            np.zeros(shape, np.int32),
            np.zeros(shape, np.uint16),
            np.zeros(shape, np.int64),
        )


@lean_kernel
def cluster_places(
    values: UInt16,
    weights: Int32 | Int64,
    starts: Int64,
    places: Int64,
    draws: Int64,
    iterations: int,
    slices: PlaceSlices,
    centres: Centres,
    patterns_out: UInt16,
) -> None:
    """Weighted k-means of places, int64 (n,), with slices as `SeenSlices` has them, in ascending order at each place;
    for so many iterations, or until centres move no more.

    draws: int64 (n, k), a random number for each first centre. slices, centres: room for one place after the other.
    patterns_out: uint16 (n, k), the slices next to the centres.
    """
    coordinates, counts, is_changed, has_moved, (bits, sums, rests, numbers) = centres
    own_values, own_weights, nearest, differing, distances, shares, listed, far_values, far_distances = slices
    blocks = sums.shape[1]
    for row in range(len(places)):
        start, stop = starts[places[row]], starts[places[row] + 1]
        parts = (stop - start + PART - 1) // PART
        for part in range(parts):
            share = 0
            for i in range(PART):
                at = start + part * PART + i
                is_slice = at < stop
                own_values[part, i] = values[at] if is_slice else 0
                own_weights[part, i] = np.int64(weights[at]) if is_slice else 0
                differing[part, i] = 1
                share += own_weights[part, i]
            shares[part] = share
        for centre in range(len(coordinates)):
            is_changed[centre] = 1
            for bit in range(counts.shape[1]):
                counts[centre, bit] = 0
        start_centres(stop - start, own_values, own_weights, draws[row], nearest, differing, shares, coordinates)
        for part in range(parts):
            for i in range(PART):
                add_slice(counts[nearest[part, i]], np.int64(own_values[part, i]), own_weights[part, i])
        for iteration in range(iterations):
            moves = move_centres(counts, is_changed, has_moved, coordinates, bits, sums, rests, numbers)
            if moves == 0 or iteration == iterations - 1:
                break
            fars, moved_blocks = 0, (moves + LANES - 1) >> LANE_BITS
            are_few = iteration > 0 and 2 * moved_blocks <= blocks
            if are_few:
                lay_moved(moves, bits, sums, rests, numbers)
                fars = list_far(stop - start, own_values, nearest, has_moved, listed, far_values)
            for of in range(2 if are_few else 1):
                are_far = are_few and of == EVERY
                some = (fars + PART - 1) // PART if are_far else parts
                some_values = far_values if are_far else own_values
                some_distances = far_distances if are_far else distances
                for block in range(blocks if of == EVERY else moved_blocks):
                    add_up_bits(bits[of, block], sums[of, block])
                    is_first = of == EVERY and block == 0
                    find_nearest(
                        some,
                        some_values,
                        is_first,
                        sums[of, block],
                        rests[of, block],
                        numbers[of, block],
                        some_distances,
                    )
                for j in range(fars if are_far else 0):
                    far_part, far_place = j >> PART_BITS, j & PART - 1
                    i = listed[far_part, far_place]
                    distances[i >> PART_BITS, i & PART - 1] = far_distances[far_part, far_place]
            change_slices(parts, own_values, own_weights, distances, nearest, is_changed, counts)
        for centre in range(len(coordinates)):
            pattern = 0
            for bit in range(coordinates.shape[1]):
                pattern |= (2 * coordinates[centre, bit] >= ONE) << bit
            patterns_out[row, centre] = pattern


@called_kernel
def start_centres(
    count: int,
    values: UInt16,
    weights: Int64,
    draws: Int64,
    nearest_out: Int16,
    differing_out: Int16,
    shares_out: Int64,
    coordinates_out: Int16,
) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    count: of the slices of the place. draws: int64 (k,). Bits that differ are 1 to begin with, and shares follow from
    that.
    """
    parts = (count + PART - 1) // PART
    for centre in range(len(draws)):
        total = 0
        for part in range(parts):
            total += shares_out[part]
        left = draws[centre] % max(1, total)
        part = 0
        while part < parts - 1 and left >= shares_out[part]:
            left -= shares_out[part]
            part += 1
        place = reach = 0
        for i in range(min(PART, count - part * PART) - 1):
            reach += weights[part, i] * np.int64(differing_out[part, i])
            place += reach <= left
        value = values[part, place]
        for bit in range(coordinates_out.shape[1]):
            coordinates_out[centre, bit] = ONE * (value >> bit & 1)
        all_differ = np.int16(SLICE_BITS if centre == 0 else 0)  # from no centre, once the first is drawn
        for part in range(parts):
            share = 0
            for i in range(PART):
                before = np.int16(differing_out[part, i] | all_differ)
                differing = np.int16(count_ones(np.uint64(values[part, i] ^ value)))
                nearest_out[part, i] = np.int16(centre) if differing < before else nearest_out[part, i]
                differing_out[part, i] = differing if differing < before else before
            for i in range(PART):
                share += weights[part, i] * np.int64(differing_out[part, i])
            shares_out[part] = share


@inner_kernel
def add_slice(counts_out: Int64, value: np.int64, weight: int) -> None:
    """Add so many of a slice to the counts of a centre, int64 (17,)."""
    for bit in range(SLICE_BITS):
        counts_out[bit] += weight & -(value >> bit & 1)
    counts_out[SLICE_BITS] += weight


@called_kernel
def move_centres(
    counts: Int64,
    is_changed: UInt8,
    has_moved_out: UInt8,
    coordinates_out: Int16,
    bits_out: Int16,
    sums_out: Int16,
    rests_out: UInt16,
    numbers_out: Int64,
) -> int:
    """Move centres to the weighted means of their slices, rounded down; those without slices stay. What single bits add
    to distances, and what all slices have, is laid anew for those that have changed. Returns how many have moved; their
    numbers are those of MOVED."""
    moves = 0
    for centre in range(len(counts)):
        has_moved_out[centre] = 0
        if is_changed[centre]:
            is_changed[centre] = 0
            own, own_counts = coordinates_out[centre], counts[centre]
            has_moved = False
            if own_counts[SLICE_BITS] > 0:
                share = 1 / np.float64(own_counts[SLICE_BITS])
                for bit in range(len(own)):
                    # with a half more, no quotient lies next to a whole number, to which it could be rounded up
                    coordinate = np.int16((np.float64(ONE * own_counts[bit]) + 0.5) * share)
                    has_moved |= coordinate != own[bit]
                    own[bit] = coordinate
            if has_moved:
                has_moved_out[centre] = 1
                numbers_out[MOVED, moves >> LANE_BITS, moves & LANES - 1] = centre
                moves += 1
            block, lane = centre >> LANE_BITS, centre & LANES - 1
            bits, square = bits_out[EVERY, block], np.int64(0)
            for bit in range(len(own)):
                square += np.int64(own[bit]) * np.int64(own[bit])
                # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds, but for what all centres have
                bits[bit, lane] = -(2 * ONE >> REST_BITS) * own[bit]
            sums_out[EVERY, block, 0, lane] = square >> REST_BITS
            rests_out[EVERY, block, lane] = (square & (1 << REST_BITS) - 1) << LANE_BITS | lane
    return moves


@called_kernel
def lay_moved(moves: int, bits_out: Int16, sums_out: Int16, rests_out: UInt16, numbers_out: Int64) -> None:
    """Take what so many centres have that MOVED from what EVERY one has; the first of them fills up the last block."""
    for place in range((moves + LANES - 1) >> LANE_BITS << LANE_BITS):
        block, lane, moved = place >> LANE_BITS, place & LANES - 1, place if place < moves else 0
        number = numbers_out[MOVED, moved >> LANE_BITS, moved & LANES - 1]
        own_block, own_lane = number >> LANE_BITS, number & LANES - 1
        for bit in range(bits_out.shape[2]):
            bits_out[MOVED, block, bit, lane] = bits_out[EVERY, own_block, bit, own_lane]
        sums_out[MOVED, block, 0, lane] = sums_out[EVERY, own_block, 0, own_lane]
        rests_out[MOVED, block, lane] = np.int64(rests_out[EVERY, own_block, own_lane]) - own_lane + lane
        numbers_out[MOVED, block, lane] = number


@called_kernel
def list_far(
    count: int, values: UInt16, nearest: Int16, has_moved: UInt8, listed_out: Int32, values_out: UInt16
) -> int:
    """List slices whose centre has moved; returns how many there are."""
    fars = 0
    for i in range(count):
        part, place, far_part, far_place = i >> PART_BITS, i & PART - 1, fars >> PART_BITS, fars & PART - 1
        listed_out[far_part, far_place] = i
        values_out[far_part, far_place] = values[part, place]
        fars += has_moved[nearest[part, place]] != 0
    return fars


@called_kernel
def add_up_bits(bits: Int16, sums_out: Int16) -> None:
    """What values of parts of a slice add, (SUMS, LANES), from what single bits do, (16, LANES)."""
    for bit in range(SLICE_BITS):
        table = min(bit // TABLE_BITS, 2)
        size = 1 << bit - table * TABLE_BITS
        for value in range(table * SECOND, table * SECOND + size):
            without, own, both = sums_out[value], bits[bit], sums_out[value + size]
            for lane in range(LANES):
                both[lane] = without[lane] + own[lane]


@called_kernel
def find_nearest(
    parts: int,
    values: UInt16,
    is_first: bool,
    sums: Int16,
    rests: UInt16,
    numbers: Int64,
    distances_out: Int64,
) -> None:
    """Distances of slices, of so many parts, to the nearest of the centres of a block, where it is nearer than what
    stands there, or as near with a lower number, or nothing stands there yet."""
    for part in range(parts):
        own_values, own_distances = values[part], distances_out[part]
        for i in range(len(own_values)):
            value = np.int64(own_values[i])
            first, second = sums[value & SECOND - 1], sums[SECOND | value >> TABLE_BITS & SECOND - 1]
            third = sums[THIRD | value >> 2 * TABLE_BITS]
            least = FAR
            for lane in range(LANES):
                upper = np.int16(first[lane] + second[lane] + third[lane])
                least = upper if upper < least else least
            rest = NO_REST
            for lane in range(LANES):
                upper = np.int16(first[lane] + second[lane] + third[lane])
                own = np.uint16(rests[lane] | -np.int64(upper != least))
                rest = own if own < rest else rest
            distance = (np.int64(least) << REST_BITS) + (np.int64(rest) >> LANE_BITS)
            number = numbers[np.int64(rest) & LANES - 1]
            before = NOWHERE if is_first else own_distances[i]
            own_distances[i] = min(distance << NUMBER_BITS | number, before)


@called_kernel
def change_slices(
    parts: int,
    values: UInt16,
    weights: Int64,
    distances: Int64,
    nearest_out: Int16,
    is_changed_out: UInt8,
    counts_out: Int64,
) -> None:
    """Slices go from the centre that was nearest to the one that is."""
    for part in range(parts):
        own_distances, own_nearest = distances[part], nearest_out[part]
        differing = np.int64(0)
        for i in range(PART):
            differing |= own_distances[i] & LAST_NUMBER ^ np.int64(own_nearest[i])
        if differing == 0:
            continue
        for i in range(PART):
            number, before = own_distances[i] & LAST_NUMBER, np.int64(own_nearest[i])
            if number != before:
                value, weight = np.int64(values[part, i]), weights[part, i]
                own_nearest[i] = number
                is_changed_out[number] = is_changed_out[before] = 1
                add_slice(counts_out[number], value, weight)
                add_slice(counts_out[before], value, -weight)
