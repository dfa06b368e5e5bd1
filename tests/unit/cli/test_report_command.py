"""`spikecycle report` and `simulate --report`: pages of results, files of charts, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.report.document import to_json
from tests.bad_input.inputs import refused, run, small_trace
from tests.unit.report.example import run_result
from tests.unit.report.example_bench import BENCH, FASTER

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "first.json"
    path.write_text(to_json(run_result()))
    return path


def test_simulate_writes_a_page(capsys: Capsys, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ended = run(capsys, "simulate", small_trace(tmp_path), "--report", page)
    assert ended.status == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert "conv1" in page.read_text()
    assert " ".join(run(capsys, "check", page).out.split()).startswith("valid report ")
    page.write_text("<!DOCTYPE html><title>other</title>")
    refused(run(capsys, "check", page), "is no page that spikecycle report wrote")


def test_results_and_comparisons_make_one_page(capsys: Capsys, tmp_path: Path, result: Path) -> None:
    trace = small_trace(tmp_path)
    formats, second, page = tmp_path / "formats.json", tmp_path / "second.json", tmp_path / "page.html"
    assert run(capsys, "formats", trace, "--json", formats).status == 0
    assert run(capsys, "simulate", trace, "--json", second).status == 0
    ended = run(capsys, "report", result, second, formats, "--out", page)
    assert ended.status == 0
    assert ended.out == f"wrote {page}: open {page} in any browser\n"
    text = page.read_text()
    assert "2 results side by side" in text
    assert "first, second" in text
    assert "Weight formats, weights reloaded in every inference" in text


def test_a_search_is_shown_with_its_front_and_with_what_decides(capsys: Capsys, tmp_path: Path) -> None:
    def point(number: int, pes: int, energy_pj: float, seconds: float) -> dict[str, Any]:
        return {
            "number": number, "point": f"{number}", "trace": "digits", "machine": "own", "dataflow.pes": pes,
            "energy_per_inference_pj": energy_pj, "seconds_per_inference": seconds, "area_mm2": 1.0, "problem": None,
        }  # fmt: skip

    points = [point(0, 4, 1e6, 2e-3), point(1, 8, 2e6, 1e-3), point(2, 16, 3e6, 3e-3)]
    found = SearchResult(
        spikecycle="0", folder="best", columns=["trace", "machine", "dataflow.pes"],
        goals=["energy_per_inference_pj", "seconds_per_inference"], constraints=["area_mm2 <= 2"], space=77, trials=5,
        simulated=3, failed=2, front=points[:2], points=points,
        importances={"energy": {"dataflow.pes": 0.75}, "time": {}},
    )  # fmt: skip
    document, page = tmp_path / "best.json", tmp_path / "page.html"
    document.write_text(to_json(found))
    assert run(capsys, "report", document, "--out", page).status == 0
    text = page.read_text()
    assert "5 trials of 77 points, for little energy, time: 3 different points were simulated, 2 trials chose" in text
    assert "Kept to: area_mm2 &lt;= 2." in text
    assert "dataflow.pes, energy: 75.0 %" in text
    assert "energy over time" in text
    assert "energy (µJ)" in text
    assert " ".join(run(capsys, "check", document).out.split()).startswith("valid result of a search ")


def test_charts_become_files(capsys: Capsys, tmp_path: Path, result: Path) -> None:
    folder = tmp_path / "charts"
    ended = run(capsys, "report", result, "--out", tmp_path / "page.html", "--charts", folder)
    assert ended.status == 0
    names = {path.name for path in folder.iterdir()}
    assert {"r1-energy.csv", "r1-energy-1.svg", "r1-energy-1.png", "r1-machine.svg", "r1-machine.png"} <= names
    assert (folder / "r1-energy-1.png").read_bytes().startswith(b"\x89PNG")
    assert f"{len(names)} files" in ended.out


def test_a_link_among_the_charts_is_found_before_anything_is_written(
    capsys: Capsys, tmp_path: Path, result: Path
) -> None:
    folder, theirs = tmp_path / "charts", tmp_path / "theirs"
    folder.mkdir()
    theirs.write_text("theirs")
    (folder / "r1-machine.svg").symlink_to(theirs)
    ended = run(capsys, "report", result, "--out", tmp_path / "page.html", "--charts", folder)
    assert ended.status == 2 and "r1-machine.svg: cannot be written: is a symbolic link" in ended.err
    assert [path.name for path in folder.iterdir()] == ["r1-machine.svg"] and theirs.read_text() == "theirs"
    assert not (tmp_path / "page.html").exists()


def test_a_result_may_have_gone_through_an_editor_of_windows(capsys: Capsys, tmp_path: Path, result: Path) -> None:
    """With a byte order mark and both characters at line ends."""
    result.write_bytes(b"\xef\xbb\xbf" + result.read_bytes().replace(b"\n", b"\r\n"))
    assert run(capsys, "check", result).out.startswith("valid result of simulate ")


def test_errors_of_validation_are_shown(capsys: Capsys, tmp_path: Path, result: Path) -> None:
    row = {"machine": "two_buffers", "quantity": "cycles", "ours": 9.0, "theirs": 10.0, "error": -0.1, "tolerance": 0.2,
           "passed": True, "source": "somebody", "note": ""}  # fmt: skip
    found = tmp_path / "validation.json"
    other = {**row, "machine": "another", "source": "nobody"}
    found.write_text(json.dumps({"rows": [row, other], "skipped": [{"check": "mine", "reason": "needs their data"}]}))
    page = tmp_path / "page.html"
    assert run(capsys, "report", result, "--validation", found, "--out", page).status == 0
    text = page.read_text()
    assert "1 of 1 figure of others is met" in text
    assert "somebody" in text
    assert "nobody" not in text
    assert "mine needs their data" in text


def test_benches_become_pages_and_files(capsys: Capsys, tmp_path: Path, result: Path) -> None:
    here, there, page, folder = (tmp_path / name for name in ("here.json", "there.json", "page.html", "charts"))
    here.write_text(to_json(BENCH))
    there.write_text(to_json(FASTER))
    assert run(capsys, "report", here, "--out", page).status == 0
    assert "Speed of the simulator on 2 cores of Processor A" in page.read_text()
    assert " ".join(run(capsys, "check", page).out.split()).startswith("valid report ")
    ended = run(capsys, "report", here, there, result, "--out", page, "--charts", folder)
    assert ended.status == 0
    assert "how many times as fast it is on &#x27;there&#x27; as on &#x27;here&#x27;" in page.read_text()
    names = {path.name for path in folder.iterdir()}
    made = {"bench-times.csv", "bench-times.svg", "bench-times.png", "bench-growth.svg", "bench-throughput-3.png"}
    assert made <= names
    assert "here,lenet,10,80,spike_array,bitmask,1,4,spikecycle,0.5," in (folder / "bench-times.csv").read_text()
    assert "Run times: time per sample" in run(capsys, "check", folder / "bench-times.svg").out
    facts = run(capsys, "check", here).out
    assert "valid measured speed" in " ".join(facts.split())
    assert "4, of which 1 cannot be run" in facts
    refused(run(capsys, "bench", "--against", result), "is a result of simulate; needed here: a measured speed")


def test_files_of_one_name_are_told_apart(capsys: Capsys, tmp_path: Path) -> None:
    paths = [tmp_path / folder / "result.json" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(to_json(run_result()))
    page = tmp_path / "page.html"
    assert run(capsys, "report", *paths, paths[0], "--out", page).status == 0
    assert f"{paths[0]}, {paths[1]}" not in page.read_text()
    assert f"result (1), {paths[1]}, result (2)" in page.read_text()


ASSUMED: dict[str, Any] = json.loads(to_json(run_result()))["assumptions"]
LAYER: dict[str, Any] = json.loads(to_json(run_result()))["layers"][0]


def _changed(**changes: Any) -> str:
    return json.dumps({**json.loads(to_json(run_result())), **changes})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1, 2]", "holds no JSON object"),
        (
            "{}",
            "is a JSON file of no kind that spikecycle writes; needed here: a result of simulate (--json of simulate)",
        ),
        ('{"rows": [], "skipped": []}', "is a validation; needed here: a result of simulate"),
        ('{"points": 3, "columns": []}', "Field required"),
        ('{"points": [], "columns": [], "spikecycle": "0", "folder": null}', "it has no points"),
        ('{"points": [{"problem": "x"}], "columns": [], "spikecycle": "0", "folder": null}', "nothing to report"),
        (_changed(version=1), "this result of spikecycle simulate has version 1, this program reads version 2"),
        (_changed(version=99), "has version 99"),
        (_changed(samples=[]), "it has no samples"),
        (_changed(layers=[]), "it has no layers"),
        (_changed(timesteps=0), "it has no timesteps"),
        (_changed(pes=-1), "no processing elements"),
        (_changed(clock_mhz=0), "it has no clock"),
        (_changed(machine={}), "its machine has no name"),
        (_changed(assumptions={**ASSUMED, "residency": {}}), "its residency is not known"),
        (
            _changed(layers=[{**LAYER, "counters": [{**LAYER["counters"][0], "resource": "x"}]}]),
            "a resource that there",
        ),
        (_changed(layers=[{**LAYER, "raster": {"sample": 0, "neurons": [], "rows": ["1"]}}]), "no row per neuron"),
        (_changed(sum_cycles=-1), "sum_cycles: -1 is below 0"),
        (_changed(layers="x"), "layers: Input should be a valid list"),
        (_changed(nonsense=1), "nonsense: Extra inputs are not permitted"),
        (_changed(area_mm2=float("nan")), "area_mm2: is no number"),
        (_changed(sum_cycles=10**400), "sum_cycles: is no number"),
        (json.dumps({"cases": [], "peers": [], "growth": []}), "Field required"),
    ],
)
def test_what_is_no_result_is_told_in_a_line(capsys: Capsys, tmp_path: Path, content: str, words: str) -> None:
    path, page = tmp_path / "bad.json", tmp_path / "page.html"
    path.write_text(content)
    refused(run(capsys, "report", path, "--out", page), f"{path}: ", words)
    assert not page.exists()


def test_a_file_that_is_not_there_and_places_that_cannot_be_written(
    capsys: Capsys, tmp_path: Path, result: Path
) -> None:
    refused(run(capsys, "report", tmp_path / "none.json"), "none.json: cannot be read: No such file")
    refused(run(capsys, "report"), "Missing argument 'RESULT...'")
    page = tmp_path / "first.html"
    page.write_text(to_json(run_result()))
    refused(run(capsys, "report", page, "--out", page), "would overwrite the input")
    page.unlink()
    refused(run(capsys, "report", result, "--out", tmp_path / "page.pdf"), "the report is HTML")
    refused(
        run(capsys, "report", result, "--out", tmp_path / "p.html", "--charts", result), "--charts", "cannot be written"
    )
    refused(run(capsys, "simulate", "digits-8bit", "--report", tmp_path / "x" / "p.html"), "cannot be written")
    refused(run(capsys, "report", result, "--validation", result, "--out", tmp_path / "p.html"), "validate --json")
    assert [path.name for path in tmp_path.iterdir()] == ["first.json"], "something was left behind"
