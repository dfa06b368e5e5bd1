"""A trace or a machine as `spikecycle check` and `spikecycle list` tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.description import (
    FileDescription,
    LayerDescription,
    MachineDescription,
    NetworkDescription,
    OperatorDescription,
    SweepDescription,
    TensorDescription,
    TraceDescription,
)
from spikecycle.simulator.report import human
from spikecycle.simulator.report.explanations import ENERGY, TERMS, of_category
from spikecycle.simulator.report.figures import energy_by_kind_pj, occurring, shape_text
from spikecycle.simulator.report.totals import WARNING, warnings
from spikecycle.simulator.result import RunResult

_ASSUMED = "assumed"
_LONGEST_VALUE = 300  # characters of one value of the provenance


@singledispatch
def report_of(description: Any) -> RenderableType:
    """What `check` found out, whatever it was."""
    raise TypeError(f"there is no report of a {type(description).__name__}")


@report_of.register
def trace_report(trace: TraceDescription) -> RenderableType:
    """What is in a trace."""
    weights = sum(layer.weights for layer in trace.layers)
    recorded = all(layer.output_density is not None for layer in trace.layers)
    head = Text.assemble(
        ("valid trace ", "green"),
        (trace.name, "bold"),
        f": {human.numbered(len(trace.layers), 'layer')}, {human.count(weights)} weights, "
        f"{human.numbered(trace.samples, 'sample')} of {human.numbered(trace.timesteps, 'timestep')}, "
        f"{'labels' if trace.has_labels else 'no labels'}, output spikes "
        f"{'recorded (--verify can compare them)' if recorded else 'not recorded for all layers'}",
    )
    return Group(
        head,
        Text(),
        _layers(trace.layers),
        Text(),
        Text("Neurons", style="bold"),
        fields([(layer.name, layer.neuron) for layer in trace.layers]),
        Text(),
        *_provenance(trace.provenance),
    )


@report_of.register
def network_report(network: NetworkDescription) -> RenderableType:
    """What is in a trace of a network."""
    head = Text.assemble(
        ("valid trace ", "green"),
        (network.name, "bold"),
        f": version {network.version}, {human.numbered(len(network.operators), 'operator')}, "
        f"{human.numbered(len(network.tensors), 'tensor')}, "
        f"{human.numbered(network.samples, 'sample')} of {human.numbered(network.timesteps, 'timestep')}, "
        f"{'labels' if network.has_labels else 'no labels'}",
    )
    return Group(
        head,
        Text(),
        _operators(network.operators),
        Text(),
        Text("Parameters", style="bold"),
        fields([(operator.name, operator.summary) for operator in network.operators if operator.summary]),
        Text(),
        _tensors(network.tensors),
        Text(),
        *_provenance(network.provenance),
    )


@report_of.register
def file_report(file: FileDescription) -> RenderableType:
    """What is in another file of ours."""
    return Group(Text.assemble((f"valid {file.kind} ", "green"), (file.path, "bold")), Text(), fields(file.facts))


@report_of.register
def sweep_file_report(sweep: SweepDescription) -> RenderableType:
    """What a sweep file varies, and what of it will fail."""
    head = Text.assemble(("valid sweep ", "green"), (sweep.name, "bold"), f": {human.numbered(sweep.points, 'point')}")
    axes = fields([(name, " | ".join(values)) for name, values in sweep.axes.items()])
    problems = [Text(f"Points will fail: {problem}", style="yellow") for problem in sweep.problems]
    return Group(head, Text(), axes, *problems)


@report_of.register
def machine_report(machine: MachineDescription) -> RenderableType:
    """What a machine has, what follows from it, and what it rests on."""
    memory_mm2 = sum(buffer.area.area_mm2 for buffer in machine.buffers)
    logic_mm2 = sum(area.area_mm2 for area in machine.logic)
    head = Text.assemble(
        ("valid machine ", "green"), (machine.name, "bold"), f": {' '.join(machine.describes.split())}"
    )
    peak = f"{human.si(machine.peak_additions_per_s, '')} additions/s"
    derived = [
        ("dataflow", f"{machine.dataflow}: {machine.dataflow_summary}"),
        (
            "array",
            f"{machine.pes} PEs at {machine.clock_mhz} MHz, peak {peak}",
        ),
        (
            "area",
            f"{human.digits(memory_mm2 + logic_mm2)} mm² "
            f"(memories {human.digits(memory_mm2)}, logic {human.digits(logic_mm2)})",
        ),
        (
            "leakage",
            f"{human.digits(sum(buffer.area.leakage_mw for buffer in machine.buffers))} mW of memories, "
            f"{human.digits(sum(area.leakage_mw for area in machine.logic))} mW of logic",
        ),
        ("not modelled", ", ".join(machine.not_modelled)),
        ("not in the area", ", ".join(machine.area_leaves_out)),
    ]
    settings = [(section, _values(values)) for section, values in machine.sections.items()]
    return Group(
        head,
        Text(),
        fields(derived),
        Text(),
        _buffers(machine),
        Text(),
        _logic(machine),
        *(Text(line, style=WARNING) for line in warnings(machine.too_slow, machine.clock_mhz)),
        Text(),
        Text("Sections", style="bold"),
        fields(settings),
        Text(),
        *_sources(machine.sources),
        *_borrowed(machine),
    )


def explanation_report(result: RunResult) -> RenderableType:
    """What the categories of cycles, kinds of energy and terms of a result mean, one per line."""
    categories = occurring(result, lambda layer: layer.sum_cycle_breakdown)
    kinds = occurring(result, energy_by_kind_pj)
    return Group(
        Text("Categories of cycles", style="bold"),
        fields([(human.label(name), of_category(name)) for name in categories]),
        Text(),
        Text("Kinds of energy", style="bold"),
        fields([(kind, ENERGY[kind]) for kind in kinds]),
        Text(),
        Text("Terms", style="bold"),
        fields(list(TERMS.items())),
    )


def fields(pairs: Sequence[tuple[str, str]]) -> RenderableType:
    """Name and value, one per line; long values continue under themselves."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, _printable(value))
    return grid


def _operators(operators: Sequence[OperatorDescription]) -> Fitting:
    columns = {
        "operator": names("operator", [operator.name for operator in operators]),
        "kind": Column("kind", [operator.kind for operator in operators], justify="left"),
        "inputs": Column(
            "inputs",
            [", ".join(f"{name}{' (t-1)' * delay}" for name, delay in each.inputs) for each in operators],
            justify="left",
        ),
        "output": Column("output", [operator.output for operator in operators], justify="left"),
    }
    dropped = (set[str](), {"output"}, {"output", "inputs"})
    return fitting_sheets(
        *(("Operators", [column for key, column in columns.items() if key not in keys]) for keys in dropped)
    )


def _tensors(tensors: Sequence[TensorDescription]) -> Fitting:
    columns = {
        "tensor": names("tensor", [tensor.name for tensor in tensors]),
        "shape": Column("shape", ["x".join(map(str, tensor.shape)) for tensor in tensors], justify="left"),
        "bits": Column("bits", [f"{'±' * tensor.signed}{tensor.bits}" for tensor in tensors]),
        "producer": Column("made by", [tensor.producer or "(input)" for tensor in tensors], justify="left"),
        "density": Column(
            "recorded,\nnot zero %",
            ["-" if tensor.density is None else human.percent(tensor.density) for tensor in tensors],
        ),
    }
    dropped = (set[str](), {"producer"}, {"producer", "shape"})
    return fitting_sheets(
        *(("Tensors", [column for key, column in columns.items() if key not in keys]) for keys in dropped)
    )


def _layers(layers: Sequence[LayerDescription]) -> Fitting:
    columns = {
        "layer": names("layer", [layer.name for layer in layers]),
        "shape": Column("shape", [shape_text(layer.operator, layer.shape) for layer in layers], justify="left"),
        "weights": Column("weights", [human.count(layer.weights) for layer in layers]),
        "bits": Column("bits", [str(layer.weight_bits) for layer in layers]),
        "zero": Column("zero\n%", [human.percent(layer.zero_weights) for layer in layers]),
        "input bits": Column("input\nbits", [str(layer.input_bits) for layer in layers]),
        "input": Column("inputs not\nzero %", [human.percent(layer.input_density) for layer in layers]),
        "output": Column(
            "output\nspikes %",
            ["-" if layer.output_density is None else human.percent(layer.output_density) for layer in layers],
        ),
    }
    dropped = (set[str](), {"shape"}, {"shape", "input bits"}, {"shape", "input bits", "bits", "zero"})
    sheets = [("Layers", [column for key, column in columns.items() if key not in keys]) for keys in dropped]
    return fitting_sheets(*sheets)


def _buffers(machine: MachineDescription) -> Fitting:
    buffers = machine.buffers
    columns = {
        "buffer": names("buffer", [buffer.area.buffer for buffer in buffers]),
        "instances": Column("instances", [f"{buffer.area.instances}" for buffer in buffers]),
        "kind": Column("kind", [buffer.area.kind for buffer in buffers], justify="left"),
        "size": Column("KiB", [f"{buffer.size_kib:g}" for buffer in buffers]),
        "width": Column("bits", [f"{buffer.width_bits}" for buffer in buffers]),
        "banks": Column("banks", [f"{buffer.banks}" for buffer in buffers]),
        "ports": Column("ports", [f"{buffer.ports}" for buffer in buffers]),
        "read": Column("read\npJ", [human.digits(buffer.area.read_pj) for buffer in buffers]),
        "write": Column("write\npJ", [human.digits(buffer.area.write_pj) for buffer in buffers]),
        "access": Column("access\nns", [_known(buffer.area.access_ns) for buffer in buffers]),
        "area": Column("area of\nall mm²", [human.digits(buffer.area.area_mm2) for buffer in buffers]),
        "leakage": Column("leakage of\nall mW", [human.digits(buffer.area.leakage_mw) for buffer in buffers]),
        "table": Column(
            "figures",
            ["extrapolated" if buffer.area.extrapolated else "inside" for buffer in buffers],
            justify="left",
        ),
    }
    narrow = {"table", "kind", "access", "ports", "leakage"}
    dropped = (
        set[str](),
        {"table"},
        {"table", "kind"},
        narrow,
        narrow | {"area"},
        narrow | {"area", "banks", "instances"},
    )
    return fitting_sheets(
        *(
            ("Buffers (size, width and energy of one instance)", [c for k, c in columns.items() if k not in keys])
            for keys in dropped
        )
    )


def _logic(machine: MachineDescription) -> Fitting:
    areas = machine.logic
    columns = [
        names("logic", [area.component for area in areas]),
        Column("kind", [area.kind for area in areas], justify="left"),
        Column("area of\nall mm²", [human.digits(area.area_mm2) for area in areas]),
        Column("leakage of\nall mW", [human.digits(area.leakage_mw) for area in areas]),
        Column("flip-\nflops", [human.count(area.flip_flops) for area in areas]),
    ]
    return fitting_sheets(("Logic", columns))


def _known(value: float | None) -> str:
    return "-" if value is None else human.digits(value)


def _provenance(provenance: Mapping[str, Any]) -> list[RenderableType]:
    if not provenance:
        return [Text("No provenance.")]
    pairs = [(_printable(key), _plain(value)) for key, value in provenance.items()]
    return [Text("Provenance", style="bold"), fields(pairs)]


def _sources(sources: Mapping[str, str]) -> list[RenderableType]:
    assumed = [(key, source) for key, source in sources.items() if source.startswith(_ASSUMED)]
    cited = [(key, source) for key, source in sources.items() if not source.startswith(_ASSUMED)]
    parts: list[RenderableType] = []
    for title, pairs in (("Sources", cited), ("Assumed", assumed)):
        if pairs:
            shown = [(key, source.removeprefix(f"{_ASSUMED}: ")) for key, source in pairs]
            parts += [Text(title, style="bold"), fields(shown), Text()]
    return parts[:-1]


def _borrowed(machine: MachineDescription) -> list[RenderableType]:
    """Which sources are word for word those of a shipped machine that has another value there."""
    pairs = [
        (each.key, f"is {_plain(each.value)}; its source is that of {_plain(each.theirs)} in {each.machine}")
        for each in machine.borrowed_sources
    ]
    head = Text("Sources of other values: say where yours come from, or that they are assumed", style=WARNING)
    return [Text(), head, fields(pairs)] if pairs else []


def _values(values: Mapping[str, Any]) -> str:
    """A section in one line: key value, key (inner key value)."""
    words = [
        f"{key} ({_values(value)})" if isinstance(value, Mapping) else f"{key} {value}" for key, value in values.items()
    ]
    return ", ".join(words)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _printable(text: str) -> str:
    """Foreign text without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)


def catalogue_report(catalogue: Mapping[str, Sequence[tuple[str, str]]]) -> RenderableType:
    """Kinds of things, each with names and descriptions, the descriptions all in one column."""
    widest = max((len(name) for pairs in catalogue.values() for name, _ in pairs), default=0)
    parts: list[RenderableType] = []
    for kind, pairs in catalogue.items():
        parts += [Text(kind, style="bold"), fields([(name.ljust(widest), words) for name, words in pairs]), Text()]
    return Group(*parts[:-1])
