"""The database of a search, `study.db`, as foreign as any other file: looked at before Optuna or anything else uses it.

A database is more than its rows. Triggers and views in it run SQL of whoever wrote it, virtual tables run modules of
SQLite, and to read one in WAL mode makes files beside it. None of these is in what Optuna writes, so that a file with
one of them is refused; so is one whose rows are not those of a search.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from spikecycle import files
from spikecycle.simulator.errors import UsageError
from spikecycle.traces.errors import one_line

LARGEST_BYTES = 2**30
"""Of a database: a trial takes some two kilobytes."""
LONGEST_VALUE_BYTES = 2**20
"""Of a text or blob in it."""
LONGEST_READ_S = 30
"""Of one look at it."""
SIGNATURE = b"SQLite format 3\0"
_HEADER_BYTES, _VERSIONS, _WAL = 100, slice(18, 20), 2
"""Versions of writing and reading; 1 is a rollback journal, 2 is WAL. Source: SQLite's "Database File Format", 1.3."""
LOCK_S = 60
"""How long another run may hold the lock."""
_STEPS_BETWEEN_LOOKS = 10_000
"""Instructions of SQLite's machine between two looks at the clock."""
_OPTUNA_TABLES = frozenset({"studies", "trials"})
_WRONG = "cannot be read as the study of a search"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a search, to be read within bounds; UsageError where it is another one, or damaged."""
    try:
        with _looked_at(path, "ro") as database:
            yield database
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (sqlite3.Error, UnicodeError) as error:
        raise UsageError(f"{path}: cannot be read as an SQLite database: {one_line(str(error))}") from error


@contextmanager
def _looked_at(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """The same, with errors of SQLite and the system as they are. mode: "rw" lets SQLite take back what a run that was
    killed had begun; "ro" changes nothing."""
    _check_header(path)
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_S)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES)
        end_s = time.monotonic() + LONGEST_READ_S
        database.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS_BETWEEN_LOOKS)
        _check_schema(path, database)
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise sqlite3.DatabaseError(state)
        yield database


def _check_header(path: Path) -> None:
    with files.open_regular(path, follow_links=False) as file:
        header = file.read(_HEADER_BYTES)
        file.seek(0, 2)
        size_bytes = file.tell()
    if not header.startswith(SIGNATURE):
        raise sqlite3.DatabaseError("file is not a database")
    if size_bytes > LARGEST_BYTES:
        raise UsageError(f"{path}: is larger than {LARGEST_BYTES:,} bytes")
    if _WAL in header[_VERSIONS]:
        raise UsageError(f"{path}: is an SQLite database with a write-ahead log, which no search makes")


def _check_schema(path: Path, database: sqlite3.Connection) -> None:
    """UsageError unless it has tables and indexes alone, and those of Optuna."""
    tables = set()
    for kind, name, statement in database.execute("SELECT type, name, sql FROM sqlite_master"):
        is_virtual = " ".join(str(statement).split()[:2]).upper() == "CREATE VIRTUAL"
        if kind not in ("table", "index") or is_virtual:
            what = "virtual table" if is_virtual else one_line(str(kind))
            raise UsageError(f"{path}: holds the {what} {one_line(str(name))}, which no search makes")
        if kind == "table":
            tables.add(name)
    if not tables >= _OPTUNA_TABLES:
        raise UsageError(f"{path}: is an SQLite database, but not the study of a spikecycle search")


def storage(optuna: Any, path: Path) -> Any:
    """Optuna's storage in this file, which may not be there yet; UsageError where it is no database of a search,
    sqlite3.Error or OSError where it cannot be read.

    The file is opened here: the URL that Optuna takes would read `?`, `%` and braces in a name as instructions;
    of a relative one, SQLite may read `file:` as another.
    """
    is_empty = path.is_file() and not path.is_symlink() and path.stat().st_size == 0
    if path.exists() and not is_empty:  # SQLite makes an empty file first, which is all that a killed run may leave
        with _looked_at(path, "rw"):
            pass

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path.absolute(), timeout=LOCK_S, check_same_thread=False)

    return optuna.storages.RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})


def said_about(path: Path, study: Any) -> Mapping[str, Any]:
    """What the study says about its search, nothing where it is new; UsageError where that cannot be read."""
    about = _read(path, lambda: study.user_attrs.get("about", {}))
    if not isinstance(about, dict):
        raise UsageError(f"{path}: {_WRONG}: what it says about its search is no mapping")
    return about


def _read(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # Optuna's parsers have errors of their own for every kind of damage
        raise UsageError(f"{path}: {_WRONG}: {_words(error)}") from error


def check_trials(path: Path, study: Any, allowed: Mapping[str, Sequence[Any]], goals: int, constraints: int) -> None:
    """UsageError naming the first trial that no search has written.

    allowed: values of every parameter, by name. goals: how many values a trial has. constraints: how many violations.
    """
    for trial in _read(path, lambda: study.get_trials(deepcopy=False)):
        problem = _problem(trial, allowed, goals, constraints)
        if problem:
            raise UsageError(f"{path}: {_WRONG}: trial {trial.number}: {problem}")


def _problem(trial: Any, allowed: Mapping[str, Sequence[Any]], goals: int, constraints: int) -> str:
    for name, value in trial.params.items():
        if value not in allowed.get(name, ()):
            return f"{one_line(name)}: {one_line(value)} is no value of it"
    if not trial.state.is_finished():
        return ""  # of a run that was killed
    if trial.state.name == "FAIL":
        return ""  # it drew a point again
    if trial.values is None or len(trial.values) != goals or any(map(math.isnan, trial.values)):
        return f"it needs {goals} values"
    violations = trial.user_attrs.get("violations")
    if not isinstance(trial.user_attrs.get("point"), str):
        return "it names no point"
    if not isinstance(violations, list) or len(violations) != constraints or not all(map(is_finite, violations)):
        return f"it needs {constraints} violations"
    return ""


def is_finite(value: Any) -> bool:
    """Whether a goal, or a violation, is a number that can be compared."""
    return isinstance(value, int | float) and math.isfinite(value)


def _words(error: Exception) -> str:
    return one_line(" ".join(f"{type(error).__name__}: {error}".split()), longest=200)
