"""When everything of one sample happens: its stages, with their work and their schedules, kept while they are run.

    timeline = Timeline()
    result = simulate("digits-8bit", "spike_array", samples=[0], timeline=timeline)

`spikecycle.simulator.trace_events` writes it for viewers of timelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from spikecycle.simulator.activity import Moves, Work
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.schedule import Spans, StageSchedule


@dataclass(frozen=True, eq=False)
class TimedStage:
    """One stage. work, moves: what it did, row by row. schedule: when; moments count from the network's beginning."""

    name: str
    work: Work
    moves: Moves
    schedule: StageSchedule


@dataclass(eq=False)
class Timeline:
    """The stages of one sample.

    in_turn: whether they follow each other; else each has hardware of its own, and they overlap.
    """

    stages: list[TimedStage] = field(default_factory=list)
    in_turn: bool = True
    _waiting: list[tuple[str, Work, Moves]] = field(default_factory=list)

    @property
    def cycles(self) -> int:
        """The moment when the last stage is done."""
        return max((stage.schedule.end for stage in self.stages), default=0)

    def add(self, name: str, work: Work, moves: Moves) -> None:
        """The next stage; UsageError on a timeline that holds a sample already."""
        if self.stages:
            raise UsageError("a timeline holds one sample: make a new one for each run")
        self._waiting.append((name, work, moves))

    def finish(self, schedules: Sequence[StageSchedule], in_turn: bool) -> None:
        """After the last stage: when each of them happened. Those in turn count from their own beginning."""
        self.in_turn = in_turn
        begin = 0
        for (name, work, moves), schedule in zip(self._waiting, schedules, strict=True):
            moved = _later(schedule, begin) if in_turn else schedule
            self.stages.append(TimedStage(name, work, moves, moved))
            begin += schedule.cycles
        self._waiting = []


def _later(schedule: StageSchedule, cycles: int) -> StageSchedule:
    spans = {name: Spans(span.starts + cycles, span.ends + cycles) for name, span in schedule.spans.items()}
    return replace(schedule, start=schedule.start + cycles, spans=spans)
