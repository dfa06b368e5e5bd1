"""Patterns of slices: k-means of what a training split has at every place of a row."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt16
from spikecycle.simulator.dataflows.pattern_correction.clustering import Centres
from spikecycle.simulator.dataflows.pattern_correction.place_clusters import PlaceSlices, cluster_places
from spikecycle.simulator.dataflows.pattern_correction.slices import CountRoom, SeenSlices, sort_slices

DRAWS_KEPT = 256
"""Places whose random numbers are kept: operators of the same machine draw the same ones."""


class Patterns(NamedTuple):
    """Patterns of all places, one after the other, in ascending order: those of place i are
    [starts[i] : starts[i + 1]]."""

    values: UInt16
    starts: Int64


def patterns_of(seen: SeenSlices, wanted: int, iterations: int, seed: int, groups: int) -> Patterns:
    """At most `wanted` patterns of what was seen at each place of so many groups. Puts `seen` in order."""
    sort_slices(seen, CountRoom.empty())
    different = seen.different
    crowded = np.flatnonzero(different > wanted)
    if not len(crowded):
        return Patterns(seen.values, seen.starts)
    places = len(different) // groups
    draws = np.stack([draws_of(seed, *divmod(place, places), wanted) for place in crowded.tolist()])
    nearest = np.empty((len(crowded), wanted), np.uint16)
    slices, centres = PlaceSlices.none(int(different.max())), Centres.none(wanted)
    cluster_places(seen.values, seen.numbers, seen.starts, crowded, draws, iterations, slices, centres, nearest)
    patterns, counts = without_doubles(nearest)
    of_place = different.copy()
    of_place[crowded] = counts
    starts = np.concatenate([[0], np.cumsum(of_place)])
    is_crowded = np.repeat(different > wanted, of_place)
    values = np.empty(starts[-1], np.uint16)
    values[is_crowded] = patterns
    values[~is_crowded] = seen.values[np.repeat(different <= wanted, different)]
    return Patterns(values, starts)


def without_doubles(nearest: UInt16) -> tuple[UInt16, Int64]:
    """Of the slices next to the centres of each place, uint16 (places, k), those of two ones at least, each once, in
    ascending order, one place after the other; and int64 (places,), how many."""
    patterns = np.sort(nearest, axis=1)
    is_taken = np.bitwise_count(patterns) > 1
    is_taken[:, 1:] &= patterns[:, 1:] != patterns[:, :-1]
    return patterns[is_taken], is_taken.sum(axis=1)


@lru_cache(DRAWS_KEPT)
def draws_of(seed: int, group: int, place: int, wanted: int) -> Int64:
    """int64 (wanted,): a random number for each first centre of a place."""
    return np.random.default_rng((seed, group, place)).integers(0, 2**62, wanted)
