"""Dot plots (Cleveland and McGill, JASA 79, 1984): a row for each thing, on one axis that may be logarithmic.

Unlike a bar, a dot needs no zero to begin at, so that times that lie decades apart are compared on one axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.axes import Scale, below, spanning, tick_text
from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.svg import drawing, element, label, legend, lines_of, marker, width_px

_ROW, _LINE, _WORDS_PX = 24.0, 15.0, 11
_SIZE = 5.0
_EDGE = 8.0
_INDENT = 14.0
_NARROW = 520
"""A drawing narrower than this has names and words above the dots."""
_MOST_LINES = 2
"""Of a name."""


@dataclass(frozen=True)
class Dot:
    """One value. tip: what is said of it; hue: number of its colour and shape; is_hollow: not of the same kind."""

    value: float
    tip: str
    hue: int = 0
    is_hollow: bool = False


@dataclass(frozen=True)
class DotRow:
    """A row: its name, its dots (none where there is no value), and what is written at its end."""

    name: str
    dots: Sequence[Dot]
    words: str = ""


@dataclass(frozen=True)
class DotGroup:
    """Rows under a heading."""

    name: str
    rows: Sequence[DotRow]


def dot_rows(
    width: float,
    key: str,
    title: str,
    groups: Sequence[DotGroup],
    axis: str,
    *,
    series: Sequence[str] = (),
    is_log: bool = True,
    write: Callable[[float], str] = tick_text,
) -> str:
    """Groups of rows one below the other. axis: its title; series: a legend of the hues; write: a tick in words.

    What is not above 0 has no place on a logarithmic axis, and is not drawn there.
    """
    rows = [row for group in groups for row in group.rows]
    narrow = width < _NARROW
    names = 0.0 if narrow else min(max((width_px(row.name) for row in rows), default=0) + _INDENT + 10, width * 0.36)
    words = 0.0
    if not narrow:
        words = min(max((width_px(row.words, _WORDS_PX) for row in rows), default=0) + 12, width * 0.3)
    boxes, top = legend(list(series), 0, 0, width, key)
    values = [dot.value for row in rows for dot in row.dots]
    scale = spanning(values, names + _EDGE, width - words - _EDGE, is_log=is_log)
    drawn, y = "", top
    for group in groups:
        for line in lines_of(group.name, width, _MOST_LINES):
            drawn += label(0, y + 14, line, bold=True, seam=True)
            y += _LINE
        y += 4
        for row in group.rows:
            row_drawn, height = (_narrow_row if narrow else _wide_row)(row, scale, y, names, width, is_log)
            drawn += row_drawn
            y += height
        y += 6
    under = below(scale, top, y, axis, 4 if narrow else 8, write)
    return drawing(width, y + 38, key, title, boxes + under + drawn)


def _wide_row(row: DotRow, scale: Scale, y: float, names: float, width: float, is_log: bool) -> tuple[str, float]:
    """Its name at the left, its words at the right. The drawing and its height."""
    lines = lines_of(row.name, names - _INDENT - 8, _MOST_LINES)
    height = max(_ROW, _LINE * len(lines) + 4)
    middle = y + height / 2
    first = middle + 4 - _LINE / 2 * (len(lines) - 1)
    drawn = "".join(label(_INDENT, first + _LINE * number, line) for number, line in enumerate(lines))
    room = width - scale.stop - _EDGE
    said = lines_of(row.words, room, 1, _WORDS_PX)[0]
    drawn += label(width, middle + 4, said, anchor="end", px=_WORDS_PX, fill="var(--faint)")
    return drawn + _dots(row, scale, middle, is_log), height


def _narrow_row(row: DotRow, scale: Scale, y: float, _names: float, width: float, is_log: bool) -> tuple[str, float]:
    """Its name and its words above the dots, in lines of their own where one is too short for both."""
    together = width_px(row.name) + 12 + width_px(row.words, _WORDS_PX) <= width
    drawn = ""
    for line in lines_of(row.name, width, _MOST_LINES):
        drawn += label(0, y + 12, line, seam=True)
        y += _LINE
    height = _LINE * len(lines_of(row.name, width, _MOST_LINES))
    for line in [row.words] if together else lines_of(row.words, width, _MOST_LINES, _WORDS_PX):
        if not together:
            height, y = height + _LINE, y + _LINE
        drawn += label(width, y - 3, line, anchor="end", px=_WORDS_PX, fill="var(--faint)", seam=True)
    return drawn + _dots(row, scale, y + 9, is_log), height + _ROW


def _dots(row: DotRow, scale: Scale, y: float, is_log: bool) -> str:
    """The dots on a line from the axis to the last of them, thicker between the first and the last."""
    dots = [dot for dot in row.dots if dot.value > 0 or not is_log]
    if not dots:
        return ""
    places = [scale(dot.value) for dot in dots]
    drawn = element(
        "line", x1=scale.start, x2=min(places), y1=y, y2=y, stroke="var(--line)", stroke_dasharray="1 3"
    )  # fmt: skip
    if len(dots) > 1:
        drawn += element("line", x1=min(places), x2=max(places), y1=y, y2=y, stroke="var(--line)", stroke_width=2)
    for dot, x in zip(dots, places, strict=True):
        fill, ring = ("var(--surface)", colour(dot.hue)) if dot.is_hollow else (colour(dot.hue), "var(--surface)")
        drawn += marker(x, y, _SIZE, dot.tip, dot.hue, fill=fill, stroke=ring, stroke_width=2 if dot.is_hollow else 1)
    return drawn
