"""Roofline: a stage takes as long as its work or its traffic, whichever is more, and a start that overlaps nothing.

**Rules.** Rows of work follow each other, whatever resource they name. Nothing is on chip when a stage begins; stages
do not overlap.

1. *Traffic.* The bits of each operand of each row are rounded up to whole bursts by themselves; loads and stores of all
   rows make one sum. A number of bits takes bits * clock / bandwidth cycles of the channel, rounded up or down
   (`whole_cycles`); row misses and turnarounds (`dram`) hold it up besides.
2. *Start.* The stage's work begins when `start` bits have been carried: none ("hidden"); those that the first row of
   work loads ("first_row": a rule reports its first load as a row of no cycles); or a number of its own ("fixed",
   `start_bits`), taken in full even where the stage moves fewer. Row misses count as ahead with "first_row" only.
3. *Rest.* All other traffic is carried while the work is done: start + max(work, rest).
4. *Latency.* A stage that loads anything waits `latency_cycles` once: with its start, or, where that is empty, with the
   rest.

**Attribution.** The categories of the work; `dram_fill`, channel cycles of the start; `dram_traffic`, channel cycles of
the rest that the work does not cover; `dram_latency`, what it does not cover of the latency.

Said exactly by these rules, with W = work and a port of p bits per cycle:
- floor(first / p) + max(W, floor((traffic - first) / p)): Prosperity (Wei et al., HPCA 2025) and its comparison study,
  `first_row`, rounded down;
- floor(1536 / p) + max(W, floor((traffic - 1536) / p)): PTB (Lee et al., HPCA 2022) in that study, `fixed`;
- max(W, ceil(traffic / p)): the roofline (Williams et al., CACM 52(4), 2009), `hidden`.

Spans: "compute", one entry per row of work; "traffic", start and rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.machine.schema import LARGEST_INT
from spikecycle.simulator.on_demand import OnDemand
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.schedule.base import (
    CHANNEL,
    OverlapOptions,
    RowSums,
    Schedule,
    Spans,
    StageSchedule,
    sum_by_name,
)
from spikecycle.simulator.schedule.dram import DramTiming, Traffic


class RooflineOptions(OverlapOptions):
    """What overlaps nothing, and how channel cycles are rounded."""

    policy: Literal["roofline"] = "roofline"
    start: Literal["hidden", "first_row", "fixed"] = "first_row"
    """Traffic ahead of the work: none, the loads of the first row of work, or `start_bits`."""
    start_bits: Annotated[int, Field(ge=0, le=LARGEST_INT)] = 0
    """Bits carried ahead of the work (start: fixed)."""
    whole_cycles: Literal["up", "down"] = "up"
    """How the channel cycles of the start, and those of the rest, are rounded."""


class Roofline:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "roofline"
    summary = "a start that overlaps nothing, then the longer of work and traffic"
    source = "Williams et al., CACM 52(4), 2009; the exposed start as in Prosperity (Wei et al., HPCA 2025)"
    options_type = RooflineOptions
    stalls: tuple[str, ...] = ("dram_fill", "dram_traffic", "dram_latency")
    in_turn = True
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: RooflineOptions,
    ) -> Schedule:
        """Stages in turn, each by the rules of this module; the edges play no part."""
        found: list[StageSchedule] = []
        for activity in stages:
            found.append(_resolve_stage(activity, dram, options, found[-1].end if found else 0))
        return Schedule.in_turn(found)


OVERLAPS.register("roofline", Roofline())


def _resolve_stage(activity: Activity, dram: DramTiming, options: RooflineOptions, begin: int) -> StageSchedule:
    """A stage that begins at the moment `begin`."""
    sums = RowSums()
    first_bits = first_held = held = 0
    for number, (work, moves) in enumerate(activity.rows.blocks()):
        traffic = Traffic.of(moves, dram)
        sums.add(work, traffic)
        held += int(traffic.load_held.sum() + traffic.store_held.sum())
        if number == 0:
            first_bits, first_held = int(traffic.load_bits[:1].sum()), int(traffic.load_held[:1].sum())
    compute = sum(sums.breakdown.values())
    loads, stores = sum(sums.load_moved_bits.values()), sum(sums.store_moved_bits.values())
    start_bits = {"hidden": 0, "first_row": first_bits, "fixed": options.start_bits}[options.start]
    rest_bits = max(0, loads + stores - start_bits)
    fill, rest = dram.cycles(np.array([start_bits, rest_bits]), round_up=options.whole_cycles == "up").tolist()
    held_ahead = first_held if options.start == "first_row" else 0
    fill, rest = fill + held_ahead, rest + held - held_ahead
    latency = dram.latency_cycles if loads else 0
    latency_ahead = latency if start_bits else 0
    work_start = fill + latency_ahead
    after_traffic = max(compute, rest)
    after_latency = max(after_traffic, rest + latency - latency_ahead)
    stalls = {
        "dram_fill": fill,
        "dram_traffic": after_traffic - compute,
        "dram_latency": latency_ahead + after_latency - after_traffic,
    }
    carried = begin + np.array([[0, fill], [work_start, work_start + rest]], np.int64)
    return StageSchedule(
        start=begin,
        cycles=work_start + after_latency,
        breakdown=sum_by_name([sums.breakdown, stalls]),
        load_moved_bits=sums.load_moved_bits,
        store_moved_bits=sums.store_moved_bits,
        busy=sums.busy | {CHANNEL: fill + rest},
        spans=OnDemand(lambda: _spans(activity, begin + work_start, carried)),
    )


def _spans(activity: Activity, work_start: int, carried: Int64) -> dict[str, Spans]:
    """When the rows of work happen. carried: int64 (2, 2), begins and ends of start and rest."""
    cycles = activity.work.cycles
    ends = work_start + np.cumsum(cycles)
    return {"compute": Spans(ends - cycles, ends), "traffic": Spans(carried[:, 0], carried[:, 1])}
