"""The stages of a network on all samples: mapped, replayed, and summed, some of it side by side.

A stage is a series of jobs: it is mapped, then every sample is replayed and added to its sums, in order. Stages do not
wait for each other, since what each takes was recorded or is recomputed; with several threads, the order in which they
are worked on is that of `spikecycle.simulator.side_by_side`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int32
from spikecycle.simulator.dataflows.base import Dataflow, Plan, WeightFootprint
from spikecycle.simulator.dataflows.stage import LONG_WORK, Stage, StageWeights, dense_work
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.residency import on_chip
from spikecycle.simulator.reuse import Reuse, run_key
from spikecycle.simulator.schedule import StageSchedule
from spikecycle.simulator.side_by_side import Series, side_by_side
from spikecycle.simulator.totals import SampleRun, StageTotals
from spikecycle.traces import Trace


@dataclass(frozen=True, eq=False)
class StageRun:
    """What a stage did.

    totals: sums over samples. activities: one per sample; where there are schedules, of the first sample at most.
    footprint: what keeping its weights on chip takes. schedules: one per sample, where somebody wants them and no other
    stage matters.
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
    reused, since those stay the same for another DRAM. keeps_first_activity: although there is a schedule.
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
    keeps_first_activity: bool = False

    def run(
        self, stages: Sequence[Stage], step_done: Callable[[str], None] | None = None
    ) -> Generator[StageRun, None, None]:
        """Every stage, in order; close the iterator if not all of it is taken.

        step_done: called with the stage's name for every sample that is done, by the thread that asks for stages.
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
        works = deque(_StageWork(self, stage, machine, reuse) for stage in stages)
        series = [work.series() for work in works]
        when_free = self.network.when_hashed if self.threads > 1 else None
        long_work = LONG_WORK // self.network.timesteps
        with closing(side_by_side(series, self.threads, when_free, long_work)) as samples_done:
            for number in samples_done:
                step_done(stages[number].name)
                while works and works[0].is_done:
                    yield works.popleft().run()


class _StageWork:
    """A stage that is run: its jobs, and what comes of them."""

    def __init__(self, runner: StageRunner, stage: Stage, machine: Machine, reuse: Reuse) -> None:
        self._runner, self._stage, self._machine, self._reuse = runner, stage, machine, reuse
        self._counted_elsewhere = runner.non_zeros.expect(runner.network, stage)
        self._mapped: _MappedStage | None = None  # until all samples are replayed
        self._activities: list[Activity] = []
        self._schedules: list[StageSchedule] = []
        self._samples_left = len(runner.samples)
        self._totals: StageTotals | None = None
        self._footprint = WeightFootprint()

    def series(self) -> Series[_SampleDone]:
        """The jobs. Their work is that of all weights for all inputs, whatever they are; weights are what is mapped."""
        return Series(
            len(self._runner.samples), self._replay, self._add, self._map,
            work=dense_work(self._stage.operators),
            preparation=sum(synapse.shape.M * synapse.shape.fan_in for synapse in self._stage.synapses()),
        )  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Whether all samples are in the sums."""
        return not self._samples_left

    def run(self) -> StageRun:
        """What the stage did, once it and all stages before it are done; not kept here, where jobs are known until the
        last stage is done."""
        assert self._totals is not None
        self._totals.add_currents(self._runner.non_zeros)
        found = StageRun(self._totals, self._activities, self._footprint, self._schedules)
        self._activities, self._schedules = [], []
        return found

    def _map(self) -> None:
        runner = self._runner
        self._mapped = _MappedStage.of(runner.network, self._machine, runner.dataflow, self._stage)
        self._totals, self._footprint = self._mapped.totals, self._mapped.plan.footprint

    def _replay(self, index: int) -> _SampleDone:
        """Replay the sample that is number `index` of the run."""
        runner, mapped = self._runner, self._mapped
        assert mapped is not None
        on_chip_now = on_chip(self._machine, self._footprint, index, runner.kept[index])
        sample = self._reuse.stage_sample(self._stage, runner.samples[index], on_chip_now, mapped.of_weights)
        activity = mapped.plan.run(sample)
        run = SampleRun.of(activity, sample, runner.non_zeros, self._counted_elsewhere, with_raster=index == 0)
        for synapse in self._stage.synapses():
            weights = synapse.held_weights()
            if weights is not None:
                mapped.weights[synapse.name] = weights
        return _SampleDone(run, runner.schedule(activity, index) if runner.reuse is None else None)

    def _add(self, done: _SampleDone) -> None:
        """The next sample is part of the sums."""
        assert self._totals is not None
        self._totals.add(done.run)
        if done.schedule is not None:
            self._schedules.append(done.schedule)
        if done.schedule is None or (self._runner.keeps_first_activity and not self._activities):
            self._activities.append(done.run.activity)
        self._samples_left -= 1
        if self.is_done:
            self._mapped = None


@dataclass(frozen=True, eq=False)
class _MappedStage:
    """A stage that is ready to replay samples.

    totals: without samples yet. weights: those that its samples read, held so that the next sample need not.
    of_weights: what samples found out about them.
    """

    plan: Plan
    totals: StageTotals
    weights: dict[str, Int32] = field(default_factory=dict)
    of_weights: StageWeights = field(default_factory=StageWeights)

    @classmethod
    def of(cls, network: Trace, machine: Machine, dataflow: Dataflow, stage: Stage) -> _MappedStage:
        """Map a stage; raises MappingError where it can't be."""
        plan = dataflow.plan(machine, stage, network)
        return cls(plan, StageTotals.of(network, stage, plan, machine.dram.row_bits if machine.dram else None))


@dataclass(frozen=True, eq=False)
class _SampleDone:
    """One sample of a stage; schedule: of it by itself, where somebody wants that."""

    run: SampleRun
    schedule: StageSchedule | None


def _nothing(stage: str) -> None:
    """Nobody wants to see progress."""
