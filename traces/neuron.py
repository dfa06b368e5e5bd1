"""The integer neuron that a trace was recorded with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from traces.errors import TraceError

NeuronKind = Literal["lif", "if"]
Reset = Literal["hard", "soft"]


@dataclass(frozen=True, eq=False)
class Neuron:
    """A leaky integrate-and-fire neuron in integer arithmetic, one timestep of which is

        v = saturate(leak(v) + sum of weights of the spikes that arrive + bias)
        spike = v >= threshold
        v = reset_value where spike     (hard)      or      v - threshold where spike     (soft)

    with leak(v) = (v * leak_numerator) >> leak_shift, an arithmetic shift (rounds towards minus infinity), and
    saturate to the signed range of `potential_bits`. The sum is exact and saturates once, after it is complete, so
    the order in which spikes arrive does not matter. Potentials start at 0 in every sample. The `if` neuron
    is the one without leak (leak_numerator = 2 ** leak_shift).

    threshold: int32 (M,), one per output channel, at least 1.
    """

    kind: NeuronKind
    threshold: npt.NDArray[np.int32]
    potential_bits: int
    leak_numerator: int = 1
    leak_shift: int = 0
    reset: Reset = "hard"
    reset_value: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.potential_bits <= 32:
            raise TraceError(f"potential_bits must be 2 to 32, found {self.potential_bits}")
        if not 0 <= self.leak_shift <= 16 or not 0 <= self.leak_numerator <= 1 << self.leak_shift:
            raise TraceError(
                f"the leak {self.leak_numerator} / 2**{self.leak_shift} must lie in [0, 1] with a shift of 0 to 16"
            )
        if self.kind == "if" and self.leak_numerator != 1 << self.leak_shift:
            raise TraceError("an `if` neuron has no leak: leak_numerator must be 2 ** leak_shift")
        highest = (1 << (self.potential_bits - 1)) - 1
        if self.threshold.ndim != 1 or self.threshold.size == 0:
            raise TraceError("threshold must be a vector with one entry per output channel")
        if int(self.threshold.min()) < 1 or int(self.threshold.max()) > highest:
            raise TraceError(f"threshold must lie in 1 to {highest}, the range of the potential")
        if not -highest - 1 <= self.reset_value < int(self.threshold.min()):
            raise TraceError(f"reset_value {self.reset_value} must be representable and below the threshold")
