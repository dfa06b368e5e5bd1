"""Machines near a machine: other values of each key that are worth trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.schema import Machine

STEP = 0.1
"""Of a key, up and down, for its elasticity; of a whole number at least 1."""
_NO_DESIGN = (
    "technology.", "logic.", "energy.", "overlap.", "sources.", "name", "describes", "dataflow.neuron_unit.",
)  # fmt: skip
"""Beginnings of keys that nobody chooses by designing a machine, or whose price is not modelled (clock, what neurons
can do)."""
_MODELS = ("bank_wires",)
"""Last names of keys that say how something is modelled."""
_FOLLOWS = ("_um", "_nm", "_pj", "_pj_per_bit", "_mw", "_ns", "_k", "_factor")
"""Ends of keys, or of sections, that say what something is like, and not what is built."""


@dataclass(frozen=True)
class Neighbour:
    """A key with another value."""

    key: str
    before: Any
    after: Any


def numeric_keys(machine: Machine) -> dict[str, float]:
    """Numbers of a machine by the path of their key; those of which only a few values are possible are no numbers."""
    return {
        key: value
        for key, value, choices in _keys(machine)
        if isinstance(value, int | float) and not isinstance(value, bool) and not choices
    }


def near(machine: Machine) -> Iterator[Neighbour]:
    """Values a step below and above each number, and half and double of it in case that a step is refused."""
    for key, value in numeric_keys(machine).items():
        for other in _steps(value):
            yield Neighbour(key, value, other)


def changes(machine: Machine) -> Iterator[Neighbour]:
    """Half and double of each number that a design decides on, every other value of a key that has only a few, every
    other format, and other residencies."""
    for key, value, choices in _keys(machine):
        if key.startswith((*_NO_DESIGN, "formats.", "residency.")) or _is_given(key):
            continue
        if choices or isinstance(value, bool):
            yield from (Neighbour(key, value, other) for other in choices or (not value,) if other != value)
        elif isinstance(value, int | float) and value > 0:
            halves = (value // 2, 2 * value) if isinstance(value, int) else (value / 2, 2 * value)
            yield from (Neighbour(key, value, other) for other in halves if other > 0)
    if machine.formats is not None:
        for key, choice, registry in (
            ("formats.weights.format", machine.formats.weights.format, WEIGHT_FORMATS.names()),
            ("formats.spikes.format", machine.formats.spikes.format, SPIKE_FORMATS.names()),
        ):
            yield from (Neighbour(key, choice, name) for name in registry if name != choice)
    residency = machine.residency
    if residency.weights == "inference":
        yield Neighbour("residency.weights", residency.weights, "resident")
    if residency.activations == "dram" and residency.weights != "batch":
        yield Neighbour("residency.activations", residency.activations, "chip")


def _is_given(key: str) -> bool:
    """Whether a key says what something is like, or how it is modelled; its section may have the unit."""
    return any(part.endswith((*_FOLLOWS, *_MODELS)) for part in key.split("."))


def _steps(value: float) -> list[float]:
    if value <= 0:
        return []
    if not isinstance(value, int):
        return [value * (1 - STEP), value * (1 + STEP), value / 2, value * 2]
    step = max(1, round(STEP * value))
    found = [value - step, value + step, value // 2, value * 2]
    return [other for other in dict.fromkeys(found) if other > 0 and other != value]


def _keys(section: BaseModel, before: str = "") -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Path, value, and all possible values where there are only a few, of every key of a section."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _keys(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value, _choices(field.annotation)


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()
