"""The keys that a machine file may have with a dataflow: whether one is among them, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from spikecycle.simulator.dataflows import Dataflow
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.schedule import OVERLAPS

_OVERLAP = "overlap"
"""The section whose keys depend on its policy."""
_UNUSED = {"dram": "moves nothing from or to DRAM", "formats": "knows no formats"}
"""Sections that any machine may have, and what a dataflow is said to be like that does not take one up."""


def unused_sections(dataflow: Dataflow) -> dict[str, str]:
    """Sections that do nothing with a dataflow, each with the reason: its schema does not take them up."""
    own = {
        key
        for part in dataflow.machine_type.__mro__
        if issubclass(part, Machine) and part is not Machine
        for key in part.__annotations__
    }
    return {section: why for section, why in _UNUSED.items() if section not in own}


def has_key(dataflow: Dataflow, key: str) -> bool:
    """Whether machines with this dataflow have a key, or section, of this path."""
    first, *rest = key.split(".")
    if first in unused_sections(dataflow):
        return False
    if first == _OVERLAP and rest:
        return any(_is_in_model(options, rest) for options in _overlap_options(dataflow))
    return _is_in_model(dataflow.machine_type, [first, *rest])


def keys_of(dataflow: Dataflow) -> list[str]:
    """The paths of all keys, without sections and without those whose names are the user's own."""
    unused = unused_sections(dataflow)
    keys = [key for key in _paths(dataflow.machine_type, "") if key.partition(".")[0] not in unused]
    options = [key for each in _overlap_options(dataflow) for key in _paths(each, f"{_OVERLAP}.")]
    return list(dict.fromkeys([*keys, *options]))


def _overlap_options(dataflow: Dataflow) -> list[type[BaseModel]]:
    """What each policy that fits takes in its section."""
    fitting = [policy for name, policy in OVERLAPS.items() if name in dataflow.overlaps or dataflow.name in policy.fits]
    return [policy.options_type for policy in fitting]


def _is_in_model(model: type[BaseModel], parts: Sequence[str]) -> bool:
    field = model.model_fields.get(parts[0])
    return field is not None and (len(parts) == 1 or _is_in(field.annotation, parts[1:]))


def _is_in(annotation: Any, parts: Sequence[str]) -> bool:
    """Whether a value of a type has something at a path: a section a key, a mapping any name."""
    if annotation is Any:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _is_in_model(annotation, parts)
    if get_origin(annotation) in (dict, Mapping):
        return len(parts) == 1 or _is_in(get_args(annotation)[1], parts[1:])
    return any(_is_in(argument, parts) for argument in get_args(annotation))


def _paths(model: type[BaseModel], before: str) -> Iterator[str]:
    for key, field in model.model_fields.items():
        inner = list(_models(field.annotation))
        if not inner:
            yield f"{before}{key}"
        for section in inner:
            yield from _paths(section, f"{before}{key}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Sections that a value of a type may be; those inside a mapping have names of the user's own before them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, Mapping):
        for argument in get_args(annotation):
            yield from _models(argument)
