"""A machine that notes which of its keys are read, so that what follows from them can be used for other machines.

What a computation makes of a machine can only depend on the values that it reads. So `watch` makes a copy of a machine,
of the same type to whoever uses it, whose sections note the path and value of every key that somebody asks for; and
`Reads.hold_for` says of another machine whether all those keys have the same values there. Nothing has to be declared:
a dataflow from a plugin is watched as one of the simulator's own.

Whoever looks at a section as a whole (compares it, copies it, turns it into a mapping) has read all of its keys.
"""

from __future__ import annotations

import functools
import types
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from spikecycle.simulator.machine.schema import Machine

SectionT = TypeVar("SectionT", bound=BaseModel)
Path = tuple[str, ...]

_ABSENT = object()
"""What a machine has at a path that leads nowhere in it."""
_NOTES = "_notes"


@dataclass(eq=False)
class Reads:
    """Values that were read, by the path of their key; the value at a section's own path is the whole section."""

    values: dict[Path, Any] = field(default_factory=dict)

    def hold_for(self, machine: Machine) -> bool:
        """Whether another machine has the same values at every path; other threads may read meanwhile."""
        return all(_equal(_value_at(machine, path), value) for path, value in self.values.copy().items())


def watch(machine: Machine) -> tuple[Machine, Reads]:
    """A copy of the machine that notes what is read of it, and where it notes that."""
    reads = Reads()
    return _watched(machine, (), reads), reads


def _watched(section: SectionT, path: Path, reads: Reads) -> SectionT:
    """A copy of a section, and of all sections in it, with notes."""
    kind = _watched_type(type(section))
    copy = object.__new__(kind)
    values = {
        name: _watched(value, (*path, name), reads) if isinstance(value, BaseModel) else value
        for name, value in section.__dict__.items()
    }
    private = {**(section.__pydantic_private__ or {}), _NOTES: (section, path, reads)}
    for name, value in (
        ("__dict__", values),
        ("__pydantic_fields_set__", set(section.model_fields_set)),
        ("__pydantic_extra__", None),
        ("__pydantic_private__", private),
    ):
        object.__setattr__(copy, name, value)
    return cast(SectionT, copy)


@functools.cache
def _watched_type(kind: type[BaseModel]) -> type[BaseModel]:
    """A subclass that notes what is read of its instances; one per schema."""
    keys = frozenset(kind.model_fields)

    def note(self: BaseModel, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name in keys:
            if not isinstance(value, BaseModel):
                notes = _notes(self)
                if notes:
                    notes[2].values[*notes[1], name] = value
        elif name == "__dict__":  # to copy or dump it
            _as_a_whole(self)
        return value

    body = {
        "__getattribute__": note,
        "__eq__": lambda self, other: bool(_as_a_whole(self) == _as_a_whole(other)),
        "__hash__": lambda self: hash(_as_a_whole(self)),
        "__module__": __name__,
        "__doc__": kind.__doc__,
    }
    return cast("type[BaseModel]", types.new_class(kind.__name__, (kind,), exec_body=lambda space: space.update(body)))


def _notes(section: BaseModel) -> tuple[BaseModel, Path, Reads] | None:
    """The section that a watched one is a copy of, its path, and where its reads are noted; None for any other."""
    private = object.__getattribute__(section, "__pydantic_private__")
    notes: tuple[BaseModel, Path, Reads] | None = (private or {}).get(_NOTES)
    return notes


def _as_a_whole(value: object) -> object:
    """What a watched section is a copy of, noted as read; anything else as it is."""
    notes = _notes(value) if isinstance(value, BaseModel) else None
    if notes is None:
        return value
    section, path, reads = notes
    reads.values[path] = section
    return section


def _value_at(machine: Machine, path: Path) -> Any:
    place: Any = machine
    for name in path:
        place = getattr(place, name, _ABSENT)
    return place


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same to whoever computes with them: 1 is not True, and 1 is not 1.0."""
    return type(one) is type(other) and bool(one == other)
