"""Results compared: every part of time and energy, what differs in machines, and documents that are no results."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from spikecycle.simulator import MachineError, RunResult, UsageError, simulate
from spikecycle.simulator.documents import read_result
from spikecycle.simulator.explore.compare import compare
from spikecycle.simulator.explore.differences import compare_results, machine_differences
from spikecycle.simulator.report.comparison_table import compared_report
from spikecycle.simulator.report.document import to_json
from spikecycle.simulator.variant import SYNTHETIC
from tests.children import run_limited
from tests.unit.explore.small import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("compare") / "small.h5"))


@pytest.fixture(scope="module")
def two(trace: str) -> list[RunResult]:
    return [simulate(trace, "spike_array", settings={"dataflow.pes": pes}) for pes in (16, 4)]


def test_parts_sum_to_the_whole_in_every_way_to_cut_it(two: list[RunResult]) -> None:
    comparison = compare_results(two)
    for index, result in enumerate(two):
        for by in ("layer", "component", "layer and component"):
            energy_pj = sum(each.values[index] or 0 for each in comparison.of("energy_pj", by))
            assert energy_pj == pytest.approx(result.energy_per_inference_pj, rel=1e-12)
        for by in ("layer", "category", "layer and category"):
            time_s = sum(each.values[index] or 0 for each in comparison.of("seconds", by))
            assert time_s == pytest.approx(result.seconds_per_inference, rel=1e-12)


def test_effects_are_shares_of_the_first_and_come_in_order(two: list[RunResult]) -> None:
    comparison = compare_results(two)
    effects = [abs(each.effect) for each in comparison.differences]
    assert effects == sorted(effects, reverse=True)
    for each in comparison.of("energy_pj", "component"):
        before, after = (value or 0 for value in each.values)
        assert each.effect == pytest.approx((after - before) / two[0].energy_per_inference_pj, abs=1e-12)
    change = sum(each.effect for each in comparison.of("seconds", "layer"))
    assert change == pytest.approx(two[1].seconds_per_inference / two[0].seconds_per_inference - 1)


def test_only_what_differs_in_machines_is_named() -> None:
    one = {"name": "a", "sources": {"x": "y"}, "buffers": {"w": {"banks": 1, "width": 8}}, "dram": {"burst": 4}}
    other = {"name": "b", "sources": {}, "buffers": {"w": {"banks": 2, "width": 8}}, "dram": None}
    found = {each.key: each.values for each in machine_differences([one, other])}
    assert found == {"buffers.w.banks": [1, 2], "dram.burst": [4, None]}


def test_labels_tell_results_apart(trace: str, two: list[RunResult]) -> None:
    labels = [each.label for each in compare_results(two).results]
    assert labels == ["spike_array dataflow.pes=16", "spike_array dataflow.pes=4"]
    machines = compare(trace, ["spike_array", "mint"])
    assert [each.label for each in machines.results] == ["spike_array", "mint"]
    assert len({each.label for each in compare_results([two[0], two[0]]).results}) == 2


def test_every_combination_is_compared_with_the_first(trace: str) -> None:
    comparison = compare(
        trace, "spike_array", settings={"dataflow.pes": [4, 8]}, formats={"weights": ["rle", "bitmask"]}
    )
    (pes,) = [each for each in comparison.machine_differences if each.key == "dataflow.pes"]
    (weights,) = [each for each in comparison.machine_differences if each.key == "formats.weights.format"]
    assert list(zip(weights.values, pes.values, strict=True)) == [
        ("rle", 4),
        ("rle", 8),
        ("bitmask", 4),
        ("bitmask", 8),
    ]


@pytest.mark.parametrize(
    ("pes", "words"),
    [([4], "nothing to compare with: name a second machine"), (list(range(1, 30)), "29 runs, at most 16 can be")],
)
def test_too_few_and_too_many_are_refused(trace: str, pes: list[int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        compare(trace, "spike_array", settings={"dataflow.pes": pes})


def test_that_parts_are_not_priced_alike_is_said(trace: str) -> None:
    # 45 nm, itrs-lstp, 300 K against 32 nm, itrs-hp, 350 K; spiker's rule counts cycles alone
    notes = compare(trace, ["spike_array", "loas", "spiker"]).notes
    assert any("node 45 nm, 32 nm, 28 nm; SRAM cells itrs-lstp, itrs-hp;" in note for note in notes)
    assert "Energies are not priced, as the rule counts cycles alone: spiker." in notes
    assert "Areas are not modelled: spiker." in notes
    alike = compare(trace, "spike_array", settings={"dataflow.pes": [4, 8]}).notes
    assert alike == [SYNTHETIC]


def test_one_that_cannot_run_is_told(trace: str) -> None:
    with pytest.raises(MachineError, match="pes"):
        compare(trace, "spike_array", settings={"dataflow.pes": [4, 0]})


def test_results_are_read_back_and_others_refused(two: list[RunResult], tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(to_json(two[0]))
    assert read_result(good) == two[0]
    bad: dict[str, Any] = {
        "text.json": "no",
        "list.json": "[]",
        "sweep.json": '{"points": []}',
        "older.json": to_json(two[0]).replace('"version": ', '"version": 1', 1),
    }
    for name, text in bad.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError, match=name.replace(".", r"\.")):
            read_result(tmp_path / name)
    with pytest.raises(UsageError, match="absent"):
        read_result(tmp_path / "absent.json")


def test_notes_say_what_cannot_be_compared(trace: str, two: list[RunResult], tmp_path: Path) -> None:
    other = simulate(small_trace(tmp_path / "other.h5", samples=1), "mint")
    notes = " ".join(compare_results([two[0], other]).notes)
    assert "different traces" in notes
    assert "Not modelled in all of them" in notes
    assert compare_results(two).notes == [SYNTHETIC]


def test_one_run_compared_with_itself_is_told(two: list[RunResult]) -> None:
    first, other = two
    assert not any("cannot differ" in note for note in compare_results([first, other]).notes)
    for results, words in (
        ([first, first], "Results 1 and 2 are of the same trace"),
        ([first, other, first, first], "Results 1, 3 and 4 are of the same trace"),
    ):
        (note,) = (note for note in compare_results(results).notes if "cannot differ" in note)
        assert note.startswith(words)
    newer = first.model_copy(update={"spikecycle": "9.9"})  # what a new version of the program changes is worth seeing
    assert not any("cannot differ" in note for note in compare_results([first, newer]).notes)


def test_the_report_shows_all_that_matters(two: list[RunResult]) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(compared_report(compare_results(two)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    for words in ("dataflow.pes", "Energy by component", "Time by layer", "x", "largest change"):
        assert words in text


def test_results_are_compared_with_results(two: list[RunResult], tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(to_json(two[0]))
    ended = run_limited("compare", good, "digits-8bit", memory_bytes=2**33)
    assert (ended.status, len(ended.err.splitlines())) == (2, 1)
    assert "digits-8bit: results are compared with results" in ended.err
