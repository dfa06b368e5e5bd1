"""Activities for overlap policies, from lists of cycles and bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Activity, Moves, Work
from spikecycle.simulator.schedule import DramTiming

ONE_BIT_A_CYCLE = DramTiming(channel_cycles=1, channel_bits=1, burst_bits=1, latency_cycles=0)


def traffic(bits: Sequence[Any]) -> np.ndarray:
    """int64 (n, 4): one row per entry; a number is bits of the first operand."""
    rows = [row if isinstance(row, Sequence) else (row, 0, 0, 0) for row in bits]
    return np.array(rows, np.int64).reshape(len(rows), len(OPERANDS))


def stage(
    cycles: Sequence[int],
    loads: Sequence[Any] | None = None,
    stores: Sequence[Any] | None = None,
    steps: Sequence[int] | None = None,
    resources: Sequence[int] | None = None,
) -> Activity:
    """A stage whose rows take `cycles`; bits by row, timestep by row, index of the resource by row."""
    n = len(cycles)
    compute = np.array(cycles, np.int64)
    used = np.array([0] * n if resources is None else resources, np.int64)
    work = Work(
        compute,
        ("compute",),
        compute.reshape(n, 1),
        np.array([0] * n if steps is None else steps, np.int64),
        used,
        tuple(f"core{i}" for i in range(int(used.max(initial=0)) + 1)),
    )
    none = [0] * n
    return Activity(
        work, Moves(traffic(none if loads is None else loads), traffic(none if stores is None else stores)), {}
    )
