"""Slicing of events into timesteps: frames of equal duration, or of equal numbers of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spikecycle.models.data import options

Times = npt.NDArray[np.int64]


class Slicing(Protocol):
    """A way to cut a recording into timesteps."""

    @property
    def remark(self) -> str:
        """What a description says of it: a clause that begins with a comma, or nothing for equal durations."""

    def steps(self, times_us: Times, timesteps: int) -> Times:
        """int64 (N,): the timestep of each event, 0 to timesteps - 1; anything else is left out."""


@dataclass(frozen=True)
class EqualTime:
    """Timesteps of the same duration, half open.

    duration_us: of a whole recording, from its time 0; later events are left out. None: every recording lasts from
    its own first event to its last, and no event is left out.
    """

    duration_us: int | None = None

    @property
    def remark(self) -> str:
        """Nothing: it is what one expects."""
        return ""

    def steps(self, times_us: Times, timesteps: int) -> Times:
        """int64 (N,): floor(time * timesteps / duration)."""
        if self.duration_us is not None:
            return times_us * timesteps // self.duration_us
        if len(times_us) == 0:
            return times_us
        start_us = times_us.min()
        steps: Times = (times_us - start_us) * timesteps // (times_us.max() - start_us + 1)
        return steps


@dataclass(frozen=True)
class EqualEvents:
    """Timesteps of the same number of events, which differs by one at most; events of equal time in given order."""

    @property
    def remark(self) -> str:
        """Named, because timesteps are no longer equal spans of time."""
        return ", frames of equal numbers of events"

    def steps(self, times_us: Times, timesteps: int) -> Times:
        """int64 (N,): floor(rank in time * timesteps / N)."""
        steps = np.empty(len(times_us), dtype=np.int64)
        steps[np.argsort(times_us, kind="stable")] = np.arange(len(times_us)) * timesteps // max(len(times_us), 1)
        return steps


def slicing_of(choice: options.Slicing, duration_us: int | None = None) -> Slicing:
    """The slicing that the option `slicing` names; duration_us as in EqualTime."""
    slicings: dict[options.Slicing, Slicing] = {"time": EqualTime(duration_us), "events": EqualEvents()}
    return slicings[choice]
