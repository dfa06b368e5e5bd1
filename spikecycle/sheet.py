"""Tables that fit: a sheet is a list of columns; columns that find no room stand in tables below, none is left out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rich import box
from rich.cells import cell_len
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
_GAP = 2
LONGEST_NAME = 24
"""Characters of a name before it continues on the next line."""
_CONTINUED = " (continued)"
_NARROWEST_FOLD = 20
"""Characters below which words are no longer folded into a column that could stand in a table below."""


@dataclass(frozen=True)
class Column:
    """One column: header (lines split by newline), one cell a row, a cell for the totals row."""

    header: Cell
    cells: Sequence[Cell]
    footer: Cell = ""
    justify: Literal["left", "right"] = "right"
    folds: bool = False
    """Whether long cells may continue on the next line."""
    names_rows: bool = False
    """Whether it says what a row is about: at the left, and again in every table that goes on."""
    stands_for: tuple[str, ...] = ()
    """Headers of columns of wider layouts whose cells this one has."""

    @cached_property
    def width(self) -> int:
        """Characters that it takes when nothing is folded."""
        texts = (str(cell) for cell in (self.header, *self.cells, self.footer))
        return max(cell_len(line) for text in texts for line in text.splitlines() or [""])


def names(header: str, cells: Iterable[str], footer: str = "") -> Column:
    """The column that says what a row is about."""
    folded = ["\n".join(_pieces(cell)) for cell in cells]
    return Column(header, folded, footer, justify="left", names_rows=True)


class Sheet:
    """Columns below a title, which is as wide as there is room, whatever the table takes.

    fold_at: characters at which cells of columns that fold continue on the next line.
    """

    def __init__(self, title: str, columns: Sequence[Column], fold_at: int | None = None) -> None:
        self.title, self.columns, self._fold_at = title, columns, fold_at

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._width, self._width).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            yield Text(self.title, style=_TITLE)
        yield self.table(measured=self._width <= options.max_width)

    def table(self, measured: bool) -> Table:
        """What rich draws. measured: whether rich takes the widths that are known here, or measures each cell again and
        makes columns narrower where there is no room."""
        table = Table(
            box=box.SIMPLE,
            show_edge=False,
            pad_edge=False,
            padding=_BETWEEN_COLUMNS,
            header_style=_HEADER,
            footer_style=_FOOTER,
            show_footer=any(str(column.footer) for column in self.columns),
        )
        for column in self.columns:
            table.add_column(
                column.header,
                footer=column.footer,
                justify=column.justify,
                vertical="top",
                width=self._folded_at(column) if measured else None,
                no_wrap=not column.folds,
                max_width=self._fold_at if column.folds else None,
                overflow="fold" if column.folds else "ellipsis",  # a number that is cut must not look like another
            )
        for row in zip(*(column.cells for column in self.columns), strict=True):
            table.add_row(*row)
        return table

    @cached_property
    def _width(self) -> int:
        return sum(map(self._folded_at, self.columns)) + _GAP * (len(self.columns) - 1)

    def _folded_at(self, column: Column) -> int:
        return column.width if self._fold_at is None or not column.folds else min(column.width, self._fold_at)


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
    """The first of several (title, columns) that fits the width; if none does, the last one in as many tables as it
    takes. Columns of the first that are not among those stand in tables below."""
    full = sheets[0][1]
    *others, (least_title, least) = sheets
    return Fitting(
        *(_shown_with_others(title, columns, full) for title, columns in others),
        lambda console, width: Group(
            split(least_title, least, console, width, remaining(full, least)),
        ),
    )


def _shown_with_others(title: str, columns: Sequence[Column], full: Sequence[Column]) -> Layout:
    def layout(console: Console, width: int) -> RenderableType:
        table = folded(title, columns, console, width)
        others = remaining(full, columns)
        if not others or width_of(console, table) > width:
            return table
        below = split(continued(title), [*_leading(columns), *others], console, width)
        return Group(table, Text(), below)

    return layout


def remaining(full: Sequence[Column], shown: Sequence[Column]) -> list[Column]:
    """Columns that are not shown, and for which none of those stands."""
    here = {id(column) for column in shown}
    told = {name for column in shown for name in column.stands_for}
    return [column for column in full if id(column) not in here and words_of(column.header) not in told]


def words_of(header: Cell) -> str:
    """A header in one line."""
    return " ".join(str(header).split())


def continued(title: str) -> str:
    """The title of a table that goes on with another one's rows."""
    return (title + _CONTINUED).strip()


def folded(title: str, columns: Sequence[Column], console: Console, width: int) -> Sheet:
    """The columns as one table; where that is wider than there is room, those that fold share what the others leave,
    if it is enough to read."""
    table = Sheet(title, columns)
    folding = sum(column.folds for column in columns)
    if not folding or width_of(console, table) <= width:
        return table
    others = width_of(console, Sheet(title, columns, fold_at=1)) - folding
    room = (width - others) // folding
    return Sheet(title, columns, fold_at=room) if room >= _NARROWEST_FOLD else table


def split(
    title: str, columns: Sequence[Column], console: Console, width: int, more: Sequence[Column] = ()
) -> RenderableType:
    """As many tables as it takes, each with the columns that name rows and those of the others that fit.

    more: columns that come after all of these.
    """
    leading = _leading(columns)
    rest = [*columns[len(leading) :], *more]
    if not rest:
        return folded(title, columns, console, width)

    def fitting(columns: Sequence[Column]) -> int:
        count = len(columns)
        while count > 1 and width_of(console, folded(title, [*leading, *columns[:count]], console, width)) > width:
            count -= 1
        return count

    left = _tables_needed(rest, fitting)
    tables: list[RenderableType] = []
    while rest:
        if tables:
            title = continued(title.removesuffix(_CONTINUED.strip()).strip())
            tables.append(Text())
        # as many columns in each, so that the last table does not hold a single one
        count = min(fitting(rest), max(-(-len(rest) // max(left, 1)), 1))
        tables.append(_alone(title, leading, rest[:count], console, width))
        rest, left = rest[count:], left - 1
    return Group(*tables)


def _tables_needed(columns: Sequence[Column], fitting: Callable[[Sequence[Column]], int]) -> int:
    """How many tables it takes if each has as many columns as fit."""
    tables = 0
    while columns:
        columns = columns[fitting(columns) :]
        tables += 1
    return tables


def _alone(title: str, leading: Sequence[Column], rest: Sequence[Column], console: Console, width: int) -> Sheet:
    """The table; a single column for which there is too little room beside the names is folded as narrow as need be."""
    table = folded(title, [*leading, *rest], console, width)
    over = width_of(console, table) - width
    if over <= 0 or len(rest) > 1 or not rest[0].folds:
        return table
    others = width_of(console, Sheet(title, [*leading, *rest], fold_at=1)) - 1
    return Sheet(title, [*leading, *rest], fold_at=max(width - others, 1))


def _leading(columns: Sequence[Column]) -> list[Column]:
    """The columns at the left that name rows; at least the first one."""
    count = 1
    while count < len(columns) and columns[count].names_rows and columns[count - 1].names_rows:
        count += 1
    return list(columns[:count])


def _pieces(name: str) -> list[str]:
    """The lines of a name: between words where it has some."""
    return textwrap.wrap(name, LONGEST_NAME, break_on_hyphens=False) or [""]
