"""A leak as hardware has it: a fraction whose denominator is a power of two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.models.importing.neuron import Reals
from spikecycle.traces.schema import MAX_LEAK_SHIFT


class Leak(NamedTuple):
    """numerator / 2**shift, one for all neurons or one each, in lowest terms. numerator: int32, any shape."""

    numerator: npt.NDArray[np.int32]
    shift: int

    @property
    def value(self) -> Reals:
        """The share of the potential that stays after one timestep."""
        shares: Reals = self.numerator / 2**self.shift
        return shares


def nearest_leak(leak: Reals | float, tolerance: float = 0.0) -> Leak:
    """The nearest fractions that a trace holds, at most 2**-17 away.

    leak: 0 to 1. tolerance: error of the decay per timestep, 1 - leak, that is accepted (relative) for a smaller
    denominator: 0.01 makes 0.9 into 461/512.
    """
    values = np.asarray(leak, dtype=np.float64)
    for shift in range(MAX_LEAK_SHIFT + 1):
        numerators = np.round(values * 2**shift)
        if (np.abs(numerators / 2**shift - values) <= tolerance * (1 - values)).all():
            break
    while shift > 0 and not (numerators % 2).any():
        numerators, shift = numerators / 2, shift - 1
    return Leak(numerators.astype(np.int32), shift)
