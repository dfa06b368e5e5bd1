"""Patterns and corrections: calibration and choice by hand and against the twin, and where patterns come from."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator import UsageError
from spikecycle.simulator.array_types import Int64, UInt16
from spikecycle.simulator.dataflows import pattern_correction
from spikecycle.simulator.dataflows.pattern_correction.clustering import LANES, Centres
from spikecycle.simulator.dataflows.pattern_correction.kernels import (
    CORRECTION_BITS,
    KnownSlices,
    LevelLimits,
    ReplaceRoom,
    match_slices,
    replace_slices,
)
from spikecycle.simulator.dataflows.pattern_correction.patterns import Patterns, patterns_of
from spikecycle.simulator.dataflows.pattern_correction.place_clusters import PlaceSlices, cluster_places
from spikecycle.simulator.dataflows.pattern_correction.slices import AT_ONCE, CountRoom, SeenSlices, slices_of
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin
from tests.reference import pattern_correction as reference


@pytest.mark.parametrize("network", ["strided", "grouped", "many_bits"])
@pytest.mark.parametrize("patterns", [1, 5])
def test_few_patterns_and_small_tiles(tmp_path: Path, network: str, patterns: int) -> None:
    """So few that k-means has to choose, tiles that do not divide the rows, levels that wait."""
    chosen = {
        "dataflow.tile_rows": 7, "dataflow.lanes": 2, "dataflow.channels": 2, "dataflow.ids_per_cycle": 3,
        "dataflow.calibration.patterns": patterns, "dataflow.calibration.iterations": 3,
    }  # fmt: skip
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine("phi", chosen), trace))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4))
def test_patterns_are_those_of_the_twin(seed: int, wanted: int, iterations: int) -> None:
    random = np.random.default_rng(seed)
    values = random.choice(random.integers(0, 1 << 16, 12), 40).astype(np.uint16)
    bits = [tuple(int(value) >> b & 1 for b in range(16)) for value in values]
    chosen = SimpleNamespace(patterns=wanted, iterations=iterations, seed=3)
    expected = [reference.value_of(one) for one in reference.calibrate(bits, chosen, (0, 1))]
    slices = np.stack([np.zeros_like(values), values])[None]
    patterns = patterns_of(seen_in(slices), wanted, iterations, 3, groups=1)
    assert patterns.values.tolist() == expected
    assert patterns.starts.tolist() == [0, 0, len(expected)]


def in_words(slices: UInt16) -> UInt16:
    """uint16 (groups, words, rows, 4) of slices (groups, places, rows)."""
    groups, places, rows = slices.shape
    words = -(-places // 4)
    filled = np.zeros((groups, words * 4, rows), np.uint16)
    filled[:, :places] = slices
    return np.ascontiguousarray(filled.reshape(groups, words, 4, rows).transpose(0, 1, 3, 2))


def seen_in(*blocks: UInt16) -> SeenSlices:
    """What is seen in slices (groups, places, rows)."""
    found, room = SeenSlices.none(blocks[0].shape[0] * blocks[0].shape[1]), CountRoom.empty()
    for slices in blocks:
        found = found.plus(in_words(slices), room)
    return found


def seen_at_one_place(values: Iterable[int]) -> SeenSlices:
    return seen_in(np.array([[list(values)]], np.uint16))


@pytest.mark.kernel
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 400),
    wanted=st.sampled_from([1, 3, 17, 40]),
    iterations=st.integers(0, 6),
    at_random=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_centres_are_those_that_every_distance_gives(
    count: int, wanted: int, iterations: int, at_random: bool, seed: int
) -> None:
    """Random slices have 8 ones, those that overlap have many that are as near to one centre as to another."""
    check_centres(count, wanted, iterations, at_random, seed)


def test_centres_go_away_from_their_slices() -> None:
    """So many iterations that most centres rest, while slices of others find one that rests to be nearer."""
    for seed in range(8):
        check_centres(900, 60, 12, at_random=False, seed=seed)


def test_more_centres_than_are_looked_at_together() -> None:
    """The last time of so many iterations that few move, which are looked at by themselves."""
    check_centres(1300, 2 * LANES + 7, 3, at_random=True, seed=4)
    check_centres(900, LANES, 4, at_random=False, seed=5)
    check_centres(2600, 4 * LANES + 7, 7, at_random=True, seed=6)


def test_slices_that_are_counted_often() -> None:
    """Sums of more than 32 bits."""
    check_centres(300, 20, 4, at_random=True, seed=6, most=2**30)


def check_centres(count: int, wanted: int, iterations: int, at_random: bool, seed: int, most: int = 100) -> None:
    """Centres against distances between all slices and all centres, in every iteration."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 1 << 16, (1 if at_random else 3, count))
    values = np.unique(np.bitwise_and.reduce(drawn, axis=0) | 3 << 8)
    numbers = random.integers(1, most, len(values))
    draws = random.integers(0, 2**62, wanted)
    room = PlaceSlices.none(len(values) + 5), Centres.none(wanted)
    found = np.zeros((2, wanted), np.uint16)
    slices = np.tile(values.astype(np.uint16), 2), np.tile(numbers, 2), np.arange(3) * len(values)
    # the second time in used room
    cluster_places(*slices, np.array([1, 0]), np.tile(draws, (2, 1)), iterations, *room, found)
    centres = first_centres(values.tolist(), numbers.tolist(), draws.tolist())
    bits = values[:, None] >> np.arange(16) & 1
    for _ in range(iterations):
        nearest = ((256 * bits[:, :, None] - centres) ** 2).sum(axis=1).argmin(axis=1)
        for centre in range(wanted):
            own = nearest == centre
            if own.any():
                centres[:, centre] = (256 * (bits[own] * numbers[own, None]).sum(axis=0)) // numbers[own].sum()
    assert room[1].coordinates.T.tolist() == centres.tolist()
    assert found.tolist() == [((centres >= 128) << np.arange(16)[:, None]).sum(axis=0).tolist()] * 2


def first_centres(values: list[int], numbers: list[int], draws: list[int]) -> Int64:
    """int64 (16, k): the slices that k-means++ draws, as coordinates."""
    distances = [1] * len(values)
    chosen: list[int] = []
    for draw in draws:
        reaches = list(accumulate(number * distance for number, distance in zip(numbers, distances, strict=True)))
        place = min(bisect_right(reaches, draw % max(1, reaches[-1])), len(values) - 1)
        chosen.append(values[place])
        to_chosen = [(value ^ values[place]).bit_count() for value in values]
        distances = to_chosen if len(chosen) == 1 else list(map(min, distances, to_chosen))
    return 256 * (np.array(chosen) >> np.arange(16)[:, None] & 1)


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    groups=st.integers(1, 2),
    places=st.integers(1, 6),
    rows=st.integers(1, 40),
    limits=st.builds(LevelLimits, st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)),
    width=st.sampled_from([4, 16]),
    density=st.sampled_from([0.05, 0.3]),
    known=st.sampled_from([0, 0.5, 1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_slices_are_replaced_row_by_row(
    groups: int, places: int, rows: int, limits: LevelLimits, width: int, density: float, known: float, seed: int
) -> None:
    """All that replacing slices comes to, tile by tile and slice by slice, however many were seen before. Of 4 bits the
    same slices are in places with other patterns."""
    random = np.random.default_rng(seed)
    bits = random.random((groups, places, rows, width)) < (density if width == 16 else 0.6)
    slices = (bits << np.arange(width)).sum(axis=3).astype(np.uint16)
    patterns = [random.choice(own, random.integers(0, 4)) for of_group in slices for own in of_group]
    seen = seen_in(slices[:, :, : int(known * rows)])
    check_replaced(slices, patterns, seen, limits, most=4)


def test_patterns_whose_numbers_need_many_bits() -> None:
    """Every other number of 12 bits is a pattern, so that those between are a bit away from one."""
    slices = np.arange(0x7F00, 0x8100, 7)[None, None].astype(np.uint16) & np.uint16(0xFFF)
    patterns = [np.arange(0, 1 << 12, 2, dtype=np.uint16)]
    seen = seen_in(slices[:, :, ::2])
    check_replaced(slices, patterns, seen, LevelLimits(16, 4, 2), most=len(patterns[0]))


def test_matches_that_take_too_much_memory_are_not_kept() -> None:
    seen = seen_at_one_place([3, 5, 6])
    patterns = Patterns(np.array([3], np.uint16), np.array([0, 1]))
    assert KnownSlices.of(seen, patterns, 1, 12).values.tolist() == [3, 5, 6]
    known = KnownSlices.of(seen, patterns, 1, 11)
    assert (known.values.tolist(), known.matches.tolist(), known.starts.tolist()) == ([], [], [0, 0])


def check_replaced(slices: UInt16, patterns: list[UInt16], seen: SeenSlices, limits: LevelLimits, most: int) -> None:
    """Slices (groups, places, rows), twice in the same room, against the rules of MICROARCHITECTURE.md."""
    with_pattern = corrections = used = cycles = 0
    for own, own_patterns in zip(slices.reshape(-1, slices.shape[2]), patterns, strict=True):
        for first in range(0, len(own), limits.rows):
            chosen, level_1, to_correct = set(), 0, 0
            tile = own[first : first + limits.rows].tolist()
            for begin in range(0, len(tile), limits.ids_per_cycle):
                waiting = 0
                for value in tile[begin : begin + limits.ids_per_cycle]:
                    costs = [1 + (value ^ pattern).bit_count() for pattern in own_patterns.tolist()]
                    if min(costs, default=99) < value.bit_count():
                        waiting += 1
                        chosen.add(costs.index(min(costs)))
                        to_correct += min(costs) - 1
                    else:
                        to_correct += value.bit_count()
                with_pattern += waiting
                level_1 += max(1, math.ceil(waiting / limits.channels))
            used += len(chosen)
            corrections += to_correct
            cycles += max(level_1, math.ceil(to_correct / limits.channels))
    starts = np.cumsum([0, *(len(own) for own in patterns)])
    of_all = Patterns(np.concatenate(patterns), starts)
    known, room = KnownSlices.of(seen, of_all, most, 2**24), ReplaceRoom.empty(most)
    for _ in range(2):
        totals = np.zeros(4, np.int64)
        replace_slices(in_words(slices), of_all, known, limits, room, totals)
        assert totals.tolist() == [with_pattern, corrections, used, cycles]


def test_two_kinds_of_slices_give_their_two_patterns() -> None:
    """Around 0x00FF and 0xFF00, each with a bit off now and then; ones of a single bit do not count."""
    around = [0x00FF] * 20 + [0x00FE, 0x00F7] + [0xFF00] * 20 + [0xFE00, 0xFD00] + [1, 2, 4] * 50 + [0] * 99
    assert patterns_of(seen_at_one_place(around), 2, 10, 0, groups=1).values.tolist() == [0x00FF, 0xFF00]


@pytest.mark.kernel
def test_what_several_samples_have_is_added_up() -> None:
    """Two groups of two places: the second place of the second group sees others."""
    one = np.array([[[3, 3, 5, 1], [0, 0, 0, 0]], [[8, 0, 0, 0], [3, 3, 3, 6]]], np.uint16)
    other = np.array([[[5, 7], [2, 0]], [[0, 0], [6, 9]]], np.uint16)
    seen = seen_in(one, other)
    assert seen.starts.tolist() == [0, 3, 3, 3, 6]
    found = list(zip(seen.values.tolist(), seen.numbers.tolist(), strict=True))
    assert sorted(found[:3]) == [(3, 2), (5, 2), (7, 1)]
    assert sorted(found[3:]) == [(3, 3), (6, 2), (9, 1)]


def test_more_rows_than_are_picked_out_together() -> None:
    values = np.arange(2 * AT_ONCE + 3) % 11
    seen = seen_at_one_place(values.tolist())
    numbers = dict(zip(seen.values.tolist(), seen.numbers.tolist(), strict=True))
    assert numbers == {value: (values == value).sum() for value in (3, 5, 6, 7, 9, 10)}


@pytest.mark.kernel
def test_numbers_beyond_32_bits() -> None:
    """One more than numbers of 32 bits hold, and as many as they hold."""
    for number, dtype in (2**31 - 2, np.int64), (2**31 - 3, np.int32):
        before = SeenSlices(np.array([5, 9], np.uint16), np.array([number, 1], np.int32), np.array([0, 2]))
        after = before.plus(in_words(np.array([[[5, 5]]], np.uint16)), CountRoom.empty())
        assert after.numbers.dtype == dtype
        assert dict(zip(after.values.tolist(), after.numbers.tolist(), strict=True)) == {5: number + 2, 9: 1}


def test_as_few_slices_as_patterns_are_the_patterns() -> None:
    assert patterns_of(seen_at_one_place([0b101, 0b11, 0b11, 0, 1]), 2, 10, 0, groups=1).values.tolist() == [
        0b11,
        0b101,
    ]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("value", "number", "corrections"),
    [
        (0b0111, 1, 0),  # equal: the pattern alone, 1 instead of 3
        (0b1111, 1, 1),  # 1 + 1 instead of 4
        (0b0011, 0, 2),  # 1 + 1 is not less than 2
        (0b1000, 0, 1),
        (0b11111000, 2, 1),
    ],
)
def test_the_nearest_pattern_by_hand(value: int, number: int, corrections: int) -> None:
    patterns = Patterns(np.array([0b0111, 0b11110000], np.uint16), np.array([0, 2]))
    found = np.zeros(1, np.uint16)
    match_slices(np.array([value], np.uint16), np.array([0, 1]), patterns, found)
    assert found.tolist() == [number << CORRECTION_BITS | corrections]


def test_slices_run_along_the_rows() -> None:
    """Column 17 of a row is bit 1 of slice 1 of its first word; column 64 lies in the second word. Two planes of one
    position are two rows."""
    planes = np.array([[[[1 << 17 | 1, 0]], [[0, 1]]]], np.uint64)
    assert slices_of(planes).tolist() == [[[[1, 2, 0, 0], [0, 0, 0, 0]], [[0, 0, 0, 0], [1, 0, 0, 0]]]]


def network(path: Path, spikes: list[int]) -> Path:
    """16 inputs, one output channel, T = 1."""
    graph = GraphBuilder(timesteps=1)
    values = np.array(spikes).reshape(1, 1, 16, 1, 1)
    current = graph.linear("fc", graph.input("x", values), np.ones((1, 16), int), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(path)
    return path


def counts(path: Path, settings: dict[str, Any] | None = None) -> tuple[int, int]:
    """Slices with a pattern, and corrections."""
    layer = spikecycle.simulate(path, "phi", settings=settings).layers[0]
    found = {counter.name: counter.sum_count for counter in layer.counters}
    return found["slices.pattern"], found["slices.correction"]


def test_patterns_come_from_the_training_trace_that_is_named(tmp_path: Path) -> None:
    """Six spikes are their own pattern; after training on four of them two are left to correct; on others, all six."""
    tried = network(tmp_path / "test.h5", [1] * 6 + [0] * 10)
    four = network(tmp_path / "four.h5", [1] * 4 + [0] * 12)
    others = network(tmp_path / "others.h5", [0] * 10 + [1] * 6)
    assert counts(tried) == (1, 0)
    assert counts(tried, {"dataflow.calibration.trace": str(four)}) == (1, 2)
    assert counts(tried, {"dataflow.calibration.trace": str(others)}) == (0, 6)


@pytest.mark.parametrize(("kept_bytes", "packed"), [(16, 2), (15, 3), (0, 4)])
def test_slices_of_training_samples_are_kept_for_their_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int, packed: int
) -> None:
    """Two samples of one row of one word, 8 bytes: both training samples, the second of which may not be kept.
    Their two matches take 8 bytes as well."""
    graph = GraphBuilder(timesteps=1)
    spikes = np.array([[1] * 6 + [0] * 10, [0] * 12 + [1] * 4]).reshape(2, 1, 16, 1, 1)
    current = graph.linear("fc", graph.input("x", spikes), np.ones((1, 16), int), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(tmp_path / "two.h5")
    cut = Mock(side_effect=slices_of)
    monkeypatch.setattr(pattern_correction, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(pattern_correction, "slices_of", cut)
    assert counts(tmp_path / "two.h5") == (2, 0)
    assert cut.call_count == packed


def test_a_training_trace_of_another_network_is_refused(tmp_path: Path) -> None:
    tried = network(tmp_path / "test.h5", [1] * 16)
    other = write_network("linear", tmp_path)
    with pytest.raises(UsageError, match=r"calibration.trace: .*linear.h5 has no operator 'fc'"):
        counts(tried, {"dataflow.calibration.trace": str(other)})


def test_a_training_trace_that_is_not_there_is_named_with_its_key(tmp_path: Path) -> None:
    tried = network(tmp_path / "test.h5", [1] * 16)
    with pytest.raises(UsageError, match=r"^dataflow\.calibration\.trace: nowhere\.h5: No such file"):
        counts(tried, {"dataflow.calibration.trace": "nowhere.h5"})
