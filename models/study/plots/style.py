"""What all pictures share: colours that people with any colour vision tell apart, sizes, and one panel per machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008): eight colours distinct in every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#888888"

PANEL_INCHES = (4.6, 3.6)


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's settings while a picture is drawn and written."""
    settings: dict[Any, Any] = {
        "font.size": 9.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10.0,
        "legend.fontsize": 8.0,
        "legend.frameon": False,
        "svg.hashsalt": "spikecycle",  # the same picture gives the same bytes
    }
    with matplotlib.rc_context(settings):
        yield


def panels(machines: Sequence[str], height_inches: float = PANEL_INCHES[1]) -> tuple[Figure, list[Axes]]:
    """A figure with one titled panel per machine, side by side."""
    figure = Figure(figsize=(PANEL_INCHES[0] * len(machines), height_inches), layout="constrained")
    axes = [figure.add_subplot(1, len(machines), index + 1) for index in range(len(machines))]
    for axis, machine in zip(axes, machines, strict=True):
        axis.set_title(machine)
    return figure, axes


def coloured(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name; markers tell apart what shares a colour."""
    return {
        name: (COLOURS[index % len(COLOURS)], MARKERS[(index + index // len(COLOURS)) % len(MARKERS)])
        for index, name in enumerate(names)
    }
