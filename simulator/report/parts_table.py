"""A table of amounts and the parts that make them up, with a stacked bar where there is room and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from spikecycle.sheet import Column, Fitting, Sheet, split, width_of
from spikecycle.simulator.report import human
from spikecycle.simulator.report.bars import colour, glyph, glyph_bar, stacked_bar
from spikecycle.simulator.report.figures import share

_NARROWEST_BAR, _WIDEST_BAR = 12, 40
_BAR_GAP = 4  # characters between the last column and the bar


@dataclass(frozen=True)
class StackedPart:
    """One part of every row: "dram_load" with its amount in each row, and the row totals' amount."""

    title: str
    amounts: Sequence[float]
    total: float


def parts_table(title: str, lead: Sequence[Column], parts: Sequence[StackedPart]) -> Fitting:
    """Rows of `lead` columns (name, amount), then each part's share of its row in percent, and on terminals a bar.

    What has no room, at last the bar, stands in tables below.
    """
    return Fitting(
        lambda console, width: Sheet(title, _with_bar(title, lead, parts, console, width)),
        lambda console, width: split(title, _with_bar(title, lead, parts, console, width), console, width),
    )


def _is_coloured(console: Console) -> bool:
    return console.color_system is not None and not console.no_color


def _columns(
    lead: Sequence[Column], parts: Sequence[StackedPart], console: Console, *, with_bar: bool = False
) -> list[Column]:
    rows = _shares(parts)
    total = _total_shares(parts)
    coloured = _is_coloured(console)
    return [
        *lead,
        *(
            Column(
                Text(_header(part, index, with_bar and not coloured), style=colour(index) if coloured else ""),
                [human.percent(row[index]) for row in rows],
                human.percent(total[index]),
            )
            for index, part in enumerate(parts)
        ),
    ]


def _header(part: StackedPart, index: int, with_glyph: bool) -> str:
    """The part's words one below the other, and the character of its bar where bars have no colours."""
    words = human.label(part.title).replace(" ", "\n")
    return f"{words}\n{glyph(index)}" if with_glyph else words


def _with_bar(
    title: str, lead: Sequence[Column], parts: Sequence[StackedPart], console: Console, width: int
) -> list[Column]:
    """The columns, and on terminals a bar in what is left of the width; as narrow as a bar may be where that is too
    little, and as wide as it may be where it stands in a table below."""
    columns = _columns(lead, parts, console, with_bar=console.is_terminal)
    if not console.is_terminal:
        return columns
    room = width - width_of(console, Sheet(title, columns)) - _BAR_GAP
    room = min(room if room >= _NARROWEST_BAR else width // 2, _WIDEST_BAR)
    bar = stacked_bar if _is_coloured(console) else glyph_bar
    bars = [bar(row, room) for row in _shares(parts)]
    return [*columns, Column("", bars, bar(_total_shares(parts), room), justify="left")]


def _shares(parts: Sequence[StackedPart]) -> list[list[float]]:
    rows = [list(row) for row in zip(*(part.amounts for part in parts), strict=True)]
    return [[share(amount, sum(row)) for amount in row] for row in rows]


def _total_shares(parts: Sequence[StackedPart]) -> list[float]:
    whole = sum(part.total for part in parts)
    return [share(part.total, whole) for part in parts]
