"""Rows of results as data frames of Polars and pandas, which are imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spikecycle.simulator.errors import UsageError

if TYPE_CHECKING:
    import polars

    from spikecycle.simulator.records import Record


def to_polars(rows: Sequence[Record]) -> polars.DataFrame:
    """The rows as a data frame of Polars; UsageError where it is not installed."""
    frame: polars.DataFrame = _package("polars", "to_polars").DataFrame(rows, infer_schema_length=None)
    return frame


def to_pandas(rows: Sequence[Record]) -> Any:
    """The rows as a data frame of pandas; UsageError where it is not installed."""
    return _package("pandas", "to_pandas").DataFrame(rows)


def _package(name: str, asked: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(
            f"{asked} needs {name}, which is not installed: pip install {name} (to_records gives the same rows without)"
        ) from error
