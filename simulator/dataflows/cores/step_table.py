"""Numbers of every timestep and core of a long run, in as few bytes as they need."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers


@dataclass(eq=False)
class StepTable:
    """Numbers of at least 0 by timestep, any shape each, added and taken as int64.

    What is added together is kept in the narrowest dtype that holds it: cores seldom see more than 255 spikes in a
    timestep, and they may be thousands over hundreds of thousands of timesteps.
    """

    _parts: list[Integers] = field(default_factory=list)
    _starts: list[int] = field(default_factory=lambda: [0])

    def add(self, numbers: Int64) -> None:
        """The next timesteps, int64 (n, ...), n > 0."""
        self._parts.append(numbers.astype(np.min_scalar_type(int(numbers.max(initial=0)))))
        self._starts.append(self._starts[-1] + len(numbers))

    def __len__(self) -> int:
        """Timesteps."""
        return self._starts[-1]

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        return sum(part.nbytes for part in self._parts)

    def between(self, first: int, stop: int) -> Int64:
        """Timesteps `first` to `stop` - 1, int64 (stop - first, ...), of at least one timestep."""
        begin, end = bisect_right(self._starts, first) - 1, bisect_right(self._starts, stop - 1)
        parts = [
            part[max(0, first - start) : stop - start]
            for start, part in zip(self._starts[begin:end], self._parts[begin:end], strict=True)
        ]
        return np.concatenate([part.astype(np.int64) for part in parts])
