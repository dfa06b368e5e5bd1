"""Patterns and corrections: calibration and choice by hand and against the twin, and where patterns come from."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator import UsageError
from spikecycle.simulator.dataflows.pattern_correction.kernels import (
    LAST_TAG,
    PLAIN,
    LevelLimits,
    nearest_pattern,
    replace_slices,
)
from spikecycle.simulator.dataflows.pattern_correction.patterns import (
    CENTRES_AT_ONCE,
    SliceCounts,
    find_centres,
    patterns_of,
    slices_of,
    start_centres,
)
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
    assert patterns_of(SliceCounts.of(values), wanted, iterations, (3, 0, 1)).tolist() == expected


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


def test_more_centres_than_are_looked_at_together() -> None:
    check_centres(1300, CENTRES_AT_ONCE + 7, 3, at_random=True, seed=4)


def check_centres(count: int, wanted: int, iterations: int, at_random: bool, seed: int) -> None:
    """Centres against distances between all slices and all centres, in every iteration."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 1 << 16, (1 if at_random else 3, count))
    values = np.unique(np.bitwise_and.reduce(drawn, axis=0) | 3 << 8)
    numbers = random.integers(1, 100, len(values))
    draws = random.integers(0, 2**62, wanted)
    found, centres = np.zeros((2, 16, wanted), np.int64)
    find_centres(values, numbers, draws, iterations, found)
    start_centres(values, numbers, draws, np.ones(len(values), np.int64), centres)
    bits = values[:, None] >> np.arange(16) & 1
    for _ in range(iterations):
        nearest = ((256 * bits[:, :, None] - centres) ** 2).sum(axis=1).argmin(axis=1)
        for centre in range(wanted):
            own = nearest == centre
            if own.any():
                centres[:, centre] = (256 * (bits[own] * numbers[own, None]).sum(axis=0)) // numbers[own].sum()
    assert found.tolist() == centres.tolist()


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    places=st.integers(1, 4),
    rows=st.integers(1, 40),
    limits=st.builds(LevelLimits, st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)),
    density=st.sampled_from([0.05, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_slices_are_replaced_row_by_row(places: int, rows: int, limits: LevelLimits, density: float, seed: int) -> None:
    check_replaced(places, rows, limits, density, seed)


def test_more_places_than_tags() -> None:
    """What is known of a slice is forgotten when tags begin anew; every slice is 7 in all places."""
    places = LAST_TAG + 3
    slices = np.full((places, 1), 7, np.uint16)
    patterns = np.array([3] * LAST_TAG + [7, 3, 3], np.uint16)
    totals = np.zeros(4, np.int64)
    replace_slices(slices, patterns, np.arange(places + 1), LevelLimits(1, 1, 1), totals)
    assert totals.tolist() == [places, places - 1, places, places]


def check_replaced(places: int, rows: int, limits: LevelLimits, density: float, seed: int) -> None:
    """All that replacing slices comes to, tile by tile and slice by slice."""
    random = np.random.default_rng(seed)
    bits = random.random((places, rows, 16)) < density
    slices = (bits << np.arange(16)).sum(axis=2).astype(np.uint16)
    patterns = [random.choice(slices[place], random.integers(0, 4)) for place in range(places)]
    with_pattern = corrections = used = cycles = 0
    for place in range(places):
        for first in range(0, rows, limits.rows):
            chosen, level_1, to_correct = set(), 0, 0
            tile = slices[place, first : first + limits.rows].tolist()
            for begin in range(0, len(tile), limits.ids_per_cycle):
                waiting = 0
                for value in tile[begin : begin + limits.ids_per_cycle]:
                    costs = [1 + (value ^ pattern).bit_count() for pattern in patterns[place].tolist()]
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
    totals = np.zeros(4, np.int64)
    replace_slices(slices, np.concatenate(patterns), starts, limits, totals)
    assert totals.tolist() == [with_pattern, corrections, used, cycles]


def test_two_kinds_of_slices_give_their_two_patterns() -> None:
    """Around 0x00FF and 0xFF00, each with a bit off now and then; ones of a single bit do not count."""
    around = [0x00FF] * 20 + [0x00FE, 0x00F7] + [0xFF00] * 20 + [0xFE00, 0xFD00] + [1, 2, 4] * 50 + [0] * 99
    assert patterns_of(SliceCounts.of(np.array(around, np.uint16)), 2, 10, (0,)).tolist() == [0x00FF, 0xFF00]


def test_what_several_samples_have_is_added_up() -> None:
    one, other = (SliceCounts.of(np.array(values, np.uint16)) for values in ([3, 3, 5, 1], [5, 7]))
    assert [part.tolist() for part in one.plus(other)] == [[3, 5, 7], [2, 2, 1]]


def test_as_few_slices_as_patterns_are_the_patterns() -> None:
    values = np.array([0b11, 0b11, 0b101, 0, 1], np.uint16)
    assert patterns_of(SliceCounts.of(values), 2, 10, (0,)).tolist() == [0b11, 0b101]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0b0111, (0, 0)),  # equal: the pattern alone, 1 instead of 3
        (0b1111, (0, 1)),  # 1 + 1 instead of 4
        (0b0011, (PLAIN, 2)),  # 1 + 1 is not less than 2
        (0b1000, (PLAIN, 1)),
        (0b11111000, (1, 1)),
    ],
)
def test_the_nearest_pattern_by_hand(value: int, found: tuple[int, int]) -> None:
    assert nearest_pattern(value, np.array([0b0111, 0b11110000], np.uint16)) == found


def test_slices_run_along_the_rows() -> None:
    """Column 17 of 20 is bit 1 of slice 1; column 64 of 70 lies in the second word."""
    assert slices_of(np.array([[1 << 17 | 1]], np.uint64), 20).tolist() == [[1, 2]]
    assert slices_of(np.array([[0, 1]], np.uint64), 70).tolist() == [[0, 0, 0, 0, 1]]


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


def test_a_training_trace_of_another_network_is_refused(tmp_path: Path) -> None:
    tried = network(tmp_path / "test.h5", [1] * 16)
    other = write_network("linear", tmp_path)
    with pytest.raises(UsageError, match=r"calibration.trace: .*linear.h5 has no operator 'fc'"):
        counts(tried, {"dataflow.calibration.trace": str(other)})


def test_a_training_trace_that_is_not_there_is_named_with_its_key(tmp_path: Path) -> None:
    tried = network(tmp_path / "test.h5", [1] * 16)
    with pytest.raises(UsageError, match=r"^dataflow\.calibration\.trace: nowhere\.h5: No such file"):
        counts(tried, {"dataflow.calibration.trace": "nowhere.h5"})
