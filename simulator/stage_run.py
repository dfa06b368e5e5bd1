"""One stage on all samples: mapped, replayed, and summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.base import Dataflow, WeightFootprint
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.machine.schema import Machine
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
    step_done: Callable[[], None] | None = None,
    reuse: Reuse | None = None,
) -> StageRun:
    """Map a stage and replay the samples.

    kept: tensors that stay on chip, by sample. step_done: called after every sample. reuse: what earlier runs left.
    """
    if reuse is None:
        return _run_stage(network, machine, dataflow, stage, samples, kept, step_done, Reuse(network, limit_bytes=0))
    steps = 0

    def count_step() -> None:
        nonlocal steps
        steps += 1
        if step_done:
            step_done()

    def run(watched: Machine) -> StageRun:
        return _run_stage(network, watched, dataflow, stage, samples, kept, count_step, reuse)

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
    step_done: Callable[[], None] | None,
    reuse: Reuse,
) -> StageRun:
    plan = dataflow.plan(machine, stage, network)
    totals = StageTotals.of(stage, plan, machine.dram.row_bits if machine.dram else None)
    activities = []
    for index, sample in enumerate(samples):
        state = on_chip(machine, plan.footprint, index, kept[index])
        seen = reuse.stage_sample(stage, sample, state)
        activities.append(plan.run(seen))
        totals.add(activities[-1], seen)
        if step_done:
            step_done()
    return StageRun(totals, activities, plan.footprint)
