"""The stages of a network on all samples: mapped, replayed, and summed, some of it side by side.

The work is cut into jobs: mapping a stage, and replaying one sample of a stage. With several threads the next stage is
mapped while samples of this one are replayed, so that no thread waits where one stage ends and the next begins; a run
of a single sample gains as well. Where mapping takes longer than replaying, threads that would wait for a stage map
those behind it. Sums are made in order, by the thread that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int32
from spikecycle.simulator.dataflows.base import Dataflow, Plan, WeightFootprint
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.residency import on_chip
from spikecycle.simulator.reuse import Reuse, run_key
from spikecycle.simulator.schedule import StageSchedule
from spikecycle.simulator.side_by_side import Once, in_order
from spikecycle.simulator.totals import SampleRun, StageTotals
from spikecycle.traces import Trace


@dataclass(frozen=True, eq=False)
class StageRun:
    """What a stage did.

    totals: sums over samples. activities: one per sample. footprint: what keeping its weights on chip takes. schedules:
    one per sample, where somebody wants them and no other stage matters.
    """

    totals: StageTotals
    activities: list[Activity]
    footprint: WeightFootprint
    schedules: list[StageSchedule] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class StageRunner:
    """Runs stages of one network on one machine.

    samples: indices of the samples, in order. kept: tensors that stay on chip, by sample. non_zeros: of this run, all
    stages of it. reuse: what earlier runs left. threads: jobs that are done side by side. schedule: makes the schedule
    of a stage of the sample with that number, if it can be told from the activity alone; not asked where stages are
    reused, since those stay the same for another DRAM.
    """

    network: Trace
    machine: Machine
    dataflow: Dataflow
    samples: Sequence[int]
    kept: Sequence[frozenset[str]]
    non_zeros: NonZeros
    reuse: Reuse | None = None
    threads: int = 1
    schedule: Callable[[Activity, int], StageSchedule | None] = lambda activity, index: None

    def run(
        self, stages: Sequence[Stage], step_done: Callable[[str], None] | None = None
    ) -> Generator[StageRun, None, None]:
        """Every stage, in order; close the iterator if not all of it is taken.

        step_done: called with the stage's name after every sample, in order, by the thread that asks for stages.
        """
        step_done = step_done or _nothing
        if self.reuse is None:
            yield from self._fresh(stages, self.machine, Reuse(self.network, limit_bytes=0), step_done)
            return
        for stage in stages:
            yield self._shared(stage, self.reuse, step_done)

    def _shared(self, stage: Stage, reuse: Reuse, step_done: Callable[[str], None]) -> StageRun:
        """A stage that an earlier run may have done already."""
        steps = 0

        def count_step(name: str) -> None:
            nonlocal steps
            steps += 1
            step_done(name)

        def run(watched: Machine) -> StageRun:
            reuse.hold_weights(stage)
            (found,) = self._fresh([stage], watched, reuse, count_step)
            return found

        found = reuse.stage_run(run_key(self.dataflow.name, stage, self.samples, self.kept), self.machine, run)
        for _ in range(len(self.samples) - steps):
            count_step(stage.name)
        return found

    def _fresh(
        self, stages: Sequence[Stage], machine: Machine, reuse: Reuse, step_done: Callable[[str], None]
    ) -> Generator[StageRun, None, None]:
        with closing(in_order(self._jobs(stages, machine, reuse), self.threads)) as jobs_done:
            of_samples = (done for done in jobs_done if done is not None)
            for stage in stages:
                activities, schedules = [], []
                for _ in self.samples:
                    done = next(of_samples)
                    done.totals.add(done.run, self.non_zeros)
                    activities.append(done.run.activity)
                    schedules += [done.schedule] if done.schedule else []
                    step_done(stage.name)
                yield StageRun(done.totals, activities, done.footprint, schedules)

    def _jobs(
        self, stages: Sequence[Stage], machine: Machine, reuse: Reuse
    ) -> Iterator[Callable[[], _SampleDone | None]]:
        """What there is to do, in the order in which it is begun: samples of a stage, and behind the first of them the
        mapping of the next. One thread maps nothing ahead, so that a stage's mapping is gone before the next is made.
        """
        following: _Mapping | None = None
        for stage in reversed(stages):
            make = partial(_MappedStage.of, self.network, machine, self.dataflow, stage)
            following = _Mapping(make, any(stage.synapses()), following)
        for stage in stages:
            assert following is not None
            mapping, following = following, following.following
            for index, sample in enumerate(self.samples):
                self.non_zeros.expect(self.network, stage, sample)
                yield partial(self._replay, mapping, machine, reuse, index)
                if index == 0 and following is not None and self.threads > 1:
                    yield following.ahead

    def _mapped(self, mapping: _Mapping) -> _MappedStage:
        """The stage. While another thread maps it, those behind it are mapped: of those with weights one per thread."""
        behind, left = mapping.following, self.threads - 1
        while behind is not None and left and mapping.is_being_made:
            behind.ahead()
            left -= behind.has_weights
            behind = behind.following
        return mapping()

    def _replay(self, mapping: _Mapping, machine: Machine, reuse: Reuse, index: int) -> _SampleDone:
        """Replay the sample that is number `index` of the run."""
        on = self._mapped(mapping)
        on_chip_now = on_chip(machine, on.footprint, index, self.kept[index])
        sample = reuse.stage_sample(on.stage, self.samples[index], on_chip_now)
        run = SampleRun.of(on.plan.run(sample), sample, self.non_zeros, with_raster=index == 0)
        for synapse in on.stage.synapses():
            weights = synapse.held_weights()
            if weights is not None:
                on.weights[synapse.name] = weights
        schedule = self.schedule(run.activity, index) if self.reuse is None else None
        return _SampleDone(run, on.totals, on.footprint, schedule)


@dataclass(frozen=True, eq=False)
class _MappedStage:
    """A stage that is ready to replay samples.

    totals: without samples yet. weights: those that its samples read, held so that the next sample need not.
    """

    stage: Stage
    plan: Plan
    footprint: WeightFootprint
    totals: StageTotals
    weights: dict[str, Int32] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Trace, machine: Machine, dataflow: Dataflow, stage: Stage) -> _MappedStage:
        """Map a stage; raises MappingError where it can't be."""
        plan = dataflow.plan(machine, stage, network)
        totals = StageTotals.of(network, stage, plan, machine.dram.row_bits if machine.dram else None)
        return cls(stage, plan, plan.footprint, totals)


class _Mapping(Once[_MappedStage]):
    """A stage to be mapped.

    has_weights: whether it takes memory. following: the stage behind it; nothing leads to the one before, which is gone
    when its samples are.
    """

    def __init__(self, make: Callable[[], _MappedStage], has_weights: bool, following: _Mapping | None) -> None:
        super().__init__(make)
        self.has_weights, self.following = has_weights, following


@dataclass(frozen=True, eq=False)
class _SampleDone:
    """One sample of a stage, and the totals that it is to be added to."""

    run: SampleRun
    totals: StageTotals
    footprint: WeightFootprint
    schedule: StageSchedule | None


def _nothing(stage: str) -> None:
    """Nobody wants to see progress."""
