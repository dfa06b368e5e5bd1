"""Layer pipeline: every stage has hardware of its own and works on a timestep while others work on other ones.

**Rules.** All stages have the timesteps 0 to T - 1, T - 1 being the last one in which any of them has a row of work.
What stage i does in timestep t takes d(i, t) cycles, by the rules of `spikecycle.simulator.schedule.steps` (its slowest
resource, or its traffic where that takes longer); where it has no rows, it passes the timestep on in no cycles. The
outputs of a timestep leave its stage evenly between the timestep's start and its end. With f = `start_after`:

1. start(i, t) is the latest of
   - 0, and end(i, t - 1): a stage does one timestep at a time;
   - for each producer j: the moment when the share f of its outputs has been delivered,
     start(j, t) + ceil(f * (end(j, t) - start(j, t))) + `delivery_cycles`;
   - for each consumer c: end(c, t - B), as the buffer between i and c holds B = `buffer_steps` timesteps, the one that
     is being written among them (no B: no bound).
2. end(i, t) is the latest of start(i, t) + d(i, t) and, for each producer j, end(j, t) + `delivery_cycles`: no stage
   has done a timestep before all of its inputs are there.
3. An edge that leads back (to the producer itself or a stage before it) carries spikes of the timestep before: the
   rules hold with t - 1 for the producer's timestep. Its spikes wait in the consumer: no bound.
4. The network is done when all stages are. They share the DRAM channel: the network takes no fewer cycles than the
   channel needs for all traffic together.

**Attribution.** The critical path is walked back from the stage that ends last (of equals, the first) to moment 0,
always to what was waited for last; of equals, the first of: the timestep before, producers, consumers, in their order.
A timestep on it is charged to the categories of its work and traffic; one that is on it only until it has delivered the
share f is charged in proportion, rounded so that nothing is lost. `delivery` is what deliveries on the path take;
`pipeline_wait` is time in which a producer on the path, charged in proportion, waited for the rest of its own inputs;
`dram_traffic` has what rule 4 adds. The categories of one stage, from its first start to its last end, are those of its
own work, and `pipeline_wait` for all cycles between.

All rules are maxima and sums of what comes before, in a fixed order: more cycles or bits, a slower channel, a longer
latency or delivery, a larger share or a smaller buffer never make the network faster.

Spans: "compute", one entry per row of work; "step", one entry per timestep, from its start to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.schema import LARGEST_INT, PositiveInt
from spikecycle.simulator.on_demand import OnDemand
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
from spikecycle.simulator.schedule.steps import STEP_STALLS, Steps, count_steps, row_offsets, steps_of


class LayerPipelineOptions(OverlapOptions):
    """How early a stage may start, and how far stages may run apart."""

    policy: Literal["layer_pipeline"] = "layer_pipeline"
    start_after: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """Share of its producers' outputs of a timestep that a stage waits for (the nearest fraction over 10^6 at most)."""
    buffer_steps: PositiveInt | None = None
    """Timesteps that the buffer between two stages holds; none: as many as it takes."""
    delivery_cycles: Annotated[int, Field(ge=0, le=LARGEST_INT)] = 0
    """Cycles from leaving a stage to being there in the next one."""


class LayerPipeline:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "layer_pipeline"
    summary = "every stage has its own hardware: stages work on different timesteps at the same time"
    source = "pipelines of layers as in SpikeSim (Moitra et al., IEEE TCAD 42(11), 2023), where a layer starts on 75 %"
    options_type = LayerPipelineOptions
    stalls: tuple[str, ...] = (*STEP_STALLS, "delivery", "pipeline_wait")
    in_turn = False
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: LayerPipelineOptions,
    ) -> Schedule:
        """All stages at once, by the rules of this module."""
        rows = [activity.rows.all() for activity in stages]
        count = max((count_steps(work) for work, _ in rows), default=0)
        traffic = [Traffic.of(moves, dram) for _, moves in rows]
        steps = [steps_of(work, moved, dram, count) for (work, _), moved in zip(rows, traffic, strict=True)]
        durations = np.zeros((len(stages), count), np.int64)
        for stage, found in enumerate(steps):
            durations[stage] = found.cycles
        share = Fraction(repr(options.start_after)).limit_denominator(LARGEST_INT)
        rules = Rules(share.numerator, share.denominator, options.buffer_steps or 0, options.delivery_cycles)
        moments = Moments(*(np.zeros_like(durations) for _ in Moments._fields))
        run_pipeline(
            durations, *_neighbours(edges, len(stages), of=1), *_neighbours(edges, len(stages), of=0), rules, moments
        )
        path = sum_by_name(_walk_back(moments, rules, steps)) if durations.size else {}
        total = int(moments.ends.max(initial=0))
        channel = sum(int(found.channel_cycles.sum()) for found in steps)
        none = dict.fromkeys(self.stalls, 0)
        extra = {STEP_STALLS[0]: max(0, channel - total)}
        return Schedule(
            total_cycles=max(total, channel),
            breakdown=sum_by_name([*(dict.fromkeys(found.categories, 0) for found in steps), none, path, extra]),
            stages=[
                _stage(work, found, moved, moments.starts[index], moments.ends[index])
                for index, ((work, _), found, moved) in enumerate(zip(rows, steps, traffic, strict=True))
            ],
        )


OVERLAPS.register("layer_pipeline", LayerPipeline())


class Rules(NamedTuple):
    """The options as the kernel takes them: the share as a fraction; buffer_steps 0 = no bound."""

    share_numerator: int
    share_denominator: int
    buffer_steps: int
    delivery_cycles: int


class Moments(NamedTuple):
    """When stages start and end their timesteps, and what they waited for: int64 (stages, T) each.

    start_waits: a `Wait` code. start_partner: the producer or consumer waited for. end_partner: the producer whose last
    outputs the end waited for, or -1.
    """

    starts: Int64
    ends: Int64
    start_waits: Int64
    start_partner: Int64
    end_partner: Int64


class Wait(IntEnum):
    """What a start waited for last."""

    NOTHING = 0
    OWN_STEP = 1
    """The timestep before."""
    PRODUCER = 2
    """The share of a producer's outputs."""
    CONSUMER = 3
    """Room in the buffer to a consumer."""


def _neighbours(edges: Sequence[tuple[int, int]], stages: int, of: int) -> tuple[Int64, Int64]:
    """The other ends of the edges, by the stage at end `of` (0 = producer), and where those of each stage begin."""
    links = np.array(sorted(set(edges)), np.int64).reshape(-1, 2)
    if links.size and not 0 <= links.min() <= links.max() < stages:
        raise AssertionError(f"an edge of {edges} leads to a stage that there is not")
    links = links[np.argsort(links[:, of], kind="stable")]
    return links[:, 1 - of].copy(), np.searchsorted(links[:, of], np.arange(stages + 1)).astype(np.int64)


@kernel
def run_pipeline(
    durations: Int64,
    producers: Int64,
    producer_starts: Int64,
    consumers: Int64,
    consumer_starts: Int64,
    rules: Rules,
    moments_out: Moments,
) -> None:
    """Fill in when every stage does every timestep.

    durations: int64 (stages, T). producers, consumers: int64 (edges,), the producers of all stages, one stage after the
    other, stage i's from producer_starts[i] on, int64 (stages + 1,); and their consumers alike.
    """
    stages, count = durations.shape
    for t in range(count):
        for stage in range(stages):
            start = np.int64(0)
            wait = np.int64(Wait.NOTHING)
            partner = np.int64(0)
            if t > 0 and moments_out.ends[stage, t - 1] > 0:
                start = moments_out.ends[stage, t - 1]
                wait = np.int64(Wait.OWN_STEP)
            all_inputs = np.int64(0)
            last_producer = np.int64(-1)
            for edge in range(producer_starts[stage], producer_starts[stage + 1]):
                producer = producers[edge]
                step = t - 1 if producer >= stage else t
                if step < 0:
                    continue
                started, ended = moments_out.starts[producer, step], moments_out.ends[producer, step]
                part = -(-(ended - started) * rules.share_numerator // rules.share_denominator)
                if started + part + rules.delivery_cycles > start:
                    start = started + part + rules.delivery_cycles
                    wait = np.int64(Wait.PRODUCER)
                    partner = producer
                if ended + rules.delivery_cycles > all_inputs:
                    all_inputs = ended + rules.delivery_cycles
                    last_producer = producer
            freed = t - rules.buffer_steps
            for edge in range(consumer_starts[stage], consumer_starts[stage + 1]):
                consumer = consumers[edge]
                bounded = rules.buffer_steps > 0 and freed >= 0 and consumer > stage
                if bounded and moments_out.ends[consumer, freed] > start:
                    start = moments_out.ends[consumer, freed]
                    wait = np.int64(Wait.CONSUMER)
                    partner = consumer
            end = max(start + durations[stage, t], all_inputs)
            moments_out.starts[stage, t] = start
            moments_out.ends[stage, t] = end
            moments_out.start_waits[stage, t] = wait
            moments_out.start_partner[stage, t] = partner
            moments_out.end_partner[stage, t] = last_producer if end > start + durations[stage, t] else -1


def _walk_back(moments: Moments, rules: Rules, steps: Sequence[Steps]) -> list[dict[str, int]]:
    """The categories along the critical path, piece by piece, from its end."""
    pieces: list[dict[str, int]] = []
    t = moments.ends.shape[1] - 1
    stage = int(moments.ends[:, t].argmax())
    part = int(moments.ends[stage, t] - moments.starts[stage, t])
    while True:
        residence = int(moments.ends[stage, t] - moments.starts[stage, t])
        last_producer = int(moments.end_partner[stage, t])
        if part == residence and last_producer >= 0:
            pieces.append({"delivery": rules.delivery_cycles})
            t -= int(last_producer >= stage)
            stage = last_producer
            part = int(moments.ends[stage, t] - moments.starts[stage, t])
            continue
        pieces.append(_charge(steps[stage], t, residence, part))
        wait, partner = int(moments.start_waits[stage, t]), int(moments.start_partner[stage, t])
        if wait == Wait.NOTHING:
            return pieces
        if wait == Wait.PRODUCER:
            pieces.append({"delivery": rules.delivery_cycles})
            t -= int(partner >= stage)
            stage = partner
            residence = int(moments.ends[stage, t] - moments.starts[stage, t])
            part = -(-residence * rules.share_numerator // rules.share_denominator)
        else:
            if wait == Wait.OWN_STEP:
                t -= 1
            else:
                stage, t = partner, t - rules.buffer_steps
            part = int(moments.ends[stage, t] - moments.starts[stage, t])


def _charge(steps: Steps, t: int, residence: int, part: int) -> dict[str, int]:
    """The first `part` of the `residence` cycles of a timestep by category, in proportion."""
    pieces: list[dict[str, int]] = []
    until = charged = 0
    waited = residence - int(steps.cycles[t])
    for name, cycles in zip((*steps.categories, "pipeline_wait"), (*steps.breakdown[t].tolist(), waited), strict=True):
        until += cycles
        due = until * part // max(1, residence)
        pieces.append({name: due - charged})
        charged = due
    return sum_by_name(pieces)


def _stage(work: Work, steps: Steps, traffic: Traffic, starts: Int64, ends: Int64) -> StageSchedule:
    """One stage of the pipeline; starts, ends: int64 (T,)."""
    begin = int(starts[0]) if len(starts) else 0
    cycles = int(ends[-1]) - begin if len(ends) else 0
    load_moved, store_moved = traffic.moved()
    waits = {"pipeline_wait": cycles - int(steps.cycles.sum())}
    return StageSchedule(
        start=begin,
        cycles=cycles,
        breakdown=sum_by_name([by_category(steps.categories, steps.breakdown), waits]),
        load_moved_bits=load_moved,
        store_moved_bits=store_moved,
        busy=busy_resources(work) | {CHANNEL: int(steps.channel_cycles.sum())},
        spans=OnDemand(lambda: _spans(work, starts, ends)),
    )


def _spans(work: Work, starts: Int64, ends: Int64) -> dict[str, Spans]:
    row_starts = starts[work.step] + row_offsets(work)
    return {"compute": Spans(row_starts, row_starts + work.cycles), "step": Spans(starts, ends)}
