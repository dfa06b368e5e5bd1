"""Tables that fit: a sheet is a list of columns; of several ways to lay it out, the widest that fits is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
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


def fitting_sheets(*sheets: tuple[str, Sequence[Column]]) -> Fitting:
    """The first of several (title, columns) that fits the width."""
    tables = [sheet(title, columns) for title, columns in sheets]
    return Fitting(*(lambda _console, _width, table=table: table for table in tables))


def _pieces(name: str) -> list[str]:
    return [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)] or [""]
