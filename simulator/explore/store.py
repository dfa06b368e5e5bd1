"""The folder of a sweep: finished points in Parquet files that are complete or not there, and what they belong to.

    sweep.json       version of the program, and SHA-256 of every trace, machine and plugin that points came from
    points.parquet   one row per point, in the order of the sweep; written when the sweep ends
    parts/*.parquet  the same rows as they come in; each file is written beside its place, and then renamed

Whatever ends a sweep, the rows of both places together are all points that were finished. A file of points carries the
SHA-256 of its bytes, and those of the sources of its points: one that is damaged, or was put here from the folder of
other sources, is named and refused. So is a folder that holds links: through one, files elsewhere would be written or
removed.

Several runs may use a folder at the same time. Each adds files of its own; that is done under a shared lock, and what
removes files under one for itself alone. Parquet is read and written by Polars, which views of results use already; it
needs nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecycle import files, parquet_seal
from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import UNKNOWABLE, Row, to_frame, with_unknowns
from spikecycle.simulator.files import write_file
from spikecycle.simulator.result import RESULT_VERSION
from spikecycle.traces.errors import one_line

if TYPE_CHECKING:
    import polars

STORE_VERSION = 2
_MOST_BYTES = 2**32
"""Of a file of a sweep, or of one that it came from."""
_MOST_MANIFEST_BYTES = 2**26
SEARCH_FILES = ("study.db", "study.db-journal", "study.db-wal", "study.db-shm")
"""A search's database, and what SQLite keeps beside it. Source: SQLite's documentation, "Temporary Files"."""
_MANIFEST, _POINTS, _PARTS, _LOCK = "sweep.json", "points.parquet", "parts", ".lock"
_SOURCES = "spikecycle_sources"
"""In the metadata of a file of points: what its points came from, as in the manifest."""
_AGAIN = "remove it, and its points are run again"


class SweepFolder:
    """A folder that holds the points of a sweep, or will."""

    def __init__(self, path: str | Path, sources: Mapping[str, str]) -> None:
        """Open the folder, or make it.

        sources: SHA-256 by name of what the points come from. UsageError where the folder holds points of another
        version of the program, or of a file that has changed; OutputError where it cannot be written.
        """
        needs_extra("polars")  # before anything is written
        self._path = Path(path)
        self._parts = self._path / _PARTS
        self._check_members()
        self._read_manifest()  # what is somebody else's folder gets no file of ours, not even a lock
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
        with self._locked(alone=True):
            known = self._read_manifest()
            changed = [name for name, sha256 in sources.items() if known.get(name, sha256) != sha256]
            if changed:
                name = one_line(changed[0], 1000)
                raise UsageError(
                    f"{path}: holds points of another {name}, which has changed since; name another folder"
                )
            self._sources = {**known, **sources}
            about = {"version": STORE_VERSION, **_program(), "sources": self._sources}
            write_file(self._path / _MANIFEST, json.dumps(about, indent=2, sort_keys=True) + "\n")
            try:
                self._parts.mkdir(exist_ok=True)
                for left in [*self._path.glob(files.TEMPORARY), *self._parts.glob(files.TEMPORARY)]:
                    left.unlink(missing_ok=True)  # by a run that was killed
            except OSError as error:
                raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error

    @property
    def points_file(self) -> Path:
        """Where all points lie once the sweep has ended."""
        return self._path / _POINTS

    def rows(self) -> list[Row]:
        """All finished points; of one that was run again, the last run. UsageError naming a file that is damaged."""
        with self._locked():
            return self._rows()

    def append(self, rows: Sequence[Row]) -> None:
        """Add finished points: afterwards they are on the disk, or OutputError says why not."""
        if rows:
            with self._locked():
                name = f"{_serial(self._parts):08}-{secrets.token_hex(4)}.parquet"
                write_file(self._parts / name, self._parquet(rows))

    def gather(self, numbers: Mapping[str, int], columns: Iterable[str]) -> None:
        """Put all rows in one file and remove the parts: the same file, in whatever order and parts they came.

        numbers: place of each point, by its identity; others, of an earlier sweep, come after them. columns: the first
        ones; others come after them by their names.
        """
        with self._locked(alone=True):
            parts = self._part_files()
            if not parts:
                return
            rows, last = self._rows(), 1 + max(numbers.values(), default=-1)
            rank = {name: place for place, name in enumerate(("number", "point", *columns))}
            placed = [
                {**_ordered(row, rank), "number": numbers.get(str(row["point"]), last + index)}
                for index, row in enumerate(rows)
            ]
            write_file(self.points_file, self._parquet(sorted(placed, key=lambda row: row["number"])))
            for part in parts:
                part.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, alone: bool = False) -> Iterator[None]:
        """While others do no more than add files, or, alone, nothing. The lock ends with its process."""
        place = self._path / _LOCK
        try:
            descriptor = os.open(place, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(f"{place}: cannot be opened: {error.strerror or error}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            except OSError as error:  # a file system without locks, where nothing would keep two runs apart
                raise OutputError(
                    f"{self._path}: cannot be locked ({error.strerror or error}); name another folder"
                ) from error
            yield
        finally:
            os.close(descriptor)

    def _rows(self) -> list[Row]:
        self._sources = {**self._read_manifest(), **self._sources}  # another run may have added some
        frame = self._frame()
        return [] if frame is None else [without_gaps(row) for row in frame.iter_rows(named=True)]

    def _frame(self) -> polars.DataFrame | None:
        pl = needs_extra("polars")
        found = [self.points_file, *self._part_files()]
        frames = [self._read(path) for path in found if os.path.lexists(path)]
        if not frames:
            return None
        frame: polars.DataFrame = pl.concat(frames, how="diagonal_relaxed")
        return frame.unique("point", keep="last", maintain_order=True).sort("number", maintain_order=True)

    def _part_files(self) -> list[Path]:
        return sorted(self._parts.glob("*.parquet"))

    def _check_members(self) -> None:
        """UsageError naming the first that is neither a file nor a folder: no sweep makes one."""
        odd = files.odd_member(self._path)
        if odd is not None:
            raise UsageError(f"{odd[0]}: is {odd[1]}, which no sweep makes; remove it, or name another folder")

    def _parquet(self, rows: Sequence[Row]) -> bytes:
        """Rows as a file that says what they came from, and has its checksum."""
        content = io.BytesIO()
        about = {_SOURCES: json.dumps(self._sources, sort_keys=True), parquet_seal.KEY: parquet_seal.BLANK}
        to_frame(rows).write_parquet(content, metadata=about)
        return parquet_seal.sealed(content.getvalue())

    def _read(self, path: Path) -> polars.DataFrame:
        """The points of a file of this folder."""
        pl = needs_extra("polars")
        try:
            content = files.read_bytes(path, _MOST_BYTES, follow_links=False)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
        problem = parquet_seal.seal_problem(content)
        if problem is not None:
            raise UsageError(f"{path}: cannot be read as points of a sweep: {problem}; {_AGAIN}")
        try:
            frame: polars.DataFrame = pl.read_parquet(io.BytesIO(content))
            sources = json.loads(pl.read_parquet_metadata(io.BytesIO(content))[_SOURCES])
            if not {"point", "number"} <= set(frame.columns):
                raise ValueError("it has no points")
            others = [name for name, sha256 in sources.items() if self._sources.get(name) != sha256]
        except (Exception, pl.exceptions.PanicException) as error:  # Polars has its own for every kind of damage
            words = one_line(" ".join(str(error).split()))
            raise UsageError(f"{path}: cannot be read as points of a sweep: {words}; {_AGAIN}") from error
        if others:
            raise UsageError(f"{path}: has points of another {one_line(others[0])} than this folder; {_AGAIN}")
        return frame

    def _read_manifest(self) -> dict[str, str]:
        """What the folder's points came from; nothing where there is none yet."""
        path = self._path / _MANIFEST
        if not path.exists():
            names = [path.name for path in self._path.iterdir()] if self._path.is_dir() else []
            if any(name != _LOCK and not fnmatch(name, files.TEMPORARY) for name in names):
                raise UsageError(f"{self._path}: is no folder of a sweep, and not empty; name another")
            return {}
        try:
            about = json.loads(files.read_text(path, _MOST_MANIFEST_BYTES, follow_links=False))
            sources, found = dict(about["sources"]), {key: about[key] for key in ("version", *_program())}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{path}: cannot be read as what a sweep wrote; name another folder") from error
        now = {"version": STORE_VERSION, **_program()}
        if found != now:
            told = ", ".join(f"{key} {one_line(found[key])} (now {now[key]})" for key in now if found[key] != now[key])
            raise UsageError(f"{self._path}: holds points of another version: {told}; name another folder")
        return sources


def kept_files(folder: str | Path) -> tuple[Path, ...]:
    """What a sweep or search keeps in its folder, whether it is there yet or not: nothing else may be written there."""
    return tuple(Path(folder) / name for name in (_MANIFEST, _POINTS, _PARTS, _LOCK, *SEARCH_FILES))


def source_sha256(path: Path) -> str:
    """SHA-256, in hexadecimal, of a file; OutputError's sibling for reading is UsageError."""
    digest = hashlib.sha256()
    try:
        with files.open_regular(path) as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def without_gaps(row: Mapping[str, Any]) -> Row:
    """A row without the columns that only other rows have; figures that its machine does not model stay, as None."""
    kept = {"problem"} if row.get("problem") is not None else {"problem", *UNKNOWABLE}
    return with_unknowns({name: value for name, value in row.items() if value is not None or name in kept})


def _ordered(row: Row, rank: Mapping[str, int]) -> Row:
    return {name: row[name] for name in sorted(row, key=lambda name: (rank.get(name, len(rank)), name))}


def _serial(folder: Path) -> int:
    """One more than the number of the last file, so that names sort in the order of writing."""
    return max((int(path.name.partition("-")[0]) for path in _numbered(folder.glob("*-*.parquet"))), default=0) + 1


def _numbered(paths: Iterable[Path]) -> Iterable[Path]:
    return (path for path in paths if path.name.partition("-")[0].isdecimal())


def _program() -> dict[str, object]:
    return {"spikecycle": metadata.version("spikecycle"), "result_version": RESULT_VERSION}
