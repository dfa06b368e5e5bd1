"""Small planes side by side, both axes logarithmic: points, the line that was fitted to them, and its slope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from spikecycle.simulator.report.charts.axes import Scale, spanning, tick_text
from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.svg import drawing, element, label, legend, lines_of, marker, width_px

Place = tuple[float, float]
_NARROW = 520
"""A drawing narrower than this has its planes one below the other."""
_PER_ROW, _GAP, _LEFT = 2, 28.0, 52.0
_WIDEST = 640.0
_HEIGHT, _LINE, _PX = 190.0, 15.0, 11


@dataclass(frozen=True)
class PanelLine:
    """Points of one category. tips: what is said of each; ends: of the line that was fitted to them, if one was;
    is_joined: whether a line leads from each to the next."""

    places: Sequence[Place]
    tips: Sequence[str]
    hue: int = 0
    ends: tuple[Place, Place] | None = None
    is_joined: bool = False


@dataclass(frozen=True)
class Panel:
    """One plane: its title, lines of words below that, what is drawn in it, and the title of its x axis if it has
    another one."""

    title: str
    words: Sequence[str]
    lines: Sequence[PanelLine]
    under: str = ""


def log_panels(
    width: float,
    key: str,
    title: str,
    panels: Sequence[Panel],
    axis: str,
    *,
    series: Sequence[str] = (),
    write: Callable[[float], str] = tick_text,
    guide: bool = False,
) -> str:
    """All planes with one y axis, `axis` being its title. series: a legend of the hues; write: a tick of y in words.

    guide: a dashed line of slope 1 from where the first line of each plane begins. Lines have a point at least.
    """
    boxes, top = legend(list(series), 0, 0, width, key)
    per_row = 1 if width < _NARROW else min(_PER_ROW, len(panels))
    each = min((width - _GAP * (per_row - 1)) / max(per_row, 1), _WIDEST)
    heights = [y for panel in panels for line in panel.lines for _, y in line.places]
    drawn, y = boxes, top
    for first in range(0, len(panels), max(per_row, 1)):
        row = panels[first : first + per_row]
        words = [[said for line in panel.words for said in lines_of(line, each, 3, _PX)] for panel in row]
        plane_top = y + 20 + _LINE * max(map(len, words)) + 20
        scale = spanning(heights, plane_top + _HEIGHT, plane_top, is_log=True)
        for number, (panel, said) in enumerate(zip(row, words, strict=True)):
            left = number * (each + _GAP)
            drawn += label(left, y + 14, lines_of(panel.title, each, 1)[0], bold=True)
            for index, line in enumerate(said):
                drawn += label(left, y + 14 + _LINE * (index + 1), line, px=_PX)
            drawn += label(left, plane_top - 8, axis, px=_PX, fill="var(--faint)")
            middle = left + _LEFT + (each - 10 - _LEFT) / 2
            drawn += label(middle, plane_top + _HEIGHT + 32, panel.under, anchor="middle", px=_PX, fill="var(--faint)")
            drawn += _plane(panel, left + _LEFT, left + each - 10, scale, write, guide)
        y = plane_top + _HEIGHT + (50 if any(panel.under for panel in row) else 34)
    return drawing(width, y, key, title, drawn)


def _plane(panel: Panel, left: float, right: float, y: Scale, write: Callable[[float], str], guide: bool) -> str:
    sizes = sorted({x for line in panel.lines for x, _ in line.places})
    x = spanning(sizes, left, right, is_log=True)
    drawn = _grid(sizes, x, y, write)
    if guide and panel.lines:
        x0, y0 = (panel.lines[0].ends or panel.lines[0].places)[0]
        x1 = min(sizes[-1], x0 * y.high / y0)  # where it would leave the plane
        drawn += _line(x, y, ((x0, y0), (x1, y0 * x1 / x0)), "var(--faint)", 1, "5 4")
    for line in panel.lines:
        pieces = [*pairwise(line.places)] if line.is_joined else []
        for ends in [*pieces, *([line.ends] if line.ends else [])]:
            drawn += _line(x, y, ends, colour(line.hue), 2)
    for line in panel.lines:
        for (size, height), tip in zip(line.places, line.tips, strict=True):
            drawn += marker(
                x(size), y(height), 4.5, tip, line.hue, fill=colour(line.hue), stroke="var(--surface)", stroke_width=1
            )  # fmt: skip
    return drawn


def _grid(sizes: Sequence[float], x: Scale, y: Scale, write: Callable[[float], str]) -> str:
    """Grid lines and ticks: of y where they are round, of x at the sizes themselves, as far as their numbers fit."""
    drawn = ""
    for tick in y.ticks(5):
        drawn += element("line", x1=x.start, x2=x.stop, y1=y(tick), y2=y(tick), stroke="var(--grid)")
        drawn += label(x.start - 6, y(tick) + 4, write(tick), anchor="end", px=_PX, fill="var(--faint)")
    free = x.start - _LEFT
    for size in sizes:
        at, words = x(size), f"{size:,.10g}"
        drawn += element("line", x1=at, x2=at, y1=y.stop, y2=y.start, stroke="var(--grid)")
        if at - width_px(words, _PX) / 2 >= free:
            drawn += label(at, y.start + 15, words, anchor="middle", px=_PX, fill="var(--faint)")
            free = at + width_px(words, _PX) / 2 + 6
    return drawn


def _line(x: Scale, y: Scale, ends: tuple[Place, Place], stroke: str, width: float, dashes: str = "") -> str:
    (x0, y0), (x1, y1) = ends
    dashed = {"stroke_dasharray": dashes} if dashes else {}
    return element("line", "", x1=x(x0), x2=x(x1), y1=y(y0), y2=y(y1), stroke=stroke, stroke_width=width, **dashed)
