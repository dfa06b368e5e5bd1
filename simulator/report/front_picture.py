"""The front of a search as a picture: every point that was simulated in two goals, a third one as colour."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import is_known
from spikecycle.simulator.explore.results import SearchResult

_LOG_FROM = 20
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_FEW_DECADES = 3
_AXES = {
    "energy_per_inference_pj": ("energy per inference (µJ)", 1e-6),
    "seconds_per_inference": ("time per inference (µs)", 1e6),
    "area_mm2": ("area (mm²)", 1.0),
    "edp_per_inference_js": ("energy x time (µJ·µs)", 1e12),
    "error": ("error, 1 - accuracy (%)", 100.0),
}
"""Title and factor of a goal's axis."""


def front_svg(result: SearchResult) -> str:
    """An SVG document; the same result gives the same text. With one goal, the share of points that reach a
    value is shown."""
    matplotlib = needs_extra("matplotlib")
    figures = needs_extra("matplotlib.figure")
    needs_extra("matplotlib.backends.backend_svg")
    with matplotlib.rc_context({"svg.hashsalt": "spikecycle", "svg.fonttype": "none", "font.size": 9}):
        figure = figures.Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, figure, result)
        page = io.StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None, "Title": "spikecycle search"})
    return page.getvalue()


def _draw(axes: Any, figure: Any, result: SearchResult) -> None:
    able = (point for point in result.points if point["problem"] is None and not point.get("too_slow"))
    done = [point for point in able if all(is_known(point, goal) for goal in result.goals)]
    best = [point for point in result.front if all(is_known(point, goal) for goal in result.goals)]
    across = result.goals[0]
    axes.set_xlabel(_AXES[across][0])
    if len(result.goals) == 1:
        values = sorted(_values(done, across))
        _scale(axes, "x", values)
        axes.plot(values, [100 * (index + 1) / len(values) for index in range(len(values))], color="#0072b2")
        axes.set_ylabel("points that need at most that (%)")
        return
    up = result.goals[1]
    axes.scatter(_values(done, across), _values(done, up), s=8, color="0.75", label="simulated", linewidths=0)
    marked: dict[str, Any] = {"color": "#0072b2"}
    if len(result.goals) > 2:
        marked = {"c": _values(best, result.goals[2]), "cmap": "viridis"}
    shown = axes.scatter(
        _values(best, across), _values(best, up), s=26, label="none is better in all goals", **marked,
        edgecolors="black", linewidths=0.5,
    )  # fmt: skip
    if len(result.goals) > 2 and best:
        figure.colorbar(shown, label=_AXES[result.goals[2]][0])
    axes.set_ylabel(_AXES[up][0])
    for which, goal in (("x", across), ("y", up)):
        _scale(axes, which, _values(done, goal))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)  # above, where no point lies


def _scale(axes: Any, which: str, values: Sequence[float]) -> None:
    """A linear scale, or a logarithmic one where values lie far apart, with few and plain numbers."""
    ticker, axis = needs_extra("matplotlib.ticker"), getattr(axes, f"{which}axis")
    positive = [value for value in values if value > 0]
    if not positive or len(positive) < len(values) or max(positive) < _LOG_FROM * min(positive):
        axis.set_major_locator(ticker.MaxNLocator(6))
        return
    getattr(axes, f"set_{which}scale")("log")
    decades = math.log10(max(positive) / min(positive))
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if decades < _FEW_DECADES else (1,), numticks=8))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def _values(points: Sequence[dict[str, Any]], goal: str) -> list[float]:
    return [point[goal] * _AXES[goal][1] for point in points]
