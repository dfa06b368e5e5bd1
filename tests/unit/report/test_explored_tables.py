"""Tables of sweeps, searches, comparisons and advice: what was there already, units, signs, singular and plural."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from spikecycle.simulator.checking import check_file
from spikecycle.simulator.description import FileDescription
from spikecycle.simulator.explore.advice import Advice, Change, Elasticity, OperatorBound
from spikecycle.simulator.explore.differences import CostDifference, compare_results
from spikecycle.simulator.explore.results import SearchResult, SweepResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.advice_table import advice_report
from spikecycle.simulator.report.comparison_table import compared_report
from spikecycle.simulator.report.document import to_json
from spikecycle.simulator.report.page.grounds import points_ground
from spikecycle.simulator.report.page.searches import search_words
from spikecycle.simulator.report.search_table import search_report
from spikecycle.simulator.report.sweep_table import sweep_report
from spikecycle.wording import label, numbered, numbered_are, setting_text
from tests.unit.report.example import run_result


def _text(report: RenderableType) -> str:
    page = io.StringIO()
    Console(file=page, width=1000).print(report)
    return page.getvalue()


def _point(number: int, pes: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number, "point": f"{number}", "trace": "digits", "machine": "own", "dataflow.pes": pes,
        "energy_per_inference_pj": 2e6 * pes, "seconds_per_inference": 4e-3 / pes, "area_mm2": 1.5 * pes,
        "utilization": 0.5, "problem": None, **more,
    }  # fmt: skip


def _search(points: list[dict[str, Any]], **keys: Any) -> SearchResult:
    said: dict[str, Any] = {
        "columns": ["trace", "machine", "dataflow.pes"], "goals": ["energy_per_inference_pj", "seconds_per_inference"],
        "constraints": ["no memory slower than the clock"], "space": 77, "trials": 5, "simulated": len(points),
        "failed": 0, "front": points, "points": points, "importances": {},
    }  # fmt: skip
    return SearchResult(spikecycle="0", folder="best", **{**said, **keys})


def _sweep(points: list[dict[str, Any]], **keys: Any) -> SweepResult:
    return SweepResult(
        spikecycle="0", folder="all", columns=["trace", "machine", "dataflow.pes"], points=points, **keys
    )


def test_what_was_there_already_is_told_apart() -> None:
    points = [_point(0, 4), _point(1, 8), {**_point(2, 16), "problem": "no"}]
    assert "3 points: 2 simulated, 1 failed; all in all/points.parquet" in _text(sweep_report(_sweep(points)))
    again = _sweep(points, already_there=2)
    assert "3 points: 2 already there, 1 simulated now, 1 failed; all in" in _text(sweep_report(again))
    (row,) = (
        row for row in points_ground("0", again.columns, again.points, again.already_there).rows if row[0] == "points"
    )
    assert row[1] == "3, of which the folder had 2 already"
    found = _search(points[:2], simulated=1, already_there=1)
    assert "5 trials of 77 points: 1 simulated, 1 already there; all in best/points.parquet" in _text(
        search_report(found)
    )
    assert "1 different point was simulated, 1 there already, 0 trials chose" in search_words(found)


def test_documents_of_earlier_programs_say_nothing_of_it() -> None:
    document = _sweep([_point(0, 4)]).model_dump(exclude={"already_there"})
    assert SweepResult.model_validate(document).already_there == 0


def test_a_search_speaks_in_the_units_of_its_table() -> None:
    """8 and 16 µJ, 1 and 0.5 ms: bounds of 1e7 pJ and 0.002 s are 10 µJ and 2 ms, as the columns are."""
    found = _search(
        [_point(0, 4), _point(1, 8)],
        constraints=[
            "no memory slower than the clock", "energy_per_inference_pj <= 1e+07", "seconds_per_inference <= 0.002",
            "energy_pj.weight_fetch <= 500000", "area_mm2 <= 10", "accuracy >= 0.98", "cycles.dram_load <= 1000",
            "dataflow.pes <= 8",
        ],
    )  # fmt: skip
    text = _text(search_report(found))
    assert "energy_per_inference_pj" not in text
    assert "seconds_per_inference" not in text
    assert "For little energy, time; kept to: no memory slower than the clock; energy <= 10 µJ; " in text
    assert "time <= 2 ms; energy of weight fetch <= 0.5 µJ; area <= 10 mm²; accuracy >= 98 %; " in text
    assert "cycles of DRAM load <= 1,000; dataflow.pes <= 8." in text
    assert "No point has a column energy_pj.weight_fetch, accuracy, cycles.dram_load." in text


def test_a_search_says_what_it_did_not_try() -> None:
    found = _search([_point(0, 4), _point(1, 8)], trials=2, space=3)
    assert "1 of 3 points not tried." in _text(search_report(found))
    assert "chose one that cannot be run, 1 of 3 points not tried." in search_words(found)
    whole = found.model_copy(update={"space": 2})
    assert "not tried" not in _text(search_report(whole)) + search_words(whole)


def test_a_search_without_a_front_says_how_near_it_came() -> None:
    """Areas 6 and 12 mm², energies 8 and 16 µJ, times 1 and 0.5 ms: of the bounds, area and energy are kept by none."""
    bounds = ["area_mm2 <= 5", "energy_per_inference_pj <= 7e+06", "seconds_per_inference <= 0.0007"]
    found = _search([_point(0, 4), _point(1, 8)], front=[], space=4, constraints=["no memory slower", *bounds])
    for text in (_text(search_report(found)), search_words(found)):
        assert "No point of the 2 tried keeps to all constraints; 2 of 4 points not tried." in text
        assert "area <= 5 mm²: the nearest that was found is 6 mm²." in text
        assert "energy <= 7 µJ: the nearest that was found is 8 µJ." in text
        assert "time <= 0.7 ms: the nearest" not in text
    each = found.model_copy(update={"space": 2, "constraints": ["area_mm2 <= 7", "seconds_per_inference <= 0.0007"]})
    text = _text(search_report(each))
    assert "No point keeps to all constraints." in text
    assert "Some point keeps to each of them, none to all at once." in text
    slow = found.model_copy(
        update={"points": [_point(0, 4, too_slow=["weights"])], "constraints": ["no memory slower"]}
    )
    assert "Every machine has a memory slower than its clock." in _text(search_report(slow))


def test_importances_say_what_they_are_and_when_there_are_none() -> None:
    points = [_point(0, 4), _point(1, 8)]
    few = _search(points, points_for_importances=8)
    for text in (_text(search_report(few)), search_words(few)):
        assert "Importance of each axis: not told, of 2 points that ran. It takes at least 8 that" in text
    told = _search(points, points_for_importances=8, importances={"energy": {"dataflow.pes": 0.25, "trace": 0.0}})
    text = _text(search_report(told))
    assert "25.0" in text
    assert "the rest is due to several axes together" in text


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert [human.signed(value, 1) for value in (0.0, -0.0, -0.04, 0.04, -0.06, 1.25)] == [
        "0.0", "0.0", "0.0", "0.0", "-0.1", "+1.2",
    ]  # fmt: skip


def test_numbers_and_names_are_written_as_people_write_them() -> None:
    assert [numbered(count, "point") for count in (0, 1, 2, 12000)] == [
        "0 points",
        "1 point",
        "2 points",
        "12,000 points",
    ]
    assert [numbered_are(count, "point", "has", "have") for count in (1, 2)] == ["1 point has", "2 points have"]
    assert [label(name) for name in ("weight_fetch", "dram_load", "compute")] == [
        "weight fetch",
        "DRAM load",
        "compute",
    ]
    assert [setting_text(value) for value in (48.0, 0.8, -2.0, 1e6, True, "rle", 7)] == [
        "48", "0.8", "-2", "1000000", "true", "rle", "7",
    ]  # fmt: skip


def _advice() -> Advice:
    change = Change(
        key="buffers.weights.size_kib", before=48.0, after=24.0, energy=-0.0001, time=-0.2, edp=-0.2, area=0.0,
        area_mm2=-0.00001,
    )  # fmt: skip
    bound = OperatorBound(
        layer="fc1", cycles_per_inference=10, energy_per_inference_pj=5, bounds={"bank_wire": 4.0},
        bound_by="bank_wire", share_of_bound=0.4, lost_to="weight_fetch", lost_to_share=0.5,
    )  # fmt: skip
    return Advice(
        spikecycle="0", trace="t", machine="m", synthetic=False, too_slow=[], energy_per_inference_pj=5,
        seconds_per_inference=1, area_mm2=1, cycles={"weight_fetch": 5.0}, energy_pj={"bank_wire": 5.0},
        operators=[bound], goal="edp", elasticities=[], changes=[change], tried=1, unmoved=[],
    )  # fmt: skip


def test_advice_is_written_for_readers(tmp_path: Path) -> None:
    text = _text(advice_report(_advice()))
    for words in (
        "buffers.weights.size_kib: 48 to 24", "weight fetch (50.0 %)", "bank wire", "Where the cycles go: weight fetch",
        "1 machine was simulated.",
    ):  # fmt: skip
        assert words in text
    assert "-0.0" not in text.replace("-0.0,", "")
    (tmp_path / "adv.json").write_text(to_json(_advice()))
    found = check_file(str(tmp_path / "adv.json"))
    assert isinstance(found, FileDescription)
    assert dict(found.facts)["helps most"] == "buffers.weights.size_kib 48 to 24"
    assert dict(found.facts)["tried"] == "1 machine, for less edp"


def test_what_is_not_modelled_changes_by_nothing_that_is_known() -> None:
    """Of a machine without prices or area, effects on these are unknown, not 0; and published power stays as it is."""
    unknown = _advice().model_copy(
        update={
            "area_mm2": 0.0, "energy_per_inference_pj": 0.0,
            "elasticities": [
                Elasticity(key="energy.on_chip_power_mw", value=9.0, low=8.0, high=10.0, energy=1.0, time=0.5, area=0.0)
            ],
        }
    )  # fmt: skip
    text = _text(advice_report(unknown))
    (change,) = (line.split() for line in text.splitlines() if line.startswith("buffers.weights.size_kib: 48 to 24"))
    assert change[-5:] == ["-", "-20.0", "-", "-", "-"]
    (key,) = (line.split() for line in text.splitlines() if line.startswith("energy.on_chip_power_mw"))
    assert key[1:] == ["9", "-", "+0.50", "-"]
    assert "a chip of another size would have another power" in text


def test_a_comparison_has_no_minus_nothing_and_the_names_of_readers() -> None:
    two = compare_results([run_result(), run_result().model_copy(update={"trace_sha256": "0" * 64})])
    differences = [
        CostDifference(
            measure="seconds", by="category", layer=None, part=part, values=[1.0, 1.0 + effect], effect=effect
        )
        for part, effect in (("weight_fetch", -0.25), ("dram_load", -0.0001))
    ]
    text = _text(compared_report(two.model_copy(update={"differences": differences})))
    assert "weight fetch" in text
    assert "DRAM load" in text
    assert "-25.0" in text
    assert "-0.0" not in text


@pytest.mark.parametrize(("count", "words"), [(1, "1 point"), (2, "2 points")])
def test_check_counts_points_and_trials(tmp_path: Path, count: int, words: str) -> None:
    points = [_point(number, 4 + number) for number in range(count)]
    (tmp_path / "found.json").write_text(to_json(_search(points, space=count, trials=count)))
    found = check_file(str(tmp_path / "found.json"))
    assert isinstance(found, FileDescription)
    facts = dict(found.facts)
    assert facts["front"] == words
    assert facts["trials"] == f"{count} of {words}, of which 0 failed"
