"""Double buffering: the loads of the next pass and the stores of the pass before overlap compute, on one DRAM channel.

**Rules.** A stage is n passes in order, its rows of work, whatever resource they name. Pass i needs its load (all
operands), then computes, then stores. Cycle 0 is the stage's first cycle, nothing is on chip; stages do not overlap. A
moment t is the beginning of cycle t; what takes d cycles from t has ended at t + d.

1. *Traffic.* The bits of each operand of a pass are rounded up to whole bursts by themselves. The operands of one pass
   and direction then make one transfer, back to back. A transfer without bits does not exist: it is complete at the
   moment when it could have been issued and takes no part in rule 3.
2. *Buffers* have two halves that alternate between passes.
   Load i is issued when compute i - 2 has ended (its half is free); loads 0 and 1 are issued at 0.
   Compute i starts when compute i - 1 has ended, load i has arrived (its operands are on chip) and store i - 2 has
   left (its output half is free). Store i is issued when compute i has ended.
3. *Channel.* It serves one transfer at a time, in the order of issue: load 0, load 1, store 0, load 2, store 1,
   load 3, ... (the end of compute i lets go store i, then load i + 2; where a pass takes no cycles, the end of the pass
   before it still comes first). A transfer begins when it is issued or when the transfer before it has ended,
   whichever is later, and occupies the channel for ceil(bits * clock / bandwidth) cycles, and those of its row misses
   and turnarounds (`dram`).
4. *Latency.* A load has arrived `latency_cycles` after its last channel cycle; the channel is free meanwhile, so the
   latency of a load that queues behind another one is hidden. (Counting the channel's cycles at the other end of the
   latency, where data comes in, shifts all loads by the same constant.) A store has left with its last channel cycle:
   writes are posted, nothing on chip waits for the memory to acknowledge them.
5. *End.* The stage is done when the last compute has ended and the last store has left.

Loads wait for the stores of other passes only through the channel. What pass i needs of the result of pass i - 1 must
stay on chip; what passes before that stored was issued before load i.

**Attribution.** Every cycle is a cycle of the work, or one of STALLS. A cycle in which compute i > 0 waits
is `dram_store` until store i - 2 has left (even if load i is missing as well: it queues behind that store), then
`dram_load` until the last channel cycle of load i, then `dram_latency` until load i has arrived.

All rules are maxima and sums of what comes before, in a fixed order: more cycles or bits anywhere, a slower channel or
a longer latency never make a stage faster.

Spans: "compute", "load" and "store", one entry per pass; where there is nothing to carry, a transfer begins and ends at
the moment of its issue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.schedule.base import (
    CHANNEL,
    OverlapOptions,
    Schedule,
    Spans,
    StageSchedule,
    busy_resources,
    by_category,
    sum_by_name,
)
from spikecycle.simulator.schedule.dram import DramTiming, Traffic

STALLS = ("dram_fill", "dram_load", "dram_latency", "dram_store", "dram_drain")
"""Stall categories: cycles without compute: before the first compute; waiting for the channel to carry a load; for a
load's latency; for an output half; after the last compute until the last store has left."""
_FILL, _LOAD, _LATENCY, _STORE, _DRAIN = range(len(STALLS))


class DoubleBufferingOptions(OverlapOptions):
    """Nothing to choose: every buffer between DRAM and array has two halves."""

    policy: Literal["double_buffering"] = "double_buffering"


class DoubleBuffering:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "double_buffering"
    summary = "two halves of every buffer: loads, compute and stores of neighbouring passes overlap"
    source = "double buffering as Timeloop (Parashar et al., ISPASS 2019) assumes it; order of the channel: this module"
    options_type = DoubleBufferingOptions
    stalls: tuple[str, ...] = STALLS
    in_turn = True
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: DoubleBufferingOptions,
    ) -> Schedule:
        """Stages in turn, each by the rules of this module; the edges play no part."""
        found: list[StageSchedule] = []
        for activity in stages:
            found.append(_resolve_stage(activity, dram, found[-1].end if found else 0))
        return Schedule.in_turn(found)


OVERLAPS.register("double_buffering", DoubleBuffering())


def _resolve_stage(activity: Activity, dram: DramTiming, begin: int) -> StageSchedule:
    """Overlap the passes of a stage that begins at the moment `begin`."""
    work, traffic = activity.work, Traffic.of(activity.moves, dram)
    load_cycles = dram.cycles(traffic.load_bits.sum(axis=1)) + traffic.load_held
    store_cycles = dram.cycles(traffic.store_bits.sum(axis=1)) + traffic.store_held
    moments = np.zeros((6, len(work.cycles)), np.int64)
    stalls = np.zeros(len(STALLS), np.int64)
    total = int(_overlap(work.cycles, load_cycles, store_cycles, dram, moments, stalls))
    moments += begin
    load_moved, store_moved = traffic.moved()
    return StageSchedule(
        start=begin,
        cycles=total,
        breakdown=sum_by_name(
            [by_category(work.categories, work.breakdown), dict(zip(STALLS, stalls.tolist(), strict=True))]
        ),
        load_moved_bits=load_moved,
        store_moved_bits=store_moved,
        busy=busy_resources(work) | {CHANNEL: int(load_cycles.sum() + store_cycles.sum())},
        spans={
            "compute": Spans(moments[0], moments[1]),
            "load": Spans(moments[2], moments[3]),
            "store": Spans(moments[4], moments[5]),
        },
    )


@kernel
def _overlap(
    compute_cycles: Int64, load_cycles: Int64, store_cycles: Int64, dram: DramTiming, moments: Int64, stalls: Int64
) -> int:
    """Fill `moments` (6, n: compute, load and store, starts and ends) and `stalls`; returns the total.

    A load without channel cycles is no transfer (or an ideal one): it has arrived when it is issued.
    """
    n = len(compute_cycles)
    channel_free = np.int64(0)
    previous_end = np.int64(0)
    for i in range(n + 2):
        # The end of compute i - 2 lets go store i - 2, then load i.
        issued = moments[1, i - 2] if i >= 2 else np.int64(0)
        left = issued
        if i >= 2:
            moments[4, i - 2] = max(issued, channel_free) if store_cycles[i - 2] > 0 else issued
            left = moments[4, i - 2] + np.int64(store_cycles[i - 2])
            moments[5, i - 2] = left
            channel_free = max(channel_free, left)
        if i >= n:
            continue
        moments[2, i] = max(issued, channel_free) if load_cycles[i] > 0 else issued
        carried = moments[2, i] + np.int64(load_cycles[i])
        moments[3, i] = carried
        channel_free = max(channel_free, carried)
        arrived = carried + dram.latency_cycles if load_cycles[i] > 0 else carried

        start = max(previous_end, left, arrived)
        if i == 0:
            stalls[_FILL] += start
        else:
            output_free = max(previous_end, left)
            last_carried = max(output_free, carried)
            stalls[_STORE] += output_free - previous_end
            stalls[_LOAD] += last_carried - output_free
            stalls[_LATENCY] += start - last_carried
        previous_end = start + np.int64(compute_cycles[i])
        moments[0, i] = start
        moments[1, i] = previous_end
    total = max(previous_end, channel_free) if n > 0 else np.int64(0)
    stalls[_DRAIN] += total - previous_end
    return int(total)
