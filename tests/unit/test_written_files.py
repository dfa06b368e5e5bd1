"""`check` of what commands write beside results: folders, databases, pictures and the smaller documents."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.text import Text

from spikecycle.simulator.checking import check_file
from spikecycle.simulator.description import FileDescription
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.explore.store import SweepFolder
from spikecycle.simulator.report.charts.roofline import roofline
from spikecycle.simulator.report.charts.scatter import Point
from spikecycle.simulator.report.charts.svg import as_file
from spikecycle.simulator.report.front_picture import front_svg
from spikecycle.simulator.report.picture import to_svg
from spikecycle.simulator.validation.audit import audit
from spikecycle.simulator.validation.audit import to_markdown as audit_in_markdown
from spikecycle.simulator.validation.row import Report
from spikecycle.simulator.validation.table import to_markdown as validation_in_markdown

SHA256 = "ab" * 32


def described(path: Path) -> tuple[str, dict[str, str]]:
    """Kind and facts of a file or folder."""
    found = check_file(str(path))
    assert isinstance(found, FileDescription)
    return found.kind, dict(found.facts)


def sweep_folder(path: Path) -> Path:
    """The folder of a sweep of three points: two gathered, one as it came."""
    folder = SweepFolder(path, {"net": SHA256, "machine": SHA256})
    folder.append([{"number": number, "point": f"p{number}", "problem": None} for number in range(2)])
    folder.gather({"p0": 0, "p1": 1}, ())
    folder.append([{"number": 2, "point": "p2", "problem": None}])
    return path


def add_study(path: Path) -> Path:
    """A database with the tables of Optuna that are looked at: one study of three trials, two of them done."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE studies (study_name TEXT)")
        database.execute("CREATE TABLE trials (state TEXT)")
        database.execute("INSERT INTO studies VALUES ('mine')")
        database.executemany("INSERT INTO trials VALUES (?)", [("COMPLETE",), ("FAIL",), ("COMPLETE",)])
        database.commit()
    return path


def test_the_folder_of_a_sweep_has_its_points_counted(tmp_path: Path) -> None:
    kind, facts = described(sweep_folder(tmp_path / "sweep.d"))
    assert kind == "folder of a sweep"
    assert facts["points"].startswith("3, 1 of its files not gathered")
    assert facts["came from"] == "machine, net"
    kind, facts = described(tmp_path / "sweep.d" / "sweep.json")
    assert (kind, facts["came from"]) == ("list of what a sweep's points came from", "machine, net")


def test_a_search_is_a_sweep_with_a_study(tmp_path: Path) -> None:
    database = add_study(sweep_folder(tmp_path / "search") / "study.db")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "search").rglob("*")}
    kind, facts = described(tmp_path / "search")
    assert (kind, facts["trials"]) == ("folder of a search", "2 complete, 1 fail")
    kind, facts = described(database)
    assert (kind, facts["study"]) == ("study of a search", "mine")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "search").rglob("*")}


def test_the_folder_of_a_study_has_its_records_counted(tmp_path: Path) -> None:
    (tmp_path / "simulations").mkdir()
    (tmp_path / "study.json").write_text(json.dumps({"study": "digits"}))
    (tmp_path / "simulations" / "one.json").write_text("{}")
    kind, facts = described(tmp_path)
    assert (kind, facts["study"], facts["simulations"], facts["networks"]) == ("folder of a study", "digits", "1", "0")
    assert described(tmp_path / "study.json")[1]["folder of"] == "digits"
    (tmp_path / "simulations" / "one.json").write_text("{")
    with pytest.raises(UsageError, match=r"one\.json: is no JSON"):
        check_file(str(tmp_path))


def test_pictures_of_tables_and_of_charts_have_titles(tmp_path: Path) -> None:
    table, chart = tmp_path / "table.svg", tmp_path / "chart.svg"
    table.write_text(to_svg("spikecycle simulate a & b", Text("words")))
    chart.write_text(as_file(roofline(600, "k", "my chart", [Point(1, 1, "op", "tip")], 4, 2, ("x", "y"), ("f", "s"))))
    assert described(table)[1]["title"] == "spikecycle simulate a & b"
    assert described(chart)[1]["title"] == "my chart"
    table.write_text(table.read_text()[:-20])
    with pytest.raises(UsageError, match="is cut short"):
        check_file(str(table))


def test_the_picture_of_a_search_is_known(tmp_path: Path) -> None:
    point = {"problem": None, "energy_per_inference_pj": 1e6, "seconds_per_inference": 1e-3}
    result = SearchResult(
        spikecycle="0", folder="f", columns=[], goals=["energy_per_inference_pj", "seconds_per_inference"],
        constraints=[], space=1, trials=1, simulated=1, failed=0, front=[point], points=[point], importances={},
    )  # fmt: skip
    (tmp_path / "front.svg").write_text(front_svg(result))
    assert described(tmp_path / "front.svg")[1]["title"] == "spikecycle search"


def test_tables_in_markdown_are_known(tmp_path: Path) -> None:
    validation, audited = tmp_path / "validation.md", tmp_path / "audit.md"
    validation.write_text(validation_in_markdown(Report((), ())))
    audited.write_text(audit_in_markdown(audit()))
    assert described(validation)[0] == "validation in Markdown"
    kind, facts = described(audited)
    assert kind == "audit in Markdown"
    assert facts["begins"].startswith("| machine | published GOP/J")


def test_what_synthesize_writes_as_json_is_known(tmp_path: Path) -> None:
    file = tmp_path / "drawn.json"
    document = {
        "trace": "n.h5",
        "synthetic": True,
        "asked": {"fc": {"density": 0.1}},
        "drawn": {"fc": {"density": 0.2}},
    }
    file.write_text(json.dumps(document))
    kind, facts = described(file)
    assert (kind, facts["trace"], facts["densities that were drawn"]) == (
        "statistics of a drawn trace",
        "n.h5",
        "fc 0.2",
    )
    file.write_text(json.dumps({**document, "drawn": []}))
    with pytest.raises(UsageError, match="drawn: a mapping of layers"):
        check_file(str(file))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("points.parquet", b"", "is empty, so it is no Parquet"),
        ("points.parquet", b"words", "is no Parquet"),
        ("study.db", b"SQLite format 3\0" + bytes(84) + b"\xff" * 500, "cannot be read as an SQLite database"),
        ("picture.svg", b"<svg></svg>", "none that spikecycle wrote"),
        ("picture.png", b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
        ("notes.md", b"# Notes: of mine\n", "is Markdown, and no table that"),
        ("chart.csv", b"operator,kind,energy (pJ)\nconv1,DRAM,3\n", "is CSV, but no topology"),
        ("chart.csv", b"memory,kind,a,b,c,d,e,f,g\nweights,sram,1,2,3,4,5,6,7\n", "is CSV, but no topology"),
        ("network.csv", b"Layer name, h, w\nconv1, 3, 4\n", "network.csv, line 2: 8 columns are needed"),
        ("network.csv", b"conv1, 3, 4\n", "network.csv, line 1: 8 columns are needed"),
        ("sweep.json", b'{"sources": 3, "result_version": 2}', "sources: a mapping"),
    ],
)
def test_others_are_refused_by_what_they_are(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=problem) as refused:
        check_file(str(tmp_path / name))
    assert str(refused.value).startswith(str(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_a_folder_of_nobody_and_a_damaged_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory, of no sweep, search or study"):
        check_file(str(tmp_path))
    points = sweep_folder(tmp_path / "sweep") / "points.parquet"
    content = bytearray(points.read_bytes())
    content[20] ^= 1
    points.write_bytes(content)
    with pytest.raises(UsageError, match=r"points\.parquet: cannot be read as points of a sweep"):
        check_file(str(tmp_path / "sweep"))
    points.write_bytes(b"")
    with pytest.raises(UsageError, match=r"points\.parquet: is empty"):
        check_file(str(tmp_path / "sweep"))
    points.unlink()
    points.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="link"):
        check_file(str(tmp_path / "sweep"))
