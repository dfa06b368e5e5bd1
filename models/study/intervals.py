"""What a test set of finite size can say about an accuracy, and about the difference of two.

Sources: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927), the score
interval; Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
17 (1998), method 10. The accuracies of one study are of the same test samples; to treat them as independent makes
the interval of a difference wider, never narrower, as long as easy samples are easy for both networks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

Z_95 = 1.959963984540054  # standard deviations of a normal distribution that hold 95 % of it on both sides


class Interval(NamedTuple):
    """Lowest and highest value at 95 % confidence."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


def accuracy_interval(accuracy: float, samples: int) -> Interval:
    """Where the accuracy on all samples there could be lies, having found `accuracy` on so many."""
    spread = Z_95**2 / samples
    middle = (accuracy + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(accuracy * (1 - accuracy) / samples + spread / (4 * samples))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def difference_interval(accuracy: float, other: float, samples: int) -> Interval:
    """Where `accuracy` - `other` lies, both found on so many samples."""
    low, high = accuracy_interval(accuracy, samples)
    other_low, other_high = accuracy_interval(other, samples)
    difference = accuracy - other
    return Interval(
        difference - math.hypot(accuracy - low, other_high - other),
        difference + math.hypot(high - accuracy, other - other_low),
    )


def noise_band(accuracy: float, samples: int) -> Interval:
    """The lowest and the highest accuracy on so many samples whose difference from `accuracy` could be none."""
    shares = [right / samples for right in range(samples + 1)]
    within = [share for share in shares if 0.0 in difference_interval(accuracy, share, samples)]
    return Interval(within[0], within[-1])
