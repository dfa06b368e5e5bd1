"""Kernels: weighted k-means of different slices of 16 bits, in whole numbers.

A distance is a sum over the bits of a slice that are set, so that tables hold what each nibble of 4 bits adds, for many
centres side by side: three of their rows are added for a slice, the bits of its upper byte being added up once for all
slices that share them. From the second iteration on, a slice whose own centre has not gone away from it looks at the
centres that have moved only: no other can have become nearer than its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int16, Int32, Int64, UInt8, UInt16
from spikecycle.simulator.jit import called_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

SLICE_BITS = 16
"""Bits of a slice: Phi (ISCA 2025), Table 1."""
ONE = 256
"""A coordinate of 1, in the whole numbers that centres are kept in."""
PLACE_BITS = 10
"""Of the place of a centre, below a distance: distances are at most 2^20, or less than zero by as much, so that they
have 32 bits together."""
CENTRES_AT_ONCE = 1 << PLACE_BITS
LAST_PLACE = CENTRES_AT_ONCE - 1
NUMBER_BITS = 12
"""Of the number of a centre, below a distance."""
LAST_NUMBER = (1 << NUMBER_BITS) - 1
LANES = 16
"""Centres side by side are a multiple of these, so that wide registers take them all."""
FAR = np.int32(2**31 - 1)
"""In place of a distance: no centre."""
NOWHERE = 1 << 40
"""Farther than any distance over the number of a centre."""
PART = 128
"""Slices whose shares are added up by themselves, so that a drawn one is found in few steps."""
EVERY, MOVED = 0, 1
"""Of which centres tables are, and which of them slices are listed to look at: all, or those that moved last."""
CHANGED, HAS_MOVED = 0, 1
"""Flags of a centre: slices came or went; it moved last."""


class Centres(NamedTuple):
    """Where centres are, and what they are the means of.

    coordinates: int32 (k, 16), in units of 1 / ONE. sums: int64 (k, 17), how often each bit is set in the slices of a
    centre, and how many slices there are. flags: uint8 (2, k).
    """

    coordinates: Int32
    sums: Int64
    flags: UInt8


class Assignment(NamedTuple):
    """The centres of slices.

    nearest: int16 (n,), the number of the nearest centre. differing: int16 (n,), bits that differ from the nearest of
    the first centres. distances: int64 (n,), to the nearest centre, over its number. listed: int32 (2, n + 1), room for
    lists of slices.
    """

    nearest: Int16
    differing: Int16
    distances: Int64
    listed: Int32


class CentreTables(NamedTuple):
    """What squared distances to centres are added up from, less the ones of the slice, which all centres have alike: of
    EVERY centre, and of those that MOVED, in blocks of CENTRES_AT_ONCE side by side.

    Entries are CENTRES_AT_ONCE times as large as distances, and carry the place of the centre in its block, so that the
    least of them tells the first of the nearest.

    of_nibbles: int32 (2, blocks, 4, 16, lanes), what each value of each nibble adds. rest: int32 (2, blocks, lanes),
    what all slices have; FAR where there is no centre. numbers: int64 (2, blocks, lanes), of the centres. upper: int32
    (lanes,), room for what slices with the same upper byte share.
    """

    of_nibbles: Int32
    rest: Int32
    numbers: Int64
    upper: Int32


class ClusterRoom(NamedTuple):
    """Room for k-means of one place after the other."""

    centres: Centres
    slices: Assignment
    tables: CentreTables

    @classmethod
    def empty(cls, slices: int, count: int) -> ClusterRoom:
        """Room for at most so many different slices, and so many centres."""
        lanes = min(CENTRES_AT_ONCE, -(-count // LANES) * LANES)
        blocks = -(-count // lanes)
        centres = Centres(
            np.zeros((count, SLICE_BITS), np.int32),
            np.zeros((count, SLICE_BITS + 1), np.int64),
            np.zeros((2, count), np.uint8),
        )
        nearest, differing = np.zeros((2, slices), np.int16)
        listed = np.zeros((2, slices + 1), np.int32)
        tables = CentreTables(
            np.zeros((2, blocks, 4, 16, lanes), np.int32),
            np.full((2, blocks, lanes), FAR),
            np.arange(blocks * lanes).reshape(1, blocks, lanes).repeat(2, axis=0),
            np.zeros(lanes, np.int32),
        )
        return cls(centres, Assignment(nearest, differing, np.zeros(slices, np.int64), listed), tables)


@lean_kernel
def start_centres(values: UInt16, weights: Int64, draws: Int64, slices_out: Assignment, centres_out: Centres) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    values, weights: uint16 and int64 (n,), different slices in ascending order, and how many there are. draws: int64
    (k,), a random number for each centre.
    """
    nearest, differing, distances = slices_out.nearest, slices_out.differing, slices_out.distances
    shares = distances  # before there are any
    parts = (len(values) + PART - 1) // PART
    for i in range(len(values)):
        differing[i] = 1
    for centre in range(len(draws)):
        all_differ = np.int16(SLICE_BITS if centre == 0 else 0)  # from no centre, once the first is drawn
        total = 0
        for part in range(parts):
            own_weights = weights[part * PART : (part + 1) * PART]
            own_differing = differing[part * PART : (part + 1) * PART]
            share = 0
            for i in range(len(own_weights)):
                share += own_weights[i] * np.int64(own_differing[i])
            shares[part] = share
            total += share
        left = draws[centre] % max(1, total)
        part = 0
        while part < parts - 1 and left >= shares[part]:
            left -= shares[part]
            part += 1
        chosen = part * PART
        while chosen < len(values) - 1 and left >= weights[chosen] * np.int64(differing[chosen]):
            left -= weights[chosen] * np.int64(differing[chosen])
            chosen += 1
        value = values[chosen]
        coordinates = centres_out.coordinates[centre]
        for bit in range(len(coordinates)):
            coordinates[bit] = ONE * (value >> bit & 1)
        for i in range(len(values)):
            before = np.int16(differing[i] | all_differ)
            bits = np.int16(count_ones(np.uint64(values[i] ^ value)))
            nearest[i] = np.int16(centre) if bits < before else nearest[i]
            differing[i] = bits if bits < before else before
    for centre in range(len(draws)):
        for bit in range(centres_out.sums.shape[1]):
            centres_out.sums[centre, bit] = 0
        centres_out.flags[CHANGED, centre] = 1
    for i in range(len(values)):
        number = np.int64(nearest[i])
        without_ones = np.int64(differing[i]) - count_ones(np.uint64(values[i]))
        distances[i] = (without_ones * ONE * ONE << NUMBER_BITS) | number
        add_slice(centres_out.sums[number], np.int64(values[i]), weights[i])


@lean_kernel
def find_centres(
    values: UInt16, weights: Int64, iterations: int, slices: Assignment, tables: CentreTables, centres_out: Centres
) -> None:
    """Weighted k-means from where `start_centres` left it, for so many iterations, or until centres move no more."""
    count = len(centres_out.sums)
    nearest, distances = slices.nearest, slices.distances
    all_lanes = (count + LANES - 1) // LANES * LANES
    blocks = tables.rest.shape[1]
    for centre in range(count):
        tables.numbers[MOVED, centre >> PLACE_BITS, centre & LAST_PLACE] = centre
    moves = count
    for iteration in range(iterations):
        if moves == 0:
            break
        # where most have moved, to look at these and at all is more work than to look at all
        are_all_far = 2 * moves > count
        lanes = 0 if are_all_far else (moves + LANES - 1) // LANES * LANES
        lay_centres(centres_out.coordinates, moves, lanes, tables)
        if iteration > 0:
            for block in range(blocks):
                for of in range(2):
                    stop = (all_lanes if of == EVERY else lanes) - block * CENTRES_AT_ONCE
                    add_up_nibbles(tables.of_nibbles[of, block], min(stop, CENTRES_AT_ONCE))
            fars = list_far(values, tables, centres_out.flags, are_all_far, nearest, distances, slices.listed)
            for of in range(2):
                listed = slices.listed[of, : fars if of == EVERY else len(values) - fars]
                for block in range(blocks):
                    stop = (all_lanes if of == EVERY else lanes) - block * CENTRES_AT_ONCE
                    find_nearest(values, listed, tables, of, block, min(stop, CENTRES_AT_ONCE), distances)
            change_slices(values, weights, distances, nearest, slices.listed, centres_out)
        moves = move_centres(centres_out, tables.numbers)


@called_kernel
def lay_centres(coordinates: Int32, moves: int, lanes: int, tables_out: CentreTables) -> None:
    """What single bits add to distances to centres that have moved, and the rest of them: in tables of EVERY centre,
    and in the first `lanes` of those that MOVED, FAR where there is none."""
    for place in range(max(moves, lanes)):
        is_centre = place < moves
        number = tables_out.numbers[MOVED, place >> PLACE_BITS, place & LAST_PLACE] if is_centre else 0
        for of in range(EVERY if is_centre else MOVED, MOVED + 1 if lanes > 0 else MOVED):
            at = place if of == MOVED else number
            block, lane = at >> PLACE_BITS, at & LAST_PLACE
            own = coordinates[number]
            square = np.int64(0)
            for bit in range(len(own)):
                coordinate = np.int64(own[bit]) if is_centre else np.int64(0)
                square += coordinate * coordinate
                # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds, but for what all centres have
                tables_out.of_nibbles[of, block, bit >> 2, 1 << (bit & 3), lane] = (
                    -2 * ONE * CENTRES_AT_ONCE * coordinate
                )
            tables_out.rest[of, block, lane] = square * CENTRES_AT_ONCE + lane if is_centre else np.int64(FAR)


@inner_kernel
def add_slice(sums_out: Int64, value: np.int64, weight: int) -> None:
    """Add so many of a slice to the sums of a centre, int64 (17,)."""
    for bit in range(SLICE_BITS):
        sums_out[bit] += weight & -(value >> bit & 1)
    sums_out[SLICE_BITS] += weight


@called_kernel
def change_slices(
    values: UInt16, weights: Int64, distances: Int64, nearest_out: Int16, room: Int32, centres_out: Centres
) -> None:
    """Slices go from the centre that was nearest to the one that is. room: int32 (2, n + 1)."""
    listed = room[0]
    changed = 0
    for i in range(len(values)):
        listed[changed] = i
        changed += distances[i] & LAST_NUMBER != np.int64(nearest_out[i])
    for j in range(2 * changed):  # each is taken from one centre, and added to another
        i = listed[j >> 1]
        is_added = j & 1
        if is_added:
            nearest_out[i] = distances[i] & LAST_NUMBER
        number = np.int64(nearest_out[i])
        centres_out.flags[CHANGED, number] = 1
        add_slice(centres_out.sums[number], np.int64(values[i]), weights[i] if is_added else -weights[i])


@called_kernel
def add_up_nibbles(of_nibbles: Int32, lanes: int) -> None:
    """What nibbles of several bits add, int32 (4, 16, n), from what single bits do, for the first `lanes` centres."""
    for nibble in range(len(of_nibbles)):
        for value in range(3, of_nibbles.shape[1]):
            without_lowest = value & (value - 1)
            if without_lowest:
                one, other = of_nibbles[nibble, without_lowest], of_nibbles[nibble, value ^ without_lowest]
                both = of_nibbles[nibble, value]
                for lane in range(lanes):
                    both[lane] = one[lane] + other[lane]


@called_kernel
def list_far(
    values: UInt16,
    tables: CentreTables,
    flags: UInt8,
    are_all_far: bool,
    nearest: Int16,
    distances_out: Int64,
    listed_out: Int32,
) -> int:
    """List slices that look at EVERY centre, and those that look at what MOVED, as their own has not become farther;
    returns how many look at every one. distances_out: to their own centres."""
    far, near = listed_out[EVERY], listed_out[MOVED]
    fars = nears = 0
    if are_all_far:
        for i in range(len(values)):
            distances_out[i] = NOWHERE
            far[i] = i
        return len(values)
    # Nothing is jumped over here: a processor cannot know ahead which slices lie far.
    for i in range(len(values)):
        is_own_moved = flags[HAS_MOVED, nearest[i]] != 0
        near[nears] = far[fars] = i
        nears += not is_own_moved
        fars += is_own_moved
    moved, fars = fars, 0
    for j in range(moved):
        i = far[j]
        number = np.int64(nearest[i])
        block, lane = number >> PLACE_BITS, number & LAST_PLACE
        own = np.int64(tables.rest[EVERY, block, lane])
        for nibble in range(tables.of_nibbles.shape[2]):
            own += np.int64(tables.of_nibbles[EVERY, block, nibble, values[i] >> 4 * nibble & 15, lane])
        own = (own >> PLACE_BITS) << NUMBER_BITS | number
        is_far = own > distances_out[i]
        distances_out[i] = own
        near[nears] = far[fars] = i
        nears += not is_far
        fars += is_far
    return fars


@called_kernel
def find_nearest(
    values: UInt16, listed: Int32, tables: CentreTables, of: int, block: int, lanes: int, distances_out: Int64
) -> None:
    """Distances of listed slices, int32 (n,), to the nearest of the centres of a block, where it is nearer than what
    stands there, or as near with a lower number."""
    of_nibbles, rest, numbers = tables.of_nibbles[of, block], tables.rest[of, block], tables.numbers[of, block]
    upper = tables.upper
    last = np.int64(-1)
    for j in range(len(listed)):
        i = listed[j]
        value = np.int64(values[i])
        if value >> 8 != last:
            last = value >> 8
            one, other = of_nibbles[3, last >> 4], of_nibbles[2, last & 15]
            for lane in range(lanes):
                upper[lane] = rest[lane] + one[lane] + other[lane]
        one, other = of_nibbles[1, value >> 4 & 15], of_nibbles[0, value & 15]
        least = FAR
        for lane in range(lanes):
            distance = np.int32(upper[lane] + one[lane] + other[lane])
            least = distance if distance < least else least
        found = np.int64(least)
        number = numbers[found & LAST_PLACE]
        distances_out[i] = min(distances_out[i], (found >> PLACE_BITS) << NUMBER_BITS | number)


@called_kernel
def move_centres(centres_out: Centres, numbers_out: Int64) -> int:
    """Move every centre to the weighted mean of its slices, rounded down; one without slices stays.

    Returns how many have moved; numbers_out: int64 (2, blocks, lanes), theirs, of those that MOVED.
    """
    found = 0
    for centre in range(len(centres_out.sums)):
        coordinates, own = centres_out.coordinates[centre], centres_out.sums[centre]
        has_moved = False
        if centres_out.flags[CHANGED, centre] != 0 and own[SLICE_BITS] > 0:
            slices = np.float64(own[SLICE_BITS])
            for bit in range(SLICE_BITS):
                # whole numbers below 2^53: a quotient of floats is rounded to a whole number only where it is one
                coordinate = np.int32(np.float64(ONE * own[bit]) / slices)
                has_moved |= coordinate != coordinates[bit]
                coordinates[bit] = coordinate
        centres_out.flags[CHANGED, centre] = 0
        centres_out.flags[HAS_MOVED, centre] = has_moved
        if has_moved:
            numbers_out[MOVED, found >> PLACE_BITS, found & LAST_PLACE] = centre
            found += 1
    return found
