"""Rows of the table of targets, what was measured beside what is asked for, and the tables that are drawn of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST_NAMED = 4
"""Machines of a group that the table names one by one; of a larger one, the worst."""


@dataclass(frozen=True)
class Target:
    """What a figure may be at most, or, with `at_least`, must be at least."""

    value: float
    at_least: bool = False

    def is_met_by(self, figure: float) -> bool:
        """Whether it is."""
        return figure >= self.value if self.at_least else figure <= self.value

    def worst(self, figures: Mapping[str, float]) -> str:
        """Whose figure is the furthest from it."""
        return (min if self.at_least else max)(figures, key=lambda name: figures[name])


@dataclass(frozen=True)
class Row:
    """One line of the table.

    key: the measurement that it is of, for --only. figure: what is held against the target. lowest, highest: of the
    runs, or of the machines of a group. each: of a group, the figure of every machine. column: of the table of machines
    where `each` goes. note: what else there is to say. problem: why there is no figure.
    """

    key: str
    what: str
    unit: str = ""
    figure: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    runs: int = 0
    target: Target | None = None
    each: Mapping[str, float] = field(default_factory=dict)
    column: str = ""
    note: str = ""
    problem: str = ""

    @classmethod
    def of_runs(
        cls, key: str, what: str, unit: str, runs: Sequence[float], target: Target | None = None, note: str = ""
    ) -> Row:
        """The median of runs is what counts."""
        return cls(key, what, unit, statistics.median(runs), min(runs), max(runs), len(runs), target, note=note)

    @classmethod
    def of_group(
        cls,
        key: str,
        what: str,
        unit: str,
        each: Mapping[str, float],
        target: Target | None = None,
        column: str = "",
        note: str = "",
    ) -> Row:
        """The worst of a group is what counts: the largest, or the smallest of what must be at least so much."""
        if not each:
            return cls(key, what, problem=note or "nothing could be measured")
        worst = (target or Target(0)).worst(each)
        ends = min(each.values()), max(each.values())
        return cls(key, what, unit, each[worst], *ends, target=target, each=each, column=column, note=note)

    @property
    def measured(self) -> str:
        """The figure and its range, in words."""
        if self.problem:
            return f"not measured: {self.problem}"
        if len(self.each) > MOST_NAMED:
            worst = (self.target or Target(0)).worst(self.each)
            last = "least" if self.target and self.target.at_least else "most"
            said = f"{self._range()} {self.unit} ({len(self.each)} machines; {last}: `{worst}`)"
        elif self.each:
            said = ", ".join(f"{number(figure)} {self.unit} `{name}`" for name, figure in self.each.items())
        elif self.runs > 1:
            said = f"{number(self.figure)} {self.unit} ({self._range()}; {self.runs} runs)"
        else:
            said = f"{number(self.figure)} {self.unit}"
        return f"{said}; {self.note}" if self.note else said

    @property
    def asked(self) -> str:
        """The target, in words."""
        if self.target is None:
            return ""
        return f"{'at least' if self.target.at_least else 'at most'} {number(self.target.value)} {self.unit}".rstrip()

    @property
    def met(self) -> str:
        """Whether it is met; nothing where there is no target or no figure."""
        if self.target is None or self.problem:
            return ""
        return "yes" if self.target.is_met_by(self.figure) else "no"

    def _range(self) -> str:
        return f"{number(self.lowest)} to {number(self.highest)}"


HEAD = ("what", "measured", "target", "met", "--only")


def number(value: float) -> str:
    """Three digits, or all before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cells(row: Row) -> tuple[str, ...]:
    return row.what, row.measured, row.asked, row.met, row.key


def target_table(rows: Sequence[Row]) -> str:
    """All rows, in Markdown."""
    return _markdown([(*HEAD[:-1], f"`{HEAD[-1]}`"), *((*_cells(row)[:-1], f"`{row.key}`") for row in rows)])


def plain_table(rows: Sequence[Row]) -> str:
    """All rows for a terminal: columns below each other, without marks."""
    lines = [HEAD, *(tuple(cell.replace("`", "") for cell in _cells(row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def machine_table(rows: Sequence[Row], machines: Sequence[str]) -> str:
    """What was measured of each machine, in Markdown: a column for each that rows have; "-" where there is nothing."""
    columns: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.column:
            columns.setdefault(row.column, {}).update(row.each)
    lines = [("machine", *columns)]
    for machine in machines:
        figures = (found.get(machine) for found in columns.values())
        lines.append((f"`{machine}`", *("-" if figure is None else number(figure) for figure in figures)))
    return _markdown(lines)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    drawn = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return "\n".join([drawn[0], "|" + "---|" * len(lines[0]), *drawn[1:]])


def placed(text: str, marker: str, content: str) -> str:
    """The text, with the content between <!-- marker --> and <!-- /marker -->; ValueError where they are not there."""
    before, begins, rest = text.partition(f"<!-- {marker} -->\n")
    _, ends, after = rest.partition(f"<!-- /{marker} -->")
    if not begins or not ends:
        raise ValueError(f"there is no <!-- {marker} --> ... <!-- /{marker} -->")
    return f"{before}{begins}\n{content}\n\n{ends}{after}"
