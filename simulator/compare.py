"""Compare formats: the same trace on the same machine, once in every format.

Weights are compared twice, as the machine has them and resident (or reloaded, if the machine has them resident): how
often weights come from DRAM can turn the choice of their format around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikecycle.simulator.comparison import (
    FormatComparison,
    FormatLayer,
    FormatRun,
    LayerBest,
    OperandComparison,
    RefusedFormat,
    ResidencyDifference,
)
from spikecycle.simulator.engine import Progress, simulate
from spikecycle.simulator.errors import MachineError, MappingError, UsageError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import default_limit_bytes
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.residency import residency_changes
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.simulator.reuse import Reuse
from spikecycle.traces import open_trace


@dataclass(frozen=True)
class _Run:
    """One run: the machine's residency or the other one, and a format for each operand."""

    other_residency: bool
    weights: str
    spikes: str


def compare_formats(
    trace: str | Path,
    hardware: Machine | str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    residency: Mapping[str, str] | None = None,
    samples: Sequence[int] | None = None,
    plugins: Sequence[str | Path] = (),
    progress: Progress | None = None,
    max_memory_bytes: int | None = None,
    threads: int = 1,
) -> FormatComparison:
    """Simulate a trace on a machine in every weight format, and in every spike format.

    Arguments are those of `spikecycle.simulator.simulate`; progress counts the steps of all runs together. While one
    operand's format changes, the other is the machine's own; formats of single operators are left out. A format that
    the machine can't map is listed with its reason; if none can be mapped, MappingError says why its own can't. Of
    `threads`, a run takes no more than it has samples.
    """
    load_plugins(plugins)
    changes = dict(settings or {})
    machine = override(hardware, changes) if isinstance(hardware, Machine) else load_machine(hardware, changes)
    if residency:
        machine = override(machine, residency_changes(machine, residency))
    with open_trace(trace) as opened:  # one that is not there is told before what the machine lacks
        if machine.formats is None:
            raise UsageError(f"machine {machine.name!r} has no formats to compare (dataflow {machine.dataflow.kind})")
        machine = machine.model_copy(update={"formats": machine.formats.model_copy(update={"per_operator": {}})})
        assert machine.formats is not None
        other = {"weights": "inference" if machine.residency.weights == "resident" else "resident"}
        machines = {False: machine, True: override(machine, residency_changes(machine, other))}
        own = _Run(False, machine.formats.weights.format, machine.formats.spikes.format)
        of_weights = {name: _Run(False, name, own.spikes) for name in WEIGHT_FORMATS.names()}
        of_weights_other = {name: _Run(True, name, own.spikes) for name in WEIGHT_FORMATS.names()}
        of_spikes = {name: _Run(False, own.weights, name) for name in SPIKE_FORMATS.names()}
        asked = list(dict.fromkeys([*of_weights.values(), *of_spikes.values(), *of_weights_other.values()]))
        limit_bytes = default_limit_bytes() if max_memory_bytes is None else max_memory_bytes  # the same for all runs
        results: dict[_Run, RunResult] = {}
        problems: dict[_Run, str] = {}
        reuse = Reuse(opened)
        for index, run in enumerate(asked):
            try:
                results[run] = simulate(
                    opened,
                    machines[run.other_residency],
                    formats={"weights": run.weights, "spikes": run.spikes},
                    samples=samples,
                    max_memory_bytes=limit_bytes,
                    reuse=reuse,
                    threads=threads,
                    progress=_part_of(progress, f"{run.weights} weights, {run.spikes} spikes", index, len(asked)),
                )
            except (MappingError, MachineError) as error:
                problems[run] = str(error)
    if not any(not run.other_residency for run in results):
        raise MappingError(problems.get(own) or next(iter(problems.values())))
    any_result = next(iter(results.values()))
    weights = _operand("weights", own.weights, machine, of_weights, results, problems)
    weights_other = _operand("weights", own.weights, machines[True], of_weights_other, results, problems)
    return FormatComparison(
        spikecycle=any_result.spikecycle,
        trace=any_result.trace,
        trace_sha256=any_result.trace_sha256,
        machine_file=machine.origin.file,
        machine_overrides=dict(machine.origin.overrides),
        machine_sha256=machine.fingerprint(),
        base_machine_sha256=machine.origin.sha256,
        machine=machine.model_dump(mode="json"),
        plugins=sorted({one for result in results.values() for one in result.plugins}, key=lambda one: one.file),
        samples=any_result.samples,
        weights=weights,
        weights_other_residency=weights_other,
        residency_differences=differences(weights, weights_other),
        spikes=_operand("spikes", own.spikes, machine, of_spikes, results, problems),
        clock_mhz=any_result.clock_mhz,
        too_slow=any_result.too_slow,
        not_modelled=any_result.not_modelled,
        assumptions=any_result.assumptions,
    )


def _operand(
    operand: str,
    own: str,
    machine: Machine,
    asked: Mapping[str, _Run],
    results: Mapping[_Run, RunResult],
    problems: Mapping[_Run, str],
) -> OperandComparison:
    """One operand's formats, by name the run that shows it, the best ones named if the machine can run at all."""
    lookup = WEIGHT_FORMATS.lookup if operand == "weights" else SPIKE_FORMATS.lookup
    titles = {name: lookup(name).title for name in asked}
    too_slow = any(results[run].too_slow for run in asked.values() if run in results)
    judged = _nobody if too_slow else _least
    runs = [
        _format_run(operand, name, titles[name], name == own, results[run])
        for name, run in asked.items()
        if run in results
    ]
    runs.sort(key=lambda run: run.energy_per_inference_pj)
    layers = [layer.layer for layer in runs[0].layers] if runs else []
    return OperandComparison(
        operand=operand,
        residency=machine.residency.model_dump(mode="json"),
        runs=runs,
        refused=[
            RefusedFormat(format=name, title=titles[name], problem=problems[run])
            for name, run in asked.items()
            if run in problems
        ],
        best_by_energy=judged((run.format, run.energy_per_inference_pj) for run in runs),
        best_by_cycles=judged((run.format, run.cycles_per_inference) for run in runs),
        best_by_edp=judged((run.format, run.edp_per_inference_js) for run in runs),
        best_per_layer=[
            LayerBest(
                layer=layer,
                by_energy=judged((run.format, run.layers[index].energy_per_inference_pj) for run in runs),
                by_cycles=judged((run.format, run.layers[index].cycles_per_inference) for run in runs),
            )
            for index, layer in enumerate(layers)
        ],
    )


def differences(one: OperandComparison, other: OperandComparison) -> list[ResidencyDifference]:
    """Where the two, of which one has resident weights, have other winners: of the network, then layer by layer."""
    return list(_differences(one, other)) if one.runs and other.runs else []


def _differences(one: OperandComparison, other: OperandComparison) -> Iterator[ResidencyDifference]:
    resident, reloaded = (one, other) if one.residency["weights"] == "resident" else (other, one)
    pairs = [
        ("", "energy", reloaded.best_by_energy, resident.best_by_energy),
        ("", "cycles", reloaded.best_by_cycles, resident.best_by_cycles),
        ("", "edp", reloaded.best_by_edp, resident.best_by_edp),
    ]
    for first, second in zip(reloaded.best_per_layer, resident.best_per_layer, strict=True):
        pairs.append((first.layer, "energy", first.by_energy, second.by_energy))
        pairs.append((first.layer, "cycles", first.by_cycles, second.by_cycles))
    for layer, measure, if_reloaded, if_resident in pairs:
        if set(if_reloaded) != set(if_resident):
            yield ResidencyDifference.model_validate(
                {"layer": layer, "measure": measure, "reloaded": if_reloaded, "resident": if_resident}
            )


def _format_run(operand: str, name: str, title: str, is_machines_own: bool, result: RunResult) -> FormatRun:
    widths, samples = _buffer_widths(result), len(result.samples)
    layers = [
        FormatLayer(
            layer=layer.name,
            format_bits=layer.storage.payload_bits + layer.storage.metadata_bits,
            stored_bits=layer.storage.stored_bits,
            cycles_per_inference=layer.cycles_per_inference,
            energy_per_inference_pj=layer.energy_per_inference_pj,
            fetched_per_inference_bits={
                level: bits / samples for level, bits in _fetched_bits(operand, layer, widths).items()
            },
        )
        for layer in result.layers
    ]
    weights = sum(layer.storage.weights for layer in result.layers)
    levels = dict.fromkeys(level for layer in layers for level in layer.fetched_per_inference_bits)
    return FormatRun(
        format=name,
        title=title,
        is_machines_own=is_machines_own,
        layers=layers,
        format_bits_per_weight=sum(layer.format_bits for layer in layers) / weights,
        stored_bits_per_weight=sum(layer.stored_bits for layer in layers) / weights,
        fetched_per_inference_bits={
            level: sum(layer.fetched_per_inference_bits.get(level, 0) for layer in layers) for level in levels
        },
        cycles_per_inference=result.cycles_per_inference,
        energy_per_inference_pj=result.energy_per_inference_pj,
        edp_per_inference_js=result.edp_per_inference_js,
    )


def _buffer_widths(result: RunResult) -> dict[str, int]:
    """Bits of one access, by buffer."""
    buffers = result.machine["buffers"]
    assert isinstance(buffers, dict)
    return {name: buffer["width_bits"] for name, buffer in buffers.items()}


def _fetched_bits(operand: str, layer: LayerResult, widths: Mapping[str, int]) -> dict[str, int]:
    """Bits of the operand read from DRAM and from every buffer that holds it, all samples."""
    bits = {"dram": layer.sum_dram_read_bits[operand]}
    for counter in layer.counters:
        if counter.resource == "sram" and counter.operand == operand and counter.action == "read":
            bits[counter.component] = bits.get(counter.component, 0) + counter.sum_count * widths[counter.component]
    return bits


def _least(candidates: Iterable[tuple[str, float]]) -> list[str]:
    """The names that share the smallest value."""
    values = list(candidates)
    smallest = min((value for _, value in values), default=0)
    return [name for name, value in values if value == smallest]


def _nobody(candidates: Iterable[tuple[str, float]]) -> list[str]:
    """No winner, whatever the values."""
    return []


def _part_of(progress: Progress | None, run: str, index: int, runs: int) -> Progress | None:
    """Progress of run number `index` as a part of all runs."""
    if progress is None:
        return None
    whole = progress

    def report(layer: str, done: int, total: int) -> None:
        whole(f"{run}: {layer}", index * total + done, runs * total)

    return report
