"""Specifications of sweeps: which points follow from them, and what is no sweep."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import MachineError
from spikecycle.simulator.checking import check_file
from spikecycle.simulator.description import SweepDescription
from spikecycle.simulator.explore.sweep_spec import SweepSpec, parse_sweep, read_sweep
from spikecycle.traces import TraceError

BASE: dict[str, Any] = {"traces": "t", "machines": "m"}


def _spec(**keys: Any) -> SweepSpec:
    return parse_sweep({**BASE, **keys}, "sweep")


def _choices(spec: SweepSpec, *names: str) -> list[tuple[Any, ...]]:
    points = sorted(spec.points(), key=lambda point: point.number)
    return [tuple(point.choice[name] for name in names) for point in points]


def test_every_combination_is_a_point_and_the_last_key_changes_fastest() -> None:
    spec = _spec(traces=["a", "b"], set={"x.y": [1, 2], "z": [3, 4]})
    assert spec.count == 8
    expected = [(t, y, z) for t in "ab" for y in (1, 2) for z in (3, 4)]
    assert _choices(spec, "trace", "x.y", "z") == expected
    assert [point.number for point in spec.points()] == list(range(8))
    assert spec.columns() == ("trace", "machine", "x.y", "z")


def test_points_come_so_that_prices_change_first() -> None:
    spec = _spec(set={"dram.energy_pj_per_bit": [1, 2], "dataflow.pes": [3, 4]})
    assert [point.number for point in spec.points()] == [0, 2, 1, 3]
    assert [point.settings["dataflow.pes"] for point in spec.points()] == [3, 3, 4, 4]


def test_keys_that_change_together_do_so_side_by_side() -> None:
    spec = _spec(together=[{"a": [1, 2], "b": [10, 20]}], set={"c": [0, 1]})
    assert _choices(spec, "c", "a", "b") == [(0, 1, 10), (0, 2, 20), (1, 1, 10), (1, 2, 20)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"from": 8, "to": 64, "factor": 2}, [8, 16, 32, 64]),
        ({"from": 8, "to": 63, "factor": 2}, [8, 16, 32]),
        ({"from": 1, "to": 7, "step": 3}, [1, 4, 7]),
        ({"from": 0.1, "to": 0.3, "step": 0.1}, [0.1, 0.2, pytest.approx(0.3)]),
        (5, [5]),
        ([[1, 2], [3]], [[1, 2], [3]]),
    ],
)
def test_ranges_are_their_values(values: Any, expected: list[Any]) -> None:
    assert _spec(set={"k": values}).set["k"] == expected


def test_formats_residency_and_samples_become_arguments() -> None:
    spec = _spec(formats={"weights": ["rle", "bitmask"]}, residency={"activations": "chip"}, samples="0,2-3")
    (first, second) = spec.points()
    assert [dict(first.formats), dict(second.formats)] == [{"weights": "rle"}, {"weights": "bitmask"}]
    assert dict(first.residency) == {"activations": "chip"}
    assert first.samples == [0, 2, 3]
    assert first.settings == {}


def test_a_point_is_known_again_wherever_it_stands() -> None:
    small, large = _spec(set={"k": [2]}), _spec(set={"k": [1, 2, 3]})
    assert next(iter(small.points())).identity() in {point.identity() for point in large.points()}
    identities = {
        point.identity() for spec in (large, _spec(set={"k": [1, 2]}, samples=[0])) for point in spec.points()
    }
    assert len(identities) == 5


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"set": {"k": []}}, "set.k: at least one value"),
        ({"set": {"k": [1, 1]}}, "set.k: 1 is named twice"),
        ({"set": {"k": {"from": 1, "to": 2}}}, "a range has the keys from, to, and step or factor"),
        ({"set": {"k": {"from": 2, "to": 1, "step": 1}}}, "a range goes up"),
        ({"set": {"k": {"from": 0, "to": 8, "factor": 2}}}, "a range goes up"),
        ({"set": {"k": {"from": "a", "to": 8, "step": 2}}}, "a range is made of numbers"),
        ({"set": {"not a key": [1]}}, "key of a machine file"),
        ({"together": [{"a": [1, 2], "b": [1]}]}, "equally many values"),
        ({"together": [{"a": [1, 2]}], "set": {"a": [1]}}, "a is varied twice"),
        ({"set": {"residency.weights": ["resident"]}, "residency": {"weights": "batch:2"}}, "varied twice"),
        (
            {"set": {k: {"from": 1, "to": 100, "step": 1} for k in "abcd"}},
            "at most 1,000,000 points can be swept, found 100,000,000",
        ),
        ({"samples": "3-1"}, "runs backwards"),
        ({"samples": [-1]}, "samples"),
        ({"machine": "m"}, "machine: unknown key"),
        ({"traces": []}, "traces: at least one"),
    ],
)
def test_what_is_no_sweep_is_told_by_key(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(MachineError) as refusal:
        _spec(**keys)
    assert str(refusal.value).startswith("sweep: ")
    assert words in str(refusal.value)


def test_paths_in_a_file_are_seen_from_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("traces: [digits-8bit, my/net.h5]\nmachines: own.yaml\nset: {dataflow.pes: [1, 2]}\n")
    spec = read_sweep(file)
    assert spec.traces == ["digits-8bit", str(tmp_path / "my" / "net.h5")]
    assert spec.machines == [str(tmp_path / "own.yaml")]


def test_check_describes_a_sweep_and_tries_each_value(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("traces: digits-8bit\nmachines: spike_array\nset: {dataflow.pes: [8, 0], dataflow.lanes: [2]}\n")
    description = check_file(str(file))
    assert isinstance(description, SweepDescription)
    assert description.points == 2
    assert description.axes == {"trace": ("digits-8bit",), "machine": ("spike_array",), "dataflow.pes": ("8", "0")}
    (problem,) = description.problems
    assert problem.startswith("spike_array: dataflow.pes:")
    file.write_text("traces: digits-9bit\nmachines: spike_array\n")
    with pytest.raises(TraceError, match="digits-9bit: no such file"):
        check_file(str(file))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"from": 1, "to": math.inf, "step": 1}, "a range is made of numbers"),
        ({"from": 1, "to": 10**400, "factor": 2}, "a range is made of numbers"),
        ({"from": 1, "to": 10**7, "step": 1}, "more than 1,000,000 values"),
        (
            {"from": 1.0, "to": 1.0 + 1e-9, "factor": 1 + 1e-15},
            "a range has at most 1,000,000 values|more than 1,000,000",
        ),
    ],
)
def test_a_range_without_end_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(MachineError, match=told):
        parse_sweep({"traces": "t", "machines": "m", "set": {"a": said}}, "sweep")


def test_a_range_that_leaves_the_floats_ends_there() -> None:
    spec = parse_sweep({"traces": "t", "machines": "m", "set": {"a": {"from": 1.0, "to": 1e308, "factor": 1e300}}}, "")
    assert spec.set["a"] == [1.0, 1e300]


def test_ranges_are_counted_before_they_are_made() -> None:
    """Sixty keys of 900,000 values each: 4 GB of numbers in 3 kB of text."""
    keys = {f"a.b{number}": {"from": 1, "to": 900_000, "step": 1} for number in range(60)}
    tracemalloc.start()
    with pytest.raises(MachineError, match=r"a\.b1: all keys together have more than 1,000,000 values"):
        parse_sweep({"traces": "t", "machines": "m", "set": keys}, "sweep", None)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_value_that_is_named_twice_at_the_end_of_many_is_found_soon() -> None:
    with pytest.raises(MachineError, match="19999 is named twice"):
        parse_sweep({"traces": "t", "machines": "m", "set": {"a": [*range(20_000), 19_999]}}, "sweep")
