"""The folder of a sweep: finished points in Parquet files that are complete or not there, and what they belong to.

    sweep.json       version of the program, and SHA-256 of every trace, machine and plugin that points came from
    points.parquet   one row per point, in the order of the sweep; written when the sweep ends
    parts/*.parquet  the same rows as they come in; each file is written beside its place, and then renamed

Whatever ends a sweep, the rows of both places together are all points that were finished. Parquet is read and written
by Polars, which views of results use already; it needs nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecycle import files
from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import Row, to_frame
from spikecycle.simulator.files import write_file
from spikecycle.simulator.result import RESULT_VERSION

if TYPE_CHECKING:
    import polars

STORE_VERSION = 1
_MOST_BYTES = 2**32
"""Of a file of a sweep, or of one that it came from."""
_MANIFEST, _POINTS, _PARTS = "sweep.json", "points.parquet", "parts"


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
        known = self._read_manifest()
        changed = [name for name, sha256 in sources.items() if known.get(name, sha256) != sha256]
        if changed:
            raise UsageError(
                f"{path}: holds points of another {changed[0]}, which has changed since; name another folder"
            )
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
        about = {"version": STORE_VERSION, **_program(), "sources": {**known, **sources}}
        write_file(self._path / _MANIFEST, json.dumps(about, indent=2, sort_keys=True) + "\n")

    @property
    def points_file(self) -> Path:
        """Where all points lie once the sweep has ended."""
        return self._path / _POINTS

    def rows(self) -> list[Row]:
        """All finished points; of one that was run again, the last run."""
        frame = self._frame()
        return [] if frame is None else [without_gaps(row) for row in frame.iter_rows(named=True)]

    def append(self, rows: Sequence[Row]) -> None:
        """Add finished points: afterwards they are on the disk, or OutputError says why not."""
        if rows:
            write_file(
                self._parts / f"{_serial(self._parts):08}-{secrets.token_hex(4)}.parquet", _parquet(to_frame(rows))
            )

    def gather(self, numbers: Mapping[str, int]) -> None:
        """Put all rows in one file and remove the parts.

        numbers: place of each point, by its identity; others, of an earlier sweep, come after them.
        """
        parts = self._part_files()
        rows = self.rows()
        if not parts:
            return
        last = len(numbers)
        placed = [{**row, "number": numbers.get(str(row["point"]), last + index)} for index, row in enumerate(rows)]
        write_file(self.points_file, _parquet(to_frame(sorted(placed, key=lambda row: row["number"]))))
        for part in parts:
            part.unlink(missing_ok=True)

    def _frame(self) -> polars.DataFrame | None:
        pl = needs_extra("polars")
        found = [self.points_file, *self._part_files()]
        frames = [_read(path) for path in found if files.is_regular(path)]
        if not frames:
            return None
        frame: polars.DataFrame = pl.concat(frames, how="diagonal_relaxed")
        return frame.unique("point", keep="last", maintain_order=True).sort("number")

    def _part_files(self) -> list[Path]:
        return sorted(self._parts.glob("*.parquet"))

    def _read_manifest(self) -> dict[str, str]:
        """What the folder's points came from; nothing where there is none yet."""
        path = self._path / _MANIFEST
        if not path.exists():
            if self._path.is_dir() and any(self._path.iterdir()):
                raise UsageError(f"{self._path}: is no folder of a sweep, and not empty; name another")
            return {}
        try:
            about = json.loads(files.read_text(path, _MOST_BYTES))
            sources, found = dict(about["sources"]), {key: about[key] for key in ("version", *_program())}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: cannot be read as what a sweep wrote; name another folder") from error
        now = {"version": STORE_VERSION, **_program()}
        if found != now:
            told = ", ".join(f"{key} {found[key]} (now {now[key]})" for key in now if found[key] != now[key])
            raise UsageError(f"{self._path}: holds points of another version: {told}; name another folder")
        return sources


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


def read_points(path: str | Path) -> list[Row]:
    """The rows of a Parquet file of points."""
    return [without_gaps(row) for row in _read(Path(path)).iter_rows(named=True)]


def without_gaps(row: Mapping[str, Any]) -> Row:
    """A row without the columns that only other rows have."""
    return {name: value for name, value in row.items() if value is not None or name == "problem"}


def _parquet(frame: polars.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def _read(path: Path) -> polars.DataFrame:
    pl = needs_extra("polars")
    try:
        frame: polars.DataFrame = pl.read_parquet(io.BytesIO(files.read_bytes(path, _MOST_BYTES)))
        if not {"point", "number"} <= set(frame.columns):
            raise ValueError("it has no points")
    except Exception as error:  # Polars has errors of its own for every kind of damage
        raise UsageError(f"{path}: cannot be read as points of a sweep: {' '.join(str(error).split())}") from error
    return frame


def _serial(folder: Path) -> int:
    """One more than the number of the last file, so that names sort in the order of writing."""
    return max((int(path.name.partition("-")[0]) for path in _numbered(folder.glob("*-*.parquet"))), default=0) + 1


def _numbered(paths: Iterable[Path]) -> Iterable[Path]:
    return (path for path in paths if path.name.partition("-")[0].isdigit())


def _program() -> dict[str, object]:
    return {"spikecycle": metadata.version("spikecycle"), "result_version": RESULT_VERSION}
