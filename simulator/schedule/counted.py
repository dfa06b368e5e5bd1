"""As counted: stages take what their dataflow counts, its own memory stalls included, and neurons may hide.

Papers count the stalls of their accelerator in their own rules. A dataflow that follows such a rule puts the stalls
among the categories of its work, and this policy adds none.

**Rules.**

1. Rows of work follow each other; a stage takes as long as its rows together. Traffic takes no time of its own: it is
   told for what it costs otherwise.
2. Stages follow each other, but rows that the dataflow marks as hidden (`Work.places["hidden"]` of 1, at the head of a
   stage) happen while the stage before is still at work: the network waits only for the others. They cannot happen
   before the network begins.

**Attribution.** The categories of the work. Those of the network leave out what is hidden, taken from the categories in
the order of the rows.

Spans: "compute", one entry per row of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from spikecycle.simulator.activity import Activity, Work
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

HIDDEN = "hidden"
"""The place that marks rows of work: 1 where a row happens during the stage before."""


class CountedOptions(OverlapOptions):
    """It has none."""

    policy: Literal["counted"] = "counted"


class Counted:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "counted"
    summary = "as the dataflow counts it: its own stalls, and work that hides behind the stage before"
    source = "the comparison study of Prosperity (Wei et al., HPCA 2025): memory stalls and exposed neurons by rule"
    options_type = CountedOptions
    stalls: tuple[str, ...] = ()
    in_turn = False
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: CountedOptions,
    ) -> Schedule:
        """Stages in turn by the rules of this module; edges and channel play no part."""
        found: list[StageSchedule] = []
        breakdowns: list[dict[str, int]] = []
        now = 0
        for activity in stages:
            work, moves = activity.rows.all()
            traffic = Traffic.of(moves, dram)
            hidden = min(now, _hidden_cycles(work))
            ends = now - hidden + np.cumsum(work.cycles)
            load_moved, store_moved = traffic.moved()
            own = by_category(work.categories, work.breakdown)
            stage = StageSchedule(
                start=now - hidden,
                cycles=int(work.cycles.sum()),
                breakdown=own,
                load_moved_bits=load_moved,
                store_moved_bits=store_moved,
                busy=busy_resources(work) | {CHANNEL: 0},
                spans={"compute": Spans(ends - work.cycles, ends)},
            )
            found.append(stage)
            breakdowns.append(_without(work, hidden, own))
            now = stage.end
        return Schedule(now, sum_by_name(breakdowns), found)


OVERLAPS.register("counted", Counted())


def _hidden_cycles(work: Work) -> int:
    marks = work.places.get(HIDDEN)
    return 0 if marks is None else int(work.cycles[marks == 1].sum())


def _without(work: Work, hidden: int, breakdown: dict[str, int]) -> dict[str, int]:
    """The cycles of a stage by category, without its first `hidden` cycles."""
    left = dict(breakdown)
    for row in work.breakdown.tolist():
        for name, cycles in zip(work.categories, row, strict=True):
            taken = min(hidden, cycles)
            left[name] -= taken
            hidden -= taken
    return left
