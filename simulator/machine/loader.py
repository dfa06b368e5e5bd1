"""Find, read, override and validate machine files.

A machine is named by a path, or by the bare name of a file shipped in `hwconfigs` or in an installed package that says
so: an entry point of the group `spikecycle.machines` names a package in whose folder machine files lie. All problems of
a file are reported at once, one line each, with the path of the key, what was found and what is allowed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import resources
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from spikecycle.simulator.dataflows import DATAFLOWS, Dataflow
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.energy import EnergyTable, SramModel
from spikecycle.simulator.errors import MachineError, UsageError
from spikecycle.simulator.formats import spike_format, weight_format
from spikecycle.simulator.machine.keys import unused_sections
from spikecycle.simulator.machine.places import problems_in
from spikecycle.simulator.machine.problems import validation_problems
from spikecycle.simulator.machine.schema import (
    AUTO,
    Energy,
    Formats,
    Machine,
    MachineOrigin,
    Section,
    Technology,
)
from spikecycle.simulator.machine.yaml_file import parse_yaml, quoted, read_yaml
from spikecycle.simulator.pricing import prices_of
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.suggestions import LIST, did_you_mean, known_names

MACHINES = "spikecycle.machines"
"""Group of the entry points of packages that bring machine files."""
_SUFFIX = ".yaml"
_OPTIONAL_SECTIONS = frozenset(name for name, field in Machine.model_fields.items() if not field.is_required())
SectionT = TypeVar("SectionT", bound=Section)


def shipped_machines() -> tuple[str, ...]:
    """Names of the machine files that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}")))


def shipped_path(name: str) -> Path:
    """Where a shipped machine lies, whatever else has its name."""
    return _folder() / f"{name}{_SUFFIX}"


def known_machines() -> dict[str, Path]:
    """Machine files by name: the shipped ones, and those of installed packages, sorted."""
    found = {path.stem: path for folder in _installed_folders() for path in folder.glob(f"*{_SUFFIX}")}
    found |= {name: shipped_path(name) for name in shipped_machines()}
    return dict(sorted(found.items()))


def load_machine(
    name_or_path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    formats: Mapping[str, str] | None = None,
) -> Machine:
    """The validated machine of a file, after replacing the keys in `overrides` ("buffers.weights.banks": 8).

    formats: format by operand, or by operand and operator: {"weights": "rle", "weights.fc1": "bitmask"}.
    Raises MachineError, one line per problem, each naming the file, the line and the key.
    """
    path = machine_path(name_or_path)
    data = read_yaml(path, shipped=path == shipped_path(path.stem))
    replaced = _replaced(overrides, formats)
    changed = _changed(data, overrides, formats, str(path))
    machine = _validate(changed, lambda problems: problems_in(path, problems, replaced))
    base = _fingerprint_of(data, type(machine)) if replaced else machine.fingerprint()
    return machine.came_from(MachineOrigin(str(name_or_path), base, replaced))


def supports_of_machines() -> dict[str, Support]:
    """What the dataflow of each shipped machine supports, by the machine's name; nothing else of it is looked at."""
    kinds = {name: read_yaml(shipped_path(name), shipped=True)["dataflow"]["kind"] for name in shipped_machines()}
    return {name: DATAFLOWS.lookup(kind).supports for name, kind in kinds.items()}


def override(
    machine: Machine, overrides: Mapping[str, Any] | None = None, formats: Mapping[str, str] | None = None
) -> Machine:
    """A copy of `machine` with keys and formats replaced, as in `load_machine`, and everything validated again."""
    before = machine.origin
    data = _changed(machine.model_dump(), overrides, formats, machine.name)
    changed = _validate(data, lambda problems: "\n".join(f"{machine.name}: {problem}" for problem in problems))
    return changed.came_from(replace(before, overrides={**before.overrides, **_replaced(overrides, formats)}))


def parse_setting(text: str) -> tuple[str, Any]:
    """Split "buffers.weights.banks=8" in the key path and its value, read as YAML."""
    key, equals, value = text.partition("=")
    if not equals or not all(part.isidentifier() for part in key.split(".")):
        raise UsageError(f"{quoted(text)} is not of the form key.path=value, e.g. buffers.weights.banks=8")
    try:
        return key, parse_yaml(value)
    except yaml.MarkedYAMLError as error:
        raise UsageError(f"{quoted(text)}: the value is not valid YAML: {error.problem}") from error


@cache
def _folder() -> Path:
    return Path(str(resources.files("spikecycle.hwconfigs")))


def _installed_folders() -> Iterator[Path]:
    """Folders with machine files of installed packages."""
    for entry in entry_points(group=MACHINES):
        yield from _folders_of(entry.value)


def _folders_of(package: str) -> tuple[Path, ...]:
    """The folders of a package, none where it is not found; neither it nor what lies above it is run."""
    top, *below = package.split(".")
    try:
        spec = find_spec(top)  # only what lies above a package would be run
        for part in below:
            spec = PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations) if spec else None
    except (ImportError, ValueError):
        return ()
    return tuple(map(Path, (spec.submodule_search_locations or ()) if spec else ()))


def machine_path(name_or_path: str | Path) -> Path:
    """Where the machine file lies: a path as it is, a bare name of none among the known ones; else UsageError."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or (path.exists() and not path.is_dir()):
        return path
    shipped = shipped_path(str(name_or_path))
    if shipped.is_file():
        return shipped
    known = known_machines()  # asks installed packages
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    if path.exists():
        return path  # a folder: whoever reads it says so
    raise UsageError(
        f"{name_or_path}: no such file, and no shipped machine of that name"
        f"{known_names(str(name_or_path), known, 'shipped:', LIST)}"
    )


def _changed(
    data: dict[str, Any], overrides: Mapping[str, Any] | None, formats: Mapping[str, str] | None, origin: str
) -> dict[str, Any]:
    """A copy of `data` with keys and formats replaced; `data` itself where there are none."""
    if not overrides and not formats:
        return data
    changed = copy.deepcopy(data)
    for key, value in (overrides or {}).items():
        _set(changed, key, value, origin)
    for target, name in (formats or {}).items():
        operand, dot, operator = target.partition(".")
        if dot:
            _set_of_operator(changed, operator, operand, name, origin)
        else:
            _set(changed, f"formats.{operand}.format", name, origin)
    return changed


def _replaced(overrides: Mapping[str, Any] | None, formats: Mapping[str, str] | None) -> dict[str, Any]:
    """The keys that are replaced, formats by their keys too, with their values."""
    replaced = dict(overrides or {})
    for target, name in (formats or {}).items():
        operand, dot, operator = target.partition(".")
        place = f"per_operator.{operator}.{operand}" if dot else operand
        replaced[f"formats.{place}.format"] = name
    return replaced


def _fingerprint_of(data: Mapping[str, Any], machine_type: type[Machine]) -> str | None:
    """The fingerprint of the machine that `data` says, None if it says none."""
    try:
        return machine_type.model_validate(data).fingerprint()
    except ValidationError:
        return None


def _set_of_operator(data: dict[str, Any], operator: str, operand: str, name: str, origin: str) -> None:
    """Choose a format for one operator, whose name may have dots; other settings that it has stay."""
    place: Any = data
    for section in ("formats", "per_operator", operator):
        place = place.get(section) if section == "formats" else place.setdefault(section, {})
        if not isinstance(place, dict):
            raise MachineError(
                f"{origin}: formats.per_operator.{operator}: the machine file has no section {section!r}"
            )
    own = place.get(operand)
    place[operand] = {**(own if isinstance(own, dict) else {}), "format": name}


def _set(data: dict[str, Any], key: str, value: Any, origin: str) -> None:
    """Replace one key; the sections on the way to it must exist, or be ones that a machine file may leave out."""
    *sections, last = key.split(".")
    if sections and sections[0] in _OPTIONAL_SECTIONS:
        data.setdefault(sections[0], {})
    place: Any = data
    for section in sections:
        place = place.get(section) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise MachineError(f"{origin}: {key}: the machine file has no section {section!r}")
    place[last] = value


def _validate(data: dict[str, Any], told: Callable[[list[str]], str]) -> Machine:
    """The machine that `data` says; told: the message about problems, each of which begins with its key."""
    dataflow = data.get("dataflow")
    kind = dataflow.get("kind") if isinstance(dataflow, dict) else None
    if not isinstance(kind, str):
        raise MachineError(told([f"dataflow.kind: missing{known_names('', DATAFLOWS.names(), listed_by=LIST)}"]))
    try:
        dataflow_of_kind = DATAFLOWS.lookup(kind)
    except UsageError as error:
        raise MachineError(told([f"dataflow.kind: {error}"])) from error
    machine_type = dataflow_of_kind.machine_type
    problems = []
    machine = None
    try:
        machine = machine_type.model_validate(data)
    except ValidationError as error:
        problems = validation_problems(error, machine_type)
    problems += [*_unknown_formats(data), *_unpriceable(data), *_unknown_sources(data, machine_type)]
    problems += [*_unused_sections(data, dataflow_of_kind), *_overlap_problems(data, dataflow_of_kind)]
    if machine is not None and not problems:
        problems = list(_unpriced_parts(machine))
    if machine is None or problems:
        raise MachineError(told(problems))
    return machine


def _unused_sections(data: Mapping[str, Any], dataflow: Dataflow) -> Iterator[str]:
    """Sections that any machine may have, but that the dataflow's schema does not take up: they would do nothing."""
    for section, why in unused_sections(dataflow).items():
        if data.get(section) is not None:
            yield f"{section}: the dataflow {dataflow.name} {why}"


def _overlap_problems(data: Mapping[str, Any], dataflow: Dataflow) -> list[str]:
    """A policy that does not fit the dataflow, or options that the policy does not take."""
    chosen = data.get("overlap", {})
    if not isinstance(chosen, dict):
        return []  # the schema has said so
    name = chosen.get("policy", dataflow.overlaps[0])
    if name not in dataflow.overlaps and not _fits(name, dataflow):
        return [
            f"overlap.policy: {quoted(name)} does not fit the dataflow {dataflow.name}, allowed: "
            f"{', '.join(dataflow.overlaps)}"
        ]
    options = OVERLAPS.lookup(name).options_type
    try:
        options.model_validate({**chosen, "policy": name})
    except ValidationError as error:
        return [f"overlap.{problem}" for problem in validation_problems(error, options)]
    return []


def _fits(policy: object, dataflow: Dataflow) -> bool:
    """Whether a policy says that it fits a dataflow which does not list it."""
    try:
        return isinstance(policy, str) and dataflow.name in OVERLAPS.lookup(policy).fits
    except UsageError:
        return False


def _unknown_formats(data: Mapping[str, Any]) -> Iterator[str]:
    """Formats that nobody registered, or with settings that they cannot have; what the schema refuses is left to it."""
    formats = _valid(Formats, data.get("formats"))
    if formats is None:
        return
    choices = {"weights": formats.weights}
    choices |= {f"per_operator.{name}.weights": formats.weights_of(name) for name in formats.per_operator}
    for key, choice in choices.items():
        if choice.format != AUTO:
            yield from _problem_of(f"formats.{key}.format", partial(weight_format, choice))
    yield from _problem_of("formats.spikes.format", partial(spike_format, formats.spikes))


def _problem_of(key: str, look_up: Callable[[], object]) -> Iterator[str]:
    try:
        look_up()
    except UsageError as error:
        yield f"{key}: {error}"


def _unpriceable(data: Mapping[str, Any]) -> Iterator[str]:
    """Cells, nodes and tables without energy figures; sections that the schema refuses are left to it."""
    technology = _valid(Technology, data.get("technology"))
    energy = _valid(Energy, data.get("energy"))
    node_nm = None
    if technology:
        try:
            sram = SramModel.load(technology.sram_cell, technology.temperature_k)
            if data.get("buffers"):
                sram.estimate(technology.node_nm, size_kib=1, width_bits=1, banks=1)  # only the node can be refused
            node_nm = technology.node_nm
        except MachineError as error:
            yield str(error)
    if energy:
        try:
            table = EnergyTable.load(energy.table)
            if node_nm is not None:
                table.scaled(node_nm)
        except MachineError as error:
            yield from str(error).splitlines()


def _unpriced_parts(machine: Machine) -> Iterator[str]:
    """Memories, devices and units of which the machine's tables have no figures."""
    prices = prices_of(machine)
    for look_up in (lambda: prices.memory_areas, lambda: prices.logic_areas, lambda: prices.clock_counters):
        try:
            look_up()
        except MachineError as error:
            yield from str(error).splitlines()


def _unknown_sources(data: Mapping[str, Any], machine_type: type[Machine]) -> Iterator[str]:
    """Sources of what is no key, or beginning of a key, of the machine."""
    sources = data.get("sources")
    keys = _keys_of(machine_type)
    for source in sources if isinstance(sources, dict) else ():
        if source not in keys:
            yield f"sources.{source}: the machine has no such key{did_you_mean(str(source), keys)}"


@cache
def _keys_of(machine_type: type[Machine]) -> Mapping[str, None]:
    """Paths of all keys and sections of a machine, in order."""
    return dict.fromkeys(_key_paths(machine_type))


def _key_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Paths of all keys and sections of a schema."""
    for key, field in model.model_fields.items():
        yield f"{prefix}{key}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _key_paths(field.annotation, f"{prefix}{key}.")


def _valid(section: type[SectionT], data: Any) -> SectionT | None:
    """The section, if the schema allows it."""
    try:
        return section.model_validate(data)
    except ValidationError:
        return None
