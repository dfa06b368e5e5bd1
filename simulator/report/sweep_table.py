"""A sweep in a terminal: how many points there are, the best of them, and why others failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, words_of
from spikecycle.simulator.explore.results import MEASURES, SweepResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.grounds_line import ground_line, grounds_of_points
from spikecycle.simulator.report.totals import WARNING
from spikecycle.simulator.units import pj_to_j
from spikecycle.simulator.variant import SYNTHETIC
from spikecycle.wording import setting_text

MOST_POINTS = 12
"""Of a front that a table shows."""
MOST_REASONS = 5
_ONLY_ONE = "the only one"


def sweep_report(result: SweepResult) -> Group:
    """The sweep in a few lines, its Pareto front, and the reasons of failed points, the most frequent first."""
    parts: list[RenderableType] = [heading(result)]
    front = result.front()
    if front:
        title = f"Points that none beats in energy, time and area: {len(front):,}"
        if len(front) > MOST_POINTS:
            title += f", the {MOST_POINTS} with the least energy"
        parts.append(points_table(title, front[:MOST_POINTS], result.columns, result.points))
        parts.append(Text(_best_lines(result)))
    slow = sum(bool(point.get("too_slow")) for point in result.done)
    if slow:
        parts.append(
            Text(
                f"{human.numbered_are(slow, 'point', 'has', 'have')} a memory that is slower than the clock: not shown",
                WARNING,
            )
        )
    if any(point.get("synthetic") for point in result.done):
        parts.append(Text(SYNTHETIC, WARNING))
    why = reasons(result.failed)
    if why:
        parts.append(Text("\n".join(why), style=WARNING))
    return Group(*(line for part in parts for line in (part, Text())))


def heading(result: SweepResult) -> Text:
    """How many points, where they are, and what they rest on."""
    failed = f", {len(result.failed):,} failed" if result.failed else ""
    there, run = result.already_there, len(result.points) - result.already_there
    came = f"{there:,} already there, {run:,} simulated now" if there else f"{len(result.done):,} simulated"
    place = f"; all in {result.folder}/points.parquet" if result.folder else ""
    ground = ground_line(grounds_of_points(result.done))
    return Text.assemble(
        (human.numbered(len(result.points), "point"), "bold"),
        f": {came}{failed}{place}",
        f"\n{ground}" if ground else "",
    )


def points_table(
    title: str, shown: Sequence[dict[str, Any]], columns: Sequence[str], points: Sequence[dict[str, Any]]
) -> Fitting:
    """What was chosen, with energy, time, area, accuracy and utilization; one column of choices where there is little
    room.

    columns: what tells points apart. points: all, of which some are shown: a column in which all are alike is left out.
    """
    chosen = [name for name in columns if len({_text(point.get(name)) for point in points}) > 1]
    scales = front_scales(shown)
    (energy, energy_unit), (time, time_unit) = scales["energy_per_inference_pj"], scales["seconds_per_inference"]
    choices = [_choice(name, [_text(point.get(name)) for point in shown]) for name in chosen]
    figures = [
        Column(
            f"energy,\n{energy_unit}",
            [human.digits(point["energy_per_inference_pj"] * energy, 4) for point in shown],
        ),
        Column(f"time,\n{time_unit}", [human.digits(point["seconds_per_inference"] * time, 4) for point in shown]),
        Column("area,\nmm²", [human.digits(point["area_mm2"]) for point in shown]),
    ]
    accuracies = [point.get("accuracy") for point in shown]
    if any(accuracy is not None for accuracy in accuracies):
        figures.append(Column("accuracy,\n%", ["" if a is None else f"{100 * a:.1f}" for a in accuracies]))
    more = Column("PE use,\n%", [human.percent(point["utilization"]) for point in shown])
    together = Column(
        "point",
        ["\n".join(_settings(point, chosen)) or _ONLY_ONE for point in shown],
        justify="left",
        folds=True,
        stands_for=tuple(words_of(choice.header) for choice in choices),
    )
    return fitting_sheets(
        (title, [*choices, *figures, more]), (title, [*choices, *figures]), (title, [together, *figures])
    )


def front_scales(shown: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
    """Factor and unit of the columns of energy and time in a table of these points."""
    energy, energy_unit = human.common_si([pj_to_j(point["energy_per_inference_pj"]) for point in shown], "J")
    time, time_unit = human.common_si([point["seconds_per_inference"] for point in shown], "s")
    return {"energy_per_inference_pj": (pj_to_j(energy), energy_unit), "seconds_per_inference": (time, time_unit)}


def _choice(name: str, cells: Sequence[str]) -> Column:
    return Column(name.replace(".", ".\n"), cells, justify="left", folds=True)


def _line(point: dict[str, Any], chosen: Sequence[str]) -> str:
    return ", ".join(_settings(point, chosen)) or _ONLY_ONE


def _settings(point: dict[str, Any], chosen: Sequence[str]) -> list[str]:
    return [f"{name}={_text(point.get(name))}" for name in chosen]


def _best_lines(result: SweepResult) -> str:
    """The point that is best in each measure, in a line each."""
    chosen = [name for name in result.columns if len({_text(point.get(name)) for point in result.points}) > 1]
    words = {"energy_per_inference_pj": "energy", "seconds_per_inference": "time", "area_mm2": "area"}
    front = result.front()
    best = {measure: min(front, key=lambda point: point[measure]) for measure in MEASURES}
    return "\n".join(f"Least {words[measure]}: {_line(point, chosen)}" for measure, point in best.items())


def reasons(failed: Sequence[dict[str, Any]]) -> list[str]:
    """Problems of points that failed, one line for each kind."""
    counted: dict[str, int] = {}
    for point in failed:
        problem = " ".join(str(point["problem"]).split())
        counted[problem] = counted.get(problem, 0) + 1
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    lines = [f"{count:,} failed: {problem}" for problem, count in ordered[:MOST_REASONS]]
    if len(ordered) > MOST_REASONS:
        lines.append(f"and {human.numbered(len(ordered) - MOST_REASONS, 'other reason')}: column `problem`")
    return lines


def _text(value: Any) -> str:
    return "" if value is None else setting_text(value)
