"""Pieces of HTML that several parts of the page need; all text is escaped."""

from __future__ import annotations

from spikecycle.simulator.report.charts.svg import plain
from spikecycle.simulator.report.page.chart import DataTable, shown
from spikecycle.wording import numbered

_PAIR = 2
"""Columns of a table that fits any window, since its values go on in the next line."""
_MOST_ROWS = 200
"""Rows of a table on the page; its CSV has all."""


def table_markup(table: DataTable) -> str:
    """A table that scrolls sideways where it is wider than the window."""
    numbers = [
        any(isinstance(row[index], int | float) for row in table.rows) for index in range(len(table.columns))
    ]  # fmt: skip
    kind = [' class="number"' if number else "" for number in numbers]
    head = "".join(f'<th scope="col"{k}>{plain(name)}</th>' for name, k in zip(table.columns, kind, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{plain(shown(value))}</td>" for value, k in zip(row, kind, strict=True)) + "</tr>"
        for row in table.rows[:_MOST_ROWS]
    )
    more = len(table.rows) - _MOST_ROWS
    rows = numbered(more, "more row")
    note = f'<p class="note">and {rows}, in the CSV</p>' if more > 0 else ""
    pairs = ' class="pairs"' if len(table.columns) == _PAIR else ""
    inside = f"<table{pairs}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{inside}</div>{note}'


def panel_markup(inside: str) -> str:
    """A box around what is inside."""
    return f'<div class="panel">{inside}</div>'
