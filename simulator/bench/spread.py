"""How far runs of the same lie apart, and what of a comparison is left of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[float, float]
"""From, to."""


@dataclass(frozen=True)
class Faster:
    """How many times as fast one is as another.

    times: by the medians. span: from the least to the most with medians that are moved by the spread of the runs of
    each; None where that is not known.
    """

    times: float
    span: Span | None

    @property
    def is_clear(self) -> bool:
        """Whether one is faster wherever within its spread each lies; so it is taken where the spread is not known."""
        return self.span is None or not self.span[0] <= 1 <= self.span[1]


def spread(runs_s: Sequence[float]) -> float | None:
    """The median absolute deviation: half of the runs lie no farther from their median. None of one run, or none."""
    if len(runs_s) < 2:
        return None
    median = statistics.median(runs_s)
    return statistics.median(abs(each - median) for each in runs_s)


def faster(median_s: float, spread_s: float | None, other_s: float, other_spread_s: float | None) -> Faster:
    """How many times as fast the first is as the other, from the median and the spread of the runs of each."""
    span = None
    if spread_s is not None and other_spread_s is not None:
        least = max(other_s - other_spread_s, 0.0) / (median_s + spread_s)
        most = (other_s + other_spread_s) / (median_s - spread_s) if spread_s < median_s else math.inf
        span = (least, most)
    return Faster(other_s / median_s, span)
