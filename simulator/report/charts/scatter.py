"""Points in a plane, and the front of those that no other point beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.axes import Scale, below, beside, spanning
from spikecycle.simulator.report.charts.names import Place, name_list, names_beside, numbered
from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.svg import drawing, element, legend, marker

_LOG_FROM = 20
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_MOST_LABELS = 14


@dataclass(frozen=True)
class Point:
    """One point: what it is called, what is said of it, and the number of its category."""

    x: float
    y: float
    name: str
    tip: str
    group: int = 0


def scatter(
    width: float,
    key: str,
    title: str,
    points: Sequence[Point],
    axes: tuple[str, str],
    groups: Sequence[str] = (),
    *,
    with_front: bool = True,
) -> str:
    """Points with less of both being better; axes: titles with their units. with_front: join those on the front."""
    boxes, top = legend(list(groups) if len(groups) > 1 else [], 0, 0, width, key)
    top += 30.0
    bottom = top + min(300.0, width * 0.62)
    x_scale, y_scale = plane([(p.x, p.y) for p in points], 52, width - 16, top, bottom)
    drawn = (
        boxes
        + below(x_scale, top, bottom, axes[0], 4 if width < 500 else 8)
        + beside(y_scale, 52, width - 16, axes[1], 6)
    )
    best = front([(point.x, point.y) for point in points])
    line: list[Place] = []
    if with_front and len(best) > 1:
        line = _stairs([(x_scale(points[i].x), y_scale(points[i].y)) for i in best])
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
        drawn += element(
            "path", d=f"M{path}", fill="none", stroke="var(--ink)", stroke_width=1.5, stroke_dasharray="5 3"
        )
    for index, point in enumerate(points):
        on_front = with_front and index in best
        drawn += _shape(x_scale(point.x), y_scale(point.y), point, on_front)
    names = [point.name for point in points]
    shown = list(range(len(points))) if len(points) <= _MOST_LABELS else best
    numbers = numbered(names, shown)
    beside_points = [str(numbers.get(index, "")) for index in range(len(points))] if numbers else names
    places = [(x_scale(point.x), y_scale(point.y)) for point in points]
    drawn += names_beside(places, beside_points, list(numbers) or shown, 52, width, [line])
    listed, height = name_list(names, numbers, len(shown) - len(numbers) if numbers else 0, bottom + 54, width)
    return drawing(width, bottom + 40 + (height + 14 if numbers else 0), key, title, drawn + listed)


def _stairs(places: Sequence[Place]) -> list[Place]:
    """The corners of the line that joins the points of a front: to the right, then down."""
    corners = [places[0]]
    for x, y in places[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return corners


def plane(
    points: Sequence[tuple[float, float]], left: float, right: float, top: float, bottom: float
) -> tuple[Scale, Scale]:
    """Scales of both axes, logarithmic where the values lie far apart."""
    scales = []
    for values, start, stop in (([x for x, _ in points], left, right), ([y for _, y in points], bottom, top)):
        positive = [value for value in values if value > 0]
        is_log = len(positive) == len(values) and bool(positive) and max(positive) / min(positive) >= _LOG_FROM
        scales.append(spanning(list(values), start, stop, is_log=is_log))
    return scales[0], scales[1]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one is at most as large as in both and smaller in one, by rising x."""
    found: list[int] = []
    lowest = float("inf")
    for index in sorted(range(len(points)), key=lambda i: points[i]):
        if points[index][1] < lowest:
            lowest = points[index][1]
            found.append(index)
    return found


def _shape(x: float, y: float, point: Point, on_front: bool) -> str:
    size, ring = (5.0, ("var(--ink)", 1.5)) if on_front else (4.0, ("var(--surface)", 1))
    return marker(
        x, y, size, point.tip, point.group, fill=colour(point.group), stroke=ring[0], stroke_width=ring[1]
    )  # fmt: skip
