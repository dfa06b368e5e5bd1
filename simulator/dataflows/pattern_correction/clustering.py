"""Kernels: centres of slices of 16 bits, in whole numbers, and which of them is nearest to a slice.

A distance is a sum over the bits of a slice that are set. Tables hold what three parts of a slice add, for many centres
side by side, in 16 bits: the upper bits of distances are compared, and their remainders, which all slices have alike,
tell apart centres whose upper bits are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.aligned import aligned_zeros
from spikecycle.simulator.array_types import Int16, Int64, UInt8, UInt16
from spikecycle.simulator.jit import called_kernel

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
