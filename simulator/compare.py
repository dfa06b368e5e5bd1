"""Compare formats: the same trace on the same machine, once in every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikecycle.simulator.comparison import (
    FormatComparison,
    FormatLayer,
    FormatRun,
    LayerBest,
    OperandComparison,
    RefusedFormat,
)
from spikecycle.simulator.engine import Progress, simulate
from spikecycle.simulator.errors import MachineError, MappingError, UsageError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import default_limit_bytes
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.traces import open_trace


def compare_formats(
    trace: str | Path,
    hardware: Machine | str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    samples: Sequence[int] | None = None,
    plugins: Sequence[str | Path] = (),
    progress: Progress | None = None,
    max_memory_bytes: int | None = None,
) -> FormatComparison:
    """Simulate a trace on a machine in every weight format, and in every spike format.

    Arguments are those of `spikecycle.simulator.simulate`; progress counts the steps of all runs together. While one
    operand's format changes, the other is the machine's own; formats of single operators are left out. A format that
    the machine can't map is listed with its reason; if none can be mapped, MappingError says why its own can't.
    """
    load_plugins(plugins)
    changes = dict(settings or {})
    machine = override(hardware, changes) if isinstance(hardware, Machine) else load_machine(hardware, changes)
    if machine.formats is None:
        raise UsageError(f"machine {machine.name!r} has no formats to compare (dataflow {machine.dataflow.kind})")
    machine = machine.model_copy(update={"formats": machine.formats.model_copy(update={"per_operator": {}})})
    assert machine.formats is not None
    own = {"weights": machine.formats.weights.format, "spikes": machine.formats.spikes.format}
    pairs = [(name, own["spikes"]) for name, _ in WEIGHT_FORMATS.items()]
    pairs += [(own["weights"], name) for name, _ in SPIKE_FORMATS.items() if name != own["spikes"]]
    limit_bytes = default_limit_bytes() if max_memory_bytes is None else max_memory_bytes  # the same for all runs
    results: dict[tuple[str, str], RunResult] = {}
    problems: dict[tuple[str, str], str] = {}
    with open_trace(trace) as opened:
        for index, (weights, spikes) in enumerate(pairs):
            try:
                results[weights, spikes] = simulate(
                    opened,
                    machine,
                    formats={"weights": weights, "spikes": spikes},
                    samples=samples,
                    max_memory_bytes=limit_bytes,
                    progress=_part_of(progress, f"{weights} weights, {spikes} spikes", index, len(pairs)),
                )
            except (MappingError, MachineError) as error:
                problems[weights, spikes] = str(error)
    if not results:
        raise MappingError(problems.get((own["weights"], own["spikes"])) or next(iter(problems.values())))
    any_result = next(iter(results.values()))
    return FormatComparison(
        spikecycle=any_result.spikecycle,
        trace=any_result.trace,
        trace_sha256=any_result.trace_sha256,
        machine=machine.model_dump(mode="json"),
        samples=any_result.samples,
        weights=_operand(
            "weights",
            own["weights"],
            {name: (format_.title, (name, own["spikes"])) for name, format_ in WEIGHT_FORMATS.items()},
            results,
            problems,
            can_run=not any_result.too_slow,
        ),
        spikes=_operand(
            "spikes",
            own["spikes"],
            {name: (format_.title, (own["weights"], name)) for name, format_ in SPIKE_FORMATS.items()},
            results,
            problems,
            can_run=not any_result.too_slow,
        ),
        clock_mhz=any_result.clock_mhz,
        too_slow=any_result.too_slow,
        not_modelled=any_result.not_modelled,
        assumptions=any_result.assumptions,
    )


def _operand(
    operand: str,
    own: str,
    formats: Mapping[str, tuple[str, tuple[str, str]]],
    results: Mapping[tuple[str, str], RunResult],
    problems: Mapping[tuple[str, str], str],
    can_run: bool,
) -> OperandComparison:
    """One operand's formats, name -> (title, key of its run), the best ones named if the machine can run at all."""
    judged = _least if can_run else _nobody
    runs = [
        _format_run(operand, name, title, name == own, results[key])
        for name, (title, key) in formats.items()
        if key in results
    ]
    runs.sort(key=lambda run: run.energy_pj)
    layers = [layer.layer for layer in runs[0].layers] if runs else []
    return OperandComparison(
        operand=operand,
        runs=runs,
        refused=[
            RefusedFormat(format=name, title=title, problem=problems[key])
            for name, (title, key) in formats.items()
            if key in problems
        ],
        best_by_energy=judged((run.format, run.energy_pj) for run in runs),
        best_by_cycles=judged((run.format, run.cycles) for run in runs),
        best_by_edp=judged((run.format, run.edp_per_inference_js) for run in runs),
        best_per_layer=[
            LayerBest(
                layer=layer,
                by_energy=judged((run.format, run.layers[index].energy_pj) for run in runs),
                by_cycles=judged((run.format, run.layers[index].cycles) for run in runs),
            )
            for index, layer in enumerate(layers)
        ],
    )


def _format_run(operand: str, name: str, title: str, is_machines_own: bool, result: RunResult) -> FormatRun:
    widths = _buffer_widths(result)
    layers = [
        FormatLayer(
            layer=layer.name,
            format_bits=layer.storage.payload_bits + layer.storage.metadata_bits,
            stored_bits=layer.storage.stored_bits,
            fetched_bits=_fetched_bits(operand, layer, widths),
            cycles=layer.cycles,
            energy_pj=layer.energy_pj,
        )
        for layer in result.layers
    ]
    weights = sum(layer.storage.weights for layer in result.layers)
    levels = dict.fromkeys(level for layer in layers for level in layer.fetched_bits)
    return FormatRun(
        format=name,
        title=title,
        is_machines_own=is_machines_own,
        layers=layers,
        format_bits_per_weight=sum(layer.format_bits for layer in layers) / weights,
        stored_bits_per_weight=sum(layer.stored_bits for layer in layers) / weights,
        fetched_bits={level: sum(layer.fetched_bits.get(level, 0) for layer in layers) for level in levels},
        cycles=result.cycles,
        energy_pj=result.energy_pj,
        edp_per_inference_js=result.edp_per_inference_js,
    )


def _buffer_widths(result: RunResult) -> dict[str, int]:
    """Bits of one access, by buffer."""
    buffers = result.machine["buffers"]
    assert isinstance(buffers, dict)
    return {name: buffer["width_bits"] for name, buffer in buffers.items()}


def _fetched_bits(operand: str, layer: LayerResult, widths: Mapping[str, int]) -> dict[str, int]:
    """Bits of the operand read from DRAM and from every buffer that holds it."""
    bits = {"dram": layer.dram_read_bits[operand]}
    for counter in layer.counters:
        if counter.resource == "sram" and counter.operand == operand and counter.action == "read":
            bits[counter.component] = bits.get(counter.component, 0) + counter.count * widths[counter.component]
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
