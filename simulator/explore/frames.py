"""Flat rows as data frames of Polars: one type per column, whatever the rows have in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikecycle.simulator.explore.extra import needs_extra

if TYPE_CHECKING:
    import polars

Row = dict[str, Any]
"""One point: value by column."""


def to_frame(rows: Sequence[Row]) -> polars.DataFrame:
    """Rows as a data frame: whole numbers beside others become others, values of several kinds become text."""
    pl = needs_extra("polars")
    names = list(dict.fromkeys(name for row in rows for name in row))
    frame: polars.DataFrame = pl.DataFrame([_series(pl, name, [row.get(name) for row in rows]) for name in names])
    return frame


def _series(pl: Any, name: str, values: list[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or (len(kinds) == 1 and kinds <= {bool, str}):
        kind = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean, str: pl.String}
        return pl.Series(name, values, kind[float if float in kinds else next(iter(kinds), str)], strict=False)
    return pl.Series(name, [None if value is None else _text(value) for value in values], pl.String)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
