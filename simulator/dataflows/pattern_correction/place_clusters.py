"""Kernels: weighted k-means of the different slices of 16 bits that each place of a row has, in whole numbers.

Where few of many centres have moved, slices whose own has not look at these only: no other can have become nearer than
their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.aligned import aligned_zeros
from spikecycle.simulator.array_types import Int16, Int32, Int64, UInt8, UInt16
from spikecycle.simulator.dataflows.pattern_correction.clustering import (
    EVERY,
    LANE_BITS,
    LANES,
    LAST_NUMBER,
    ONE,
    SLICE_BITS,
    Centres,
    add_up_bits,
    find_nearest,
    lay_moved,
    move_centres,
)
from spikecycle.simulator.jit import called_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

PART_BITS = 6
PART = 1 << PART_BITS
"""Slices whose shares are added up by themselves, so that a drawn one is found in few steps."""


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
