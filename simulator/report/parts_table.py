"""A table of amounts and the parts that make them up, with a stacked bar where there is room and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from spikecycle.simulator.report import human
from spikecycle.simulator.report.bars import colour, stacked_bar
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.sheet import Column, Fitting, sheet, width_of

_NARROWEST_BAR, _WIDEST_BAR = 12, 40
_LEAST_LEAD = 2  # the name and the amount
_BAR_GAP = 4  # characters between the last column and the bar


@dataclass(frozen=True)
class Part:
    """One part of every row: "dram_load" with its amount in each row, and the row totals' amount."""

    title: str
    amounts: Sequence[float]
    total: float


def parts_table(title: str, lead: Sequence[Column], parts: Sequence[Part]) -> Fitting:
    """Rows of `lead` columns (name, amount), then each part's share of its row in percent.

    Where the columns (and, in colours, a bar) do not fit, parts whose titles begin alike ("dram_load", "dram_store")
    become one, then all of `lead` after its first two columns goes; where that does not fit either, the shares are
    written as text.
    """
    few = _grouped(parts)
    return Fitting(
        lambda console, width: _with_bar(title, lead, parts, console, width),
        lambda console, width: _with_bar(title, lead, few, console, width),
        lambda console, width: sheet(title, _columns(lead, parts, console)),
        lambda console, width: sheet(title, _columns(lead, few, console)),
        lambda console, width: sheet(title, _columns(lead[:_LEAST_LEAD], few, console)),
        lambda console, width: _lines(title, lead, parts),
    )


def _columns(lead: Sequence[Column], parts: Sequence[Part], console: Console) -> list[Column]:
    rows = _shares(parts)
    total = _total_shares(parts)
    coloured = console.color_system is not None
    return [
        *lead,
        *(
            Column(
                Text(_words(part.title, "\n"), style=colour(index) if coloured else ""),
                [human.percent(row[index]) for row in rows],
                human.percent(total[index]),
            )
            for index, part in enumerate(parts)
        ),
    ]


def _with_bar(
    title: str, lead: Sequence[Column], parts: Sequence[Part], console: Console, width: int
) -> RenderableType:
    """The columns and a bar in what is left of the width; as narrow as a bar may be where too little is left."""
    columns = _columns(lead, parts, console)
    if console.color_system is None:
        return sheet(title, columns)
    room = width - width_of(console, sheet(title, columns)) - _BAR_GAP
    room = min(max(room, _NARROWEST_BAR), _WIDEST_BAR)
    bars = [stacked_bar(row, room) for row in _shares(parts)]
    return sheet(title, [*columns, Column("", bars, stacked_bar(_total_shares(parts), room), justify="left")])


def _lines(title: str, lead: Sequence[Column], parts: Sequence[Part]) -> RenderableType:
    def line(shares: Sequence[float]) -> str:
        largest_first = sorted(zip(shares, parts, strict=True), key=lambda pair: -pair[0])
        return ", ".join(f"{_words(part.title, ' ')} {human.percent(value)}" for value, part in largest_first if value)

    text = Column(
        "shares", [line(row) for row in _shares(parts)], line(_total_shares(parts)), justify="left", folds=True
    )
    return sheet(title, [*lead, text])


def _shares(parts: Sequence[Part]) -> list[list[float]]:
    rows = [list(row) for row in zip(*(part.amounts for part in parts), strict=True)]
    return [[share(amount, sum(row)) for amount in row] for row in rows]


def _total_shares(parts: Sequence[Part]) -> list[float]:
    whole = sum(part.total for part in parts)
    return [share(part.total, whole) for part in parts]


def _grouped(parts: Sequence[Part]) -> list[Part]:
    """Parts whose titles share the word before the first underscore, added up under that word."""
    groups: dict[str, list[Part]] = {}
    first_words = [part.title.split("_")[0] for part in parts]
    for first, part in zip(first_words, parts, strict=True):
        groups.setdefault(first if first_words.count(first) > 1 else part.title, []).append(part)
    return [
        Part(
            name,
            [sum(row) for row in zip(*(part.amounts for part in members), strict=True)],
            sum(part.total for part in members),
        )
        for name, members in groups.items()
    ]


def _words(title: str, between: str) -> str:
    return title.replace("_", between).replace("dram", "DRAM")
