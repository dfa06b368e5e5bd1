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


class ClusterRoom(NamedTuple):
    """Room for k-means of one place after the other: at most n different slices, k centres.

    of_nibbles, rest: int32 (2, blocks, 4, 16, lanes) and (2, blocks, lanes), what squared distances to centres are
    added up from, less the ones of the slice, which all centres have alike: what each value of each nibble adds, and
    what all slices have; of EVERY centre, and of those that MOVED, in blocks of CENTRES_AT_ONCE side by side. They are
    that many times as large as distances, and carry the place of the centre in its block, so that the least tells the
    first of the nearest. rest is FAR where there is no centre. numbers: int64 (2, blocks, lanes), of these centres.

    coordinates: int32 (k, 16), of centres, in units of 1 / ONE. sums: int64 (k, 17), how often each bit is set in the
    slices of a centre, and how many slices there are. flags: uint8 (2, k).

    nearest, differing: int16 (n,), the number of the nearest centre, and bits that differ from the nearest of the first
    centres. distances: int64 (n,), to the nearest centre, over its number. listed: int32 (2, n + 1), slices.
    shares: int64 (ceil(n / PART),). upper: int32 (lanes,).
    """

    of_nibbles: Int32
    rest: Int32
    numbers: Int64
    coordinates: Int32
    sums: Int64
    flags: UInt8
    nearest: Int16
    differing: Int16
    distances: Int64
    listed: Int32
    upper: Int32

    @classmethod
    def empty(cls, slices: int, count: int) -> ClusterRoom:
        """Room for so many slices and centres."""
        lanes = min(CENTRES_AT_ONCE, -(-count // LANES) * LANES)
        blocks = -(-count // lanes)
        nearest, differing = np.zeros((2, slices), np.int16)
        return cls(
            of_nibbles=np.zeros((2, blocks, 4, 16, lanes), np.int32),
            rest=np.full((2, blocks, lanes), FAR),
            numbers=np.arange(blocks * lanes).reshape(1, blocks, lanes).repeat(2, axis=0),
            coordinates=np.zeros((count, SLICE_BITS), np.int32),
            sums=np.zeros((count, SLICE_BITS + 1), np.int64),
            flags=np.zeros((2, count), np.uint8),
            nearest=nearest,
            differing=differing,
            distances=np.zeros(slices, np.int64),
            listed=np.zeros((2, slices + 1), np.int32),
            upper=np.zeros(lanes, np.int32),
        )


@lean_kernel
def find_centres(values: UInt16, weights: Int64, draws: Int64, iterations: int, room: ClusterRoom) -> None:
    """Weighted k-means: coordinates of `room` after so many iterations, or when centres move no more.

    values, weights: uint16 and int64 (n,), different slices in ascending order, and how many there are. draws: int64
    (k,), a random number for each centre.
    """
    nearest, distances = room.nearest[: len(values)], room.distances[: len(values)]
    start_centres(values, weights, draws, nearest, room.differing, room.distances, room.coordinates)
    all_lanes = (len(draws) + LANES - 1) // LANES * LANES
    moves = first_centres(room.numbers[MOVED], len(draws))
    for iteration in range(iterations):
        if moves == 0:
            break
        lanes = (moves + LANES - 1) // LANES * LANES
        lay_centres(room.coordinates, moves, lanes, room.of_nibbles, room.rest, room.numbers)
        if iteration == 0:
            first_slices(values, weights, nearest, room.differing, distances, room.sums, room.flags[CHANGED])
        else:
            for block in range(room.rest.shape[1]):
                for of in range(2):
                    stop = (all_lanes if of == EVERY else lanes) - block * CENTRES_AT_ONCE
                    add_up_nibbles(room.of_nibbles[of, block], min(stop, CENTRES_AT_ONCE))
            are_all_far = 2 * moves > len(draws)
            fars = list_far(
                values,
                nearest,
                room.of_nibbles[EVERY],
                room.rest[EVERY],
                room.flags[HAS_MOVED],
                are_all_far,
                distances,
                room.listed,
            )
            for of in range(2):
                listed = room.listed[of, : fars if of == EVERY else len(values) - fars]
                for block in range(room.rest.shape[1]):
                    stop = (all_lanes if of == EVERY else lanes) - block * CENTRES_AT_ONCE
                    find_nearest(
                        values,
                        listed,
                        room.of_nibbles[of, block],
                        room.rest[of, block],
                        room.numbers[of, block],
                        min(stop, CENTRES_AT_ONCE),
                        room.upper,
                        distances,
                    )
            change_slices(values, weights, distances, nearest, room.listed[EVERY], room.sums, room.flags[CHANGED])
        moves = move_centres(room.coordinates, room.sums, room.flags, room.numbers[MOVED])


@called_kernel
def start_centres(
    values: UInt16,
    weights: Int64,
    draws: Int64,
    nearest_out: Int16,
    differing_out: Int16,
    shares: Int64,
    coordinates_out: Int32,
) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    shares: int64, room for one of each part.
    """
    parts = (len(values) + PART - 1) // PART
    for i in range(len(values)):
        differing_out[i] = 1
    for centre in range(len(draws)):
        all_differ = np.int16(SLICE_BITS if centre == 0 else 0)  # from no centre, once the first is drawn
        total = 0
        for part in range(parts):
            own_weights = weights[part * PART : (part + 1) * PART]
            own_differing = differing_out[part * PART : (part + 1) * PART]
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
        while chosen < len(values) - 1 and left >= weights[chosen] * np.int64(differing_out[chosen]):
            left -= weights[chosen] * np.int64(differing_out[chosen])
            chosen += 1
        value = values[chosen]
        coordinates = coordinates_out[centre]
        for bit in range(len(coordinates)):
            coordinates[bit] = ONE * (value >> bit & 1)
        for i in range(len(values)):
            before = np.int16(differing_out[i] | all_differ)
            bits = np.int16(count_ones(np.uint64(values[i] ^ value)))
            nearest_out[i] = np.int16(centre) if bits < before else nearest_out[i]
            differing_out[i] = bits if bits < before else before


@inner_kernel
def first_centres(moved_out: Int64, count: int) -> int:
    """At first all centres have moved; returns how many."""
    for centre in range(count):
        moved_out[centre >> PLACE_BITS, centre & LAST_PLACE] = centre
    return count


@called_kernel
def lay_centres(
    coordinates: Int32, moves: int, lanes: int, of_nibbles_out: Int32, rest_out: Int32, numbers: Int64
) -> None:
    """What single bits add to distances to centres that have moved, and the rest of them; FAR in lanes without one."""
    for place in range(lanes):
        is_centre = place < moves
        number = numbers[MOVED, place >> PLACE_BITS, place & LAST_PLACE] if is_centre else 0
        for of in range(EVERY if is_centre else MOVED, len(rest_out)):
            at = place if of == MOVED else number
            block, lane = at >> PLACE_BITS, at & LAST_PLACE
            own = coordinates[number]
            square = np.int64(0)
            for bit in range(len(own)):
                coordinate = np.int64(own[bit]) if is_centre else np.int64(0)
                square += coordinate * coordinate
                # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds, but for what all centres have
                of_nibbles_out[of, block, bit >> 2, 1 << (bit & 3), lane] = -2 * ONE * CENTRES_AT_ONCE * coordinate
            rest_out[of, block, lane] = square * CENTRES_AT_ONCE + lane if is_centre else np.int64(FAR)


@called_kernel
def first_slices(
    values: UInt16,
    weights: Int64,
    nearest: Int16,
    differing: Int16,
    distances_out: Int64,
    sums_out: Int64,
    has_changed_out: UInt8,
) -> None:
    """Sums of centres to which all slices are new."""
    for centre in range(len(sums_out)):
        for bit in range(sums_out.shape[1]):
            sums_out[centre, bit] = 0
        has_changed_out[centre] = 1
    for i in range(len(values)):
        number = np.int64(nearest[i])
        without_ones = np.int64(differing[i]) - count_ones(np.uint64(values[i]))
        distances_out[i] = (without_ones * ONE * ONE << NUMBER_BITS) | number
        add_slice(sums_out[number], np.int64(values[i]), weights[i])


@inner_kernel
def add_slice(sums_out: Int64, value: np.int64, weight: int) -> None:
    """Add so many of a slice to the sums of a centre, int64 (17,)."""
    for bit in range(SLICE_BITS):
        sums_out[bit] += weight & -(value >> bit & 1)
    sums_out[SLICE_BITS] += weight


@called_kernel
def change_slices(
    values: UInt16,
    weights: Int64,
    distances: Int64,
    nearest_out: Int16,
    listed: Int32,
    sums_out: Int64,
    has_changed_out: UInt8,
) -> None:
    """Slices go from the centre that was nearest to the one that is. listed: room."""
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
        has_changed_out[number] = 1
        add_slice(sums_out[number], np.int64(values[i]), weights[i] if is_added else -weights[i])


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
    nearest: Int16,
    of_nibbles: Int32,
    rest: Int32,
    has_moved: UInt8,
    are_all_far: bool,
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
        is_own_moved = has_moved[nearest[i]] != 0
        near[nears] = far[fars] = i
        nears += not is_own_moved
        fars += is_own_moved
    moved, fars = fars, 0
    for j in range(moved):
        i = far[j]
        number = np.int64(nearest[i])
        block, lane = number >> PLACE_BITS, number & LAST_PLACE
        own = np.int64(rest[block, lane])
        for nibble in range(of_nibbles.shape[1]):
            own += np.int64(of_nibbles[block, nibble, values[i] >> 4 * nibble & 15, lane])
        own = (own >> PLACE_BITS) << NUMBER_BITS | number
        is_far = own > distances_out[i]
        distances_out[i] = own
        near[nears] = far[fars] = i
        nears += not is_far
        fars += is_far
    return fars


@called_kernel
def find_nearest(
    values: UInt16,
    listed: Int32,
    of_nibbles: Int32,
    rest: Int32,
    numbers: Int64,
    lanes: int,
    upper: Int32,
    distances_out: Int64,
) -> None:
    """Distances of listed slices, int32 (n,), to the nearest of the centres of a block, where it is nearer than what
    stands there, or as near with a lower number. upper: room."""
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
def move_centres(coordinates_out: Int32, sums: Int64, flags_out: UInt8, moved_out: Int64) -> int:
    """Move every centre to the weighted mean of its slices, rounded down; one without slices stays.

    Returns how many have moved, whose numbers are the first of moved_out, int64 (blocks, n).
    """
    found = 0
    for centre in range(len(sums)):
        coordinates, own = coordinates_out[centre], sums[centre]
        has_moved = False
        if flags_out[CHANGED, centre] != 0 and own[SLICE_BITS] > 0:
            slices = np.float64(own[SLICE_BITS])
            for bit in range(SLICE_BITS):
                # whole numbers below 2^53: a quotient of floats is rounded to a whole number only where it is one
                coordinate = np.int32(np.float64(ONE * own[bit]) / slices)
                has_moved |= coordinate != coordinates[bit]
                coordinates[bit] = coordinate
        flags_out[CHANGED, centre] = 0
        flags_out[HAS_MOVED, centre] = has_moved
        if has_moved:
            moved_out[found >> PLACE_BITS, found & LAST_PLACE] = centre
            found += 1
    return found
