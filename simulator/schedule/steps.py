"""A stage timestep by timestep: what its resources do side by side, and the traffic meanwhile.

All rows of work with the same `step` belong to one timestep. Rows of one resource follow each other, resources work
side by side, and a timestep takes as long as its slowest resource (of equals, the one listed first). Its loads and
stores, every operand of every row in whole bursts, are carried meanwhile, one after the other, and a timestep that
loads anything waits the memory's latency once more: a timestep takes max(slowest resource, channel cycles + latency).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.schedule.dram import DramTiming, Traffic

STEP_STALLS = ("dram_traffic", "dram_latency")
"""Categories that traffic adds to a timestep: channel cycles, and cycles of latency, beyond those of the work."""


class Steps(NamedTuple):
    """Timesteps of a stage that follow each other.

    cycles: int64 (T,), length of each. breakdown: int64 (T, k), the same cycles by category, k as `categories`.
    active: int64 (T,), resources that work in it. channel_cycles: int64 (T,), of its traffic.
    """

    cycles: Int64
    breakdown: Int64
    categories: tuple[str, ...]
    active: Int64
    channel_cycles: Int64


def count_steps(work: Work) -> int:
    """Timesteps from 0 to the last one that has a row of work."""
    return int(work.step.max(initial=-1)) + 1


def steps_of(work: Work, traffic: Traffic, dram: DramTiming, count: int, first: int = 0) -> Steps:
    """Timesteps `first` to `first` + `count` - 1 of a stage, to which all of the rows belong; traffic: that of them."""
    count, step = max(0, count), work.step - first
    by_resource = np.zeros((count, len(work.resources)), np.int64)
    np.add.at(by_resource, (step, work.resource), work.cycles)
    slowest = by_resource.argmax(axis=1)
    own = by_resource.max(axis=1, initial=0)
    breakdown = np.zeros((count, len(work.categories)), np.int64)
    critical = work.resource == slowest[step]
    np.add.at(breakdown, step[critical], work.breakdown[critical])

    loads, stores = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.add.at(loads, step, traffic.load_bits.sum(axis=1))
    np.add.at(stores, step, traffic.store_bits.sum(axis=1))
    channel = dram.cycles(loads + stores)
    np.add.at(channel, step, traffic.load_held + traffic.store_held)
    after_traffic = np.maximum(own, channel)
    after_latency = np.maximum(after_traffic, channel + np.where(loads > 0, dram.latency_cycles, 0))
    stalls = np.stack([after_traffic - own, after_latency - after_traffic], axis=1)
    return Steps(
        cycles=after_latency,
        breakdown=np.concatenate([breakdown, stalls], axis=1),
        categories=(*work.categories, *STEP_STALLS),
        active=np.count_nonzero(by_resource, axis=1).astype(np.int64),
        channel_cycles=channel,
    )


def row_offsets(work: Work) -> Int64:
    """int64 (n,): when a row of work begins, from the beginning of its timestep on: cycles of the rows before, of the
    same timestep and resource."""
    step, resource, cycles = work.step, work.resource, work.cycles
    order = np.lexsort((resource, step))
    before = np.cumsum(cycles[order]) - cycles[order]
    first = (np.diff(step[order], prepend=-1) != 0) | (np.diff(resource[order], prepend=-1) != 0)
    group_start = np.maximum.accumulate(np.where(first, before, 0))
    offsets = np.empty_like(before)
    offsets[order] = before - group_start
    return offsets
