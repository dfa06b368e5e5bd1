"""Parquet files that carry the checksum of their own bytes: looked at before they are parsed.

Parquet has no checksum that its readers insist on: a changed byte can change a figure unnoticed, and a parser in native
code (polars) may end in a panic. Here the file's own metadata has, under KEY, the SHA-256 of the whole file in which
zeros stand for it; to any other reader it is a Parquet file like others.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import polars as pl

from spikecycle import files
from spikecycle.models.errors import ModelsError

KEY = "spikecycle_sha256"
LARGEST_BYTES = 2**28
"""Of a file: some hundred times the tables of the largest study."""
_BLANK = "0" * 64
_SEAL = re.compile(KEY.encode() + rb".{1,4}?([0-9a-f]{64})", re.DOTALL)  # type and length stand between
_UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def sealed(table: pl.DataFrame) -> bytes:
    """The table as a file with its checksum."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", metadata={KEY: _BLANK})
    content = buffer.getvalue()
    start, stop = _place(content)
    return content[:start] + hashlib.sha256(content).hexdigest().encode() + content[stop:]


def read_sealed(path: Path) -> pl.DataFrame:
    """The table of such a file; ModelsError, naming it, where it is damaged, changed, or of other making."""
    try:
        content = files.read_bytes(path, LARGEST_BYTES)
    except OSError as error:
        raise ModelsError(f"{path}: {error.strerror or error}") from error
    try:
        start, stop = _place(content)
    except ValueError:
        raise ModelsError(f"{path}: it is no Parquet file with a checksum; run the study again") from None
    blank = content[:start] + _BLANK.encode() + content[stop:]
    if hashlib.sha256(blank).hexdigest().encode() != content[start:stop]:
        raise ModelsError(f"{path}: damaged or changed: it does not have its checksum; run the study again")
    try:
        return pl.read_parquet(io.BytesIO(content))
    except _UNREADABLE as error:
        raise ModelsError(f"{path}: it is no Parquet file that can be read") from error


def _place(content: bytes) -> tuple[int, int]:
    """Where the checksum stands: in the metadata, which end the file. ValueError where there is none."""
    found = list(_SEAL.finditer(content))
    if not found:
        raise ValueError("no checksum")
    return found[-1].span(1)
