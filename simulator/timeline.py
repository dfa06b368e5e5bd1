"""When everything of one sample happens: its stages, with their work and their schedules, kept while they are run.

    timeline = Timeline()
    result = simulate("digits-8bit", "spike_array", samples=[0], timeline=timeline)

`spikecycle.simulator.trace_events` writes it for viewers of timelines. Rows of work are made as each stage is done, so
that nothing else of it is kept: of those that a window of cycles does not touch, nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spikecycle.simulator.activity import Moves, Work, WorkRows
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.on_demand import OnDemand
from spikecycle.simulator.schedule import Spans, StageSchedule

OF_ROWS = ("compute", "load", "store")
"""Spans that have one entry per row of work."""


@dataclass(frozen=True, eq=False)
class TimedStage:
    """One stage. work, moves: what it did, row by row. schedule: when; moments count from the network's beginning.
    numbers: of the rows of work that are kept, whose work, moves and moments these are."""

    name: str
    work: Work
    moves: Moves
    schedule: StageSchedule
    numbers: Sequence[int]

    @classmethod
    def of(cls, name: str, rows: WorkRows, schedule: StageSchedule, window: tuple[int, int] | None) -> TimedStage:
        """Make the rows and moments of a stage, and keep those that the window needs."""
        if window is not None and (schedule.end <= window[0] or schedule.start >= window[1]):
            work, moves = rows.one_unit()
            none = np.zeros(0, np.int64)
            return cls(name, _work_of(work, none), _moves_of(moves, none), replace(schedule, spans={}), ())
        work, moves = rows.all()
        spans = dict(schedule.spans)
        if window is None:
            return cls(name, work, moves, replace(schedule, spans=spans), range(len(work.cycles)))
        kept = _near(spans, len(work.resources) == 1, *window)
        spans |= {what: Spans(*(each[kept] for each in spans[what])) for what in OF_ROWS if what in spans}
        return cls(name, _work_of(work, kept), _moves_of(moves, kept), replace(schedule, spans=spans), kept.tolist())


@dataclass(eq=False)
class Timeline:
    """The stages of one sample.

    window: cycles from and to which somebody will look; what does not touch them is not kept. in_turn: whether stages
    follow each other; else each has hardware of its own, and they overlap.
    """

    window: tuple[int, int] | None = None
    stages: list[TimedStage] = field(default_factory=list)
    in_turn: bool = True
    _waiting: list[tuple[str, WorkRows]] = field(default_factory=list)

    @property
    def cycles(self) -> int:
        """The moment when the last stage is done."""
        return max((stage.schedule.end for stage in self.stages), default=0)

    def begin(self, in_turn: bool) -> None:
        """Before the first stage; UsageError on a timeline that holds a sample already."""
        if self.stages:
            raise UsageError("a timeline holds one sample: make a new one for each run")
        self.in_turn = in_turn

    def add(self, name: str, rows: WorkRows, schedule: StageSchedule | None) -> None:
        """The next stage. schedule: of stages in turn, from the stage's own beginning; of others, `finish` is told."""
        if schedule is None:
            self._waiting.append((name, rows))
        else:
            self.stages.append(TimedStage.of(name, rows, _later(schedule, self.cycles), self.window))

    def finish(self, schedules: Sequence[StageSchedule]) -> None:
        """After the last stage: when those happened that are not in turn."""
        for (name, rows), schedule in zip(self._waiting, schedules, strict=True):
            self.stages.append(TimedStage.of(name, rows, schedule, self.window))
        self._waiting = []


def _near(spans: Mapping[str, Spans], one_by_one: bool, low: int, high: int) -> Int64:
    """Numbers of the rows that have anything within a window, of the last one before it, and of the first behind it:
    what waits is between two. one_by_one: whether each follows the one before: then there are no holes."""
    of_rows = [spans[what] for what in OF_ROWS if what in spans]
    is_before = np.maximum.reduce([span.ends for span in of_rows]) < low
    is_behind = np.minimum.reduce([span.starts for span in of_rows]) > high
    near = ~(is_before | is_behind)
    near[np.flatnonzero(is_before)[-1:]] = True
    near[np.flatnonzero(is_behind)[:1]] = True
    chosen = np.flatnonzero(near)
    return np.arange(chosen[0], chosen[-1] + 1) if one_by_one and len(chosen) else chosen


def _work_of(work: Work, kept: Int64) -> Work:
    """Some rows, without the memory of the others."""
    cycles, breakdown, step, resource = (each[kept] for each in (work.cycles, work.breakdown, work.step, work.resource))
    places = {name: values[kept] for name, values in work.places.items()}
    return replace(work, cycles=cycles, breakdown=breakdown, step=step, resource=resource, places=places)


def _moves_of(moves: Moves, kept: Int64) -> Moves:
    return replace(moves, load_bits=moves.load_bits[kept], store_bits=moves.store_bits[kept])


def _later(schedule: StageSchedule, cycles: int) -> StageSchedule:
    def moved() -> dict[str, Spans]:
        return {name: Spans(span.starts + cycles, span.ends + cycles) for name, span in schedule.spans.items()}

    return replace(schedule, start=schedule.start + cycles, spans=OnDemand(moved))
