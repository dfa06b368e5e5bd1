"""Names of results by what decides them: whoever changes any of it gets another name, and nothing stale is read."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from spikecycle.models.data.frames import DataSplit
from spikecycle.traces import schema as trace_schema

STUDY_VERSION = 2
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
    return text_digest(canonical([files_digest(Path(str(files(package)))) for package in SIMULATOR_PACKAGES]))


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
