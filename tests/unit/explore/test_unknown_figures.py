"""Figures that a machine does not model: unknown, not 0. They beat nothing, keep to no bound, and are told of.

Spiker prices no energy and models no area (`clock_driven`: counts of cycles alone); Prosperity prices energy by
published numbers per event and models no area; the spike array models both.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars
import pytest
from rich.console import Console, RenderableType

from spikecycle.simulator import UsageError
from spikecycle.simulator.explore.constraints import parse_constraint
from spikecycle.simulator.explore.frames import is_known, to_frame, with_unknowns
from spikecycle.simulator.explore.results import MEASURES, SearchResult, SweepResult, pareto_front
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.store import SweepFolder, without_gaps
from spikecycle.simulator.explore.sweep import run_sweep
from spikecycle.simulator.explore.sweep_spec import SweepSpec, parse_sweep
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.simulator.report.page.fronts import AREA, ENERGY, TIME, candidates_of_rows
from spikecycle.simulator.report.search_table import search_report
from spikecycle.simulator.report.sweep_table import sweep_report
from tests.unit.explore.small import small_trace

pytestmark = pytest.mark.filterwarnings("ignore")  # Optuna warns of its newer parts


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("unknown") / "small.h5", samples=1))


def _space(trace: str, *machines: str) -> SweepSpec:
    return parse_sweep({"traces": trace, "machines": list(machines)}, "sweep")


def _text(report: RenderableType) -> str:
    page = io.StringIO()
    Console(file=page, width=1000).print(report)
    return page.getvalue()


def _point(machine: str, energy_pj: float | None, time_s: float, area_mm2: float | None) -> dict[str, Any]:
    return {
        "number": 0, "point": machine, "trace": "digits", "machine": machine, "energy_per_inference_pj": energy_pj,
        "edp_per_inference_js": None if energy_pj is None else energy_pj * 1e-12 * time_s, "problem": None,
        "seconds_per_inference": time_s, "area_mm2": area_mm2, "logic_area_mm2": area_mm2, "utilization": 0.5,
    }  # fmt: skip


WHOLE, UNSIZED, UNPRICED = _point("whole", 4e6, 3e-3, 2.0), _point("unsized", 2e6, 4e-3, None), _point(
    "unpriced", None, 1e-3, None
)  # fmt: skip


def _swept(*points: dict[str, Any]) -> SweepResult:
    return SweepResult(spikecycle="0", folder="all", columns=["trace", "machine"], points=list(points))


def test_an_unknown_figure_beats_nothing() -> None:
    """Only the whole one has all three; of energy and time, the unsized has less energy and more time: both stay."""
    swept = _swept(WHOLE, UNSIZED, UNPRICED)
    assert [point["machine"] for point in swept.front()] == ["whole"]
    assert [point["machine"] for point in swept.front(MEASURES[:2])] == ["unsized", "whole"]
    assert [point["machine"] for point in swept.front(["seconds_per_inference"])] == ["unpriced"]
    assert pareto_front([UNPRICED, UNSIZED], ["area_mm2"]) == []


def test_the_least_are_sought_where_they_are_known() -> None:
    report = _text(sweep_report(_swept(WHOLE, UNSIZED, UNPRICED)))
    for line in (
        "Points that none beats in energy, time and area: 1",
        "Least energy: machine=unsized",
        "Least time: machine=unpriced",
        "Least area: machine=whole",
        "Energies are not priced: unpriced.",
        "Areas are not modelled: unsized, unpriced.",
    ):
        assert line in report.splitlines() or line in report, line
    assert "A point of which a figure is not known is compared with none in it" in report


def test_what_no_point_has_is_no_measure_and_a_dash() -> None:
    report = _text(sweep_report(_swept(UNPRICED, {**UNPRICED, "machine": "slower", "seconds_per_inference": 2e-3})))
    assert "Points that none beats in time: 1" in report
    (row,) = (line for line in report.splitlines() if line.startswith("unpriced "))
    assert row.split()[1] == "-"
    assert row.split()[3] == "-"
    assert "Least energy" not in report
    assert "Least area" not in report
    assert "slower" not in _text(sweep_report(_swept(WHOLE)))
    assert "not priced" not in _text(sweep_report(_swept(WHOLE)))


def test_points_of_earlier_programs_have_unknowns_too() -> None:
    """They stored 0 for what was not modelled."""
    old = {**_point("old", 0.0, 1e-3, 0.0), "energy_pj.array": 0.0, "edp_per_inference_js": 0.0, "cycles.tick": 0}
    row = with_unknowns(old)
    unknown = ("energy_per_inference_pj", "edp_per_inference_js", "area_mm2", "logic_area_mm2")
    assert [row[name] for name in unknown] == [None] * 4
    assert "energy_pj.array" not in row
    assert row["cycles.tick"] == 0
    assert _swept(old).points == [row]
    assert without_gaps(old) == row
    assert json.loads(_swept(old).model_dump_json())["points"][0]["area_mm2"] is None
    priced = {**WHOLE, "energy_pj.dram": 0.0}
    assert with_unknowns(priced) == priced


def test_a_part_without_a_known_figure_has_its_type() -> None:
    """Parts of a sweep are put under each other: a column of text would make numbers text."""
    assert to_frame([UNPRICED]).schema["energy_per_inference_pj"] == polars.Float64
    both = polars.concat([to_frame([UNPRICED]), to_frame([WHOLE])], how="diagonal_relaxed")
    assert both["energy_per_inference_pj"].to_list() == [None, 4e6]


def test_an_unknown_figure_keeps_to_no_bound() -> None:
    for bound in ("area_mm2<=10", "area_mm2>=0", "energy_per_inference_pj<=1e9"):
        assert parse_constraint(bound).violation(UNPRICED) > 0
        assert parse_constraint(bound).violation(WHOLE) <= 0


def test_a_picture_has_a_point_where_both_figures_are_known() -> None:
    found, missing = candidates_of_rows("mine", ["machine"], [WHOLE, UNSIZED, UNPRICED, {**WHOLE, "area_mm2": 0.0}])
    assert missing == 0
    assert [set(each.figures) for each in found] == [{ENERGY, TIME, AREA}, {ENERGY, TIME}, {TIME}, {ENERGY, TIME}]


def test_a_sweep_stores_nothing_for_what_is_not_modelled(trace: str, tmp_path: Path) -> None:
    space = _space(trace, "spike_array", "spiker", "prosperity")
    swept = run_sweep(space, tmp_path / "out", jobs=1)
    array, spiker, prosperity = swept.points
    stored = polars.read_parquet(tmp_path / "out" / "points.parquet")
    for column in ("energy_per_inference_pj", "edp_per_inference_js"):
        assert array[column] > 0
        assert spiker[column] is None
        assert prosperity[column] > 0
        assert stored[column].is_null().to_list() == [False, True, False]
    for column in ("area_mm2", "logic_area_mm2"):
        assert array[column] > 0
        assert spiker[column] is prosperity[column] is None
        assert stored[column].is_null().to_list() == [False, True, True]
    assert not [name for name in spiker if name.startswith("energy_pj.")]
    assert [point["machine"] for point in swept.front()] == ["spike_array"]
    assert run_sweep(space, tmp_path / "out", jobs=1).points == run_sweep(space, jobs=1).points == swept.points


def test_a_search_counts_a_trial_without_its_goal_as_failed(trace: str, tmp_path: Path) -> None:
    """Of two machines one has no area: two trials or more chose each, and the front has the other alone."""
    space = _space(trace, "spike_array", "prosperity")
    found = search(space, tmp_path / "out", trials=8, goals=["area", "time"], at_random=True, seed=3)
    of_prosperity = [point for point in found.points if point["machine"] == "prosperity"]
    assert len(of_prosperity) == 1
    assert 0 < found.failed < 8
    assert [point["machine"] for point in found.front] == ["spike_array"]
    assert "Areas are not modelled: prosperity." in _text(search_report(found))
    assert SearchResult.model_validate_json(found.model_dump_json()) == found
    import optuna

    (study,) = optuna.get_all_study_summaries(f"sqlite:///{tmp_path / 'out' / 'study.db'}")
    trials = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{tmp_path / 'out' / 'study.db'}").trials
    assert {trial.user_attrs.get("problem") for trial in trials} == {
        None, "no value of area: machine prosperity does not model it",
    }  # fmt: skip


def test_a_search_keeps_to_no_bound_that_is_unknown(trace: str, tmp_path: Path) -> None:
    space = _space(trace, "spike_array", "prosperity")
    found = search(space, tmp_path / "out", trials=8, goals=["time"], constraints=["area_mm2<=1000"], at_random=True)
    assert {point["machine"] for point in found.points} == {"spike_array", "prosperity"}
    assert [point["machine"] for point in found.front] == ["spike_array"]


@pytest.mark.parametrize(
    ("machines", "goals", "words"),
    [
        (("spiker", "snn_fpga"), ["time", "energy"], "'energy' cannot be one: no machine of the space prices energy"),
        (("spiker", "snn_fpga"), ["edp"], "'edp' cannot be one: no machine of the space prices energy"),
        (("prosperity", "loihi"), ["area"], "'area' cannot be one: no machine of the space models an area"),
    ],
)
def test_a_goal_that_no_machine_models_is_refused_before_anything_is_written(
    trace: str, tmp_path: Path, machines: tuple[str, ...], goals: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        search(_space(trace, *machines), tmp_path / "out", trials=4, goals=goals)
    assert not (tmp_path / "out").exists()


def test_goals_that_nobody_named_are_those_that_some_machine_models(trace: str, tmp_path: Path) -> None:
    """loihi and prosperity price energy and model no area; spiker and snn_fpga have a time alone."""
    for machines, columns in (
        (("prosperity", "loihi"), ["energy_per_inference_pj", "seconds_per_inference"]),
        (("spiker", "snn_fpga"), ["seconds_per_inference"]),
    ):
        assert search(_space(trace, *machines), tmp_path / machines[0], trials=2).goals == columns


def test_one_machine_that_models_a_goal_is_enough(trace: str, tmp_path: Path) -> None:
    found = search(_space(trace, "spiker", "prosperity"), tmp_path / "out", trials=4, goals=["energy"])
    assert [point["machine"] for point in found.front] == ["prosperity"]


def test_which_machines_have_an_area() -> None:
    assert MachinePrices(load_machine("spike_array")).models_area
    assert not MachinePrices(load_machine("loihi")).models_area
    assert not is_known({"area_mm2": float("inf")}, "area_mm2")


def test_a_folder_keeps_unknowns_of_points_that_ran_alone(tmp_path: Path) -> None:
    """The failed point has no figures at all, and none that are unknown."""
    failed = {"number": 1, "point": "b", "machine": "own", "problem": "no"}
    folder = SweepFolder(tmp_path / "out", {})
    folder.append([{**UNPRICED, "point": "a"}, failed])
    first, second = folder.rows()
    assert first["area_mm2"] is None
    assert second == failed
