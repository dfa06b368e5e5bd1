"""Patterns of slices of 16 bits: weighted k-means on what a training split has, in whole numbers."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt16, UInt64
from spikecycle.simulator.jit import kernel

SLICE_BITS = 16
"""Bits of a slice: Phi (ISCA 2025), Table 1."""
ONE = 256
"""A coordinate of 1, in the whole numbers that centres are kept in."""


def slices_of(rows: UInt64, fan_in: int) -> UInt16:
    """Slices, uint16 (..., ceil(K / 16)), of packed rows, uint64 (..., ceil(K / 64)); bit b of slice i is column
    16 i + b."""
    little = np.ascontiguousarray(rows).astype("<u8", copy=False)
    return little.view("<u2")[..., : -(-fan_in // SLICE_BITS)].astype(np.uint16, copy=False)


def patterns_of(values: UInt16, wanted: int, iterations: int, seed: tuple[int, ...]) -> UInt16:
    """At most `wanted` patterns, sorted, of the slices of one place, uint16 (n,)."""
    seen = np.bincount(values, minlength=1 << SLICE_BITS)
    found = np.flatnonzero(seen)
    found = found[np.bitwise_count(found) > 1]
    if len(found) > wanted:
        draws = np.random.default_rng(seed).integers(0, 2**62, wanted)
        centres = np.zeros((SLICE_BITS, wanted), np.int64)
        start_centres(found, seen[found], draws, centres)
        for _ in range(iterations):
            move_centres(found, seen[found], centres)
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
            differing = 0
            for bit in range(len(centres_out)):
                differing += (values[i] ^ values[chosen]) >> bit & 1
            distance[i] = differing if centre == 0 else min(distance[i], differing)


@kernel
def move_centres(values: Int64, weights: Int64, centres: Int64) -> None:
    """One iteration: every slice goes to its nearest centre, the first of several; a centre to the weighted mean of its
    slices, rounded down. A centre without slices stays."""
    bits, count = centres.shape
    squares = np.zeros(count, np.int64)
    for bit in range(bits):
        for centre in range(count):
            squares[centre] += centres[bit, centre] * centres[bit, centre]
    sums = np.zeros((bits, count), np.int64)
    members = np.zeros(count, np.int64)
    distance = np.zeros(count, np.int64)
    for i in range(len(values)):
        distance[:] = squares
        for bit in range(bits):
            if values[i] >> bit & 1:
                # (ONE - c)^2 - c^2
                of_bit = centres[bit]
                for centre in range(count):
                    distance[centre] -= 2 * ONE * of_bit[centre]
        nearest = 0
        for centre in range(count):
            if distance[centre] < distance[nearest]:
                nearest = centre
        members[nearest] += weights[i]
        for bit in range(bits):
            sums[bit, nearest] += weights[i] * (values[i] >> bit & 1)
    for centre in range(count):
        if members[centre] > 0:
            for bit in range(bits):
                centres[bit, centre] = ONE * sums[bit, centre] // members[centre]
