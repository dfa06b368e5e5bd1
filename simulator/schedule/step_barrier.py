"""Step barrier: the resources of a timestep work side by side and meet at a barrier before the next one.

**Rules.** Stages follow each other without overlap, a whole network may be one stage. A stage has the timesteps from 0
to the last one that has a row of work; each takes as long as `spikecycle.simulator.schedule.steps` says (its slowest
resource, or its traffic where that takes longer), and then the barrier. A barrier's cost is read from a table by the
number of resources that worked in the timestep: that of the first entry with as many `active` resources or more, of the
last one beyond. Costs do not decrease along the table, and no table is no cost.

**Attribution.** The categories of the slowest resource (of equals, the one listed first), the stalls of traffic, and
`step_barrier`. That the other resources wait is no part of the stage's cycles: it shows in their busy cycles.

Spans: "compute", one entry per row of work; "traffic" and "barrier", one entry per timestep.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from spikecycle.simulator.activity import Activity, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.machine.schema import LARGEST_INT, PositiveInt, Section
from spikecycle.simulator.on_demand import OnDemand
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.schedule.base import (
    CHANNEL,
    OverlapOptions,
    RowSums,
    Schedule,
    Spans,
    StageSchedule,
    by_category,
    sum_by_name,
)
from spikecycle.simulator.schedule.dram import DramTiming, Traffic
from spikecycle.simulator.schedule.steps import STEP_STALLS, Steps, count_steps, row_offsets, steps_of


class BarrierCost(Section):
    """What a barrier costs with up to so many active resources."""

    active: PositiveInt
    """Resources that worked in the timestep, at most."""
    cycles: Annotated[int, Field(ge=0, le=LARGEST_INT)]
    """Cycles of the barrier."""


class StepBarrierOptions(OverlapOptions):
    """What a barrier costs."""

    policy: Literal["step_barrier"] = "step_barrier"
    barrier: list[BarrierCost] = Field(default_factory=list)
    """Cost by active resources, ascending; one entry is a constant."""

    @model_validator(mode="after")
    def _ascends(self) -> StepBarrierOptions:
        for before, after in pairwise(self.barrier):
            if after.active <= before.active or after.cycles < before.cycles:
                raise ValueError(
                    "overlap.barrier must have more active resources, and no fewer cycles, in every entry than in the "
                    f"one before, found {after.active} and {after.cycles} after {before.active} and {before.cycles}"
                )
        return self


class StepBarrier:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "step_barrier"
    summary = "resources work side by side within a timestep and meet at a barrier"
    source = "timesteps that end with a barrier among cores, as Loihi (Davies et al., IEEE Micro 38(1), 2018) has them"
    options_type = StepBarrierOptions
    stalls: tuple[str, ...] = (*STEP_STALLS, "step_barrier")
    in_turn = True
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: StepBarrierOptions,
    ) -> Schedule:
        """Stages in turn, each by the rules of this module; the edges play no part."""
        found: list[StageSchedule] = []
        for activity in stages:
            found.append(_resolve_stage(activity, dram, options, found[-1].end if found else 0))
        return Schedule.in_turn(found)


OVERLAPS.register("step_barrier", StepBarrier())


def _resolve_stage(activity: Activity, dram: DramTiming, options: StepBarrierOptions, begin: int) -> StageSchedule:
    """A stage that begins at the moment `begin`."""
    sums = RowSums()
    breakdown: dict[str, int] = {}
    done = cycles = channel_cycles = 0
    for work, moves in activity.rows.blocks_of_timesteps():
        traffic = Traffic.of(moves, dram)
        sums.add(work, traffic)
        steps, barriers = _steps_and_barriers(work, traffic, dram, options, done)
        done += len(steps.cycles)
        cycles += int(steps.cycles.sum() + barriers.sum())
        channel_cycles += int(steps.channel_cycles.sum())
        of_block = by_category(steps.categories, steps.breakdown)
        breakdown = sum_by_name([breakdown, of_block, {"step_barrier": int(barriers.sum())}])
    return StageSchedule(
        start=begin,
        cycles=cycles,
        breakdown=breakdown,
        load_moved_bits=sums.load_moved_bits,
        store_moved_bits=sums.store_moved_bits,
        busy=sums.busy | {CHANNEL: channel_cycles},
        spans=OnDemand(lambda: _spans(activity, dram, options, begin)),
    )


def _steps_and_barriers(
    work: Work, traffic: Traffic, dram: DramTiming, options: StepBarrierOptions, first: int
) -> tuple[Steps, Int64]:
    """The timesteps of some rows of work, from timestep `first` on, and cycles of each one's barrier, int64 (T,)."""
    steps = steps_of(work, traffic, dram, count_steps(work) - first, first)
    if not options.barrier:
        return steps, np.zeros(len(steps.cycles), np.int64)
    limits = np.array([cost.active for cost in options.barrier])
    costs = np.array([cost.cycles for cost in options.barrier], np.int64)
    return steps, costs[np.minimum(np.searchsorted(limits, steps.active), len(costs) - 1)]


def _spans(activity: Activity, dram: DramTiming, options: StepBarrierOptions, begin: int) -> dict[str, Spans]:
    """When rows of work, traffic and barriers happen."""
    work, moves = activity.rows.all()
    steps, barriers = _steps_and_barriers(work, Traffic.of(moves, dram), dram, options, 0)
    ends = begin + np.cumsum(steps.cycles + barriers)
    starts = ends - barriers - steps.cycles
    row_starts = starts[work.step] + row_offsets(work)
    return {
        "compute": Spans(row_starts, row_starts + work.cycles),
        "traffic": Spans(starts, starts + steps.channel_cycles),
        "barrier": Spans(ends - barriers, ends),
    }
