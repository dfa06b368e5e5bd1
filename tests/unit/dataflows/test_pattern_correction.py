"""Patterns and corrections: calibration and choice by hand and against the twin, and where patterns come from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator import UsageError
from spikecycle.simulator.dataflows.pattern_correction.kernels import PLAIN, nearest_pattern
from spikecycle.simulator.dataflows.pattern_correction.patterns import SliceCounts, patterns_of, slices_of
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
