"""A leak as hardware has it: a fraction whose denominator is a power of two."""

from __future__ import annotations

from typing import NamedTuple

from spikecycle.traces.schema import MAX_LEAK_SHIFT

DECAY_TOLERANCE = 0.01
"""Error of the decay per timestep, 1 - leak, that is accepted (relative); below it a smaller denominator is better."""


class Leak(NamedTuple):
    """numerator / 2**shift, in lowest terms."""

    numerator: int
    shift: int

    @property
    def value(self) -> float:
        """The share of the potential that stays after one timestep."""
        return float(self.numerator / 2**self.shift)


def nearest_leak(leak: float) -> Leak:
    """The fraction with the smallest denominator whose decay is within DECAY_TOLERANCE; else the nearest there is.

    leak: 0 to 1. The error is at most 2**-17, half a step of the largest denominator, or 1 % of 1 - leak.
    """
    for shift in range(MAX_LEAK_SHIFT + 1):
        numerator = round(leak * 2**shift)
        if abs(numerator / 2**shift - leak) <= DECAY_TOLERANCE * (1 - leak):
            return Leak(numerator, shift)
    while numerator % 2 == 0 and shift > 0:
        numerator, shift = numerator // 2, shift - 1
    return Leak(numerator, shift)
