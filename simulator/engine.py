"""The main loop: every stage of a network through dataflow, schedule and price, to one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan
from spikecycle.simulator.dataflows.memory import stage_needs
from spikecycle.simulator.dataflows.stage import StageSample, edges
from spikecycle.simulator.dataflows.support import free_operators, refuse_unsupported, stages_that_run
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import check_operators
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import check_memory
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.residency import ResidentWeights, check_batch, kept_tensors, on_chip
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.summary import run_result
from spikecycle.simulator.timing import NetworkTiming
from spikecycle.simulator.totals import StageTotals
from spikecycle.simulator.verification import verify_network
from spikecycle.traces import Trace, open_trace

Progress = Callable[[str, int, int], None]
"""Called as progress(stage name, steps done, steps in all); a step is one sample of one stage."""


def simulate(
    trace: Trace | str | Path,
    hardware: Machine | str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    formats: Mapping[str, str] | None = None,
    samples: Sequence[int] | None = None,
    verify: bool = False,
    ideal_memory: bool = False,
    progress: Progress | None = None,
    max_memory_bytes: int | None = None,
) -> RunResult:
    """Replay a trace on a machine and count cycles, accesses and energy.

    trace: a path, the name of a shipped sample, or an open Trace.
    hardware: a path, the name of a shipped machine, or a Machine.
    settings: machine keys to replace, {"buffers.weights.banks": 8}.
    formats: format by operand, or by operand and layer: {"weights": "rle", "spikes": "aer", "weights.fc1": "cp"}.
    samples: indices of the samples to replay; all by default.
    verify: recompute every operator and compare with what was recorded (RunResult.verification).
    ideal_memory: DRAM without latency and with infinite bandwidth, the lower bound.
    progress: called after every sample of every stage.
    max_memory_bytes: of the computer, estimated before anything is done; three quarters of what is free by default.

    Raises traces.TraceError, MachineError, MappingError or UsageError; each names file and key or operator.
    """
    machine = (
        override(hardware, settings, formats)
        if isinstance(hardware, Machine)
        else load_machine(hardware, settings, formats)
    )
    with _opened(trace) as network:
        chosen = _chosen_samples(network, samples)
        check_batch(machine, len(chosen))
        dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
        refuse_unsupported(dataflow.supports, dataflow.name, machine.name, network)
        stages = stages_that_run(dataflow.supports, dataflow.stages(machine, network))
        if machine.formats is not None:
            check_operators(machine.formats, [stage.name for stage in stages if any(stage.synapses())])
        needs = {
            f"layer {stage.name!r}": (*stage_needs(stage, network), *dataflow.memory(machine, stage, network))
            for stage in stages
        }
        check_memory(f"{network.path} on machine {machine.name!r}", needs, max_memory_bytes)
        timing = NetworkTiming.of(machine, dataflow, edges(stages, network), len(chosen), ideal_memory)
        resident = ResidentWeights(machine)
        kept = [kept_tensors(machine, dataflow, network, stages, SampleTensors(network, sample)) for sample in chosen]
        totals = []
        for position, stage in enumerate(stages):
            plan: Plan = dataflow.plan(machine, stage, network)
            resident.add(stage.name, plan.footprint)
            total = StageTotals.of(stage, plan)
            activities = []
            for index, sample in enumerate(chosen):
                seen = StageSample(
                    stage, SampleTensors(network, sample), on_chip(machine, plan.footprint, index, kept[index])
                )
                activities.append(plan.run(seen))
                total.add(activities[-1], seen)
                if progress:
                    progress(stage.name, position * len(chosen) + index + 1, len(stages) * len(chosen))
            timing.add_stage(activities)
            totals.append(total)
        timing.finish()
        for total, schedules in zip(totals, timing.stages, strict=True):
            total.schedules = schedules
        return run_result(
            network, machine, dataflow, chosen, totals, timing,
            free=free_operators(dataflow.supports, network),
            verification=verify_network(network, chosen) if verify else None,
            ideal_memory=ideal_memory,
        )  # fmt: skip


def _opened(trace: Trace | str | Path) -> AbstractContextManager[Trace]:
    return nullcontext(trace) if isinstance(trace, Trace) else open_trace(trace)


def _chosen_samples(trace: Trace, samples: Sequence[int] | None) -> list[int]:
    chosen = list(range(trace.samples)) if samples is None else list(samples)
    bad = [sample for sample in chosen if not 0 <= sample < trace.samples]
    if bad or not chosen:
        found = f"{bad[0]}{f' and {len(bad) - 1:,} more' if bad[1:] else ''}" if bad else "none"
        raise UsageError(f"{trace.path}: samples must lie in 0 to {trace.samples - 1}, found {found}")
    return chosen
