"""A sweep in a terminal: how many points there are, the best of them, and why others failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, words_of
from spikecycle.simulator.explore.frames import is_known
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
_UNKNOWN = "-"
_ENERGY = "energy_per_inference_pj"
_WORDS = {_ENERGY: "energy", "seconds_per_inference": "time", "area_mm2": "area"}


def sweep_report(result: SweepResult) -> Group:
    """The sweep in a few lines, its Pareto front, and the reasons of failed points, the most frequent first."""
    parts: list[RenderableType] = [heading(result)]
    measures = result.known_measures
    front = result.front(measures)
    if front:
        title = f"Points that none beats in {_listed([_WORDS[each] for each in measures])}: {len(front):,}"
        if len(front) > MOST_POINTS:
            title += f", the {MOST_POINTS} with the least {_WORDS[measures[0]]}"
        parts.append(points_table(title, front[:MOST_POINTS], result.columns, result.points))
    if measures:
        parts.append(Text(_best_lines(result)))
    parts += unknown_lines(result.done)
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
            [_amount(point, "energy_per_inference_pj", energy, 4) for point in shown],
        ),
        Column(f"time,\n{time_unit}", [human.digits(point["seconds_per_inference"] * time, 4) for point in shown]),
        Column("area,\nmm²", [_amount(point, "area_mm2") for point in shown]),
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
    energies = [pj_to_j(point[_ENERGY]) for point in shown if is_known(point, _ENERGY)]
    energy, energy_unit = human.common_si(energies, "J")
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
    best = {measure: _least(result.able, measure) for measure in result.known_measures}
    return "\n".join(f"Least {_WORDS[measure]}: {_line(point, chosen)}" for measure, point in best.items())


def _least(points: Sequence[dict[str, Any]], measure: str) -> dict[str, Any]:
    """Of the points of which a measure is known, the one with the least; of equal ones, the best in the others."""
    ranked = [measure, *(other for other in MEASURES if other != measure)]
    return min(
        (point for point in points if is_known(point, measure)),
        key=lambda point: [point[each] if is_known(point, each) else math.inf for each in ranked],
    )


def _listed(words: Sequence[str]) -> str:
    """Words in a sentence: "energy, time and area"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def unknown_lines(points: Sequence[dict[str, Any]]) -> list[Text]:
    """Which machines price no energy, or model no area, and what that means for their points."""
    said = {_ENERGY: "Energies are not priced", "area_mm2": "Areas are not modelled"}
    machines = {
        words: list(dict.fromkeys(str(point["machine"]) for point in points if not is_known(point, column)))
        for column, words in said.items()
    }
    lines = [f"{words}: {', '.join(names)}." for words, names in machines.items() if names]
    if lines:
        lines.append("A point of which a figure is not known is compared with none in it, and keeps to no bound on it.")
    return [Text("\n".join(lines))] if lines else []


def _amount(point: dict[str, Any], column: str, factor: float = 1.0, digits: int = 3) -> str:
    return human.digits(point[column] * factor, digits) if is_known(point, column) else _UNKNOWN


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
