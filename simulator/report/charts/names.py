"""Names beside points where there is room for them; where names are long, numbers and a list of what they stand for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from spikecycle.simulator.report.charts.svg import element, label, width_px, wrapped

_PX = 11
_LINE = 11.0
_POINT = 6.0
_LONGEST_PX = 170.0
"""A name that is longer stands in a list below, and its number beside the point."""
_MOST_LISTED = 20
_ROW = 15.0
_STEP = 3.0
"""Pixels between the places of a line at which a name must not lie."""

Place = tuple[float, float]


def names_beside(
    places: Sequence[Place],
    names: Sequence[str],
    shown: Sequence[int],
    left: float,
    right: float,
    lines: Sequence[Sequence[Place]] = (),
) -> str:
    """The names of those points, by index, that have room around them between `left` and `right`.

    places: pixels of all points, which no name shall hide; lines: corners of lines that no name shall cross.
    """
    taken = [(y + 4, x - _POINT, x + _POINT) for x, y in places]
    crossed = [place for line in lines for place in _along(line)]
    drawn = ""
    for index in shown:
        x, y = places[index]
        name = names[index]
        length = width_px(name, _PX)
        for begin, line in _tries(x, y, length):
            free = all(abs(line - y0) >= _LINE or begin >= end or begin + length <= x0 for y0, x0, end in taken)
            struck = any(begin - 2 < px < begin + length + 2 and line - 10 < py < line + 3 for px, py in crossed)
            if free and not struck and begin > left and begin + length < right:
                taken.append((line, begin, begin + length))
                # a seam in the ground's colour keeps it legible over the grid
                drawn += label(begin, line, name, px=_PX, seam=True)
                break
    return element("g", drawn, pointer_events="none") if drawn else ""


def numbered(names: Sequence[str], shown: Sequence[int]) -> dict[int, int]:
    """Number by index of the names that a list below is to have, none where all names that are shown are short."""
    if all(width_px(names[index], _PX) <= _LONGEST_PX for index in shown):
        return {}
    return {index: number for number, index in enumerate(shown[:_MOST_LISTED], start=1)}


def name_list(names: Sequence[str], numbers: dict[int, int], left: int, top: float, width: float) -> tuple[str, float]:
    """Numbers and what they stand for, one below the other from `top` on; `left` are left out. The drawing and its
    height."""
    drawn, y = "", top
    for index, number in numbers.items():
        drawn += label(18, y, str(number), anchor="end", px=_PX, bold=True)
        for line in wrapped(names[index], width - 28, _PX):
            drawn += label(26, y, line, px=_PX)
            y += _ROW
    if left:
        drawn += label(26, y, f"and {left:,} more, in the table", px=_PX, fill="var(--faint)")
        y += _ROW
    return drawn, y - top


def _tries(x: float, y: float, length: float) -> Iterator[Place]:
    """Where a name may begin, and its line: right, left, above, below, then the corners."""
    centre = x - length / 2
    yield from ((x + 8, y + 4), (x - 8 - length, y + 4), (centre, y - 9), (centre, y + 18))
    yield from ((x + 6, y - 7), (x + 6, y + 16), (x - 6 - length, y - 7), (x - 6 - length, y + 16))
    yield from ((centre, y - 20), (centre, y + 29))


def _along(line: Sequence[Place]) -> Iterator[Place]:
    """Places along a line, a few pixels apart."""
    for (x0, y0), (x1, y1) in pairwise(line):
        steps = max(int(math.hypot(x1 - x0, y1 - y0) / _STEP), 1)
        yield from ((x0 + (x1 - x0) * n / steps, y0 + (y1 - y0) * n / steps) for n in range(steps + 1))
