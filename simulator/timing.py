"""Time of all samples of a network: stages one after the other, or together where the policy overlaps stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.schedule import OVERLAPS, DramTiming, Overlap, Schedule, StageSchedule, sum_by_name


@dataclass(eq=False)
class NetworkTiming:
    """When the stages of every sample happen.

    A policy that lets stages follow each other (`Overlap.in_turn`) is asked stage by stage, so that no activity is
    kept; any other needs all activities of a sample together.

    stages: schedules of each stage, sample by sample; spans are kept of the first one if `keeps_spans`, until somebody
    takes them.
    cycles_per_sample, breakdown: of the whole network.
    """

    policy: Overlap[Any]
    options: Any
    dram: DramTiming
    edges: Sequence[tuple[int, int]]
    samples: int
    keeps_spans: bool = False
    stages: list[list[StageSchedule]] = field(default_factory=list)
    cycles_per_sample: list[int] = field(default_factory=list)
    breakdown: dict[str, int] = field(default_factory=dict)
    _waiting: list[list[Activity]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        machine: Machine,
        dataflow: Dataflow,
        edges: Sequence[tuple[int, int]],
        samples: int,
        keeps_spans: bool = False,
    ) -> NetworkTiming:
        """The policy that the machine chooses, with its options and the machine's DRAM channel."""
        policy, options = chosen_overlap(machine, dataflow)
        dram = machine.dram
        timing = DramTiming.from_machine(dram, machine.technology.clock_mhz) if dram else DramTiming.ideal()
        return cls(policy, options, timing, edges, samples, keeps_spans)

    def by_itself(self, activity: Activity, index: int) -> StageSchedule | None:
        """A stage of the sample that is number `index` of the run; None where the policy needs all stages together. Any
        thread may ask."""
        if not self.policy.in_turn:
            return None
        found = self.policy.resolve([activity], [], self.dram, self.options).stages[0]
        return found if self.keeps_spans and index == 0 else replace(found, spans={})

    def add_stage(self, activities: Sequence[Activity], schedules: Sequence[StageSchedule] = ()) -> None:
        """The next stage, one activity per sample. schedules: of each by itself, if somebody asked for them already."""
        if self.policy.in_turn:
            alone: Sequence[StageSchedule | None] = schedules or [
                self.by_itself(activity, index) for index, activity in enumerate(activities)
            ]
            self.stages.append([schedule for schedule in alone if schedule is not None])
        else:
            self._waiting.append(list(activities))

    def take_spans(self) -> StageSchedule | None:
        """The last stage of the first sample by itself, with its spans, which are not kept any longer: as long as they
        are, so is everything that they follow from. None where the policy needs all stages together."""
        if not self.policy.in_turn:
            return None
        taken = self.stages[-1][0]
        self.stages[-1][0] = replace(taken, spans={})
        return taken

    def finish(self) -> None:
        """After the last stage: the time of the whole network."""
        if self.policy.in_turn:
            for index in range(self.samples):
                self.cycles_per_sample.append(sum(stage[index].cycles for stage in self.stages))
            self.breakdown = sum_by_name(schedule.breakdown for stage in self.stages for schedule in stage)
            return
        schedules: list[Schedule] = [
            self.policy.resolve([stage[index] for stage in self._waiting], self.edges, self.dram, self.options)
            for index in range(self.samples)
        ]
        self.stages = [[schedule.stages[i] for schedule in schedules] for i in range(len(self._waiting))]
        self.cycles_per_sample = [schedule.total_cycles for schedule in schedules]
        self.breakdown = sum_by_name(schedule.breakdown for schedule in schedules)
        self._waiting = []


def chosen_overlap(machine: Machine, dataflow: Dataflow) -> tuple[Overlap[Any], Any]:
    """The machine's overlap policy and its options; the dataflow's first policy where the machine names none.

    Both were checked when the machine was loaded.
    """
    name = str(machine.overlap.get("policy", dataflow.overlaps[0]))
    policy = OVERLAPS.lookup(name)
    return policy, policy.options_type.model_validate({**machine.overlap, "policy": name})
