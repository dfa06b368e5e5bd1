"""Axes: round ticks on linear and logarithmic scales, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from spikecycle.simulator.report.charts.svg import element, label, width_px

_ROUND = (1, 2, 2.5, 5, 10)
_MOST_DECADES = 40
_FAR_FROM_ZERO = 0.4
"""Share of the largest value above which the smallest one need not share its axis with 0."""


@dataclass(frozen=True)
class Scale:
    """Values to pixels. low, high: values at the ends; start, stop: their pixels; is_log: whether it is logarithmic."""

    low: float
    high: float
    start: float
    stop: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; values beyond the ends lie at them."""
        low, high, value = (math.log10(v) if self.is_log else v for v in (self.low, self.high, max(value, self._least)))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)

    @property
    def _least(self) -> float:
        return self.low if self.is_log else -math.inf

    def ticks(self, most: int) -> list[float]:
        """Round values between the ends, at most so many (and one)."""
        return log_ticks(self.low, self.high, most) if self.is_log else linear_ticks(self.low, self.high, most)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten; where there are fewer than two, also 2 and 5 times them."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, -(-(last - first + 1) // max(most, 1)))
    powers = [10.0**exponent for exponent in range(first, last + 1, every)]
    if len(powers) >= 2:
        return powers
    fine = [factor * 10.0**exponent for exponent in range(first - 1, last + 2) for factor in (1, 2, 5)]
    return [value for value in fine if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)][:_MOST_DECADES]


def spanning(values: list[float], start: float, stop: float, *, is_log: bool) -> Scale:
    """A scale with room for all values: from 0 on where it is linear and they reach down there, else around them."""
    if is_log:
        positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        return Scale(min(positive) / 1.6, max(positive) * 1.6, start, stop, True)
    finite = [value for value in values if math.isfinite(value)]
    lowest, highest = min(finite, default=0.0), max(finite, default=0.0)
    if highest <= 0:
        return Scale(min(lowest, 0.0), 1.0, start, stop)
    room = max(highest - lowest, 0.05 * highest) * 0.15
    return Scale(lowest - room if lowest > _FAR_FROM_ZERO * highest else 0.0, highest + room, start, stop)


def tick_text(value: float) -> str:
    """A tick as people read it: 0.5, 20, 3k, 10M."""
    size = abs(value)
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= factor:
            return f"{value / factor:g}{prefix}"
    return f"{value:g}" if size >= 1e-4 or value == 0 else f"{value:.0e}"


def below(
    scale: Scale, top: float, bottom: float, title: str, most: int, write: Callable[[float], str] = tick_text
) -> str:
    """An x axis under the area from `top` to `bottom`: grid lines, ticks as `write` has them, title."""
    drawn = ""
    for tick in scale.ticks(most):
        x = scale(tick)
        drawn += element("line", x1=x, x2=x, y1=top, y2=bottom, stroke="var(--grid)")
        words = write(tick)
        centre = max(x, width_px(words, 11) / 2)  # not cut off at the left edge
        drawn += label(centre, bottom + 15, words, anchor="middle", px=11, fill="var(--faint)")
    middle = (scale.start + scale.stop) / 2
    return drawn + label(middle, bottom + 32, title, anchor="middle", px=11, fill="var(--faint)")


def beside(scale: Scale, left: float, right: float, title: str, most: int) -> str:
    """A y axis left of the area from `left` to `right`: grid lines and ticks, its title above."""
    drawn = ""
    for tick in scale.ticks(most):
        y = scale(tick)
        drawn += element("line", x1=left, x2=right, y1=y, y2=y, stroke="var(--grid)")
        drawn += label(left - 6, y + 4, tick_text(tick), anchor="end", px=11, fill="var(--faint)")
    return drawn + label(4, min(scale.start, scale.stop) - 10, title, px=11, fill="var(--faint)")
