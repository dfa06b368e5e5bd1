"""A search in a terminal: the front of the best points, and what made them good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.grounds_line import ground_line, grounds_of_points
from spikecycle.simulator.report.sweep_table import MOST_POINTS, points_table, reasons
from spikecycle.simulator.report.totals import WARNING
from spikecycle.simulator.variant import SYNTHETIC


def search_report(result: SearchResult) -> Group:
    """How much was tried, the front, importances, and why points failed."""
    goals = ", ".join(result.goals)
    ground = ground_line(grounds_of_points(result.points))
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{result.trials:,} trials", "bold"),
            f" of {result.space:,} points: {result.simulated:,} simulated; all in {result.folder}/points.parquet\n"
            f"Small: {goals}. Kept: {', '.join(result.constraints)}.",
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
    if result.importances:
        parts.append(_importances(result))
    if any(point.get("synthetic") for point in result.points):
        parts.append(Text(SYNTHETIC, style=WARNING))
    why = reasons([point for point in result.points if point["problem"] is not None])
    if why:
        parts.append(Text("\n".join(why), style="dim"))
    return Group(*(line for part in parts for line in (part, Text())))


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
