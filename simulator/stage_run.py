"""One stage on all samples: mapped, replayed, and summed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.base import Dataflow, Plan, WeightFootprint
from spikecycle.simulator.dataflows.stage import Stage, StageSample
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.residency import on_chip
from spikecycle.simulator.reuse import Reuse, run_key
from spikecycle.simulator.totals import StageTotals
from spikecycle.traces import Trace


@dataclass(frozen=True, eq=False)
class StageRun:
    """What a stage did.

    totals: sums over samples. activities: one per sample. footprint: what keeping its weights on chip takes.
    """

    totals: StageTotals
    activities: list[Activity]
    footprint: WeightFootprint


def run_stage(
    network: Trace,
    machine: Machine,
    dataflow: Dataflow,
    stage: Stage,
    samples: Sequence[int],
    kept: Sequence[frozenset[str]],
    non_zeros: NonZeros,
    step_done: Callable[[], None] | None = None,
    reuse: Reuse | None = None,
    threads: int = 1,
) -> StageRun:
    """Map a stage and replay the samples.

    kept: tensors that stay on chip, by sample. non_zeros: of this run, all stages of it. step_done: called after every
    sample. reuse: what earlier runs left. threads: samples that are replayed side by side.
    """
    if reuse is None:
        fresh = Reuse(network, limit_bytes=0)
        return _run_stage(network, machine, dataflow, stage, samples, kept, non_zeros, step_done, fresh, threads)
    steps = 0

    def count_step() -> None:
        nonlocal steps
        steps += 1
        if step_done:
            step_done()

    def run(watched: Machine) -> StageRun:
        reuse.hold_weights(stage)
        return _run_stage(network, watched, dataflow, stage, samples, kept, non_zeros, count_step, reuse, threads)

    found = reuse.stage_run(run_key(dataflow.name, stage, samples, kept), machine, run)
    for _ in range(len(samples) - steps):
        count_step()
    return found


def _run_stage(
    network: Trace,
    machine: Machine,
    dataflow: Dataflow,
    stage: Stage,
    samples: Sequence[int],
    kept: Sequence[frozenset[str]],
    non_zeros: NonZeros,
    step_done: Callable[[], None] | None,
    reuse: Reuse,
    threads: int,
) -> StageRun:
    plan = dataflow.plan(machine, stage, network)
    totals = StageTotals.of(stage, plan, machine.dram.row_bits if machine.dram else None)
    activities = []
    seen = (
        reuse.stage_sample(stage, sample, on_chip(machine, plan.footprint, index, kept[index]))
        for index, sample in enumerate(samples)
    )
    for sample, activity in _replayed(plan, seen, min(threads, len(samples))):
        activities.append(activity)
        totals.add(activity, sample, non_zeros)
        if step_done:
            step_done()
    return StageRun(totals, activities, plan.footprint)


def _replayed(plan: Plan, samples: Iterator[StageSample], threads: int) -> Iterator[tuple[StageSample, Activity]]:
    """Each sample and what it did, in order; `threads` of them side by side, and no more than those in memory."""
    if threads == 1:
        yield from ((sample, plan.run(sample)) for sample in samples)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque((sample, pool.submit(plan.run, sample)) for sample in islice(samples, threads))
        while waiting:
            sample, running = waiting.popleft()
            yield sample, running.result()
            waiting.extend((following, pool.submit(plan.run, following)) for following in islice(samples, 1))
