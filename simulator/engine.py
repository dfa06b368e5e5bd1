"""The main loop: every stage of a network through dataflow, schedule and price, to one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from spikecycle.simulator.auto_formats import pick_weight_formats
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import ChecksSizes
from spikecycle.simulator.dataflows.format_support import check_formats
from spikecycle.simulator.dataflows.memory import run_needs
from spikecycle.simulator.dataflows.stage import edges
from spikecycle.simulator.dataflows.support import refuse_unsupported, stages_that_run
from spikecycle.simulator.errors import MappingError, UsageError
from spikecycle.simulator.grounds import Grounds
from spikecycle.simulator.machine.loader import load_machine, override, supports_of_machines
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import check_memory, keep_freed_arrays
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.residency import ResidentWeights, check_residency, kept_tensors, residency_changes
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.reuse import Reuse, with_sums_joined
from spikecycle.simulator.stage_run import StageRunner
from spikecycle.simulator.summary import run_result
from spikecycle.simulator.timeline import Timeline
from spikecycle.simulator.timing import NetworkTiming
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
    residency: Mapping[str, str] | None = None,
    samples: Sequence[int] | None = None,
    verify: bool = False,
    ideal_memory: bool = False,
    plugins: Sequence[str | Path] = (),
    progress: Progress | None = None,
    max_memory_bytes: int | None = None,
    reuse: Reuse | None = None,
    timeline: Timeline | None = None,
    threads: int = 1,
) -> RunResult:
    """Replay a trace on a machine and count cycles, accesses and energy.

    trace: a path, the name of a shipped sample, or an open Trace.
    hardware: a path, the name of a shipped machine, or a Machine.
    settings: machine keys to replace, {"buffers.weights.banks": 8}.
    formats: format by operand, or by operand and layer: {"weights": "rle", "spikes": "aer", "weights.fc1": "cp"}.
    residency: what stays on chip, {"weights": "resident", "activations": "chip"}; weights also "inference" (the
        default: loaded in every inference) or "batch:4" (once in every 4), activations also "dram" (the default).
    samples: indices of the samples to replay; all by default.
    verify: recompute every operator and compare with what was recorded (RunResult.verification).
    ideal_memory: DRAM without latency and with infinite bandwidth, the lower bound; MappingError where the machine has
        no DRAM.
    plugins: files to load first, with dataflows, formats or policies that the machine names.
    progress: called after every sample of every stage.
    max_memory_bytes: of the computer, estimated before anything is done; three quarters of what is free by default.
    reuse: what earlier runs of this same open Trace left to share; the result is the same without.
    timeline: an empty one, which is filled with what the first of the samples does, and when.
    threads: samples and stages that are worked on side by side, fewer where memory does not suffice; the result is the
        same.

    Raises traces.TraceError, MachineError, MappingError, PluginError or UsageError; each names file and key or
    operator.
    """
    keep_freed_arrays()
    load_plugins(plugins)
    machine = (
        override(hardware, settings, formats)
        if isinstance(hardware, Machine)
        else load_machine(hardware, settings, formats)
    )
    if residency:
        machine = override(machine, residency_changes(machine, residency))
    asked = machine
    if ideal_memory:
        machine = _with_ideal_memory(machine)
    with _opened(trace, threads) as recorded:
        chosen = _chosen_samples(recorded, samples)
        dataflow, network = DATAFLOWS.lookup(machine.dataflow.kind), recorded
        check_residency(machine, dataflow.supports, len(chosen))
        if dataflow.supports.joins_sums:
            reuse = None if reuse is None else reuse.with_sums_joined()
            network = with_sums_joined(recorded) if reuse is None else reuse.network
        refuse_unsupported(dataflow.supports, dataflow.name, machine.name, network, supports_of_machines)
        stages = stages_that_run(dataflow.supports, dataflow.stages(machine, network))
        check_formats(machine, dataflow, stages)
        if isinstance(dataflow, ChecksSizes):
            for stage in stages:
                dataflow.check(machine, stage, network)
        needs = run_needs(dataflow, machine, network, stages, timeline is not None)
        threads = check_memory(f"{network.path} on machine {machine.name!r}", needs, max_memory_bytes, threads)
        tensors = (SampleTensors(network, sample) if reuse is None else reuse.tensors(sample) for sample in chosen)
        kept = [kept_tensors(machine, dataflow, network, stages, each) for each in tensors]
        machine = pick_weight_formats(network, machine, dataflow, stages, chosen, kept, reuse, threads)
        timing = NetworkTiming.of(machine, dataflow, edges(stages, network), len(chosen), timeline is not None)
        grounds = Grounds.of(
            network, machine.model_copy(update={"dram": asked.dram}) if ideal_memory else machine, dataflow, chosen,
            timing.policy.name, ideal_memory=ideal_memory,
        )  # fmt: skip
        resident = ResidentWeights(machine)
        totals = []
        non_zeros = NonZeros.between(stages)
        steps = _Steps(progress, len(stages) * len(chosen))
        runner = StageRunner(
            network, machine, dataflow, chosen, kept, non_zeros, reuse, threads, timing.by_itself,
            keeps_first_activity=timeline is not None,
        )  # fmt: skip
        if timeline is not None:
            timeline.begin(timing.policy.in_turn)
        with closing(runner.run(stages, steps.step_done)) as runs:
            for stage, run in zip(stages, runs, strict=True):
                resident.add(stage.name, run.footprint)
                timing.add_stage(run.activities, run.schedules)
                if timeline is not None:
                    timeline.add(stage.name, run.activities[0].rows, timing.take_spans())
                totals.append(run.totals)
        timing.finish()
        if timeline is not None:
            timeline.finish([] if timing.policy.in_turn else [schedules[0] for schedules in timing.stages])
        for total, schedules in zip(totals, timing.stages, strict=True):
            total.schedules = schedules
        return run_result(grounds, totals, timing, verify_network(recorded, chosen, threads) if verify else None)


def _with_ideal_memory(machine: Machine) -> Machine:
    """The machine with a DRAM that takes no time, for its rule and for its overlap policy alike; MappingError where it
    has none."""
    if machine.dram is None:
        raise MappingError(f"machine {machine.name!r}: ideal memory is not possible: the machine has no DRAM")
    return machine.model_copy(update={"dram": machine.dram.ideal()})


class _Steps:
    """Counts steps for a caller who wants to see progress."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def step_done(self, stage: str) -> None:
        """After each step of a stage."""
        self._done += 1
        if self._progress:
            self._progress(stage, self._done, self._total)


def _opened(trace: Trace | str | Path, threads: int) -> AbstractContextManager[Trace]:
    """The trace, whose fingerprint the result will ask for: with several threads it is worked out beside all else. No
    job of the run waits for it: no more than a few are begun behind one that is not done."""
    if not isinstance(trace, Trace):
        return open_trace(trace, begin_hash=threads > 1)
    if threads > 1:
        trace.begin_hash()
    return nullcontext(trace)


def _chosen_samples(trace: Trace, samples: Sequence[int] | None) -> list[int]:
    chosen = list(range(trace.samples)) if samples is None else list(samples)
    bad = [sample for sample in chosen if not 0 <= sample < trace.samples]
    if bad or not chosen:
        found = f"{bad[0]}{f' and {len(bad) - 1:,} more' if bad[1:] else ''}" if bad else "none"
        raise UsageError(f"{trace.path}: samples must lie in 0 to {trace.samples - 1}, found {found}")
    return chosen
