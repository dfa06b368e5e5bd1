"""Results, or the points of a sweep, against each other: which are not beaten in both of two figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from spikecycle.simulator.explore.frames import UNKNOWABLE, is_known
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.scatter import Point, front, scatter
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw, Value
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.units import pj_to_j
from spikecycle.wording import some_of

ENERGY, TIME, AREA = "energy per inference (J)", "time per inference (s)", "area (mm²)"
MOST_DRAWN = 4000
"""Points of one drawing; of more, those on a front and every n-th of the others."""
_MOST_SETTINGS = 6


@dataclass(frozen=True)
class Candidate:
    """One point of the design space.

    name: what tells it apart. group: what it belongs to (a trace, a sweep); groups have colours and shapes. figures: by
    title with unit, less being better. settings: keys and values that made it.
    """

    name: str
    group: str
    figures: Mapping[str, float]
    settings: Mapping[str, Value] = field(default_factory=dict)


def candidate_of(name: str, result: RunResult) -> Candidate:
    """A result as a point; what is not modelled (0) is no figure of it."""
    found = {
        ENERGY: pj_to_j(result.energy_per_inference_pj),
        TIME: result.seconds_per_inference,
        AREA: result.area_mm2,
    }
    figures = {title: value for title, value in found.items() if value > 0}
    return Candidate(name, result.trace, figures, {"machine": str(result.machine["name"])})


_FIGURES = {
    "energy_per_inference_pj": (ENERGY, pj_to_j(1)),
    "seconds_per_inference": (TIME, 1.0),
    "area_mm2": (AREA, 1.0),
}
"""Columns of a sweep's points, each with its title here and the factor to its unit."""
_ERROR = "error of the network (share of samples)"
_REASONS = {
    _ERROR: "Results of simulate hold no accuracy, and points of a sweep or search have an error only where each has "
    "an accuracy."
}
_NOT_MODELLED = "Their machines do not model it."
_MOST_NAMES = 5
"""Of points that lack a figure."""
MOST_SETTING_COLUMNS = 40


def candidates_of_rows(
    group: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Candidate], int]:
    """Points of a sweep that have a result, and how many have none, or cannot run at their clock.

    columns: those that tell points apart. What a machine does not model is no figure of its points. Where every point
    has an accuracy, 1 minus it is a figure.
    """
    done = [row for row in rows if not row.get("problem") and not row.get("too_slow") and _is_whole(row)]
    with_accuracy = bool(done) and all(isinstance(row.get("accuracy"), int | float) for row in done)
    found = []
    varied = [name for name in columns if len({str(row.get(name)) for row in rows}) > 1]
    for row in done:
        figures = {title: float(row[key]) * factor for key, (title, factor) in _FIGURES.items() if row.get(key)}
        if with_accuracy:
            figures[_ERROR] = 1 - float(row["accuracy"])
        settings = {name: _setting(row.get(name)) for name in columns[:MOST_SETTING_COLUMNS]}
        words = (f"{key.rpartition('.')[2]} {settings[key]}" for key in varied if settings.get(key) is not None)
        found.append(Candidate(", ".join(words) or group, group, figures, settings))
    return found, len(rows) - len(done)


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Whether its figures are numbers; energy and area may be unknown."""
    return all(is_known(row, key) or (key in UNKNOWABLE and row.get(key) is None) for key in _FIGURES)


def _setting(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def front_chart(key: str, candidates: Sequence[Candidate]) -> Chart | None:
    """Each pair of figures that differ as a view; None where no two points have two figures in common."""
    figures = list(dict.fromkeys(name for each in candidates for name in each.figures))
    having = {name: [index for index, each in enumerate(candidates) if name in each.figures] for name in figures}
    differing = [name for name in figures if len({candidates[i].figures[name] for i in having[name]}) > 1]
    pairs = []
    for a, b in combinations(differing if len(differing) > 1 else figures, 2):
        both = [index for index in having[a] if index in set(having[b])]
        if len(both) > 1:
            pairs.append(((b, a) if _short(a) == "energy" else (a, b), both))  # energy is what is looked up
    if not pairs:
        return None
    groups = list(dict.fromkeys(each.group for each in candidates))
    views: dict[str, Draw] = {
        f"{_short(y)} over {_short(x)}": _view([candidates[i] for i in both], groups, x, y) for (x, y), both in pairs
    }
    settings = list(dict.fromkeys(name for each in candidates for name in each.settings))
    on_front = [_on_front(candidates, both, x, y) for (x, y), both in pairs]
    heads = (
        "name",
        "group",
        *figures,
        *settings,
        *(f"on the front of {_short(y)} and {_short(x)}" for (x, y), _ in pairs),
    )
    rows: list[Sequence[Value]] = [
        (
            each.name,
            each.group,
            *(each.figures.get(name) for name in figures),
            *(each.settings.get(name) for name in settings),
            *("yes" if index in best else "" for best in on_front),
        )
        for index, each in enumerate(candidates)
    ]
    return Chart(
        key,
        "Trade-offs",
        f"{human.numbered(len(candidates), 'point')}, less being better on both axes. The dashed line joins those "
        "that no other one beats in both (the Pareto front); point at one to see what it is.",
        views,
        DataTable(heads, rows),
        _notes(candidates, figures),
    )


def _notes(candidates: Sequence[Candidate], figures: Sequence[str]) -> tuple[str, ...]:
    """How many points are not in every chart, and of which figure that is, whose, and why."""
    partly = sum(len(each.figures) < len(figures) for each in candidates)
    if not partly:
        return ()
    missing: dict[tuple[str, str], list[str]] = {}
    for figure in figures:
        without = list(dict.fromkeys(each.name for each in candidates if figure not in each.figures))
        if without:
            names = some_of(without, _MOST_NAMES)
            missing.setdefault((names, _REASONS.get(figure, _NOT_MODELLED)), []).append(_short(figure))
    lines = [f"Without a figure for {', '.join(short)}: {names}. {why}" for (names, why), short in missing.items()]
    return (" ".join([f"{partly:,} of them {'is' if partly == 1 else 'are'} not in every chart.", *lines]),)


def _view(candidates: Sequence[Candidate], groups: Sequence[str], x: str, y: str) -> Draw:
    kept = _kept(candidates, x, y)
    (x_factor, x_unit), (y_factor, y_unit) = (_scaled(name, [each.figures[name] for each in kept]) for name in (x, y))
    points = [
        Point(
            each.figures[x] * x_factor,
            each.figures[y] * y_factor,
            each.name,
            _tip(each),
            groups.index(each.group),
        )
        for each in kept
    ]
    axes = (f"{_short(x)}, {x_unit}", f"{_short(y)}, {y_unit}")
    title = f"{_short(y)} over {_short(x)}"
    return lambda width, key: scatter(width, key, title, points, axes, groups)


def _kept(candidates: Sequence[Candidate], x: str, y: str) -> list[Candidate]:
    if len(candidates) <= MOST_DRAWN:
        return list(candidates)
    best = set(front([(each.figures[x], each.figures[y]) for each in candidates]))
    every = -(-len(candidates) // MOST_DRAWN)
    return [each for index, each in enumerate(candidates) if index in best or index % every == 0]


def _on_front(candidates: Sequence[Candidate], among: Sequence[int], x: str, y: str) -> set[int]:
    """Indices of those on the front, of the candidates at the indices `among`."""
    best = front([(candidates[index].figures[x], candidates[index].figures[y]) for index in among])
    return {among[index] for index in best}


def _tip(each: Candidate) -> str:
    figures = [f"{_short(name)} {_text(name, value)}" for name, value in each.figures.items()]
    settings = [f"{name} = {value}" for name, value in each.settings.items() if value is not None]
    more = (
        [f"and {human.numbered(len(settings) - _MOST_SETTINGS, 'more setting')}"]
        if len(settings) > _MOST_SETTINGS
        else []
    )
    return f"{each.name}: {', '.join([*figures, *settings[:_MOST_SETTINGS], *more])}"


def _short(figure: str) -> str:
    """A figure's title without its unit."""
    return figure.split(" (")[0].removesuffix(" per inference")


def _unit(figure: str) -> str:
    return figure.rpartition("(")[2].rstrip(")") if "(" in figure else ""


def _text(figure: str, value: float) -> str:
    unit = _unit(figure)
    return human.si(value, unit) if unit in ("J", "s", "J s") else f"{human.digits(value)} {unit}".rstrip()


def _scaled(figure: str, values: list[float]) -> tuple[float, str]:
    """Factor and unit for an axis."""
    unit = _unit(figure)
    return human.common_si(values, unit) if unit in ("J", "s", "J s") else (1.0, unit)
