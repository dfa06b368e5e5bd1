"""Rasters: a line for each neuron, a tick for each of its spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.axes import Scale, below
from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.svg import drawing, element, label, mark, shortened

_LINE = 3.0
_NAME = 18.0


@dataclass(frozen=True)
class Band:
    """The neurons of one operator: its name, what is said of it, and for each neuron a text with a 1 per spike."""

    name: str
    tip: str
    rows: Sequence[str]


def raster(width: float, key: str, title: str, bands: Sequence[Band], timesteps: int) -> str:
    """Bands one above the other over the same timesteps."""
    scale = Scale(0, max(timesteps, 1), 2, width - 10)
    step = max(scale(1) - scale(0) - 0.6, 0.6)
    y, drawn = 0.0, ""
    for number, band in enumerate(bands):
        drawn += label(2, y + 13, shortened(f"{band.name}: {band.tip}", width - 8, 11), px=11)
        y += _NAME
        height = _LINE * len(band.rows)
        drawn += mark(
            "rect", f"{band.name}: {band.tip}", x=2, y=y, width=width - 12, height=height, fill="var(--heat-low)"
        )
        ticks = "".join(
            f"M{scale(t):.1f} {y + _LINE * (line + 0.5):.1f}h{step:.1f}"
            for line, row in enumerate(band.rows)
            for t, spike in enumerate(row)
            if spike == "1"
        )
        if ticks:
            drawn += element("path", d=ticks, stroke=colour(number), stroke_width=_LINE - 0.8, pointer_events="none")
        y += height + 6
    top = y
    drawn += below(scale, top - 2, top, "timestep", 8)
    return drawing(width, top + 38, key, title, drawn)
