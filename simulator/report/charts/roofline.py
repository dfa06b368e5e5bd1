"""Rooflines: speed of work over work per bit that is moved (Williams et al., CACM 52(4), 2009)."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.report.charts.axes import Scale, below, beside
from spikecycle.simulator.report.charts.names import names_beside
from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.scatter import Point
from spikecycle.simulator.report.charts.svg import drawing, element, label, mark, width_px, wrapped

_LEFT = 52
_ROW = 15.0


def roofline(
    width: float,
    key: str,
    title: str,
    points: Sequence[Point],
    peak: float,
    bandwidth: float,
    axes: tuple[str, str],
    roofs: tuple[str, str],
) -> str:
    """Operators as points under their roof.

    points: x operations per bit, y operations per cycle. peak: operations per cycle at most; bandwidth: bits per cycle
    at most. axes: titles; roofs: what the flat and the slanting roof are.
    """
    room = width - _LEFT - 20
    beside_roofs = all(width_px(words, 11) <= room for words in roofs)
    told = [] if beside_roofs else [line for words in roofs for line in wrapped(words, width - 8, 11)]
    top = 34.0 + _ROW * len(told)
    bottom = top + min(300.0, width * 0.62)
    ridge = peak / bandwidth
    xs, ys = [point.x for point in points] + [ridge], [point.y for point in points] + [peak]
    x_scale = Scale(min(xs) / 3, max(xs) * 3, _LEFT, width - 12, True)
    y_scale = Scale(min(ys) / 3, peak * 2.5, bottom, top, True)
    drawn = below(x_scale, top, bottom, axes[0], 4 if width < 500 else 8) + beside(
        y_scale, _LEFT, width - 12, axes[1], 6
    )
    left_y = max(x_scale.low * bandwidth, y_scale.low)
    corners = ((left_y / bandwidth, left_y), (ridge, peak), (x_scale.high, peak))
    roof = [(x_scale(x), y_scale(y)) for x, y in corners]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in roof)
    drawn += element("path", d=f"M{path}", fill="none", stroke="var(--ink)", stroke_width=2)
    if beside_roofs:
        drawn += label(width - 14, y_scale(peak) - 7, roofs[0], anchor="end", px=11)
        drawn += label(_LEFT + 6, bottom - 8, roofs[1], px=11, fill="var(--faint)")
    for number, words in enumerate(told):
        drawn += label(4, 11 + _ROW * number, words, px=11)
    for index, point in enumerate(points):
        x, y = x_scale(point.x), y_scale(point.y)
        limit = min(peak, point.x * bandwidth)
        drawn += element("line", x1=x, x2=x, y1=y, y2=y_scale(limit), stroke="var(--line)", stroke_dasharray="2 3")
        drawn += mark("circle", point.tip, cx=x, cy=y, r=5, fill=colour(index), stroke="var(--surface)")
    places = [(x_scale(point.x), y_scale(point.y)) for point in points]
    drawn += names_beside(places, [point.name for point in points], range(len(points)), _LEFT, width, [roof])
    return drawing(width, bottom + 40, key, title, drawn)
