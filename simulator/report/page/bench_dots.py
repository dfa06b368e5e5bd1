"""What the charts of benches share: how benches and machines are told apart, and rows of dots as a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from spikecycle.simulator.bench.result import BenchCase
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.dots import DotGroup, dot_rows
from spikecycle.simulator.report.page.bench_rows import Benches, SameCase
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw

MOST_ROWS = 80
"""Of one drawing; the table has all."""
NOT_MEASURED = "not measured"
MOST_SAID = 4
"""Figures at the end of a row; where there are more, the marks and the table say them."""
Words = Callable[[float], str]


def dot_chart(
    key: str,
    title: str,
    reading: str,
    benches: Benches,
    views: Mapping[str, tuple[Sequence[DotGroup], bool, Words]],
    table: DataTable,
    short: str,
) -> Chart | None:
    """A chart of rows of dots; views: by axis, the groups, whether it is logarithmic, and how a tick is written."""
    if not any(row.dots for groups, _, _ in views.values() for group in groups for row in group.rows):
        return None
    rows = max(sum(len(group.rows) for group in groups) for groups, _, _ in views.values())
    notes = (f"Drawn are the first {MOST_ROWS} of {rows:,} rows; the table has all.",) if rows > MOST_ROWS else ()
    drawn = {
        axis: dot_view(f"{title}: {axis}", axis, benches, groups, is_log, write)
        for axis, (groups, is_log, write) in views.items()
    }
    return Chart(key, title, reading, drawn, table, notes, short)


def dot_view(title: str, axis: str, benches: Benches, groups: Sequence[DotGroup], is_log: bool, write: Words) -> Draw:
    """One drawing of at most MOST_ROWS rows."""
    first, series = _first(groups), series_of(benches)
    return lambda width, name: dot_rows(width, name, title, first, axis, series=series, is_log=is_log, write=write)


def _first(groups: Sequence[DotGroup]) -> list[DotGroup]:
    """Groups with so many rows as are drawn."""
    kept: list[DotGroup] = []
    left = MOST_ROWS
    for group in groups:
        if left > 0:
            kept.append(DotGroup(group.name, group.rows[:left]))
        left -= len(group.rows)
    return kept


def measured(same: SameCase) -> list[tuple[int, BenchCase]]:
    """The case in each bench that has a time for it, by the bench's number."""
    return [(number, case) for number, case in same.of.items() if not case.problem]


def hue_of(benches: Benches, number: int, case: BenchCase) -> int:
    """Colours tell benches apart or, in a page of one, machines."""
    if len(benches) > 1:
        return number
    machines = list(dict.fromkeys(each.machine for each in benches[0][1].cases))
    return machines.index(case.machine)


def series_of(benches: Benches) -> list[str]:
    """What a legend has to name: several benches."""
    return [name for name, _ in benches] if len(benches) > 1 else []


def where(benches: Benches, number: int) -> str:
    """The name of a bench behind what is said of it; nothing where there is only one."""
    return f" ({benches[number][0]})" if len(benches) > 1 else ""


def said(values: Sequence[str], between: str = ", ") -> str:
    """Figures of a row at its end."""
    return between.join(values) if len(values) <= MOST_SAID else ""


def seconds_words(value: float) -> str:
    """A time, three digits."""
    return human.si(value, "s")


def seconds_tick(value: float) -> str:
    """A round time."""
    return human.si(value, "s", 1)
