"""Validate a trace, a machine or a sweep to its last value, and describe it: its content decides, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.memory import stage_needs, tensor_need
from spikecycle.simulator.dataflows.stage import one_by_one
from spikecycle.simulator.description import (
    BufferDescription,
    FileDescription,
    LayerDescription,
    MachineDescription,
    NetworkDescription,
    OperatorDescription,
    SweepDescription,
    TensorDescription,
    TraceDescription,
)
from spikecycle.simulator.errors import MachineError, SimulatorError, UsageError
from spikecycle.simulator.explore.possible import check_space
from spikecycle.simulator.explore.sweep_spec import ALWAYS, read_sweep
from spikecycle.simulator.file_kinds import (
    describe_json,
    describe_mapping,
    describe_page,
    describe_table,
    describe_topology,
    is_parquet,
)
from spikecycle.simulator.machine.borrowed_sources import borrowed_sources
from spikecycle.simulator.machine.loader import known_machines, load_machine, machine_path, override
from spikecycle.simulator.machine.yaml_file import LARGEST_BYTES as LARGEST_YAML_BYTES
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.memory import check_memory
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.simulator.units import seconds
from spikecycle.simulator.written_files import (
    SQLITE_SIGNATURE,
    describe_database,
    describe_folder,
    describe_markdown,
    describe_picture,
)
from spikecycle.suggestions import LIST, known_names
from spikecycle.traces import Layer, LayerShape, Trace, list_samples, open_trace

if TYPE_CHECKING:
    from spikecycle.simulator.engine import Progress

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_TRACE_SUFFIXES = (".h5", ".hdf5")
_MACHINE_SUFFIXES = (".yaml", ".yml")
_PAGE_SUFFIXES = (".html", ".htm")
_TOPOLOGY_SUFFIX, _MARKDOWN_SUFFIX = ".csv", ".md"
_TABLE_SUFFIX, _PICTURE_SUFFIX, _PIXELS_SUFFIX = ".parquet", ".svg", ".png"


Description = TraceDescription | NetworkDescription | MachineDescription | SweepDescription | FileDescription


def check_file(name_or_path: str, progress: Progress | None = None, max_memory_bytes: int | None = None) -> Description:
    """Read everything in a file of ours, or in a shipped trace or machine of that name, and describe it.

    Traces, machines, sweeps, studies, networks to draw and topologies, and what the commands write: results,
    comparisons, advice, tables, timelines, pages, pictures, the study of a search, and the folders of sweeps,
    searches and studies.

    progress: called after every sample of every layer or tensor of a trace. max_memory_bytes: of the computer,
    estimated before a trace is read; three quarters of what is free by default. Raises TraceError, MachineError,
    MappingError (too little memory) or UsageError.
    """
    path = Path(name_or_path)
    if path.is_file():
        other = _other_kind(path)
        if other is not None:
            return other
        is_trace = path.suffix in _TRACE_SUFFIXES or _is_hdf5(path)
        if not is_trace and path.suffix not in _MACHINE_SUFFIXES:
            _refuse_other_text(path)
    elif path.is_dir() and name_or_path not in (*list_samples(), *known_machines()):
        return describe_folder(path)
    elif path.suffix or len(path.parts) > 1 or (path.exists() and not path.is_dir()):
        is_trace = path.suffix not in _MACHINE_SUFFIXES  # whoever reads it says what is wrong with it
    else:
        is_trace = name_or_path in list_samples()
        if not is_trace and name_or_path not in known_machines():
            raise _unknown(name_or_path)
    if is_trace:
        return describe_trace(name_or_path, progress, max_memory_bytes)
    return describe_sweep(path) if path.is_file() and _is_sweep(path) else describe_machine(name_or_path)


def _refuse_other_text(path: Path) -> None:
    """MachineError where a file, whose name promises no YAML, is none: it is more likely of another program."""
    try:
        read_yaml(path)
    except MachineError as error:
        where = str(error).removeprefix(str(path)).lstrip(":, ")
        raise MachineError(f"{path}: is no file of spikecycle; read as YAML: {where}") from error


def describe_trace(
    name_or_path: str | Path, progress: Progress | None = None, max_memory_bytes: int | None = None
) -> TraceDescription | NetworkDescription:
    """Read every array of a trace."""
    with open_trace(name_or_path) as trace:
        needs = {
            f"tensor {tensor.name!r}": [tensor_need(tensor, trace.timesteps)]
            for tensor in trace.tensors.values()
            if tensor.recorded
        }
        for stage in one_by_one(trace):
            needs[f"operator {stage.name!r}"] = [need for need in stage_needs(stage, trace) if need.is_kept]
        check_memory(str(trace.path), needs, max_memory_bytes)
        return _describe_layers(trace, progress) if trace.has_layers else _describe_network(trace, progress)


def _describe_layers(trace: Trace, progress: Progress | None) -> TraceDescription:
    total = len(trace.layers) * trace.samples
    layers = []
    for index, layer in enumerate(trace.layers):
        inputs = outputs = 0
        for sample in range(trace.samples):
            inputs += int(np.count_nonzero(layer.inputs(sample)))
            recorded = layer.outputs(sample)
            outputs += 0 if recorded is None else int(np.count_nonzero(recorded))
            if progress:
                progress(layer.name, index * trace.samples + sample + 1, total)
        layers.append(_describe_layer(layer, inputs, outputs))
    return TraceDescription(
        name=trace.name,
        samples=trace.samples,
        timesteps=trace.timesteps,
        has_labels=trace.labels is not None,
        provenance=trace.provenance,
        layers=tuple(layers),
    )


def _describe_network(trace: Trace, progress: Progress | None) -> NetworkDescription:
    operators = tuple(
        OperatorDescription(
            name=operator.name,
            kind=operator.kind,
            inputs=tuple((source.tensor, source.delay) for source in operator.inputs),
            output=operator.output.name,
            summary=operator.summary(),
        )
        for operator in trace.operators
    )
    recorded = [tensor for tensor in trace.tensors.values() if tensor.recorded]
    values_per_tensor = trace.samples * trace.timesteps
    density: dict[str, float] = {}
    for index, tensor in enumerate(recorded):
        not_zero = 0
        for sample in range(trace.samples):
            values = tensor.values(sample)
            not_zero += 0 if values is None else int(np.count_nonzero(values))
            if progress:
                progress(tensor.name, index * trace.samples + sample + 1, len(recorded) * trace.samples)
        density[tensor.name] = not_zero / (values_per_tensor * tensor.spec.count)
    return NetworkDescription(
        name=trace.name,
        version=trace.version,
        samples=trace.samples,
        timesteps=trace.timesteps,
        has_labels=trace.labels is not None,
        provenance=trace.provenance,
        tensors=tuple(
            TensorDescription(
                name=tensor.name,
                shape=tensor.spec.shape,
                bits=tensor.spec.bits,
                signed=tensor.spec.signed,
                producer=tensor.producer,
                density=density.get(tensor.name),
            )
            for tensor in trace.tensors.values()
        ),
        operators=operators,
    )


def describe_machine(name_or_path: str | Path) -> MachineDescription:
    """Validate a machine and work out what follows from it."""
    machine = load_machine(name_or_path)
    prices = MachinePrices(machine)
    memories = {memory.name: memory for memory in machine.memories()}
    clock_mhz = machine.technology.clock_mhz
    adders = sum(unit.count for unit in prices.units if unit.action == "add")
    return MachineDescription(
        name=machine.name,
        describes=machine.describes,
        dataflow=machine.dataflow.kind,
        dataflow_summary=DATAFLOWS.lookup(machine.dataflow.kind).summary,
        pes=machine.pe_count,
        clock_mhz=clock_mhz,
        peak_additions_per_s=adders / seconds(1, clock_mhz),
        sections={
            section: values.model_dump(exclude_none=True)
            for section in ("technology", "logic", "dataflow", "dram", "formats", "energy")
            if (values := getattr(machine, section)) is not None
        },
        buffers=tuple(
            BufferDescription(
                size_kib=memories[area.buffer].size_kib,
                width_bits=memories[area.buffer].width_bits,
                banks=memories[area.buffer].banks,
                ports=memories[area.buffer].ports,
                area=area,
            )
            for area in prices.memory_areas
        ),
        logic=prices.logic_areas,
        too_slow=prices.too_slow,
        not_modelled=prices.not_modelled,
        area_leaves_out=prices.area_leaves_out,
        sources=machine.sources,
        borrowed_sources=borrowed_sources(machine_path(name_or_path)),
    )


def _other_kind(path: Path) -> FileDescription | None:
    """What a file is that is neither trace nor machine; None where it is for others to say what is wrong with it."""
    try:
        if is_parquet(path) or path.suffix == _TABLE_SUFFIX:
            return describe_table(path)
        if path.suffix == _PICTURE_SUFFIX:
            return describe_picture(path)
        if path.suffix == _PIXELS_SUFFIX:
            raise UsageError(f"{path}: is a PNG picture; of pictures, check reads SVG")
        if _begins_with(path, SQLITE_SIGNATURE):
            return describe_database(path)
        if path.suffix in _PAGE_SUFFIXES:
            return describe_page(path)
        if path.suffix.lower() == _MARKDOWN_SUFFIX:
            return describe_markdown(path)
        if path.suffix.lower() == _TOPOLOGY_SUFFIX:
            return describe_topology(path)
        # YAML may begin with a brace too.
        if path.suffix == ".json" or (path.suffix not in _MACHINE_SUFFIXES and _begins_as_json(path)):
            return describe_json(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if path.suffix not in _MACHINE_SUFFIXES or path.stat().st_size > LARGEST_YAML_BYTES:
        return None
    try:
        data = read_yaml(path)
    except MachineError:
        return None
    return describe_mapping(path, data)


def _begins_as_json(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip()[:1] == b"{"


def describe_sweep(path: Path) -> SweepDescription:
    """Validate a sweep file and what it names, and try each value by itself on each machine."""
    spec = read_sweep(path)
    for trace in spec.traces:
        with open_trace(trace):
            pass
    check_space(spec)
    problems: dict[str, None] = {}
    for name in spec.machines:
        machine = load_machine(name)
        for axis in spec.axes():
            for values in axis.values if axis.kind in ("settings", "formats") else ():
                changes = dict(zip(axis.names, values, strict=True))
                formats = {key.removeprefix("format."): str(value) for key, value in changes.items()}
                try:
                    override(machine, *((changes, None) if axis.kind == "settings" else (None, formats)))
                except SimulatorError as error:
                    problems[" ".join(str(error).split())] = None
    varied = [axis for axis in spec.axes() if len(axis.values) > 1 or axis.kind in ALWAYS]
    return SweepDescription(
        name=path.name,
        points=spec.count,
        axes={", ".join(axis.names): tuple(", ".join(map(str, values)) for values in axis.values) for axis in varied},
        problems=tuple(problems),
    )


def _is_sweep(path: Path) -> bool:
    """Whether a YAML file says what a sweep says and no machine does."""
    data = read_yaml(path)
    return "dataflow" not in data and bool({"traces", "machines", "set"} & set(data))


def _begins_with(path: Path, signature: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(signature)) == signature


def _is_hdf5(path: Path) -> bool:
    try:
        return _begins_with(path, _HDF5_SIGNATURE)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _unknown(name: str) -> UsageError:
    known = (*list_samples(), *known_machines())
    return UsageError(
        f"{name}: no such file, shipped trace or shipped machine{known_names(name, known, 'shipped:', LIST)}"
    )


def _describe_layer(layer: Layer, inputs: int, outputs: int) -> LayerDescription:
    """A layer of which `inputs` inputs and `outputs` output spikes are not zero, over all samples and timesteps."""
    weights = layer.weights()
    layer.bias()  # read to be checked
    shape = layer.shape
    steps = layer.samples * layer.timesteps
    return LayerDescription(
        name=layer.name,
        operator=shape.operator,
        shape=_shape_letters(shape),
        weights=weights.size,
        weight_bits=layer.weight_bits,
        zero_weights=1 - np.count_nonzero(weights) / weights.size,
        input_bits=layer.input_bits,
        input_density=inputs / (steps * shape.input_count),
        output_density=outputs / (steps * shape.output_count) if layer.has_outputs else None,
        neuron=layer.neuron.summary(),
    )


def _shape_letters(shape: LayerShape) -> dict[str, int | list[int]]:
    """Letter to size."""
    return {
        **{letter: getattr(shape, letter) for letter in ("C", "H", "W", "M", "P", "Q", "R", "S", "groups")},
        "stride": list(shape.stride),
        "padding": list(shape.short_padding),
    }
