"""The folder of a study: records that are complete and unharmed, or not there at all.

    study.json            whose folder it is
    floats/KEY.*          a float network: its accuracy (json) and its weights (safetensors)
    networks/KEY.*        a compressed network: its accuracies, which test samples it got right (json), its trace (h5)
    simulations/KEY.json  a trace on a machine in a format: the whole result of `spikecycle simulate`
    failures/KEY.json     why one of these is missing

A key is a hash of all that decides the content. A record is written after the files it speaks of, and has their
hashes and one of itself, its key and its kind: what was cut short, changed, or put in another's place, counts as not
there and is made again, and `Store.damaged` names it with what is wrong. A folder that holds links or devices was made
by nobody's study, and is refused: what is written through a link would destroy a file elsewhere.

Parts are found by content-addressed keys: a key is a hash of everything that decides the result, so that any changed
input (data, options, code) gives a new key and nothing stale is read. `*Record` and `Failure` are what is stored of a
finished part.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikecycle import files
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.errors import ModelsError
from spikecycle.simulator import write_file
from spikecycle.traces import schema as trace_schema
from spikecycle.traces.errors import one_line


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FloatRecord(_Record):
    """A float network that was trained. accuracy: share of the test samples whose class was found."""

    accuracy: float


class NetworkRecord(_Record):
    """A compressed network that was trained and recorded. Accuracies as in FloatRecord.

    correct: a 1 for every test sample whose class the integer network found, a 0 for every other, in the order of the
    test set, so that two networks can be compared sample by sample. pruned_share: of all weights, those that a pruner
    holds at zero. layer_weight_bits: of the layers whose weights are not as wide as the compression says for all.
    layer_pruners: kind of the pruner of each layer that has one. layer_input_bits: of the numbers that each layer of
    the trace receives, 1 for spikes. float_key: of the float network that was compressed; empty in older records.
    """

    accuracy_float: float
    accuracy_fake_quantized: float
    accuracy_integer: float
    correct: Annotated[str, Field(pattern=r"^[01]+$")]
    test_samples: int
    pruned_share: float
    layer_weight_bits: dict[str, int] = {}
    layer_pruners: dict[str, str] = {}
    layer_input_bits: dict[str, int] = {}
    float_key: Annotated[str, Field(pattern=r"^[0-9a-f]*$")] = ""


class Failure(_Record):
    """Why a part could not be made."""

    what: str
    reason: str


STUDY_VERSION = 3
"""Counts up when the same study would give other results, or when its records change."""

SIMULATOR_PACKAGES = ("spikecycle.simulator", "spikecycle.hwconfigs")
"""Simulations are done again when a file of these changes: they take seconds, and a stale one would mislead."""

KEY_DIGITS = 20  # of hexadecimal: 80 bits
DECIDING_PACKAGES = ("numpy", "snntorch", "spikecycle", "torch")


def canonical(value: Any) -> str:
    """A JSON value as text, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(**decides: Any) -> str:
    """The key of what JSON values decide, together with the versions of the code."""
    code = {name: version(name) for name in DECIDING_PACKAGES}
    return text_digest(canonical({**decides, "code": code, "study": STUDY_VERSION, "trace": trace_schema.VERSION}))[
        :KEY_DIGITS
    ]


@cache
def simulator_digest() -> str:
    """SHA-256 of the simulator, its machines and its energy tables, file by file."""
    return text_digest(canonical([files_digest(Path(str(resources.files(package)))) for package in SIMULATOR_PACKAGES]))


def files_digest(folder: Path) -> str:
    """SHA-256 of the names and contents of all files in a folder, caches of Python apart."""
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return text_digest(canonical(digests))


def data_digest(data: DataSplit) -> str:
    """SHA-256 of the frames and labels themselves, so that it does not matter where they came from."""
    digest = hashlib.sha256(canonical([data.name, data.classes, data.input_bits]).encode())
    for part in (data.train, data.test):
        for values in (part.frames, part.labels):
            digest.update(canonical([str(values.dtype), list(values.shape)]).encode())
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


RecordT = TypeVar("RecordT", bound=BaseModel)

FLOATS, NETWORKS, SIMULATIONS, FAILURES = KINDS = ("floats", "networks", "simulations", "failures")
WEIGHTS, TRACE = ".safetensors", ".h5"
"""Endings of the files of a float and of a compressed network."""
_MARKER = "study.json"
_LOCK = ".lock"
_LARGEST_RECORD_BYTES = 2**26  # the whole result of a network of a thousand layers has a tenth of that
_SUFFIX = re.compile(r"\.[a-z0-9]{1,20}")
# What json and pydantic raise on content that no study wrote.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError)


class Damage(NamedTuple):
    """A file of a store that is not what was written there. reason: the rest of a line about it."""

    path: Path
    reason: str


class Store:
    """Records by kind and key, in a folder that belongs to one study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def opened(cls, folder: Path, study: str) -> Store:
        """The folder of the study of that name, made if there is none.

        ModelsError if something else is in it, or if it cannot be written.
        """
        check_owner(folder, study)
        try:
            names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
            names = [name for name in names if not fnmatch(name, files.TEMPORARY)]
            if names and names != [_LOCK] and _MARKER not in names:
                raise ModelsError(f"{folder}: holds other things than a study; name another folder with --out")
            folder.mkdir(parents=True, exist_ok=True)
            write_file(folder / _MARKER, json.dumps({"study": study}) + "\n")  # first: what follows is then its own
            for kind in KINDS:
                (folder / kind).mkdir(exist_ok=True)
        except OSError as error:
            raise ModelsError(f"{folder}: cannot be the folder of a study: {error.strerror or error}") from error
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in this folder; ModelsError where another run is at work. The lock ends with its process."""
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.folder / _LOCK, flags, 0o644)
        except OSError as error:
            raise ModelsError(f"{self.folder / _LOCK}: cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ModelsError(f"{self.folder}: another run of this study is at work here") from None
        except OSError as error:  # a file system without locks, where nothing would keep two runs apart
            os.close(descriptor)
            raise ModelsError(f"{self.folder}: cannot be locked ({error.strerror}); name another with --out") from None
        try:
            for left in list(self.folder.rglob(files.TEMPORARY)):  # by a run that was killed
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink(missing_ok=True)  # in such a folder, perhaps
            yield
        finally:
            os.close(descriptor)

    def place(self, kind: str, key: str, suffix: str) -> Path:
        """Where a file of that kind lies, whether it is there or not."""
        return self.folder / kind / f"{key}{suffix}"

    def scratch(self) -> TemporaryDirectory[str]:
        """A folder for files that are needed for a while; what a killed run leaves, the next one takes away."""
        prefix, suffix = files.TEMPORARY.split("*")
        return TemporaryDirectory(prefix=prefix, suffix=suffix, dir=self.folder)

    def write(self, kind: str, key: str, record: BaseModel, suffixes: tuple[str, ...] = ()) -> None:
        """Finish what `key` names: its files with these suffixes are there, and this is what to know of them."""
        digests = {suffix: file_digest(self.place(kind, key, suffix)) for suffix in suffixes}
        body = record.model_dump(mode="json")
        content = {"sha256": _digest(kind, key, body, digests), "files": digests, "record": body}
        write_file(self.place(kind, key, ".json"), json.dumps(content) + "\n")
        if kind != FAILURES:
            self.place(FAILURES, key, ".json").unlink(missing_ok=True)

    def read(self, kind: str, key: str, record_type: type[RecordT]) -> RecordT | None:
        """The record, if it and all of its files are there and unharmed."""
        try:
            found = self._looked_at(kind, key)
            return None if isinstance(found, Damage) else record_type.model_validate(found)
        except _DAMAGE:
            return None

    def damaged(self) -> Iterator[Damage]:
        """Every record in the folder that is not what was written there, with what is wrong of it or of its files."""
        for kind in KINDS:
            for path in sorted((self.folder / kind).glob("*.json")):
                try:
                    found = self._looked_at(kind, path.stem)
                except OSError as error:
                    found = Damage(path, f"cannot be read: {error.strerror or error}")
                except _DAMAGE:
                    found = Damage(path, "is no record of a study: cut short, or damaged")
                if isinstance(found, Damage):
                    yield found

    def _looked_at(self, kind: str, key: str) -> Any | Damage:
        """The body of a record that is whole with its files, or what is wrong; one of _DAMAGE if it is no record."""
        path = self.place(kind, key, ".json")
        content = _json(path, _LARGEST_RECORD_BYTES)
        body, digests, digest = content["record"], content["files"], content["sha256"]
        if digest != _digest(kind, key, body, digests):
            of = next((place for place in self._places() if digest == _digest(*place, body, digests)), None)
            if of is None:
                return Damage(path, "damaged or changed: it does not have its checksum")
            return Damage(path, f"is the record of another: of {of[0]}/{one_line(of[1])}")
        for suffix, expected in digests.items():
            if not _SUFFIX.fullmatch(suffix):
                return Damage(path, "is no record of a study: it names files elsewhere")
            file = self.place(kind, key, suffix)
            try:
                if file_digest(file) != expected:
                    return Damage(file, f"damaged or changed: it does not have the checksum in {path.name}")
            except OSError as error:
                return Damage(file, f"cannot be read, and {path.name} speaks of it: {error.strerror or error}")
        return body

    def _places(self) -> Iterator[tuple[str, str]]:
        """Kind and key of every record that is there."""
        return ((kind, path.stem) for kind in KINDS for path in sorted((self.folder / kind).glob("*.json")))


def check_owner(folder: Path, study: str) -> None:
    """ModelsError where the folder belongs to another study, or holds what no study puts there: links and devices."""
    odd = files.odd_member(folder)
    if odd is not None:
        raise ModelsError(f"{odd[0]}: is {odd[1]}, which no study makes; remove it, or name another folder")
    if (folder / _MARKER).exists() and _owner(folder) != study:
        owner = one_line(_owner(folder) or "unknown")
        raise ModelsError(f"{folder}: belongs to the study {owner}; name another folder for {study} with --out")


def _owner(folder: Path) -> str | None:
    """The study whose folder it is, if that can be read."""
    try:
        content = _json(folder / _MARKER, _LARGEST_RECORD_BYTES)
    except _DAMAGE:
        return None
    owner = content.get("study") if isinstance(content, Mapping) else None
    return owner if isinstance(owner, str) else None


def _json(path: Path, at_most_bytes: int) -> Any:
    return json.loads(files.read_text(path, at_most_bytes, follow_links=False))


def _digest(kind: str, key: str, body: Any, digests: Any) -> str:
    """SHA-256 of a record in its place."""
    return text_digest(canonical([kind, key, body, digests]))


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file, in hexadecimal; OSError on anything else, links included."""
    with files.open_regular(path, follow_links=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
