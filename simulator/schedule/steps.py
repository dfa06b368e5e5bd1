"""A stage timestep by timestep: what its resources do side by side, and the traffic meanwhile.

All rows of work with the same `step` belong to one timestep. Rows of one resource follow each other, resources work
side by side, and a timestep takes as long as its slowest resource (of equals, the one listed first). Its loads and
stores, every operand of every row in whole bursts, are carried meanwhile, one after the other, and a timestep that
loads anything waits the memory's latency once more: a timestep takes max(slowest resource, channel cycles + latency).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.schedule.dram import DramTiming, Traffic

STEP_STALLS = ("dram_traffic", "dram_latency")
"""Categories that traffic adds to a timestep: channel cycles, and cycles of latency, beyond those of the work."""


class Steps(NamedTuple):
    """A stage's timesteps, from 0 on.

    cycles: int64 (T,), length of each. breakdown: int64 (T, k), the same cycles by category, k as `categories`.
    active: int64 (T,), resources that work in it. channel_cycles: int64 (T,), of its traffic.
    row_offsets: int64 (n,), when a row of work begins, from the beginning of its timestep on.
    """

    cycles: Int64
    breakdown: Int64
    categories: tuple[str, ...]
    active: Int64
    channel_cycles: Int64
    row_offsets: Int64


def count_steps(activity: Activity) -> int:
    """Timesteps from 0 to the last one that has a row of work."""
    return int(activity.work.step.max(initial=-1)) + 1


def steps_of(activity: Activity, traffic: Traffic, dram: DramTiming, count: int) -> Steps:
    """The first `count` timesteps of a stage; traffic: that of its moves."""
    work = activity.work
    by_resource = np.zeros((count, len(work.resources)), np.int64)
    np.add.at(by_resource, (work.step, work.resource), work.cycles)
    slowest = by_resource.argmax(axis=1)
    own = by_resource.max(axis=1, initial=0)
    breakdown = np.zeros((count, len(work.categories)), np.int64)
    critical = work.resource == slowest[work.step]
    np.add.at(breakdown, work.step[critical], work.breakdown[critical])

    loads, stores = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.add.at(loads, work.step, traffic.load_bits.sum(axis=1))
    np.add.at(stores, work.step, traffic.store_bits.sum(axis=1))
    channel = dram.cycles(loads + stores)
    np.add.at(channel, work.step, traffic.load_held + traffic.store_held)
    after_traffic = np.maximum(own, channel)
    after_latency = np.maximum(after_traffic, channel + np.where(loads > 0, dram.latency_cycles, 0))
    stalls = np.stack([after_traffic - own, after_latency - after_traffic], axis=1)
    return Steps(
        cycles=after_latency,
        breakdown=np.concatenate([breakdown, stalls], axis=1),
        categories=(*work.categories, *STEP_STALLS),
        active=np.count_nonzero(by_resource, axis=1).astype(np.int64),
        channel_cycles=channel,
        row_offsets=_row_offsets(work.step, work.resource, work.cycles),
    )


def _row_offsets(step: Int64, resource: Int64, cycles: Int64) -> Int64:
    """int64 (n,): cycles of the rows before, of the same timestep and resource."""
    order = np.lexsort((resource, step))
    before = np.cumsum(cycles[order]) - cycles[order]
    first = (np.diff(step[order], prepend=-1) != 0) | (np.diff(resource[order], prepend=-1) != 0)
    group_start = np.maximum.accumulate(np.where(first, before, 0))
    offsets = np.empty_like(before)
    offsets[order] = before - group_start
    return offsets
