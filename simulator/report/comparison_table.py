"""Results side by side in a terminal: figures, what differs in the machines, and where time and energy differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.explore.differences import By, ComparedResult, CostDifference, Measure, ResultComparison
from spikecycle.simulator.report import human
from spikecycle.simulator.report.grounds_line import ground_line, ground_of
from spikecycle.simulator.report.totals import NOT_PRICED, WARNING
from spikecycle.simulator.units import pj_to_j
from spikecycle.wording import setting_text

MOST_ROWS = 12
"""Of a table of differences."""
MOST_KEYS = 30
_NOTHING = "-"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def compared_report(comparison: ResultComparison) -> Group:
    """Figures of each result, then what differs."""
    parts: list[RenderableType] = [_legend(comparison.results), figures_table(comparison.results)]
    notes = [*_slow(comparison.results), *comparison.notes]
    if notes:
        parts.append(Text("\n".join(notes), style=WARNING))
    if comparison.machine_differences:
        parts.append(_machines(comparison))
    kinds: tuple[tuple[str, Measure, By], ...] = (
        ("Energy by component", "energy_pj", "component"),
        ("Energy by layer", "energy_pj", "layer"),
        ("Time by category of cycles", "seconds", "category"),
        ("Time by layer", "seconds", "layer"),
        ("Energy by layer and component, the largest differences", "energy_pj", "layer and component"),
        ("Time by layer and category, the largest differences", "seconds", "layer and category"),
    )
    for title, measure, by in kinds:
        found = [each for each in comparison.of(measure, by) if each.effect]
        if found:
            parts.append(_differences(title, measure, found[:MOST_ROWS], len(found)))
    return Group(*(line for part in parts for line in (part, Text())))


def figures_table(results: Sequence[ComparedResult]) -> Fitting:
    """A row per result; the ratio to the first below each figure."""
    first = results[0]
    energy, energy_unit = human.common_si([pj_to_j(each.energy_per_inference_pj) for each in results], "J")
    time, time_unit = human.common_si([each.seconds_per_inference for each in results], "s")

    def column(header: str, value: Callable[[ComparedResult], float], show: Callable[[float], str]) -> list[Column]:
        ratios = [
            "" if each is first or not value(first) or not value(each) else _times(value(each) / value(first))
            for each in results
        ]
        return [Column(header, [show(value(each)) for each in results]), Column("\nto A", ratios)]

    columns = [
        names("", [_LETTERS[index] for index in range(len(results))]),
        *column(
            f"energy,\n{energy_unit}",
            lambda each: pj_to_j(each.energy_per_inference_pj) * energy,
            lambda value: human.digits(value, 4) if value else NOT_PRICED,
        ),
        *column(
            f"time,\n{time_unit}", lambda each: each.seconds_per_inference * time, lambda value: human.digits(value, 4)
        ),
        *column("cycles", lambda each: each.cycles_per_inference, human.count),
        *column("area,\nmm²", lambda each: each.area_mm2, lambda value: human.digits(value) if value else _NOTHING),
        Column("PE use,\n%", [human.percent(each.utilization) for each in results]),
    ]
    narrow = [*columns[:5], *columns[7:9]]
    return fitting_sheets(("Per inference", columns), ("Per inference", narrow))


def _legend(results: Sequence[ComparedResult]) -> Text:
    same = len({each.trace_sha256 for each in results}) == 1
    head = f"{results[0].trace}\n" if same else ""
    lines = [
        f"{_LETTERS[index]}  {'' if same else f'{each.trace} on '}{each.machine}" for index, each in enumerate(results)
    ]
    ground = ground_line([ground_of(each) for each in results], _LETTERS)
    return Text.assemble((head + "\n".join(lines), "bold"), f"\n{ground}" if ground else "")


def _machines(comparison: ResultComparison) -> Group:
    """Keys that all machines have, with their values; how many only some have."""
    differences = comparison.machine_differences
    common = [each for each in differences if all(value is not None for value in each.values)]
    shown = common[:MOST_KEYS]
    columns = [Column("key", [each.key for each in shown], justify="left", folds=True)]
    for index in range(len(comparison.results)):
        cells = [_text(each.values[index]) for each in shown]
        columns.append(Column(_LETTERS[index], cells, justify="left", folds=True))
    title = "What differs in the machines"
    lines = []
    if len(common) > len(shown):
        lines.append(f"and {human.numbered(len(common) - len(shown), 'other key')}")
    if len(differences) > len(common):
        lines.append(f"and {human.numbered(len(differences) - len(common), 'key')} that only some of them have")
    table: list[RenderableType] = [fitting_sheets((title, columns))] if shown else [Text(title, style="bold")]
    return Group(*table, *(Text(f"{line} (all are in --json)", style="dim") for line in lines))


def _differences(title: str, measure: Measure, found: Sequence[CostDifference], count: int) -> Fitting:
    factor, unit = human.common_si(
        [_si_value(measure, value) for each in found for value in each.values if value is not None],
        "J" if measure == "energy_pj" else "s",
    )
    rows = [" ".join(part for part in (each.layer, each.part and human.label(each.part)) if part) for each in found]
    values = [
        Column(
            f"{_LETTERS[index]},\n{unit}",
            [_cell(measure, each.values[index], factor) for each in found],
        )
        for index in range(len(found[0].values))
    ]
    effect = Column("largest change,\n% of all of A", [human.signed(100 * each.effect, 1) for each in found])
    more = f" ({len(found)} of {count})" if count > len(found) else ""
    columns = [names("", rows), *values, effect]
    return fitting_sheets((title + more, columns), (title + more, [columns[0], columns[1], columns[2], effect]))


def _cell(measure: Measure, value: float | None, factor: float) -> str:
    return _NOTHING if value is None else human.digits(_si_value(measure, value) * factor)


def _si_value(measure: Measure, value: float) -> float:
    return pj_to_j(value) if measure == "energy_pj" else value


def _times(ratio: float) -> str:
    return f"x{human.digits(ratio)}"


def _slow(results: Sequence[ComparedResult]) -> list[str]:
    return [
        f"{_LETTERS[index]} cannot run at its clock: {', '.join(each.too_slow)} slower than a cycle."
        for index, each in enumerate(results)
        if each.too_slow
    ]


def _text(value: Any) -> str:
    return _NOTHING if value is None else setting_text(value)
