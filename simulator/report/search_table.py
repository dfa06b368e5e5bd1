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
            f"{result.folder}/points.parquet",
            f"\n{result.untried:,} of {human.numbered(result.space, 'point')} not tried." if result.untried else "",
            f"\n{wanted(result)}",
            f"\n{ground}" if ground else "",
        )
    ]
    if result.front:
        title = f"Points that none beats: {len(result.front):,}"
        if len(result.front) > MOST_POINTS:
            title += f", {MOST_POINTS} of them from one end to the other"
        parts.append(points_table(title, spread(result.front), result.columns, result.points))
    else:
        parts.append(Text("\n".join(nothing_kept(result)), style=WARNING))
    parts += unknown_lines([point for point in result.points if point["problem"] is None])
    if result.lacking:
        parts.append(Text(f"No point has a column {', '.join(result.lacking)}.", style=WARNING))
    if result.importances:
        parts += [_importances(result), Text(importance_words(result), style="dim")]
    elif result.points_for_importances:
        parts.append(Text(importance_words(result), style="dim"))
    if any(point.get("synthetic") for point in result.points):
        parts.append(Text(SYNTHETIC, style=WARNING))
    why = reasons([point for point in result.points if point["problem"] is not None])
    if why:
        parts.append(Text("\n".join(why), style="dim"))
    return Group(*(line for part in parts for line in (part, Text())))


def nothing_kept(result: SearchResult) -> list[str]:
    """Why the front is empty: what was not tried, and how near points come to each constraint that none keeps."""
    first = "No point keeps to all constraints."
    if result.untried:
        first = (
            f"No point of the {len(result.points):,} tried keeps to all constraints; "
            f"{result.untried:,} of {human.numbered(result.space, 'point')} not tried."
        )
    ran = [point for point in result.points if point["problem"] is None]
    if not ran:
        return [first, "No point could be run."]
    found = ["Every machine has a memory slower than its clock."] if all(p.get("too_slow") for p in ran) else []
    scales = _scales(result)
    for words, value in result.nearest().items():
        column = words.partition(" ")[0]
        found.append(f"{_bound(words, scales)}: the nearest that was found is {_amount(column, value, scales)}.")
    if not found and not result.lacking and len(result.constraints) > 1:
        found.append("Some point keeps to each of them, none to all at once.")
    return [first, *found]


def importance_words(result: SearchResult) -> str:
    """What the table of importances means, or why there is none."""
    if result.importances:
        return (
            "Of the variance of each goal over the points that ran; the rest is due to several axes together. An axis "
            "with a small share can be left as it is where that rest is small too."
        )
    ran = sum(point["problem"] is None for point in result.points)
    return (
        f"Importance of each axis: not told, of {human.numbered(ran, 'point')} that ran. It takes at least "
        f"{result.points_for_importances:,} that tell the axes apart."
    )


def wanted(result: SearchResult) -> str:
    """What was made small, and what the best points keep to, in the units of the table below."""
    scales = _scales(result)
    goals = ", ".join(_word(column) for column in result.goals)
    return f"For little {goals}; kept to: {'; '.join(_bound(words, scales) for words in result.constraints)}."


def _scales(result: SearchResult) -> dict[str, tuple[float, str]]:
    """Factor and unit by column, as in a table of the front; of all points that ran where it is empty."""
    points = result.front or [point for point in result.points if point["problem"] is None]
    return {**front_scales(points), "area_mm2": (1.0, "mm²"), "accuracy": (100.0, "%")}


def _bound(words: str, scales: Mapping[str, tuple[float, str]]) -> str:
    """A constraint, "area_mm2 <= 10", as readers see it: "area <= 10 mm²"."""
    column, _, bound = words.partition(" ")
    relation, _, number = bound.partition(" ")
    if relation not in ("<=", ">="):
        return words
    return f"{_word(column)} {relation} {_amount(column, float(number), scales)}"


def _amount(column: str, value: float, scales: Mapping[str, tuple[float, str]]) -> str:
    """A value in the unit of its column."""
    scale, unit = scales.get("energy_per_inference_pj" if column.startswith(_ENERGIES) else column, (1.0, ""))
    return f"{value * scale:,.10g} {unit}".rstrip()


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
    return fitting_sheets(("Importance of each axis: variance that it explains by itself", columns))
