"""A search: how much of the space was tried, the points that no other one beats, and what decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.page.chart import Chart, DataTable, Value
from spikecycle.simulator.report.search_table import importance_words, nothing_kept

MOST_POINTS = 100
"""Of the front, in the table of the page; the file has all."""
GOALS = {
    "energy_per_inference_pj": ("energy", "µJ", 1e-6),
    "seconds_per_inference": ("time", "µs", 1e6),
    "area_mm2": ("area", "mm²", 1.0),
    "edp_per_inference_js": ("energy-delay product", "pJ·s", 1e12),
}
"""Word, unit, and the factor to it, of columns; others are called as they are."""


def search_words(search: SearchResult) -> str:
    """What was searched for, and how much of the space was tried."""
    goals = ", ".join(_goal(goal) for goal in search.goals)
    kept = f" Kept to: {'; '.join(search.constraints)}." if search.constraints else ""
    there = f", {search.already_there:,} there already" if search.already_there else ""
    front = human.numbered_are(len(search.front), "point")
    run = human.numbered_are(search.simulated, "different point", "was", "were")
    tried = f"{human.numbered(search.trials, 'trial')} of {human.numbered(search.space, 'point')}"
    missing = [] if search.importances or not search.points_for_importances else [importance_words(search)]
    more = "".join(f" {words}" for words in [*([] if search.front else nothing_kept(search)), *missing])
    untried = f", {search.untried:,} of {human.numbered(search.space, 'point')} not tried" if search.untried else ""
    return (
        f"{tried}, for little {goals}: {run} simulated{there}, "
        f"{human.numbered(search.failed, 'trial')} chose one that cannot be run{untried}. {front} beaten by no other "
        f"in all goals.{kept}{more}"
    )


def search_table(search: SearchResult) -> DataTable:
    """The front: what was chosen where that varies, and the goals."""
    varied = [name for name in search.columns if len({str(point.get(name)) for point in search.points}) > 1]
    shown = search.front[:MOST_POINTS]
    rows: list[Sequence[Value]] = [
        (*(_text(point.get(name)) for name in varied), *(_amount(goal, point.get(goal)) for goal in search.goals))
        for point in shown
    ]
    heads = (f"{GOALS[goal][0]} ({GOALS[goal][1]})" if goal in GOALS else goal for goal in search.goals)
    return DataTable((*varied, *heads), rows)


def search_charts(key: str, search: SearchResult) -> list[Chart]:
    """Share of each axis in the variance of each goal; nothing where that was not found out."""
    shares_of = {goal: shares for goal, shares in search.importances.items() if shares}
    axes = list(dict.fromkeys(axis for shares in shares_of.values() for axis in shares))
    if not axes:
        return []
    cells = [[100 * shares.get(axis, 0.0) for shares in shares_of.values()] for axis in axes]
    order = sorted(range(len(axes)), key=lambda index: -max(cells[index]))
    names, shares = [axes[index] for index in order], [cells[index] for index in order]
    columns = list(shares_of)
    return [
        Chart(
            f"{key}-decides",
            "What decides",
            f"Share that each axis explains by itself. {importance_words(search)}",
            {
                "share, %": lambda width, chart: heat_map(
                    width, chart, "What decides on each goal", names, columns, shares, "%"
                )
            },
            DataTable(
                ("axis", *(f"{column} (%)" for column in columns)),
                [(name, *line) for name, line in zip(names, shares, strict=True)],
            ),
            short="What decides",
        )
    ]


def _goal(goal: str) -> str:
    return GOALS[goal][0] if goal in GOALS else goal


def _amount(goal: str, value: Any) -> Value:
    """In the goal's unit."""
    if not isinstance(value, int | float):
        return _text(value)
    return human.digits(value * (GOALS[goal][2] if goal in GOALS else 1.0), 4)


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
