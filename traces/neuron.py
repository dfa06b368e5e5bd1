"""The integer neuron that a trace was recorded with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Int32
from spikecycle.traces.checks import check_choice, check_integer
from spikecycle.traces.errors import TraceError
from spikecycle.traces.schema import MAX_LEAK_SHIFT, MAX_POTENTIAL_BITS

NeuronKind = Literal["lif", "if", "synaptic", "readout"]
Reset = Literal["hard", "soft"]
ResetTiming = Literal["same", "next"]
Variation = Literal["none", "channel", "neuron"]


@dataclass(frozen=True, eq=False, init=False)
class Neuron:
    """A leaky integrate-and-fire neuron in integer arithmetic, one timestep of which is

        i = saturate(current_leak(i) + sum of what arrives)                     kinds with a synaptic current
        v = saturate(leak(v) + i)                                               the same
        v = saturate(leak(v) + sum of what arrives)                             kinds without
        spike = v >= threshold                                                  all kinds but `readout`
        v = reset_value where spike     (hard)      or      v - threshold where spike     (soft)

    with leak(v) = (v * leak_numerator) >> leak_shift, an arithmetic shift (rounds towards minus infinity), and
    saturate to the signed range of `potential_bits` (`current_bits` for i). Sums are exact and saturate once, after
    they are complete, so the order in which spikes arrive does not matter. In every sample v starts at
    `start_potential`, i at 0.

    kind: `lif` leaks; `if` does not (leak_numerator = 2 ** leak_shift); `synaptic` leaks and has a synaptic current
    with its own leak, a second state (CUBA LIF, snntorch's Synaptic); `readout` never fires: its outputs are its
    potentials, it takes no threshold and no reset, and may have a synaptic current.
    reset_timing: `same`, as above; `next`: the reset is taken in the timestep after the spike, after the leak:
    v = saturate(leak(v) - threshold + ...) (soft) or saturate(reset_value + ...) (hard), as snntorch does.

    threshold (at least 1), leak_numerator, current_leak_numerator and start_potential are integers: one, one per
    channel (M,), or one per neuron (M, P, Q). They are kept as read-only int32 arrays of shape (1,), (M,) or
    (M, P, Q); those that the kind does not have are empty. TraceError on values out of range.
    """

    kind: NeuronKind
    threshold: Int32
    potential_bits: int
    leak_numerator: Int32
    leak_shift: int
    reset: Reset
    reset_value: int
    reset_timing: ResetTiming
    start_potential: Int32
    current_leak_numerator: Int32
    current_leak_shift: int
    current_bits: int

    def __init__(
        self,
        kind: NeuronKind,
        threshold: npt.ArrayLike = (),
        potential_bits: int = 0,
        leak_numerator: npt.ArrayLike = 1,
        leak_shift: int = 0,
        reset: Reset = "hard",
        reset_value: int = 0,
        reset_timing: ResetTiming = "same",
        start_potential: npt.ArrayLike = 0,
        current_leak_numerator: npt.ArrayLike = (),
        current_leak_shift: int = 0,
        current_bits: int = 0,
    ) -> None:
        check_choice("neuron", kind, get_args(NeuronKind))
        check_choice("reset", reset, get_args(Reset))
        check_choice("reset_timing", reset_timing, get_args(ResetTiming))
        whole: dict[str, Any] = {
            "potential_bits": check_integer("potential_bits", potential_bits, 2, MAX_POTENTIAL_BITS),
            "leak_shift": check_integer("leak_shift", leak_shift, 0, MAX_LEAK_SHIFT),
            "reset_value": check_integer("reset_value", reset_value, -(2**31), 2**31 - 1),
            "current_leak_shift": check_integer("current_leak_shift", current_leak_shift, 0, MAX_LEAK_SHIFT),
            "current_bits": check_integer("current_bits", current_bits, 0, MAX_POTENTIAL_BITS),
        }
        numbers = {
            "threshold": _integers("threshold", threshold, -(2**31), 2**31 - 1),
            "leak_numerator": _integers("leak_numerator", leak_numerator, 0, 1 << MAX_LEAK_SHIFT),
            "start_potential": _integers("start_potential", start_potential, -(2**31), 2**31 - 1),
            "current_leak_numerator": _integers(
                "current_leak_numerator", current_leak_numerator, 0, 1 << MAX_LEAK_SHIFT
            ),
        }
        for name, value in ({"kind": kind, "reset": reset, "reset_timing": reset_timing} | whole | numbers).items():
            object.__setattr__(self, name, value)
        self._check_leaks()
        self._check_current()
        self._check_firing()
        self._check_start()

    def _check_leaks(self) -> None:
        one = 1 << self.leak_shift
        if not self.leak_numerator.size:
            raise TraceError("leak_numerator must be given, found none")
        _, largest = _ends(self.leak_numerator)
        if largest > one:
            raise TraceError(f"the leak must lie in 0 to 1, found leak_numerator {largest} / 2**{self.leak_shift}")
        if self.kind == "if" and not (self.leak_numerator == one).all():
            raise TraceError(
                f"an `if` neuron has no leak: leak_numerator must be 2**leak_shift = {one}, "
                f"found {int(self.leak_numerator[self.leak_numerator != one].flat[0])}"
            )

    def _check_current(self) -> None:
        if self.kind == "synaptic" and not self.has_current:
            raise TraceError("a `synaptic` neuron has a synaptic current: current_leak_numerator must be given")
        if self.kind in ("lif", "if") and self.has_current:
            raise TraceError(f"a `{self.kind}` neuron has no synaptic current, found a current_leak_numerator")
        if not self.has_current:
            if self.current_bits or self.current_leak_shift:
                raise TraceError("current_bits and current_leak_shift are of a synaptic current, which is not there")
            return
        if self.current_bits < 2:
            raise TraceError(f"current_bits must be 2 to {MAX_POTENTIAL_BITS}, found {self.current_bits}")
        largest = int(self.current_leak_numerator.max())
        if largest > 1 << self.current_leak_shift:
            raise TraceError(
                "the leak of the current must lie in 0 to 1, "
                f"found current_leak_numerator {largest} / 2**{self.current_leak_shift}"
            )

    def _check_firing(self) -> None:
        lowest, highest = self.potential_range
        if not self.fires:
            if self.threshold.size or (self.reset, self.reset_value, self.reset_timing) != ("hard", 0, "same"):
                raise TraceError("a `readout` neuron never fires: it has no threshold and no reset")
            return
        if not self.threshold.size:
            raise TraceError(f"a `{self.kind}` neuron fires: a threshold must be given")
        lowest_threshold, highest_threshold = _ends(self.threshold)
        if lowest_threshold < 1 or highest_threshold > highest:
            raise TraceError(
                f"threshold must lie in 1 to {highest}, the range of {self.potential_bits} potential_bits, "
                f"found {lowest_threshold} to {highest_threshold}"
            )
        if not lowest <= self.reset_value < lowest_threshold:
            raise TraceError(
                f"reset_value must be {lowest} to {lowest_threshold - 1}, below every threshold, "
                f"found {self.reset_value}"
            )

    def _check_start(self) -> None:
        lowest, highest = self.potential_range
        if not self.start_potential.size:
            raise TraceError("start_potential must be given, found none")
        if self.fires:
            highest = int(self.threshold.min()) - 1
        smallest, largest = _ends(self.start_potential)
        if smallest < lowest or largest > highest:
            below = ", below every threshold" if self.fires else ""
            raise TraceError(f"start_potential must be {lowest} to {highest}{below}, found {smallest} to {largest}")

    @property
    def fires(self) -> bool:
        """Whether the outputs are spikes; if not, they are potentials."""
        return self.kind != "readout"

    @property
    def has_current(self) -> bool:
        """Whether there is a synaptic current, a second state."""
        return self.current_leak_numerator.size > 0

    @property
    def states(self) -> int:
        """Numbers that a neuron keeps: its potential, and its synaptic current if it has one."""
        return 2 if self.has_current else 1

    @property
    def potential_range(self) -> tuple[int, int]:
        """Lowest and highest potential."""
        return _range(self.potential_bits)

    @property
    def current_range(self) -> tuple[int, int]:
        """Lowest and highest synaptic current of a neuron that has one."""
        return _range(self.current_bits)

    @cached_property
    def variations(self) -> Mapping[str, Variation]:
        """How thresholds and leaks differ, by their names; see `variation`."""
        return {
            name: variation(getattr(self, name)) for name in ("threshold", "leak_numerator", "current_leak_numerator")
        }

    @property
    def shared_leak_numerator(self) -> int:
        """The leak numerator that all neurons share; TraceError if they have different ones."""
        first = int(self.leak_numerator.flat[0])
        if not (self.leak_numerator == first).all():
            raise TraceError("the neurons have different leaks")
        return first

    def summary(self) -> str:
        """What it is in a few words, for people."""
        words = [self.kind.upper() if self.kind in ("lif", "if") else self.kind]
        if self.kind != "if":
            words.append(f"leak {_span(self.leak_numerator)}/{1 << self.leak_shift}")
        if self.has_current:
            leak = f"{_span(self.current_leak_numerator)}/{1 << self.current_leak_shift}"
            words.append(f"{self.current_bits}-bit synaptic currents with leak {leak}")
        if self.fires:
            words.append(f"threshold {_span(self.threshold)}")
            reset = f"hard reset to {self.reset_value}" if self.reset == "hard" else "soft reset"
            words.append(reset if self.reset_timing == "same" else f"{reset} in the next timestep")
        if self.start_potential.any():
            words.append(f"starts at {_span(self.start_potential)}")
        return ", ".join([*words, f"{self.potential_bits}-bit potentials"])

    def check_size(self, shape: tuple[int, int, int]) -> None:
        """TraceError unless every parameter is one number, or has one per channel or neuron of maps (M, P, Q)."""
        for name in ("threshold", "leak_numerator", "current_leak_numerator", "start_potential"):
            found = getattr(self, name).shape
            if found not in ((0,), (1,), shape[:1], shape):
                raise TraceError(f"{name} must have shape (1,), ({shape[0]},) or {shape}, found {found}")


def variation(parameter: Int32) -> Variation:
    """How a neuron's parameter of shape (1,), (M,), (M, P, Q) or (0,) differs: not at all, between channels alone, or
    within some channel."""
    if parameter.ndim > 1 and (parameter != parameter[:, :1, :1]).any():
        return "neuron"
    return "channel" if parameter.size > 1 and (parameter != parameter.flat[0]).any() else "none"


def _span(values: Int32) -> str:
    """One number, or the lowest to the highest."""
    low, high = _ends(values)
    return f"{low}" if low == high else f"{low} to {high}"


def _ends(values: npt.NDArray[Any]) -> tuple[int, int]:
    """The lowest and the highest; of the one number that most neurons have, without NumPy's search, which takes longer
    than all else about it."""
    if values.size == 1:
        return (int(values.item()),) * 2
    return int(values.min()), int(values.max())


def _range(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _integers(name: str, value: npt.ArrayLike, lowest: int, highest: int) -> Int32:
    """Read-only int32 of a number (then of shape (1,)), of a vector, which may be empty, or of (M, P, Q)."""
    array = np.asarray(value)
    if array.size == 0 and not isinstance(value, np.ndarray):  # () has no dtype of its own
        array = array.astype(np.int32)
    if array.ndim not in (0, 1, 3) or array.dtype.kind not in "iu":
        raise TraceError(
            f"{name} must be integers, one, one per channel or one per neuron, "
            f"found {array.dtype} of shape {array.shape}"
        )
    if array.size:
        smallest, largest = _ends(array)
        if smallest < lowest or largest > highest:
            raise TraceError(
                f"{name} must be {lowest} to {highest}, found {smallest if smallest < lowest else largest}"
            )
    frozen = array.reshape(array.shape or 1).astype(np.int32)
    frozen.setflags(write=False)
    return frozen
