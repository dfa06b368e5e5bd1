"""The integer neuron that a trace was recorded with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from spikecycle.traces.checks import check_choice, check_integer
from spikecycle.traces.errors import TraceError
from spikecycle.traces.schema import MAX_LEAK_SHIFT, MAX_POTENTIAL_BITS

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

    threshold: int32 (M,), one per output channel, at least 1; any integer dtype is taken and copied to
    read-only int32. TraceError on values out of range.
    """

    kind: NeuronKind
    threshold: npt.NDArray[np.int32]
    potential_bits: int
    leak_numerator: int = 1
    leak_shift: int = 0
    reset: Reset = "hard"
    reset_value: int = 0

    def __post_init__(self) -> None:
        check_choice("neuron", self.kind, get_args(NeuronKind))
        check_choice("reset", self.reset, get_args(Reset))
        for name, lowest, highest in (
            ("potential_bits", 2, MAX_POTENTIAL_BITS),
            ("leak_shift", 0, MAX_LEAK_SHIFT),
            ("leak_numerator", 0, 1 << MAX_LEAK_SHIFT),
            ("reset_value", -(2**31), 2**31 - 1),
        ):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), lowest, highest))
        if self.leak_numerator > 1 << self.leak_shift:
            raise TraceError(
                f"the leak must lie in 0 to 1, found leak_numerator {self.leak_numerator} / 2**{self.leak_shift}"
            )
        if self.kind == "if" and self.leak_numerator != 1 << self.leak_shift:
            raise TraceError(
                f"an `if` neuron has no leak: leak_numerator must be 2**leak_shift = {1 << self.leak_shift}, "
                f"found {self.leak_numerator}"
            )
        highest = (1 << (self.potential_bits - 1)) - 1
        threshold = np.asarray(self.threshold)
        if threshold.ndim != 1 or threshold.size == 0 or threshold.dtype.kind not in "iu":
            raise TraceError(
                f"threshold must be a vector of integers, one per output channel, "
                f"found {threshold.dtype} of shape {threshold.shape}"
            )
        lowest_threshold = int(threshold.min())
        if lowest_threshold < 1 or int(threshold.max()) > highest:
            raise TraceError(
                f"threshold must lie in 1 to {highest}, the range of {self.potential_bits} potential_bits, "
                f"found {lowest_threshold} to {int(threshold.max())}"
            )
        if not -highest - 1 <= self.reset_value < lowest_threshold:
            raise TraceError(
                f"reset_value must be {-highest - 1} to {lowest_threshold - 1}, below every threshold, "
                f"found {self.reset_value}"
            )
        frozen = threshold.astype(np.int32)
        frozen.setflags(write=False)
        object.__setattr__(self, "threshold", frozen)
