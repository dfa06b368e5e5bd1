"""How a time grows with a size: a power of it, fitted on logarithms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def exponent(values: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log(seconds) over log(values), least squares. Both above 0, values not all alike."""
    return statistics.linear_regression([math.log(each) for each in values], [math.log(each) for each in seconds]).slope


def fitted(values: Sequence[float], seconds: Sequence[float], slope: float, value: float) -> float:
    """Seconds at a value on the line of that slope: least squares lead it through the means of the logarithms."""
    middle = statistics.fmean(math.log(each) for each in values)
    height = statistics.fmean(math.log(each) for each in seconds)
    return math.exp(height + slope * (math.log(value) - middle))
