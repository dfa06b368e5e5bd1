"""Stacked bars: a row for each thing, its parts one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.axes import Scale, below
from spikecycle.simulator.report.charts.svg import category, drawing, label, legend, shortened, width_px

_BAR, _GAP, _GAP_WITH_NAME = 20, 8, 24
_NARROW = 520
"""A drawing narrower than this has the names above the bars."""


@dataclass(frozen=True)
class BarPart:
    """One part of every row: its name, its amount in each row, and the number of its colour, if not its place."""

    name: str
    amounts: Sequence[float]
    hue: int | None = None


def stacked_bars(
    width: float,
    key: str,
    title: str,
    rows: Sequence[str],
    parts: Sequence[BarPart],
    unit: str,
    *,
    shares: bool = False,
) -> str:
    """Bars of amounts in `unit`, or of the shares of each row in percent."""
    sums = [sum(part.amounts[row] for part in parts) for row in range(len(rows))]
    narrow = width < _NARROW
    room = 0.0 if narrow else min(max((width_px(row) for row in rows), default=0) + 10, width * 0.3)
    values = [human.digits(total) for total in sums]
    tail = max((width_px(value, 11) for value in values), default=0) + 8
    hues = [number if part.hue is None else part.hue for number, part in enumerate(parts)]
    boxes, top = legend([part.name for part in parts], 0, 0, width, key, hues)
    pitch = _BAR + (_GAP_WITH_NAME if narrow else _GAP)
    bottom = top + pitch * len(rows)
    most = 100.0 if shares else max(sums, default=0.0) or 1.0
    scale = Scale(0.0, most, room, width - (12 if shares else tail))
    drawn = boxes + below(scale, top, bottom, "% of the row" if shares else unit, 4 if narrow else 6)
    for index, row in enumerate(rows):
        y = top + pitch * index + (_GAP_WITH_NAME - 4 if narrow else _GAP / 2)
        if narrow:
            drawn += label(0, y - 5, shortened(row, width * 0.9))
        else:
            drawn += label(room - 8, y + 14, shortened(row, room - 8), anchor="end")
        so_far = 0.0
        for number, part in enumerate(parts):
            amount = part.amounts[index]
            if not amount:
                continue
            share = amount / sums[index] if sums[index] else 0.0
            x, after = (scale(v * (100 / sums[index] if shares else 1)) for v in (so_far, so_far + amount))
            tip = f"{row}, {part.name}: {human.digits(amount)} {unit} ({human.percent(share)} %)"
            drawn += category(x, y, after - x, _BAR, tip, hues[number], key)
            so_far += amount
        if not shares:
            drawn += label(scale(so_far) + 5, y + 14, values[index], px=11, fill="var(--faint)")
    return drawing(width, bottom + 38, key, title, drawn)
