"""Tables that fit: a sheet is a list of columns; of several ways to lay it out, the widest that fits is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

Cell = str | Text
Layout = Callable[[Console, int], RenderableType]
"""Makes a renderable for a console and its width in characters."""

_UNBOUNDED = 10_000
_TITLE = "bold"
_HEADER = "dim"
_FOOTER = "bold"
_BETWEEN_COLUMNS = (0, 1, 0, 0)  # above, right, below, left; the box adds a blank
LONGEST_NAME = 24
"""Characters of a name before it continues on the next line."""


@dataclass(frozen=True)
class Column:
    """One column: header (lines split by newline), one cell a row, a cell for the totals row."""

    header: Cell
    cells: Sequence[Cell]
    footer: Cell = ""
    justify: Literal["left", "right"] = "right"
    folds: bool = False
    """Whether long cells may continue on the next line."""


def names(header: str, cells: Iterable[str], footer: str = "") -> Column:
    """The column that says what a row is about."""
    folded = ["\n".join(_pieces(cell)) for cell in cells]
    return Column(header, folded, footer, justify="left")


def sheet(title: str, columns: Sequence[Column]) -> Table:
    """The columns as a table; a totals row only if any column has a cell for it."""
    table = Table(
        title=Text(title, style=_TITLE),
        title_justify="left",
        box=box.SIMPLE,
        show_edge=False,
        pad_edge=False,
        padding=_BETWEEN_COLUMNS,
        header_style=_HEADER,
        footer_style=_FOOTER,
        show_footer=any(str(column.footer) for column in columns),
    )
    for column in columns:
        table.add_column(
            column.header,
            footer=column.footer,
            justify=column.justify,
            vertical="top",
            no_wrap=not column.folds,
            overflow="fold" if column.folds else "ellipsis",  # a number that is cut must not look like another
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def width_of(console: Console, renderable: RenderableType) -> int:
    """Characters it takes when nothing is folded."""
    return Measurement.get(console, console.options.update(width=_UNBOUNDED), renderable).maximum


class Fitting:
    """Shows the first of several layouts that fits the width; the last one if none does."""

    def __init__(self, *layouts: Layout) -> None:
        self._layouts = layouts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        *others, last = self._layouts
        for layout in others:
            renderable = layout(console, options.max_width)
            if width_of(console, renderable) <= options.max_width:
                yield renderable
                return
        yield last(console, options.max_width)


class Noted:
    """A table and a line below it, which is as wide as there is room, whatever the table takes."""

    def __init__(self, table: RenderableType, note: str) -> None:
        self._table, self._note = table, note

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._table)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._table
        if self._note:
            yield Text(self._note, style=_HEADER)


def fitting_sheets(*sheets: tuple[str, Sequence[Column]], says_what_is_left_out: bool = True) -> Fitting:
    """The first of several (title, columns) that fits the width; of what even the last has no room for, tables below.

    Columns that the first has and the one that is shown does not are named in a line, unless the titles tell.
    """
    full = sheets[0][1]
    layouts: list[Layout] = []
    left_out = ""
    for title, columns in sheets:
        left_out = _left_out(full, columns) if says_what_is_left_out else ""
        layouts.append(_always(Noted(sheet(title, columns), left_out)))
    least_title, least = sheets[-1]
    layouts.append(lambda console, width: Noted(_split(least_title, least, console, width), left_out))
    return Fitting(*layouts)


def _always(renderable: RenderableType) -> Layout:
    return lambda _console, _width: renderable


def words_of(header: Cell) -> str:
    """A header in one line."""
    return " ".join(str(header).split())


def left_out_line(names: Iterable[str]) -> str:
    """That columns are not shown, and where they are; empty where none is missing."""
    missing = ", ".join(names)
    return f"No room here for: {missing} (a wider window, --json or --report has it)." if missing else ""


def _left_out(full: Sequence[Column], shown: Sequence[Column]) -> str:
    here = {words_of(column.header) for column in shown}
    return left_out_line(words for column in full if (words := words_of(column.header)) not in here)


def _split(title: str, columns: Sequence[Column], console: Console, width: int) -> RenderableType:
    """As many tables as it takes, each with the first column and those of the others that fit."""
    first, *rest = columns
    tables: list[Table] = []
    while rest:
        count = len(rest)
        while count > 1 and width_of(console, sheet(title, [first, *rest[:count]])) > width:
            count -= 1
        words = title if not tables else f"{title} (continued)"
        tables.append(sheet(words, [first, *rest[:count]]))
        rest = rest[count:]
    return Group(*tables)


def _pieces(name: str) -> list[str]:
    return [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)] or [""]
