"""A table of amounts and the parts that make them up, with a stacked bar where there is room and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from spikecycle.simulator.report import human
from spikecycle.simulator.report.bars import colour, glyph, glyph_bar, stacked_bar
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.sheet import Column, Fitting, Noted, left_out_line, sheet, width_of, words_of

_NARROWEST_BAR, _WIDEST_BAR = 12, 40
_LEAST_LEAD = 2  # the name and the amount
_BAR_GAP = 4  # characters between the last column and the bar


@dataclass(frozen=True)
class StackedPart:
    """One part of every row: "dram_load" with its amount in each row, and the row totals' amount."""

    title: str
    amounts: Sequence[float]
    total: float


def parts_table(title: str, lead: Sequence[Column], parts: Sequence[StackedPart]) -> Fitting:
    """Rows of `lead` columns (name, amount), then each part's share of its row in percent.

    Where the columns (and, on terminals, a bar) do not fit, parts whose titles begin alike ("dram_load", "dram_store")
    become one, then all of `lead` after its first two columns goes; where that does not fit either, the shares are
    written as text. What is not shown is named below.
    """
    few = _grouped(parts)
    joined = _joined(parts)
    missing = left_out_line(words_of(column.header) for column in lead[_LEAST_LEAD:])
    least = "\n".join(line for line in (joined, missing) if line)
    return Fitting(
        lambda console, width: _with_bar(title, lead, parts, console, width),
        lambda console, width: Noted(_with_bar(title, lead, few, console, width), joined),
        lambda console, width: sheet(title, _columns(lead, parts, console)),
        lambda console, width: Noted(sheet(title, _columns(lead, few, console)), joined),
        lambda console, width: Noted(sheet(title, _columns(lead[:_LEAST_LEAD], few, console)), least),
        lambda console, width: _lines(title, lead, parts),
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
    words = _words(part.title, "\n")
    return f"{words}\n{glyph(index)}" if with_glyph else words


def _with_bar(
    title: str, lead: Sequence[Column], parts: Sequence[StackedPart], console: Console, width: int
) -> RenderableType:
    """The columns and a bar in what is left of the width; as narrow as a bar may be where too little is left."""
    columns = _columns(lead, parts, console, with_bar=console.is_terminal)
    if not console.is_terminal:
        return sheet(title, columns)
    room = width - width_of(console, sheet(title, columns)) - _BAR_GAP
    room = min(max(room, _NARROWEST_BAR), _WIDEST_BAR)
    bar = stacked_bar if _is_coloured(console) else glyph_bar
    bars = [bar(row, room) for row in _shares(parts)]
    return sheet(title, [*columns, Column("", bars, bar(_total_shares(parts), room), justify="left")])


def _lines(title: str, lead: Sequence[Column], parts: Sequence[StackedPart]) -> RenderableType:
    def line(shares: Sequence[float]) -> str:
        largest_first = sorted(zip(shares, parts, strict=True), key=lambda pair: -pair[0])
        return ", ".join(f"{_words(part.title, ' ')} {human.percent(value)}" for value, part in largest_first if value)

    text = Column(
        "shares", [line(row) for row in _shares(parts)], line(_total_shares(parts)), justify="left", folds=True
    )
    return sheet(title, [*lead, text])


def _shares(parts: Sequence[StackedPart]) -> list[list[float]]:
    rows = [list(row) for row in zip(*(part.amounts for part in parts), strict=True)]
    return [[share(amount, sum(row)) for amount in row] for row in rows]


def _total_shares(parts: Sequence[StackedPart]) -> list[float]:
    whole = sum(part.total for part in parts)
    return [share(part.total, whole) for part in parts]


def _grouped(parts: Sequence[StackedPart]) -> list[StackedPart]:
    """Parts whose titles share the word before the first underscore, added up under that word."""
    groups: dict[str, list[StackedPart]] = {}
    first_words = [part.title.split("_")[0] for part in parts]
    for first, part in zip(first_words, parts, strict=True):
        groups.setdefault(first if first_words.count(first) > 1 else part.title, []).append(part)
    return [
        StackedPart(
            name,
            [sum(row) for row in zip(*(part.amounts for part in members), strict=True)],
            sum(part.total for part in members),
        )
        for name, members in groups.items()
    ]


def _joined(parts: Sequence[StackedPart]) -> str:
    """Which parts become one in `_grouped`; empty where none do."""
    groups: dict[str, list[str]] = {}
    for part in parts:
        groups.setdefault(part.title.split("_")[0], []).append(_words(part.title, " "))
    lines = [f"{_words(first, ' ')}: {', '.join(members)}" for first, members in groups.items() if len(members) > 1]
    return f"Together for want of room: {'; '.join(lines)}." if lines else ""


def _words(title: str, between: str) -> str:
    return human.label(title).replace(" ", between)
