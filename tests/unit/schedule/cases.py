"""Activities for overlap policies, from lists of cycles and bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spikecycle.simulator.activity import OPERANDS, Activity, Moves, Work
from spikecycle.simulator.schedule import DramTiming
from tests.reference.timesteps import Held, Row

ONE_BIT_A_CYCLE = DramTiming(channel_cycles=1, channel_bits=1, burst_bits=1, latency_cycles=0)

ROWS = DramTiming(1, 1, 1, 0, row_bits=8, miss_cycles=3, turnaround_cycles=2)
"""One bit per cycle; a row of 8 bits takes 3 cycles to open, a change of direction 2."""


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
    return Activity.of(
        work, Moves(traffic(none if loads is None else loads), traffic(none if stores is None else stores)), {}
    )


def activity(rows: Sequence[Row], resources: int = 3) -> Activity:
    """The same rows as a dataflow reports them."""
    n = len(rows)
    breakdown = np.array([(row.compute, row.fetch) for row in rows], np.int64).reshape(n, 2)
    work = Work(
        breakdown.sum(axis=1),
        ("compute", "weight_fetch"),
        breakdown,
        np.array([row.step for row in rows], np.int64),
        np.array([row.resource for row in rows], np.int64),
        tuple(f"core{i}" for i in range(resources)),
    )
    return Activity.of(work, Moves(traffic([row.loads for row in rows]), traffic([row.stores for row in rows])), {})


def rows(max_size: int = 10, steps: int = 4, resources: int = 3) -> st.SearchStrategy[list[Row]]:
    """Rows of work in any order of timesteps and resources, half of them without traffic."""
    cycles = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 60))
    bits = st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.one_of(st.just(0), st.integers(0, 200))] * 4))
    row = st.builds(Row, st.integers(0, steps - 1), st.integers(0, resources - 1), cycles, cycles, bits, bits)
    return st.lists(row, max_size=max_size)


TIMINGS = st.builds(
    DramTiming, st.integers(1, 5), st.integers(1, 40), st.sampled_from([1, 7, 64]), st.sampled_from([0, 1, 30]),
    row_bits=st.sampled_from([0, 0, 16, 100]), miss_cycles=st.integers(0, 5), turnaround_cycles=st.sampled_from([0, 2]),
)  # fmt: skip


def held_by(dram: DramTiming) -> Held:
    """What holds a channel up, as twins take it."""
    return Held(dram.row_bits, dram.miss_cycles, dram.turnaround_cycles)


def heavier(draw: st.DrawFn, before: list[Row]) -> list[Row]:
    """The same rows, one of them with more cycles or more bits."""
    i = draw(st.integers(0, len(before) - 1))
    row, more = before[i], draw(st.integers(1, 40))
    longer = (row.loads[0] + more, *row.loads[1:])
    changed = draw(
        st.sampled_from(
            [
                replace(row, compute=row.compute + more),
                replace(row, fetch=row.fetch + more),
                replace(row, loads=longer),
                replace(row, stores=(*row.stores[:3], row.stores[3] + more)),
            ]
        )
    )
    return [*before[:i], changed, *before[i + 1 :]]
