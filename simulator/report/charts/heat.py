"""Heat maps: a cell for each pair of row and column, darker (on dark pages lighter) for more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.svg import drawing, element, label, mark, shortened, width_px, wrapped

_LEAST_FOR_TEXT = 44
_DARK_FROM = 0.5
_MOST_LINES = 2


def heat_map(
    width: float,
    key: str,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[float]],
    unit: str,
    *,
    is_log: bool = False,
    row_height: float = 26,
    of_columns: str = "",
) -> str:
    """`cells[row][column]` in `unit`; is_log: equal steps of colour are equal factors. of_columns: what columns are."""
    room = min(max((width_px(row) for row in rows), default=0) + 12, width * 0.36)
    # columns as wide as fits; what of their names fits is written, at a slant where it is little
    pitch = (width - room - 2) / max(len(columns), 1)
    names_fit = all(width_px(name, 11) <= pitch - 4 for name in columns)
    every = max(1, math.ceil(26 / pitch)) if of_columns else 1
    slanted = not names_fit and not of_columns
    top = 20.0 if not slanted else min(24 + 0.75 * max((width_px(name, 11) for name in columns), default=0), 90.0)
    shade = _shades(cells, is_log)
    drawn = cells_drawn = words = ""
    for number, name in enumerate(columns):
        x = room + pitch * (number + 0.5)
        if slanted:
            name_drawn = _slanted(x - 4, top - 5, shortened(name, 100, 11))
            drawn += name_drawn if pitch >= 9 or number % math.ceil(9 / pitch) == 0 else ""
        elif number % every == 0:
            drawn += label(x, top - 6, name, anchor="middle", px=11, fill="var(--faint)")
    for index, row in enumerate(rows):
        y = top + row_height * index
        drawn += _row_name(row, room - 8, y, row_height)
        for number, column in enumerate(columns):
            value = cells[index][number]
            x = room + pitch * number
            part = shade(value)
            tip = f"{row}, {column}: {human.digits(value)} {unit}"
            size = {"width": max(pitch - 1, 0.5), "height": row_height - 1}
            cells_drawn += mark("rect", tip, x=x, y=y, fill_opacity=f"{part:.2f}", **size)
            if pitch >= _LEAST_FOR_TEXT and row_height >= 20:
                fill = "var(--heat-ink)" if part > _DARK_FROM else "var(--ink)"
                words += label(x + pitch / 2, y + row_height / 2 + 4, short(value), anchor="middle", px=11, fill=fill)
    bottom = top + row_height * len(rows)
    ground = {"x": room, "y": top, "width": pitch * len(columns), "height": row_height * len(rows)}
    drawn += element("rect", "", fill="var(--heat-low)", **ground)
    drawn += element("g", cells_drawn, fill="var(--heat-high)") + element("g", words, pointer_events="none")
    low, high = _ends(cells, is_log)
    drawn += _key(room, bottom + 10, width - room, low, high, unit, is_log)
    if of_columns:
        drawn += label(width, bottom + 19, of_columns, anchor="end", px=11, fill="var(--faint)")
    return drawing(width, bottom + 44, key, title, drawn)


def _row_name(name: str, room: float, y: float, height: float) -> str:
    """The name of a row left of it, in two lines where it is long and they fit."""
    if width_px(name) <= room:
        return label(room, y + height / 2 + 4, name, anchor="end")
    lines = wrapped(name, room, 11)
    if len(lines) > _MOST_LINES or height < len(lines) * 12:
        lines = [shortened(name, room, 11)]
    first = height / 2 + 4 - 6 * (len(lines) - 1)
    return "".join(label(room, y + first + 12 * number, line, anchor="end", px=11) for number, line in enumerate(lines))


def short(value: float) -> str:
    """A number in a cell: three digits and a prefix."""
    return "·" if value == 0 else human.si(value, "") if value >= 1000 else human.digits(value)


def _slanted(x: float, y: float, words: str) -> str:
    """A column's name, rising to the right."""
    return element(
        "g", label(0, 0, words, px=11, fill="var(--faint)"), transform=f"translate({x:.1f} {y:.1f}) rotate(-48)"
    )


def _ends(cells: Sequence[Sequence[float]], is_log: bool) -> tuple[float, float]:
    values = [value for row in cells for value in row if math.isfinite(value)]
    positive = [value for value in values if value > 0]
    low = min(positive, default=0.0) if is_log else 0.0
    return low, max(values, default=0.0)


def _shades(cells: Sequence[Sequence[float]], is_log: bool) -> Callable[[float], float]:
    low, high = _ends(cells, is_log)

    def shade(value: float) -> float:
        """Share of the darkest colour; what is more than nothing can be seen."""
        if value <= 0 or high <= 0:
            return 0.0
        if not is_log:
            return max(value / high, 0.04)
        return 0.12 + 0.88 * (math.log(value / low) / math.log(high / low) if high > low else 1.0)

    return shade


def _key(x: float, y: float, width: float, low: float, high: float, unit: str, is_log: bool) -> str:
    """Which colour is which value."""
    steps = 8
    drawn = ""
    for step in range(steps):
        part = (0.12 + 0.88 * step / (steps - 1)) if is_log else step / (steps - 1)
        place = {"x": x + step * 12.0, "y": y, "width": 12, "height": 10}
        drawn += element("rect", "", fill="var(--heat-low)", **place)
        drawn += element("rect", "", fill="var(--heat-high)", fill_opacity=round(part, 3), **place)
    words = f"{short(low) if low else '0'} to {short(high)} {unit}{', logarithmic' if is_log else ''}"
    beside = width_px(words, 11) < width - steps * 12 - 8
    left, line = (x + steps * 12 + 8, y + 9) if beside else (x, y + 24)
    return drawn + label(left, line, words, px=11, fill="var(--faint)")
