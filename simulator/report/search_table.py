"""A search in a terminal: the front of the best points, and what made them good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.grounds_line import ground_line, grounds_of_points
from spikecycle.simulator.report.sweep_table import MOST_POINTS, front_scales, points_table, reasons, unknown_lines
from spikecycle.simulator.report.totals import WARNING
from spikecycle.simulator.variant import SYNTHETIC

_ENERGIES, _CYCLES = "energy_pj.", "cycles."
"""Beginnings of columns, of which the rest is a component or a category."""
_WORDS = {
    "energy_per_inference_pj": "energy",
    "seconds_per_inference": "time",
    "area_mm2": "area",
    "logic_area_mm2": "area of logic",
    "edp_per_inference_js": "energy x time",
    "cycles_per_inference": "cycles per inference",
    "synaptic_operations_per_inference": "synaptic operations per inference",
}


def search_report(result: SearchResult) -> Group:
    """How much was tried, the front, importances, and why points failed."""
    there = f", {result.already_there:,} already there" if result.already_there else ""
    ground = ground_line(grounds_of_points(result.points))
    parts: list[RenderableType] = [
        Text.assemble(
            (human.numbered(result.trials, "trial"), "bold"),
            f" of {human.numbered(result.space, 'point')}: {result.simulated:,} simulated{there}; all in "
            f"{result.folder}/points.parquet\n{wanted(result)}",
            f"\n{ground}" if ground else "",
        )
    ]
    if result.front:
        title = f"Points that none beats: {len(result.front):,}"
        if len(result.front) > MOST_POINTS:
            title += f", {MOST_POINTS} of them from one end to the other"
        parts.append(points_table(title, spread(result.front), result.columns, result.points))
    else:
        parts.append(Text("No point keeps to all constraints.", style=WARNING))
    parts += unknown_lines([point for point in result.points if point["problem"] is None])
    if result.lacking:
        parts.append(Text(f"No point has a column {', '.join(result.lacking)}.", style=WARNING))
    if result.importances:
        parts.append(_importances(result))
    if any(point.get("synthetic") for point in result.points):
        parts.append(Text(SYNTHETIC, style=WARNING))
    why = reasons([point for point in result.points if point["problem"] is not None])
    if why:
        parts.append(Text("\n".join(why), style="dim"))
    return Group(*(line for part in parts for line in (part, Text())))


def wanted(result: SearchResult) -> str:
    """What was made small, and what the best points keep to, in the units of the table below."""
    scales = {**front_scales(result.front), "area_mm2": (1.0, "mm²"), "accuracy": (100.0, "%")}
    goals = ", ".join(_word(column) for column in result.goals)
    return f"For little {goals}; kept to: {'; '.join(_bound(words, scales) for words in result.constraints)}."


def _bound(words: str, scales: Mapping[str, tuple[float, str]]) -> str:
    """A constraint, "area_mm2 <= 10", as readers see it: "area <= 10 mm²"."""
    column, _, bound = words.partition(" ")
    relation, _, number = bound.partition(" ")
    if relation not in ("<=", ">="):
        return words
    if column.startswith(_ENERGIES):
        scale, unit = scales["energy_per_inference_pj"]
    else:
        scale, unit = scales.get(column, (1.0, ""))
    return f"{_word(column)} {relation} {float(number) * scale:,.10g} {unit}".rstrip()


def _word(column: str) -> str:
    """A column of numbers as readers see it; machine keys stay what they are."""
    for beginning, words in ((_ENERGIES, "energy of"), (_CYCLES, "cycles of")):
        if column.startswith(beginning):
            return f"{words} {human.label(column.removeprefix(beginning))}"
    return _WORDS.get(column, column)


def spread(front: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A few points of a front, evenly from one end to the other."""
    if len(front) <= MOST_POINTS:
        return list(front)
    step = (len(front) - 1) / (MOST_POINTS - 1)
    return [front[round(index * step)] for index in range(MOST_POINTS)]


def _importances(result: SearchResult) -> Fitting:
    axes = list(dict.fromkeys(axis for shares in result.importances.values() for axis in shares))
    axes.sort(key=lambda axis: -max(shares.get(axis, 0.0) for shares in result.importances.values()))
    columns = [names("what decides, %", axes[:MOST_POINTS])]
    for goal, shares in result.importances.items():
        columns.append(Column(goal, [human.percent(shares.get(axis, 0.0)) for axis in axes[:MOST_POINTS]]))
    return fitting_sheets(("Importance of each axis for the best points", columns))
