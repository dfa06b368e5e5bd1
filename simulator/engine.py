"""The main loop: every layer of a trace through dataflow, schedule and energy, to one result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Activity, Int64, Moves, Work
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Dataflow, LayerTask, Plan, UInt8
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.pricing import DRAM_READ, DRAM_WRITE, Pricing
from spikecycle.simulator.replay import replay_layer, verify_layer
from spikecycle.simulator.result import Assumptions, LayerResult, RunResult, Storage, Verification
from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.double_buffering import DoubleBufferingOptions
from spikecycle.simulator.units import pj_to_j, seconds
from spikecycle.traces import Layer, Trace, open_trace

Progress = Callable[[str, int, int], None]
"""Called as progress(layer name, steps done, steps in all); a step is one sample of one layer."""

OPERATION = (
    "one synaptic operation: one non-zero weight applied because of one spike (one set bit of a multi-bit input)"
)


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
) -> RunResult:
    """Replay a trace on a machine and count cycles, accesses and energy.

    trace: a path, the name of a shipped sample, or an open Trace.
    hardware: a path, the name of a shipped machine, or a Machine.
    settings: machine keys to replace, {"buffers.weights.banks": 8}.
    formats: format by operand, {"weights": "rle", "spikes": "aer"}.
    samples: indices of the samples to replay; all by default.
    verify: recompute every layer's output spikes and compare them with the recorded ones (RunResult.verification).
    ideal_memory: DRAM without latency and with infinite bandwidth, the lower bound.
    progress: called after every sample of every layer.

    Raises traces.TraceError, MachineError, MappingError or UsageError; each names file and key or layer.
    """
    changes = dict(settings or {})
    changes.update({f"formats.{operand}.format": name for operand, name in (formats or {}).items()})
    machine = (
        override(hardware, changes) if isinstance(hardware, Machine) else load_machine(hardware, overrides=changes)
    )
    with _opened(trace) as opened:
        chosen = _chosen_samples(opened, samples)
        dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
        pricing = Pricing(machine)
        dram = (
            DramTiming.ideal(machine.dram.burst_bits)
            if ideal_memory
            else DramTiming.from_machine(machine.dram, machine.technology.clock_mhz)
        )
        replays = []
        for index, layer in enumerate(opened.layers):
            replay = _LayerReplay(machine, dataflow, layer, verify)
            for step, sample in enumerate(chosen):
                replay.add(sample, dram)
                if progress:
                    progress(layer.name, index * len(chosen) + step + 1, len(opened.layers) * len(chosen))
            replays.append(replay)
        return _summary(opened, machine, pricing, chosen, replays, ideal_memory)


@dataclass
class _LayerReplay:
    """One layer on its way through the simulator, and the sums over its samples."""

    machine: Machine
    dataflow: Dataflow
    layer: Layer
    verify: bool
    task: LayerTask = field(init=False)
    plan: Plan = field(init=False)
    cycles: list[int] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)
    counts: Int64 = field(init=False)
    dram_read: Int64 = field(default_factory=lambda: np.zeros(len(OPERANDS), np.int64))
    dram_write: Int64 = field(default_factory=lambda: np.zeros(len(OPERANDS), np.int64))
    busy_pe_cycles: int = 0
    synaptic_operations: int = 0
    input_spikes: int = 0
    output_spikes: int = 0
    spikes_compared: int = 0
    mismatches: int = 0
    first_mismatch: list[int] | None = None

    def __post_init__(self) -> None:
        layer = self.layer
        self.task = LayerTask.of(layer)
        self.plan = self.dataflow.plan(self.machine, self.task)
        self.counters = self.dataflow.counters(self.machine, self.task)
        self.counts = np.zeros(len(self.counters), np.int64)

    def add(self, sample: int, dram: DramTiming) -> None:
        """Replay one sample and add what it cost."""
        inputs = self.layer.inputs(sample)
        outputs, active = self._outputs(sample, inputs)
        passes = self.plan.run(inputs, outputs, active)
        activity = Activity(
            Work.of(self.dataflow.causes, passes.causes), Moves(passes.load_bits, passes.store_bits), counts={}
        )
        schedule = OVERLAPS.lookup("double_buffering").resolve([activity], [], dram, DoubleBufferingOptions())
        self.cycles.append(schedule.total_cycles)
        for cause, cycles in schedule.causes.items():
            self.causes[cause] = self.causes.get(cause, 0) + cycles
        self.counts += passes.counts
        self.dram_read += [schedule.stages[0].load_moved_bits[operand] for operand in OPERANDS]
        self.dram_write += [schedule.stages[0].store_moved_bits[operand] for operand in OPERANDS]
        self.busy_pe_cycles += passes.busy_pe_cycles
        self.synaptic_operations += passes.synaptic_operations
        self.input_spikes += int(np.count_nonzero(inputs))
        self.output_spikes += int(np.count_nonzero(outputs))

    def _outputs(self, sample: int, inputs: Any) -> tuple[UInt8, UInt8 | None]:
        """Output spikes and active neurons: recorded where possible, recomputed where not."""
        recorded = self.layer.outputs(sample)
        if recorded is not None and self.verify:
            self._compare(sample, inputs, recorded)
        track_active = self.dataflow.needs_active(self.machine)
        if recorded is not None and not track_active:
            return recorded, None
        replay = replay_layer(self.task, inputs, track_active=track_active)
        return replay.outputs if recorded is None else recorded, replay.active

    def _compare(self, sample: int, inputs: Any, recorded: UInt8) -> None:
        """Recompute the sample's output spikes and note where the recording differs."""
        verification = verify_layer(self.task, inputs, recorded)
        self.spikes_compared += verification.compared
        self.mismatches += verification.mismatches
        if self.first_mismatch is None and verification.first_mismatch is not None:
            self.first_mismatch = [sample, *verification.first_mismatch]

    def verification(self) -> Verification:
        """What the recomputed spikes said."""
        return Verification(
            layer=self.layer.name,
            recorded=self.layer.has_outputs,
            spikes_compared=self.spikes_compared,
            mismatches=self.mismatches,
            first_mismatch=self.first_mismatch,
        )

    def result(self, pricing: Pricing) -> LayerResult:
        """The layer's result, priced."""
        shape, samples, timesteps = self.layer.shape, len(self.cycles), self.layer.timesteps
        counters = [pricing.counter(c, n) for c, n in zip(self.counters, self.counts.tolist(), strict=True)]
        counters += [pricing.counter(c, n) for c, n in zip(DRAM_READ, self.dram_read.tolist(), strict=True)]
        counters += [pricing.counter(c, n) for c, n in zip(DRAM_WRITE, self.dram_write.tolist(), strict=True)]
        cycles = sum(self.cycles)
        leakage_pj = pricing.leakage_pj(cycles)
        storage = self.plan.storage
        return LayerResult(
            name=self.layer.name,
            operator=shape.operator,
            shape={
                **{letter: getattr(shape, letter) for letter in ("C", "H", "W", "M", "P", "Q", "R", "S", "groups")},
                "stride": list(shape.stride),
                "padding": list(shape.short_padding),
            },
            tiling=self.plan.tiling(),
            storage=Storage(
                weights=storage.weights,
                zero_weights=int(storage.weights - np.count_nonzero(self.task.weights)),
                payload_bits=storage.payload_bits,
                metadata_bits=storage.metadata_bits,
                directory_bits=storage.directory_bits,
                stored_bits=storage.stored_bits,
            ),
            input_spikes=self.input_spikes,
            input_density=self.input_spikes / (samples * timesteps * shape.input_count),
            output_spikes=self.output_spikes,
            synaptic_operations=self.synaptic_operations,
            dense_synaptic_operations=samples * timesteps * shape.dense_sops_per_timestep,
            cycles=cycles,
            cycles_by_cause=self.causes,
            utilization=self.busy_pe_cycles / (self.machine.pe_count * cycles) if cycles else 0.0,
            dram_read_bits=dict(zip(OPERANDS, self.dram_read.tolist(), strict=True)),
            dram_write_bits=dict(zip(OPERANDS, self.dram_write.tolist(), strict=True)),
            counters=counters,
            leakage_pj=leakage_pj,
            energy_pj=sum(counter.energy_pj for counter in counters) + leakage_pj,
        )


def _summary(
    trace: Trace,
    machine: Machine,
    pricing: Pricing,
    samples: list[int],
    replays: list[_LayerReplay],
    ideal_memory: bool,
) -> RunResult:
    layers = [replay.result(pricing) for replay in replays]
    cycles = sum(layer.cycles for layer in layers)
    energy_pj = sum(layer.energy_pj for layer in layers)
    logic_area_mm2 = pricing.logic_area_mm2()
    buffers = pricing.buffer_areas()
    clock_mhz = machine.technology.clock_mhz
    inference_s = seconds(cycles, clock_mhz) / len(samples)
    inference_pj = energy_pj / len(samples)
    components = _totals(
        {c.component: c.energy_pj for c in [counter]} for layer in layers for counter in layer.counters
    )
    busy = sum(replay.busy_pe_cycles for replay in replays)
    return RunResult(
        spikecycle=metadata.version("spikecycle"),
        trace=trace.name,
        trace_sha256=_sha256(trace.path),
        provenance=dict(trace.provenance),
        machine=machine.model_dump(mode="json"),
        dataflow=machine.dataflow.kind,
        weight_format=machine.formats.weights.format,
        spike_format=machine.formats.spikes.format,
        samples=samples,
        timesteps=trace.timesteps,
        clock_mhz=clock_mhz,
        pes=machine.pe_count,
        layers=layers,
        cycles=cycles,
        cycles_by_cause=_totals(layer.cycles_by_cause for layer in layers),
        cycles_per_sample=np.sum([replay.cycles for replay in replays], axis=0).tolist(),
        energy_pj=energy_pj,
        energy_by_component_pj={**components, "leakage": sum(layer.leakage_pj for layer in layers)},
        seconds_per_inference=inference_s,
        energy_per_inference_pj=inference_pj,
        edp_per_inference_js=pj_to_j(inference_pj) * inference_s,
        utilization=busy / (machine.pe_count * cycles) if cycles else 0.0,
        synaptic_operations=sum(layer.synaptic_operations for layer in layers),
        dense_synaptic_operations=sum(layer.dense_synaptic_operations for layer in layers),
        area_mm2=sum(buffer.area_mm2 for buffer in buffers) + logic_area_mm2,
        logic_area_mm2=logic_area_mm2,
        buffers=buffers,
        verification=[replay.verification() for replay in replays] if replays and replays[0].verify else None,
        assumptions=Assumptions(
            dram_pj_per_bit=machine.dram.energy_pj_per_bit,
            sram_cell=machine.technology.sram_cell,
            temperature_k=machine.technology.temperature_k,
            node_nm=machine.technology.node_nm,
            energy_table=machine.energy.table,
            operation=OPERATION,
            ideal_memory=ideal_memory,
        ),
    )


def _totals(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum of mappings, key by key, keys in the order in which they first appear."""
    sums: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            sums[key] = sums.get(key, 0) + value
    return sums


def _opened(trace: Trace | str | Path) -> AbstractContextManager[Trace]:
    return nullcontext(trace) if isinstance(trace, Trace) else open_trace(trace)


def _chosen_samples(trace: Trace, samples: Sequence[int] | None) -> list[int]:
    chosen = list(range(trace.samples)) if samples is None else list(samples)
    bad = [sample for sample in chosen if not 0 <= sample < trace.samples]
    if bad or not chosen:
        found = f"{bad[0]}{f' and {len(bad) - 1:,} more' if bad[1:] else ''}" if bad else "none"
        raise UsageError(f"{trace.path}: samples must lie in 0 to {trace.samples - 1}, found {found}")
    return chosen


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
