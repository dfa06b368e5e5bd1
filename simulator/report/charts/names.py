"""Names beside points, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.report.charts.svg import element, label, shortened, width_px

_PX = 11
_LINE = 11.0
_POINT = 6.0


def names_beside(
    places: Sequence[tuple[float, float]], names: Sequence[str], shown: Sequence[int], left: float, right: float
) -> str:
    """The names of those points, by index, that have room right, left, above or below, between `left` and `right`.

    places: pixels of all points, which no name shall hide.
    """
    taken = [(y + 4, x - _POINT, x + _POINT) for x, y in places]
    drawn = ""
    for index in shown:
        x, y = places[index]
        name = shortened(names[index], (right - left) * 0.4, _PX)
        length = width_px(name, _PX)
        tries = ((y + 4, x + 8), (y + 4, x - 8 - length), (y - 9, x - length / 2), (y + 18, x - length / 2))
        for line, begin in tries:
            free = all(abs(line - y0) >= _LINE or begin >= end or begin + length <= x0 for y0, x0, end in taken)
            if free and begin > left and begin + length < right:
                taken.append((line, begin, begin + length))
                # a seam in the ground's colour keeps it legible over lines
                drawn += label(begin, line, name, px=_PX, seam=True)
                break
    return element("g", drawn, pointer_events="none") if drawn else ""
