"""What a chart of the page is: a title, how to read it, drawings for any width, and the numbers behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from spikecycle.simulator.report import human

Value = str | int | float | None
Draw = Callable[[float, str], str]
"""draw(width in pixels, a key that no other drawing of the page has) makes an SVG element."""


@dataclass(frozen=True)
class DataTable:
    """The numbers behind a chart. columns: headers, each with its unit; rows: one value per column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def csv(self) -> str:
        """All rows as CSV, numbers in full."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_harmless(value) for value in row] for row in self.rows)
        return text.getvalue()


@dataclass(frozen=True)
class Chart:
    """One chart.

    key: its own on the page, for links and file names. reading: a sentence or two on what it shows. views: drawings by
    name, of which one is seen at a time. table: its numbers. notes: lines below. short: a
    word for the navigation, if it is to be there.
    """

    key: str
    title: str
    reading: str
    views: Mapping[str, Draw]
    table: DataTable
    notes: Sequence[str] = field(default_factory=tuple)
    short: str = ""


def shown(value: Value) -> str:
    """A value in a table that people read."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else human.digits(value, 4)


def _harmless(value: Value) -> Value:
    """Names that a spreadsheet would take for a formula get an apostrophe before them."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value
