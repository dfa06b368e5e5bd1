"""Flat rows as data frames of Polars: one type per column, whatever the rows have in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spikecycle.simulator.explore.extra import needs_extra

if TYPE_CHECKING:
    import polars

Row = dict[str, Any]
"""One point: value by column."""
ENERGIES = "energy_pj."
"""Beginning of the columns of energy by component."""
_OF_ENERGY = ("energy_per_inference_pj", "edp_per_inference_js")
UNKNOWABLE = (*_OF_ENERGY, "area_mm2", "logic_area_mm2")
"""Columns of figures that not every machine has, as some price no energy, or model no area: null is unknown."""


def with_unknowns(row: Mapping[str, Any]) -> Row:
    """A row in which a figure that the machine does not model is None (unknown), and not 0.

    A machine that prices no energy, or models no area, adds up nothing, and nothing else comes to 0. Without an energy
    there is no energy of a component either. Rows of earlier versions have 0 there, so that this is for them too.
    """
    unknown = {name for name in UNKNOWABLE if name in row and not row[name]}
    is_priced = _OF_ENERGY[0] not in unknown
    if not is_priced:
        unknown |= {name for name in _OF_ENERGY if name in row}
    kept = (name for name in row if is_priced or not name.startswith(ENERGIES))
    return {name: None if name in unknown else row[name] for name in kept}


def is_known(row: Mapping[str, Any], column: str) -> bool:
    """Whether a row has a finite number in a column, so that it can be compared with others in it."""
    value = row.get(column)
    return isinstance(value, int | float) and math.isfinite(value)


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
        nothing = float if name in UNKNOWABLE else str  # a later part of the same sweep may have numbers there
        return pl.Series(name, values, kind[float if float in kinds else next(iter(kinds), nothing)], strict=False)
    return pl.Series(name, [None if value is None else _text(value) for value in values], pl.String)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
