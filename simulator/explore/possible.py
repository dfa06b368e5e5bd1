"""What makes a sweep or search impossible as a whole, told before anything is simulated or written.

A value that a machine refuses, or a key that only some of the machines have, makes points that fail, and their rows say
why. What no point can have is a typing error: a key of no machine, a residency or format that there is not, a sample of
no trace. It is refused at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from spikecycle.simulator.dataflows import DATAFLOWS, Dataflow
from spikecycle.simulator.errors import SimulatorError, UsageError
from spikecycle.simulator.explore.sweep_spec import SweepSpec
from spikecycle.simulator.formats import SPIKE_FORMATS, check_weight_format
from spikecycle.simulator.machine.keys import has_key, keys_of
from spikecycle.simulator.machine.loader import load_machine, machine_path
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.residency import batch_of
from spikecycle.simulator.sample_list import sample_list_text
from spikecycle.suggestions import did_you_mean, known_names
from spikecycle.traces import Synapse, TraceError, open_trace
from spikecycle.wording import some_of

_OPERANDS = ("weights", "spikes")
_KIND = "dataflow.kind"


def check_space(spec: SweepSpec) -> None:
    """Raise UsageError, in one line, for what no point of a specification can have; and, where no trace can be opened
    or no machine can be one, what is wrong with the first of them. Its plugins are to be loaded before."""
    for what, hows in spec.residency.items():
        for how in hows:
            with _at(f"{spec.origin}: residency.{what}: {how}"):
                batch_of(what, how)
    for target, names in spec.formats.items():
        for name in names:
            with _at(f"{spec.origin}: formats.{target}: {name}"):
                _check_format(target, name)
    traces = _sizes(spec)
    _check_samples(spec, traces)
    _check_operators(spec, traces)
    _check_keys(spec)


@dataclass(frozen=True)
class _TraceSize:
    name: str
    samples: int
    with_weights: tuple[str, ...]


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Put the place before what a UsageError says."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _check_format(target: str, name: str) -> None:
    """UsageError for an operand without formats, or a format that there is not."""
    operand, _, operator = target.partition(".")
    if operand not in _OPERANDS:
        raise UsageError(f"no format can be chosen for {operand!r}{known_names(operand, _OPERANDS)}")
    if operand == "spikes" and operator:
        raise UsageError("what one operator writes, another reads: spikes have one format")
    if operand == "spikes":
        SPIKE_FORMATS.lookup(name)
    else:
        check_weight_format(name)


def _sizes(spec: SweepSpec) -> list[_TraceSize]:
    """The traces that can be opened; TraceError of the first one where none can."""
    found, problems = [], []
    for name in spec.traces:
        try:
            with open_trace(name) as trace:
                operators = (each.name for each in trace.operators if isinstance(each, Synapse))
                found.append(_TraceSize(name, trace.samples, tuple(operators)))
        except TraceError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found


def _check_samples(spec: SweepSpec, traces: list[_TraceSize]) -> None:
    """UsageError for samples that no trace has, and for batches that the samples of none make up."""
    if spec.samples is not None:
        last = max(spec.samples)
        if not any(last < trace.samples for trace in traces):
            longest = max(traces, key=lambda trace: trace.samples)
            raise UsageError(
                f"{spec.origin}: samples: {sample_list_text(spec.samples)}: samples of {longest.name} are 0 to "
                f"{longest.samples - 1}, found {last}"
            )
    for how in spec.residency.get("weights", []):
        batch = batch_of("weights", how)
        counts = [trace.samples if spec.samples is None else len(spec.samples) for trace in traces]
        if all(count % batch for count in counts):
            raise UsageError(
                f"{spec.origin}: residency.weights: {how}: the number of samples must be a multiple of {batch}, found "
                f"{counts[0]}"
            )


def _check_operators(spec: SweepSpec, traces: list[_TraceSize]) -> None:
    """UsageError for the format of an operator that no trace has."""
    known = list(dict.fromkeys(name for trace in traces for name in trace.with_weights))
    for target in spec.formats:
        operator = target.partition(".")[2]
        if operator and operator not in known:
            raise UsageError(
                f"{spec.origin}: formats.{target}: no trace has an operator with weights of this name"
                f"{known_names(operator, known, listed_by='`spikecycle check TRACE`')}"
            )


def _check_keys(spec: SweepSpec) -> None:
    """UsageError for a key that no machine has, and for formats of what no machine stores in a format."""
    dataflows = list(_dataflows(spec))
    for target in spec.formats:
        operand, _, operator = target.partition(".")
        key = f"formats.per_operator.its_name.{operand}" if operator else f"formats.{operand}.format"
        if not any(has_key(dataflow, key) for dataflow in dataflows):
            raise UsageError(f"{spec.origin}: formats.{target}: {_nobody_has(spec, f'format of {operand}')}")
    for key in (name for axis in spec.axes() if axis.kind == "settings" for name in axis.names):
        if any(has_key(dataflow, key) for dataflow in dataflows):
            continue
        keys = list(dict.fromkeys(each for dataflow in dataflows for each in keys_of(dataflow)))
        section, _, last = key.rpartition(".")
        inside = [name for place, _, name in (each.rpartition(".") for each in keys) if place == section]
        sections = dict.fromkeys(each.partition(".")[0] for each in keys if "." in each)
        elsewhere = f", allowed: keys in {', '.join(sections)}{did_you_mean(key, keys)}"
        told = known_names(last, inside) if inside else elsewhere
        raise UsageError(f"{spec.origin}: set.{key}: {_nobody_has(spec, f'key {key}')}{told}")


def _nobody_has(spec: SweepSpec, what: str) -> str:
    first, *others = spec.machines
    return f"none of {some_of(spec.machines)} has a {what}" if others else f"{first} has no {what}"


def _dataflows(spec: SweepSpec) -> Iterator[Dataflow]:
    """Dataflows of the machines of a specification, keys being changed or not; the error of the first machine where
    none can be one."""
    chosen = [value[0] for axis in spec.axes() if axis.names == (_KIND,) for value in axis.values]
    is_changed = any(axis.kind in ("settings", "formats") for axis in spec.axes())
    problems: list[SimulatorError] = []
    found: dict[Any, None] = {}
    for name in spec.machines:
        try:
            section = read_yaml(machine_path(name)).get("dataflow")
            kind = section.get("kind") if isinstance(section, dict) else None
            if not is_changed:
                load_machine(name)  # what is no machine by itself, may be one with its keys changed
            found |= dict.fromkeys(chosen or [kind])
        except SimulatorError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    for kind in found:
        try:
            yield DATAFLOWS.lookup(kind)
        except UsageError as error:
            problems.append(error)
    if len(problems) == len(spec.machines):
        raise problems[0]
