"""The folder of a sweep: damaged, swapped, of several runs, with links in it, on a file system without locks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spikecycle.simulator import OutputError, UsageError
from spikecycle.simulator.explore.store import SweepFolder

SOURCES = {"trace.h5": "a" * 64, "machine.yaml": "b" * 64}


def _row(number: int, **figures: Any) -> dict[str, Any]:
    return {
        "number": number, "point": hashlib.sha256(bytes([number])).hexdigest(), "trace": "trace.h5", **figures,
        "problem": None,
    }  # fmt: skip


ROWS = [_row(0, x=1, b=0.5), _row(1, x=2, a=1.5), _row(2, x=3, a=2.5, b=3.5), _row(3, x=4, c=7)]
NUMBERS = {row["point"]: row["number"] for row in ROWS}


def _content(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != ".lock"}


def test_it_is_the_same_to_the_byte_however_the_rows_came(tmp_path: Path) -> None:
    for name, parts in {
        "whole": [ROWS], "single": [[row] for row in ROWS], "turned": [[row] for row in reversed(ROWS)],
        "mixed": [[ROWS[3], ROWS[0]], [ROWS[2], ROWS[1]]],
    }.items():  # fmt: skip
        folder = SweepFolder(tmp_path / name, SOURCES)
        for part in parts:
            folder.append(part)
        folder.gather(NUMBERS, ["trace", "x"])
        assert folder.rows() == ROWS
    assert _content(tmp_path / "whole").keys() == {"sweep.json", "points.parquet"}
    for name in ("single", "turned", "mixed"):
        assert _content(tmp_path / name) == _content(tmp_path / "whole"), name
    columns = ["number", "point", "trace", "x", "b", "problem", "a", "c"]  # row 0 has no a, and no row before 3 a c
    assert pl.read_parquet(tmp_path / "whole" / "points.parquet").columns == columns


@pytest.mark.parametrize("gathered", [True, False])
def test_every_changed_byte_is_told_with_the_file(tmp_path: Path, gathered: bool) -> None:
    folder = SweepFolder(tmp_path / "out", SOURCES)
    folder.append(ROWS)
    if gathered:
        folder.gather(NUMBERS, ["trace"])
    file = next((tmp_path / "out").rglob("*.parquet"))
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UsageError) as refused:
            SweepFolder(tmp_path / "out", SOURCES).rows()
        assert str(refused.value).startswith(f"{file}: cannot be read as points of a sweep: ")
        assert str(refused.value).endswith("; remove it, and its points are run again")
    file.write_bytes(content)
    assert folder.rows() == ROWS
    file.unlink()
    assert SweepFolder(tmp_path / "out", SOURCES).rows() == []


def test_points_of_other_sources_are_told_with_the_file(tmp_path: Path) -> None:
    """The names of trace and machine are the same; the points of one are not those of the other."""
    other = SweepFolder(tmp_path / "other", {**SOURCES, "trace.h5": "c" * 64})
    other.append(ROWS[:1])
    folder = SweepFolder(tmp_path / "out", SOURCES)
    folder.append(ROWS[1:])
    part = next((tmp_path / "other" / "parts").iterdir())
    swapped = tmp_path / "out" / "parts" / "00000000-swapped.parquet"
    swapped.write_bytes(part.read_bytes())
    with pytest.raises(UsageError, match=rf"{swapped}: has points of another trace\.h5 than this folder; remove it"):
        folder.rows()
    swapped.unlink()
    assert folder.rows() == ROWS[1:]


@pytest.mark.parametrize("place", ["parts", "sweep.json", "points.parquet", "parts/00000001-aa.parquet", ".lock"])
def test_a_folder_with_a_link_in_it_is_refused_and_what_it_leads_to_stays(tmp_path: Path, place: str) -> None:
    """Through a link of the name parts, Parquet files of somebody would be read, and then removed."""
    victims = SweepFolder(tmp_path / "home", SOURCES)
    victims.append(ROWS)
    before = _content(tmp_path / "home")
    folder = tmp_path / "out"
    SweepFolder(folder, SOURCES)
    if place == "parts":
        (folder / "parts").rmdir()
    (folder / place).unlink(missing_ok=True)
    (folder / place).symlink_to(tmp_path / "home" / "parts")
    with pytest.raises(UsageError, match=f"{folder / place}: is a symbolic link, which no sweep makes"):
        SweepFolder(folder, SOURCES)
    assert _content(tmp_path / "home") == before


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    SweepFolder(tmp_path, SOURCES)
    os.mkfifo(tmp_path / "parts" / "00000001-aa.parquet")
    with pytest.raises(UsageError, match="is neither a file nor a folder"):
        SweepFolder(tmp_path, SOURCES)


def test_two_runs_lose_nothing_to_each_other(tmp_path: Path) -> None:
    """The second gathers what the first has added, and the other way round; each may have sources of its own."""
    one = SweepFolder(tmp_path, SOURCES)
    two = SweepFolder(tmp_path, {"other.h5": "d" * 64})
    one.append(ROWS[:1])
    two.append(ROWS[1:2])
    two.gather(NUMBERS, ["trace"])
    one.append(ROWS[2:3])
    assert {row["number"] for row in one.rows()} == {0, 1, 2}
    one.gather(NUMBERS, ["trace"])
    two.append(ROWS[3:])
    assert {row["number"] for row in SweepFolder(tmp_path, SOURCES).rows()} == {0, 1, 2, 3}


def test_nothing_is_gathered_while_another_run_writes(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path, SOURCES)
    with (tmp_path / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        folder.append(ROWS)  # both may
        assert folder.rows() == ROWS
        gathering = threading.Thread(target=folder.gather, args=(NUMBERS, ["trace"]), daemon=True)
        gathering.start()
        gathering.join(0.2)
        assert gathering.is_alive() and not folder.points_file.exists()
    gathering.join(60)
    assert folder.points_file.exists()


def test_what_a_killed_run_left_is_taken_away_and_no_reason_to_refuse(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".spikecycle-0123.tmp").write_text("cut")  # of the manifest
    folder = SweepFolder(tmp_path, SOURCES)
    folder.append(ROWS)
    (tmp_path / "parts" / ".spikecycle-4567.tmp").write_text("cut")
    assert SweepFolder(tmp_path, SOURCES).rows() == ROWS
    assert not list(tmp_path.rglob("*.tmp"))
    (tmp_path / "parts").rename(tmp_path / "gone")  # between its manifest and its folder of parts
    (tmp_path / "gone").rename(tmp_path.parent / "gone")
    assert SweepFolder(tmp_path, SOURCES).rows() == []


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("spikecycle.simulator.explore.store.fcntl.flock", refuse)
    with pytest.raises(OutputError, match=r"cannot be locked \(No locks available\); name another folder"):
        SweepFolder(tmp_path, SOURCES)


@pytest.mark.parametrize("text", ["[" * 100_000, "null", '{"sources": 1}', "NaN", '{"sources": {}, "version": [1]}'])
def test_a_manifest_that_no_sweep_wrote_is_told(tmp_path: Path, text: str) -> None:
    SweepFolder(tmp_path, SOURCES)
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(UsageError, match=r"sweep\.json: cannot be read as what a sweep wrote"):
        SweepFolder(tmp_path, SOURCES)
    about = {"version": 1, "sources": {}, "spikecycle": "0", "result_version": 0}
    (tmp_path / "sweep.json").write_text(json.dumps(about))
    with pytest.raises(UsageError, match=r"holds points of another version: version 1 \(now 2\)"):
        SweepFolder(tmp_path, SOURCES)
