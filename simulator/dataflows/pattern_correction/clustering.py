"""Kernels: weighted k-means of different slices of 16 bits, in whole numbers.

A distance is a sum over the bits of a slice that are set. Tables hold what the bits of three parts of a slice add, for
many centres side by side, in 16 bits: a distance is cut into its upper bits, which are compared, and a remainder, which
only tells apart centres whose upper bits are the same. From the second iteration on, a slice whose own centre has not
gone away from it looks at the centres that have moved only, where these are few: no other can have become nearer than
its own.
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
KINDS = 1 << SLICE_BITS
"""Slices that there can be."""
ONE = 256
"""A coordinate of 1, in the whole numbers that centres are kept in."""
REST_BITS = 6
"""Of a distance, which is a multiple of nothing, at most 2^20, or less than zero by as much: those below the 16 bits
that are compared first."""
LANE_BITS = 7
"""Of the place of a centre in its block, below the remainder of a distance."""
LANES = 1 << LANE_BITS
"""Centres of a block: so many that wide registers, and several at once, take them all."""
NUMBER_BITS = 12
"""Of the number of a centre, below a distance."""
LAST_NUMBER = (1 << NUMBER_BITS) - 1
FAR = np.int16(2**15 - 1)
"""In place of the upper bits of a distance: no centre."""
NOWHERE = 1 << 40
"""Farther than any distance over the number of a centre."""
TABLE_BITS = 5
"""Bits of a slice that the first and the second table take; the third takes the others."""
SECOND, THIRD, SUMS = 1 << TABLE_BITS, 2 << TABLE_BITS, (2 << TABLE_BITS) + (1 << SLICE_BITS - 2 * TABLE_BITS)
"""Where the second and the third table begin, and how many sums all three have."""
PART = 64
"""Slices whose shares are added up by themselves: anew where one has changed, and so that a drawn one is found in few
steps."""
EVERY, MOVED = 0, 1
"""Of which centres tables are, and which of them slices are listed to look at: all, or those that moved last."""
CHANGED, HAS_MOVED = 0, 1
"""Flags of a centre: slices came or went; it moved last."""


class Centres(NamedTuple):
    """Where centres are, and what they are the means of.

    coordinates: int16 (k, 16), in units of 1 / ONE. sums: int64 (k, 17), how often each bit is set in the slices of a
    centre, and how many slices there are. flags: uint8 (2, k).
    """

    coordinates: Int16
    sums: Int64
    flags: UInt8


class PlaceSlices(NamedTuple):
    """Different slices of a place, in ascending order, and their centres; all (parts, PART), zeros behind the last.

    values, weights: uint16 and int64, slices, and how many there are. nearest: int16, the number of the nearest centre.
    differing: int16, bits that differ from the nearest of the first centres. distances: int64, to the nearest centre,
    over its number.
    """

    values: UInt16
    weights: Int64
    nearest: Int16
    differing: Int16
    distances: Int64


class CentreTables(NamedTuple):
    """What squared distances to centres are added up from, less the ones of the slice, which all centres have alike: of
    EVERY centre, and of those that MOVED, in blocks of LANES side by side.

    bits: int16 (2, blocks, 16, LANES), what each bit adds to the upper bits of a distance. sums: int16 (2, blocks,
    SUMS, LANES), what all values of the three parts of a slice add; those of the first part with what all slices have,
    which is FAR where there is no centre. rests: uint16 (2, blocks, LANES), the remainders of the distances, which all
    slices have alike, over the place of the centre. numbers: int64 (2, blocks, LANES), of the centres.
    """

    bits: Int16
    sums: Int16
    rests: UInt16
    numbers: Int64


class LookingSlices(NamedTuple):
    """Slices that look at EVERY centre, and those that look at what MOVED.

    listed: int32 (2, n + 1), their places. values, distances: uint16 and int64 (2, n + 1), as `PlaceSlices` has them.
    """

    listed: Int32
    values: UInt16
    distances: Int64


class ClusterRoom(NamedTuple):
    """Room for k-means of one place after the other.

    changed: int32 (PART + 1,), slices whose centre is another now. shares: int64 (parts,), sums of weights times
    distances.
    """

    centres: Centres
    slices: PlaceSlices
    tables: CentreTables
    looking: LookingSlices
    changed: Int32
    shares: Int64

    @classmethod
    def empty(cls, slices: int, count: int) -> ClusterRoom:
        """Room for at most so many different slices, and so many centres."""
        parts, blocks = -(-slices // PART), -(-count // LANES)
        shape = parts, PART
        centres = Centres(
            np.zeros((count, SLICE_BITS), np.int16),
            np.zeros((count, SLICE_BITS + 1), np.int64),
            np.zeros((2, count), np.uint8),
        )
        of_place = PlaceSlices(
            aligned_zeros(shape, np.uint16),
            aligned_zeros(shape, np.int64),
            aligned_zeros(shape, np.int16),
            aligned_zeros(shape, np.int16),
            aligned_zeros(shape, np.int64),
        )
        tables = CentreTables(
            aligned_zeros((2, blocks, SLICE_BITS, LANES), np.int16),
            aligned_zeros((2, blocks, SUMS, LANES), np.int16),
            aligned_zeros((2, blocks, LANES), np.uint16),
            np.arange(blocks * LANES).reshape(1, blocks, LANES).repeat(2, axis=0),
        )
        tables.sums[:, :, 0] = FAR
        looking = LookingSlices(*(np.zeros((2, slices + 1), dtype) for dtype in (np.int32, np.uint16, np.int64)))
        changed = np.zeros(PART + 1, np.int32)
        return cls(centres, of_place, tables, looking, changed, np.zeros(parts, np.int64))


@lean_kernel
def cluster_places(
    values: UInt16,
    weights: Int64,
    starts: Int64,
    places: Int64,
    draws: Int64,
    iterations: int,
    room: ClusterRoom,
    coordinates_out: Int16,
) -> None:
    """The centres of places, int64 (n,), of slices as `SeenSlices` has them, each in ascending order.

    draws: int64 (n, k), a random number for each first centre. coordinates_out: int16 (n, k, 16).
    """
    for row in range(len(places)):
        first, last = starts[places[row]], starts[places[row] + 1]
        of_place = room.slices.values.reshape(-1), room.slices.weights.reshape(-1)
        for i in range(-(-(last - first) // PART) * PART):
            is_slice = first + i < last
            of_place[0][i] = values[first + i] if is_slice else 0
            of_place[1][i] = weights[first + i] if is_slice else 0
        start_centres(last - first, draws[row], room)
        find_centres(last - first, iterations, room)
        for centre in range(draws.shape[1]):
            for bit in range(SLICE_BITS):
                coordinates_out[row, centre, bit] = room.centres.coordinates[centre, bit]


@called_kernel
def start_centres(count: int, draws: Int64, room: ClusterRoom) -> None:
    """k-means++: the first centre by weight, each further one by weight x squared distance to the nearest one so far.

    count: of the slices of the place. draws: int64 (k,).
    """
    values, weights, nearest, differing, distances = room.slices
    centres, shares = room.centres, room.shares
    parts = (count + PART - 1) // PART
    total = 0
    for part in range(parts):
        share = 0
        for i in range(PART):
            differing[part, i] = 1
            share += weights[part, i]
        shares[part] = share
        total += share
    for centre in range(len(draws)):
        left = draws[centre] % max(1, total)
        part = 0
        while part < parts - 1 and left >= shares[part]:
            left -= shares[part]
            part += 1
        place = reach = 0
        for i in range(min(PART, count - part * PART) - 1):
            reach += weights[part, i] * np.int64(differing[part, i])
            place += reach <= left
        value = values[part, place]
        for bit in range(SLICE_BITS):
            centres.coordinates[centre, bit] = ONE * (value >> bit & 1)
        all_differ = np.int16(SLICE_BITS if centre == 0 else 0)  # from no centre, once the first is drawn
        total = 0
        for part in range(parts):
            own_values, own_weights, own_nearest = values[part], weights[part], nearest[part]
            own_differing = differing[part]
            for i in range(PART):
                before = np.int16(own_differing[i] | all_differ)
                bits = np.int16(count_ones(np.uint64(own_values[i] ^ value)))
                now = bits if bits < before else before
                own_nearest[i] = np.int16(centre) if bits < before else own_nearest[i]
                own_differing[i] = now
            share = 0
            for i in range(PART):
                share += own_weights[i] * np.int64(own_differing[i])
            shares[part] = share
            total += share
    for centre in range(len(draws)):
        for bit in range(SLICE_BITS + 1):
            centres.sums[centre, bit] = 0
        centres.flags[CHANGED, centre] = 1
    for part in range(parts):
        for i in range(PART):
            number = np.int64(nearest[part, i])
            without_ones = np.int64(differing[part, i]) - count_ones(np.uint64(values[part, i]))
            distances[part, i] = (without_ones * ONE * ONE << NUMBER_BITS) | number
            add_slice(centres.sums[number], np.int64(values[part, i]), weights[part, i])


@called_kernel
def find_centres(count: int, iterations: int, room: ClusterRoom) -> None:
    """Weighted k-means from where `start_centres` left it, for so many iterations, or until centres move no more."""
    centres, tables, looking = room.centres, room.tables, room.looking
    values, distances = room.slices.values.reshape(-1), room.slices.distances.reshape(-1)
    blocks = tables.sums.shape[1]
    moves = len(centres.sums)
    for centre in range(moves):
        tables.numbers[MOVED, centre >> LANE_BITS, centre & LANES - 1] = centre
    for iteration in range(iterations):
        if moves == 0:
            break
        # where most blocks have moved, to look at these and at all is more work than to look at all
        moved_blocks = (moves + LANES - 1) // LANES
        are_all_far = 2 * moved_blocks > blocks
        if are_all_far:
            moved_blocks = 0
        lay_centres(centres.coordinates, moves, moved_blocks * LANES, tables)
        if iteration > 0:
            fars = count
            if are_all_far:
                for i in range(count):
                    distances[i] = NOWHERE
            else:
                fars = list_far(count, room.slices, tables, centres.flags, looking)
            for of in range(2):
                some = fars if of == EVERY else count - fars
                some_values = values[:some] if are_all_far else looking.values[of, :some]
                some_distances = distances[:some] if are_all_far else looking.distances[of, :some]
                for block in range(blocks if of == EVERY else moved_blocks):
                    add_up_bits(tables.bits[of, block], tables.sums[of, block])
                    find_nearest(some_values, tables, of, block, some_distances)
                if not are_all_far:
                    for j in range(some):
                        distances[looking.listed[of, j]] = some_distances[j]
            change_slices(count, room.slices, room.changed, centres)
        moves = move_centres(centres, tables.numbers)


@called_kernel
def lay_centres(coordinates: Int16, moves: int, lanes: int, tables_out: CentreTables) -> None:
    """What single bits add to distances to centres that have moved, and the rest of them: in tables of EVERY centre,
    and in the first `lanes` of those that MOVED, FAR where there is none."""
    for place in range(moves):
        number = tables_out.numbers[MOVED, place >> LANE_BITS, place & LANES - 1]
        block, lane = number >> LANE_BITS, number & LANES - 1
        own, bits = coordinates[number], tables_out.bits[EVERY, block]
        square = 0
        for bit in range(SLICE_BITS):
            square += np.int64(own[bit]) * np.int64(own[bit])
        for bit in range(SLICE_BITS):
            # (ONE - c)^2 - c^2 = ONE^2 - 2 ONE c: what a bit that is set adds, but for what all centres have
            bits[bit, lane] = -(2 * ONE >> REST_BITS) * own[bit]
        tables_out.sums[EVERY, block, 0, lane] = square >> REST_BITS
        tables_out.rests[EVERY, block, lane] = (square & (1 << REST_BITS) - 1) << LANE_BITS | lane
    for place in range(lanes):
        is_centre = place < moves
        number = tables_out.numbers[MOVED, place >> LANE_BITS, place & LANES - 1] if is_centre else 0
        block, lane, from_block, from_lane = (
            place >> LANE_BITS,
            place & LANES - 1,
            number >> LANE_BITS,
            number & LANES - 1,
        )
        for bit in range(SLICE_BITS):
            adds = tables_out.bits[EVERY, from_block, bit, from_lane]
            tables_out.bits[MOVED, block, bit, lane] = adds if is_centre else 0
        all_add = tables_out.sums[EVERY, from_block, 0, from_lane]
        tables_out.sums[MOVED, block, 0, lane] = all_add if is_centre else FAR
        rest = np.int64(tables_out.rests[EVERY, from_block, from_lane])
        tables_out.rests[MOVED, block, lane] = (rest >> LANE_BITS) << LANE_BITS | lane


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


@inner_kernel
def add_slice(sums_out: Int64, value: np.int64, weight: int) -> None:
    """Add so many of a slice to the sums of a centre, int64 (17,)."""
    for bit in range(SLICE_BITS):
        sums_out[bit] += weight & -(value >> bit & 1)
    sums_out[SLICE_BITS] += weight


@called_kernel
def list_far(count: int, slices: PlaceSlices, tables: CentreTables, flags: UInt8, looking_out: LookingSlices) -> int:
    """List slices that look at EVERY centre, and those that look at what MOVED, as their own has not become farther;
    returns how many look at every one. Distances are those to their own centres, and NOWHERE for EVERY."""
    nearest, distances = slices.nearest.reshape(-1), slices.distances.reshape(-1)
    values = slices.values.reshape(-1)
    fars = nears = 0
    # Nothing is jumped over here: a processor cannot know ahead which slices lie far.
    for i in range(count):
        number, value = np.int64(nearest[i]), np.int64(values[i])
        block, lane = number >> LANE_BITS, number & LANES - 1
        own = np.int64(tables.sums[EVERY, block, 0, lane])
        for bit in range(SLICE_BITS):
            own += np.int64(tables.bits[EVERY, block, bit, lane]) & -(value >> bit & 1)
        own = (own << REST_BITS) + (np.int64(tables.rests[EVERY, block, lane]) >> LANE_BITS)
        own = own << NUMBER_BITS | number
        is_far = own > distances[i]
        looking_out.listed[MOVED, nears] = looking_out.listed[EVERY, fars] = i
        looking_out.values[MOVED, nears] = looking_out.values[EVERY, fars] = value
        looking_out.distances[MOVED, nears] = own
        looking_out.distances[EVERY, fars] = NOWHERE
        nears += not is_far
        fars += is_far
    return fars


@called_kernel
def find_nearest(values: UInt16, tables: CentreTables, of: int, block: int, distances_out: Int64) -> None:
    """Distances of slices, (n,), to the nearest of the centres of a block, where it is nearer than what stands there,
    or as near with a lower number."""
    sums, rests, numbers = tables.sums[of, block], tables.rests[of, block], tables.numbers[of, block]
    for i in range(len(values)):
        value = np.int64(values[i])
        first, second = sums[value & SECOND - 1], sums[SECOND | value >> TABLE_BITS & SECOND - 1]
        third = sums[THIRD | value >> 2 * TABLE_BITS]
        least = FAR
        for lane in range(LANES):
            upper = np.int16(first[lane] + second[lane] + third[lane])
            least = upper if upper < least else least
        rest = np.uint16(KINDS - 1)
        for lane in range(LANES):
            upper = np.int16(first[lane] + second[lane] + third[lane])
            own = np.uint16(rests[lane] | -np.int64(upper != least))
            rest = own if own < rest else rest
        distance = (np.int64(least) << REST_BITS) + (np.int64(rest) >> LANE_BITS)
        number = numbers[np.int64(rest) & LANES - 1]
        distances_out[i] = min(distance << NUMBER_BITS | number, distances_out[i])


@called_kernel
def change_slices(count: int, slices: PlaceSlices, room: Int32, centres_out: Centres) -> None:
    """Slices go from the centre that was nearest to the one that is. room: int32 (PART + 1,)."""
    for part in range((count + PART - 1) // PART):
        distances, nearest = slices.distances[part], slices.nearest[part]
        differing = np.int64(0)
        for i in range(PART):
            differing |= distances[i] & LAST_NUMBER ^ np.int64(nearest[i])
        if differing == 0:
            continue
        changed = 0
        for i in range(min(PART, count - part * PART)):
            room[changed] = i
            changed += distances[i] & LAST_NUMBER != np.int64(nearest[i])
        for j in range(2 * changed):  # each is taken from one centre, and added to another
            i = room[j >> 1]
            is_added = j & 1
            if is_added:
                nearest[i] = distances[i] & LAST_NUMBER
            number, weight = np.int64(nearest[i]), slices.weights[part, i]
            centres_out.flags[CHANGED, number] = 1
            add_slice(centres_out.sums[number], np.int64(slices.values[part, i]), weight if is_added else -weight)


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
            share = 1 / np.float64(own[SLICE_BITS])
            for bit in range(SLICE_BITS):
                # no quotient with a half more lies next to a whole number, so that none is rounded to one or past it
                coordinate = np.int16((np.float64(ONE * own[bit]) + 0.5) * share)
                has_moved |= coordinate != coordinates[bit]
                coordinates[bit] = coordinate
        centres_out.flags[CHANGED, centre] = 0
        centres_out.flags[HAS_MOVED, centre] = has_moved
        if has_moved:
            numbers_out[MOVED, found >> LANE_BITS, found & LANES - 1] = centre
            found += 1
    return found
