"""Documents of which numbers were changed by hand: whatever reads them names file and key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import RunResult, UsageError, simulate
from spikecycle.simulator.consistency import problem_of_result, problem_of_rows
from spikecycle.simulator.documents import read_document, read_result
from spikecycle.simulator.explore.sweep import sweep
from spikecycle.simulator.report.document import to_json
from tests.unit.explore.small import small_trace
from tests.unit.report.example_bench import BENCH


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_trace(tmp_path_factory.mktemp("consistent") / "small.h5")


@pytest.fixture(scope="module")
def result(trace: Path) -> RunResult:
    return simulate(trace, "spike_array")


@pytest.mark.parametrize(
    ("machine", "activations"),
    [
        *((name, "dram") for name in ("spike_array", "loihi", "spikesim_rram", "eyeriss", "mint", "prosperity")),
        *((name, "chip") for name in ("spike_array", "eyeriss_snn")),
    ],
)
def test_what_a_run_gives_is_consistent(trace: Path, machine: str, activations: str) -> None:
    """Also where stages overlap, where energy is published power x time, and where nothing is priced."""
    found = simulate(trace, machine, residency={"activations": activations})
    assert problem_of_result(RunResult.model_validate_json(to_json(found))) == ""


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        place: Any = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return change


CHANGES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (_set("energy_per_inference_pj", to=-1.0), "energy_per_inference_pj: -1 is below 0"),
    (_set("energy_per_inference_pj", to=float("nan")), "energy_per_inference_pj: is no number"),
    (_set("seconds_per_inference", to=float("inf")), "seconds_per_inference: is no number"),
    (_set("energy_per_inference_pj", to=lambda x: x / 2), "energy_per_inference_pj: .* is not what sum_energy_pj and"),
    (_set("sum_energy_pj", to=lambda x: x / 2), "energy_per_inference_pj: .* is not what sum_energy_pj"),
    (_set("sum_cycles", to=lambda x: x + 1), "sum_cycles: .* is not what cycles_per_sample make"),
    (_set("cycles_per_inference", to=lambda x: x * 2), "cycles_per_inference: .* is not what sum_cycles"),
    (_set("seconds_per_inference", to=lambda x: x * 2), "seconds_per_inference: .* is not what cycles and clock make"),
    (_set("clock_mhz", to=lambda x: x * 2), "seconds_per_inference: .* is not what cycles and clock make"),
    (_set("edp_per_inference_js", to=lambda x: x * 1.001), "edp_per_inference_js: .* is not what energy and time make"),
    (_set("sum_cycle_breakdown", "compute", to=lambda x: x + 1), "sum_cycle_breakdown: .* is not what sum_cycles"),
    (_set("sum_energy_by_component_pj", "leakage", to=lambda x: x * 2), "sum_energy_pj: .*by_component_pj make"),
    (_set("layers", 1, "sum_energy_pj", to=-3.5), r"layers\.1\.sum_energy_pj: -3\.5 is below 0"),
    (_set("layers", 1, "sum_energy_pj", to=lambda x: x * 2), r"layers\.1\.energy_per_inference_pj: "),
    (_set("layers", 0, "sum_cycles", to=lambda x: x + 2), r"layers\.0\.sum_cycle_breakdown: "),
    (_set("layers", 0, "counters", 0, "sum_energy_pj", to=lambda x: x + 1), r"layers\.0\.sum_energy_pj: .* counters"),
    (_set("layers", 0, "counters", 0, "sum_count", to=-7), r"layers\.0\.counters\.0\.sum_count: -7 is below 0"),
    (_set("layers", 0, "sum_synaptic_operations", to=lambda x: x + 1), "sum_synaptic_operations: .* layers make"),
    (_set("area_mm2", to=lambda x: x * 2), "area_mm2: .* buffers and logic make"),
    (_set("buffers", 0, "area_mm2", to=lambda x: x * 2), "area_mm2: .* buffers and logic make"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_number_that_was_changed_is_named(
    result: RunResult, tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = json.loads(to_json(result))
    change(data)
    file = tmp_path / "a.json"
    file.write_text(json.dumps(data))
    for read in (read_result, read_document):
        with pytest.raises(UsageError, match=rf"a\.json: {words}"):
            read(file)


def test_numbers_of_others_may_be_below_0(result: RunResult, tmp_path: Path) -> None:
    """What a trace's provenance or a machine file says is not the program's."""
    data = json.loads(to_json(result))
    data["provenance"] = {"offset": -1.5}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(data))
    assert read_result(file).provenance == {"offset": -1.5}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("energy_per_inference_pj", "energy_per_inference_pj: .* is not what energy_pj"),
        ("cycles.compute", "cycles_per_inference: .* is not what cycles"),
        ("edp_per_inference_js", "edp_per_inference_js: .* energy and time make"),
    ],
)
def test_points_that_were_changed_are_named(trace: Path, tmp_path: Path, column: str, words: str) -> None:
    swept = sweep(trace, "spike_array", settings={"dataflow.pes": [4, 8, 0]}, jobs=1)
    file = tmp_path / "sweep.json"
    file.write_text(to_json(swept))
    assert read_document(file) == swept
    data = json.loads(file.read_text())
    data["points"][1][column] *= 1.5
    file.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=rf"sweep\.json: points\.1\.{words}"):
        read_document(file)
    data["points"][1][column] = -1
    assert f"points.1.{column}: -1 is below 0" in problem_of_rows("points", data["points"])


@pytest.mark.parametrize("content", ["{}", '{"a": 1}', '{"rows": [], "skipped": []}'])
def test_what_is_compared_is_told_alone(tmp_path: Path, content: str) -> None:
    """compare takes results of simulate and nothing else."""
    file = tmp_path / "obj.json"
    file.write_text(content)
    with pytest.raises(UsageError) as refused:
        read_result(file)
    assert str(refused.value).endswith("needed here: a result of simulate (--json of simulate)")
    assert "formats" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("cases", 0, "seconds"), -1.0, "cases.0.seconds: -1 is below 0"),
        (("cases", 0, "seconds"), 0.0, "cases.0.seconds: is too short for a run"),
        (("cases", 0, "run_s"), [0.0, 1.0, 9.0], "cases.0.run_s.0: is too short for a run"),
        (("cases", 0, "run_s"), [2.0, 2.0], "cases.0.run_s: has 2 runs, fewer than runs, 3"),
        (("cases", 0, "run_s"), [1.0, 7.0, 9.0], "cases.0.seconds: 2 is not the median of run_s"),
        (("cases", 0, "peak_bytes"), 10**40, "cases.0.peak_bytes: is beyond what can be measured"),
        (("cases", 0, "samples"), 0, "cases.0: it has no samples, or no threads"),
        (("peers", 0, "ratio"), 0.0, "peers.0.ratio: is too short for a run"),
        (("peers", 0, "case"), 4, "peers.0.case: 4 is no case that was measured"),
        (("peers", 0, "case"), 3, "peers.0.case: 3 is no case that was measured"),
        (("growth", 0, "exponent"), 1.0, "growth.0.exponent: 1 is not the slope of its points, 1.5"),
        (("growth", 0, "values"), [1, 2], "growth.0: it has no time for each of two sizes or more"),
        (("growth", 0, "values"), [2, 2, 2], "growth.0: it has no time for each of two sizes or more"),
        (("growth", 0, "values"), [0, 1, 2], "growth.0: it has no time for each of two sizes or more"),
        (("growth", 0, "seconds"), [1.0, 0.0, 8.0], "growth.0.seconds.1: is too short for a run"),
        (("cases",), [], "it has no cases"),
        (("runs",), 0, "it has no runs, or no cores"),
    ],
)
def test_a_bench_that_no_run_leaves_behind_is_refused(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, words: str
) -> None:
    data: Any = BENCH.model_dump()
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(data))
    assert read_document(file) == BENCH
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    file.write_text(json.dumps(data))
    with pytest.raises(UsageError) as refused:
        read_document(file)
    assert str(refused.value) == f"{file}: {words}: this is nothing that spikecycle wrote"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_text_is_no_number_of_a_bench(tmp_path: Path, value: str) -> None:
    """pydantic takes these texts for numbers, of which every comparison is false."""
    data: Any = BENCH.model_dump()
    data["peers"][0]["ratio"] = value
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"bench\.json: peers\.0\.ratio: ") as refused:
        read_document(file)
    assert "\n" not in str(refused.value)
