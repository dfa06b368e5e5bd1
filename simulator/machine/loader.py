"""Find, read, override and validate machine files.

A machine is named by a path, or by the bare name of a file shipped in `hwconfigs`. All problems of a file are
reported at once, one line each, with the path of the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.dataflows import DATAFLOWS
from simulator.energy import EnergyTable, SramModel
from simulator.errors import MachineError, UsageError
from simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from simulator.machine.schema import Machine
from simulator.machine.yaml_file import read_yaml

_SUFFIX = ".yaml"


def shipped_machines() -> tuple[str, ...]:
    """Names of the machine files that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}")))


def load_machine(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Machine:
    """The validated machine of a file, after replacing the keys in `overrides` ("buffers.weights.banks": 8).

    Raises MachineError, one line per problem, each naming the file and the key.
    """
    path = machine_path(name_or_path)
    data = read_yaml(path)
    for key, value in (overrides or {}).items():
        _set(data, key, value, str(path))
    return _validate(data, str(path))


def override(machine: Machine, overrides: Mapping[str, Any]) -> Machine:
    """A copy of `machine` with keys replaced and everything validated again."""
    data = machine.model_dump()
    for key, value in overrides.items():
        _set(data, key, value, machine.name)
    return _validate(data, machine.name)


def parse_setting(text: str) -> tuple[str, Any]:
    """Split "buffers.weights.banks=8" in the key path and its value, read as YAML."""
    key, equals, value = text.partition("=")
    if not equals or not all(part.isidentifier() for part in key.split(".")):
        raise UsageError(f"{text!r} is not of the form key.path=value, e.g. buffers.weights.banks=8")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"{text!r}: the value is not valid YAML") from error


def _folder() -> Path:
    return Path(str(resources.files("hwconfigs")))


def machine_path(name_or_path: str | Path) -> Path:
    """Where the machine file lies: a path as it is, a bare name among the shipped ones; else UsageError."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.exists() or len(path.parts) > 1:
        return path
    shipped = _folder() / f"{name_or_path}{_SUFFIX}"
    if shipped.is_file():
        return shipped
    near = difflib.get_close_matches(str(name_or_path), shipped_machines(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"no machine file or shipped machine {str(name_or_path)!r}, shipped: {', '.join(shipped_machines())}{hint}"
    )


def _set(data: dict[str, Any], key: str, value: Any, origin: str) -> None:
    """Replace one key; the sections on the way to it must exist."""
    *sections, last = key.split(".")
    place: Any = data
    for section in sections:
        place = place.get(section) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise MachineError(f"{origin}: {key}: the machine file has no section {section!r}")
    place[last] = value


def _validate(data: dict[str, Any], origin: str) -> Machine:
    dataflow = data.get("dataflow")
    kind = dataflow.get("kind") if isinstance(dataflow, dict) else None
    if not isinstance(kind, str):
        raise MachineError(f"{origin}: dataflow.kind: missing, allowed: {', '.join(DATAFLOWS.names())}")
    try:
        machine_type = DATAFLOWS.lookup(kind).machine_type
    except UsageError as error:
        raise MachineError(f"{origin}: dataflow.kind: {error}") from error
    try:
        machine = machine_type.model_validate(data)
    except ValidationError as error:
        problems = [_describe(details, machine_type) for details in error.errors()]
        raise MachineError("\n".join(f"{origin}: {problem}" for problem in problems)) from None
    problems = [*_unknown_formats(machine), *_unpriceable(machine)]
    if problems:
        raise MachineError("\n".join(f"{origin}: {problem}" for problem in problems))
    return machine


def _unknown_formats(machine: Machine) -> Iterator[str]:
    """Formats that nobody registered."""
    formats = machine.formats
    for operand, lookup, name in (
        ("weights", WEIGHT_FORMATS.lookup, formats.weights.format),
        ("spikes", SPIKE_FORMATS.lookup, formats.spikes.format),
    ):
        try:
            lookup(name)
        except UsageError as error:
            yield f"formats.{operand}.format: {error}"


def _unpriceable(machine: Machine) -> Iterator[str]:
    """Cells, nodes, buffers and tables without energy figures."""
    technology = machine.technology
    try:
        sram = SramModel.load(technology.sram_cell, technology.temperature_k)
        EnergyTable.load(machine.energy.table).scaled(technology.node_nm)
        for buffer in machine.buffer_items().values():
            sram.estimate(technology.node_nm, buffer.size_kib, buffer.width_bits, buffer.banks)
    except MachineError as error:
        yield str(error)


def _describe(details: ErrorDetails, model: type[BaseModel]) -> str:
    """One problem in the file's terms: key path, what is wrong, what is allowed."""
    location = details["loc"]
    key = ".".join(str(part) for part in location) or "(file)"
    if details["type"] == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{key}: unknown key, allowed: {', '.join(allowed)}{hint}"
    if details["type"] == "missing":
        return f"{key}: missing"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if isinstance(details["input"], dict | list):
        return f"{key}: {message}"
    return f"{key}: {message[0].lower()}{message[1:]}, found {details['input']!r}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed in the section at `location`."""
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
