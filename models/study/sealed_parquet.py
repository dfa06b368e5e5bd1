"""The tables of a study as Parquet files that carry the checksum of their own bytes."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from spikecycle import files, parquet_seal
from spikecycle.models.errors import ModelsError

LARGEST_BYTES = 2**28
"""Of a file: some hundred times the tables of the largest study."""
_UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def sealed(table: pl.DataFrame) -> bytes:
    """The table as a file with its checksum."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", metadata={parquet_seal.KEY: parquet_seal.BLANK})
    return parquet_seal.sealed(buffer.getvalue())


def read_sealed(path: Path) -> pl.DataFrame:
    """The table of such a file; ModelsError, naming it, where it is damaged, changed, or of other making."""
    try:
        content = files.read_bytes(path, LARGEST_BYTES)
    except OSError as error:
        raise ModelsError(f"{path}: {error.strerror or error}") from error
    problem = parquet_seal.seal_problem(content)
    if problem is not None:
        raise ModelsError(f"{path}: {problem}; run the study again")
    try:
        return pl.read_parquet(io.BytesIO(content))
    except _UNREADABLE as error:
        raise ModelsError(f"{path}: it is no Parquet file that can be read") from error
