"""The database of a search that somebody else has made, damaged, or that a run left when it was killed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from spikecycle.simulator import OutputError, UsageError
from spikecycle.simulator.explore import study_database
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.search_study import SearchStudy
from spikecycle.simulator.explore.sweep_spec import SweepSpec, parse_sweep
from spikecycle.simulator.written_files import describe_database
from tests.unit.explore.small import small_trace

pytestmark = pytest.mark.filterwarnings("ignore")  # Optuna warns of its newer parts
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> SweepSpec:
    trace = small_trace(tmp_path_factory.mktemp("space") / "small.h5", samples=1)
    return parse_sweep({"traces": str(trace), "machines": "spike_array", "set": {"dataflow.pes": [1, 2, 4]}}, "s", None)


@pytest.fixture(scope="module")
def good(space: SweepSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search of three trials."""
    folder = tmp_path_factory.mktemp("good") / "search"
    search(space, folder, trials=3)
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "search"))


def _execute(database: Path, statements: Sequence[str]) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _state(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"CREATE TRIGGER t AFTER INSERT ON trials BEGIN INSERT INTO trials(state) {ENDLESS} SELECT 1 FROM c; END",
         "holds the trigger t"),
        (f"CREATE VIEW v AS {ENDLESS} SELECT x FROM c", "holds the view v"),
        ("CREATE VIRTUAL TABLE v USING fts5(a)", "holds the virtual table v"),
        ("create  virtual\ttable v using fts5(a)", "holds the virtual table v"),
        ("PRAGMA journal_mode = WAL", "is an SQLite database with a write-ahead log"),
        ("ALTER TABLE trials RENAME TO others", "is an SQLite database, but not the study of a spikecycle search"),
    ],
)  # fmt: skip
def test_what_optuna_does_not_write_is_refused_by_check_and_search(
    space: SweepSpec, folder: Path, statement: str, words: str
) -> None:
    """An endless trigger would end no search, and to read a database in WAL mode makes files beside it."""
    path = folder / "study.db"
    _execute(path, [statement])
    before = _state(folder)
    for attempt in (lambda: describe_database(path), lambda: search(space, folder, trials=4)):
        with pytest.raises(UsageError, match=rf"study\.db: {words}"):
            attempt()
    assert _state(folder) == before


def test_no_value_is_longer_than_it_can_be(folder: Path) -> None:
    path = folder / "study.db"
    _execute(path, [f"UPDATE studies SET study_name = zeroblob({study_database.LONGEST_VALUE_BYTES + 1})"])
    with pytest.raises(UsageError, match="cannot be read as an SQLite database: string or blob too big"):
        describe_database(path)


def test_no_look_takes_longer_than_it_may(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_database, "LONGEST_READ_S", -1)
    monkeypatch.setattr(study_database, "_STEPS_BETWEEN_LOOKS", 1)
    with pytest.raises(UsageError, match="cannot be read as an SQLite database: interrupted"):
        describe_database(folder / "study.db")


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "text", "empty"])
def test_what_is_no_database_is_refused(tmp_path: Path, folder: Path, what: str) -> None:
    path = tmp_path / "other" / "study.db"
    path.parent.mkdir()
    if what == "link":
        path.symlink_to(folder / "study.db")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.write_text("no" * 100 if what == "text" else "")
    with pytest.raises(
        UsageError,
        match=r"study\.db: cannot be read(: is | as an SQLite database: file)",
    ):
        describe_database(path)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE trial_params SET param_value = 7", "trial 0: dataflow.pes: 7 is no value of it"),
        ('UPDATE trial_params SET distribution_json = \'{"name": "X"}\'', "is damaged"),
        ("UPDATE trial_values SET value = NULL", "is damaged"),
        ("DELETE FROM trial_values", "trial 0: it needs 3 values"),
        ("DELETE FROM trial_values WHERE objective = 1", "is damaged|trial 0: it needs 3 values"),
        ("UPDATE trials SET state = 'DONE'", "is damaged"),
        ("UPDATE study_user_attributes SET value_json = '[[['", "JSONDecodeError"),
        ("UPDATE study_user_attributes SET value_json = '5'", "what it says about its search is no mapping"),
        ("UPDATE trial_user_attributes SET value_json = 'null'", "trial 0: it names no point"),
        ("UPDATE trial_user_attributes SET value_json = '[1, 2]' WHERE key = 'violations'", "it needs 1 violations"),
        ("UPDATE trial_user_attributes SET value_json = '[\"a\"]' WHERE key = 'violations'", "it needs 1 violations"),
    ],
)
def test_rows_that_no_search_writes_are_named(space: SweepSpec, folder: Path, statement: str, words: str) -> None:
    _execute(folder / "study.db", [statement])
    with pytest.raises((UsageError, OutputError), match=rf"study\.db: .*({words})"):
        search(space, folder, trials=4)


FOUR_COMPLETE = {"4 complete", *(f"4 complete, {again} fail" for again in (1, 2))}
"""Of a space of three points: a trial for which the sampler draws one again is ended as failed, in Optuna's words."""


def test_a_good_study_goes_on(space: SweepSpec, folder: Path) -> None:
    assert search(space, folder, trials=4).trials == 4
    assert dict(describe_database(folder / "study.db").facts)["trials"] in FOUR_COMPLETE


@pytest.mark.parametrize("name", ["a?mode=memory", "a?timeout=x", "a%41", "{a}", "file:a?mode=memory", ":memory:"])
def test_a_study_is_where_it_was_asked_for_by_any_name(
    space: SweepSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What Optuna takes is a URL, in which such names would mean something else: another file, or none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SearchStudy, "importances", lambda self: {})
    search(space, name, trials=1)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert ("trials", "1 complete") in describe_database(tmp_path / name / "study.db").facts


KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN")
database.execute("UPDATE trials SET state = 'FAIL'")
database.execute("CREATE TABLE large (x)")
database.executemany("INSERT INTO large VALUES (?)", [(bytes(9000),)] * 99)
os.kill(os.getpid(), 9)
"""


def test_a_change_that_was_killed_in_its_middle_is_taken_back(space: SweepSpec, folder: Path) -> None:
    path = folder / "study.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.with_name("study.db-journal").exists()
    assert search(space, folder, trials=4).trials == 4
    assert dict(describe_database(path).facts)["trials"] in FOUR_COMPLETE  # not the 3 as well that were set to FAIL
