"""The folder of a study: records that are complete and unharmed, or not there at all.

    study.json            whose folder it is
    floats/KEY.*          a float network: its accuracy (json) and its weights (safetensors)
    networks/KEY.*        a compressed network: its accuracies (json) and its trace (h5)
    simulations/KEY.json  a trace on a machine in a format: the whole result of `spikecycle simulate`
    failures/KEY.json     why one of these is missing

A key is a hash of all that decides the content. A record is written after the files it speaks of, and has their
hashes and its own: what was cut short, or changed since, counts as not there and is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.keys import canonical, text_digest
from spikecycle.simulator import write_file

RecordT = TypeVar("RecordT", bound=BaseModel)

FLOATS, NETWORKS, SIMULATIONS, FAILURES = "floats", "networks", "simulations", "failures"
_MARKER = "study.json"
_LOCK = ".lock"
_UNFINISHED = ".spikecycle-*.tmp"  # what `write_file` and `write_trace` are writing, beside its place


class Store:
    """Records by kind and key, in a folder that belongs to one study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def opened(cls, folder: Path, study: str) -> Store:
        """The folder of the study of that name, made if there is none.

        ModelsError if something else is in it, or if it cannot be written.
        """
        try:
            names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
            names = [name for name in names if not fnmatch(name, _UNFINISHED)]
            if names and names != [_LOCK] and _MARKER not in names:
                raise ModelsError(f"{folder}: holds other things than a study; name another folder with --out")
            check_owner(folder, study)
            folder.mkdir(parents=True, exist_ok=True)
            write_file(folder / _MARKER, json.dumps({"study": study}) + "\n")  # first: what follows is then its own
            for kind in (FLOATS, NETWORKS, SIMULATIONS, FAILURES):
                (folder / kind).mkdir(exist_ok=True)
        except OSError as error:
            raise ModelsError(f"{folder}: cannot be the folder of a study: {error.strerror or error}") from error
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in this folder; ModelsError where another run is at work. The lock ends with its process."""
        descriptor = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ModelsError(f"{self.folder}: another run of this study is at work here") from None
        try:
            for left in self.folder.rglob(_UNFINISHED):  # by a run that was killed
                left.unlink()
            yield
        finally:
            os.close(descriptor)

    def place(self, kind: str, key: str, suffix: str) -> Path:
        """Where a file of that kind lies, whether it is there or not."""
        return self.folder / kind / f"{key}{suffix}"

    def write(self, kind: str, key: str, record: BaseModel, suffixes: tuple[str, ...] = ()) -> None:
        """Finish what `key` names: its files with these suffixes are there, and this is what to know of them."""
        files = {suffix: file_digest(self.place(kind, key, suffix)) for suffix in suffixes}
        body = record.model_dump(mode="json")
        content = {"sha256": text_digest(canonical([body, files])), "files": files, "record": body}
        write_file(self.place(kind, key, ".json"), json.dumps(content) + "\n")
        if kind != FAILURES:
            self.place(FAILURES, key, ".json").unlink(missing_ok=True)

    def read(self, kind: str, key: str, record_type: type[RecordT]) -> RecordT | None:
        """The record, if it and all of its files are there and unharmed."""
        try:
            content = json.loads(self.place(kind, key, ".json").read_text(encoding="utf-8"))
            body, files = content["record"], content["files"]
            if content["sha256"] != text_digest(canonical([body, files])):
                return None
            if any(file_digest(self.place(kind, key, suffix)) != found for suffix, found in files.items()):
                return None
            return record_type.model_validate(body)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
            return None


def check_owner(folder: Path, study: str) -> None:
    """ModelsError where the folder belongs to another study."""
    if (folder / _MARKER).exists() and _owner(folder) != study:
        owner = _owner(folder) or "unknown"
        raise ModelsError(f"{folder}: belongs to the study {owner}; name another folder for {study} with --out")


def _owner(folder: Path) -> str | None:
    """The study whose folder it is, if that can be read."""
    try:
        content = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    owner = content.get("study") if isinstance(content, Mapping) else None
    return owner if isinstance(owner, str) else None


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
