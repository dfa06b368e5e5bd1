"""Currents of several parts, shared, or late: sums, concatenations, and what several operators receive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecycle.models.importing.currents import Arranged, Current, Emit, Viewed, Weighted, held, one_wire
from spikecycle.models.importing.graph import FloatJoin, FloatPooling, FloatSum, FloatSynapse, FloatWire, Shape
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal


@dataclass(frozen=True, eq=False)
class Plus(Current):
    """A sum of currents."""

    operator: FloatSum
    parts: tuple[Current, ...]

    def __post_init__(self) -> None:
        shapes = {part.natural for part in self.parts}
        if len(shapes) > 1:
            raise Refusal(f"a sum of maps of shapes {', '.join(map(str, sorted(shapes)))}")

    @property
    def natural(self) -> Shape:  # type: ignore[override]
        """That of each part."""
        return self.parts[0].natural

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        """That of the sum."""
        return self.operator.shape

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """Each part; the shift goes to the first that can take it."""
        none = np.zeros_like(shift)
        able = next((i for i, part in enumerate(self.parts) if not isinstance(part, Late)), 0)
        parts = tuple(part.scaled(gain, shift if i == able else none) for i, part in enumerate(self.parts))
        return replace(self, parts=parts)

    def wires(self, emit: Emit) -> list[FloatWire]:
        """Those of all parts."""
        return [wire for part in self.parts for wire in part.wires(emit)]

    def emit(self, emit: Emit) -> str:
        """An operator of its own."""
        (wire,) = one_wire(self, emit, self.operator.name)
        return wire.source

    def viewed(self, shape: Shape) -> Current:
        """See the class."""
        return replace(self, operator=replace(self.operator, shape=shape))

    def through(self, synapse: FloatSynapse) -> Current:
        """Each part; the bias goes to the first that can take it."""
        return _sum_through([(part, synapse) for part in self._seen()], synapse)

    def _seen(self) -> list[Current]:
        return [part if part.shape == self.shape else part.viewed(self.shape) for part in self.parts]


@dataclass(frozen=True, eq=False)
class Joined(Arranged):
    """Channels of currents, one after the other."""

    operator: FloatJoin
    parts: tuple[Current, ...]

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """Each part by its channels."""
        parts, first = [], 0
        for part in self.parts:
            channels = slice(first, first + part.natural[0])
            parts.append(part.scaled(gain[channels], shift[channels]))
            first = channels.stop
        return replace(self, parts=tuple(parts))

    def wires(self, emit: Emit) -> list[FloatWire]:
        """Its output."""
        parts = [one_wire(part, emit, f"sum before {self.operator.name}")[0] for part in self.parts]
        return [FloatWire(emit(replace(self.operator, inputs=tuple(parts))))]

    def through(self, synapse: FloatSynapse) -> Current:
        """Each part by the weights of its channels."""
        layer, positions = synapse.layer, self.shape[1] * self.shape[2]
        if layer.groups > 1:
            raise Refusal("groups of channels of currents that are concatenated; supported: neurons between them")
        cut, first = [], 0
        for part in self.parts:
            count = part.natural[0] * (positions if layer.operator == "linear" else 1)
            weight = synapse.weight[:, first : first + count]
            cut.append((part, replace(synapse, layer=replace(layer, C=count), weight=weight)))
            first += count
        return _sum_through(cut, synapse)


def _sum_through(parts: Sequence[tuple[Current, FloatSynapse]], synapse: FloatSynapse) -> Current:
    """What weights make of each part, added up; one of them gets the bias, none that comes a timestep later."""
    able = next((place for place, (part, _) in enumerate(parts) if not isinstance(part, Late)), 0)
    made = [
        part.through(own if place == able else replace(own, bias=np.zeros_like(own.bias)))
        for place, (part, own) in enumerate(parts)
    ]
    return Plus(FloatSum(f"sum in {synapse.name}", (), synapse.shape), tuple(_merged(made)))


def _merged(parts: Sequence[Current]) -> list[Current]:
    """The parts, those that are weights of one source as one."""
    made: list[Current] = []
    places: dict[tuple[object, ...], int] = {}
    for part in parts:
        if isinstance(part, Weighted):
            own = part.synapse
            place = places.setdefault((own.inputs, own.layer, part.shape), len(made))
            known = made[place] if place < len(made) else None
            if isinstance(known, Weighted):
                both = tuple(dict.fromkeys((*known.synapse.stands_for, *own.stands_for)))
                weight, bias = known.synapse.weight + own.weight, known.synapse.bias + own.bias
                made[place] = replace(known, synapse=replace(own, weight=weight, bias=bias, parts=both))
                continue
        made.append(part)
    return made


class Unchanged(Current):
    """A current whose places are those of another, `current`."""

    current: Current

    @property
    def natural(self) -> Shape:  # type: ignore[override]
        """That of the current."""
        return self.current.natural

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        """That of the current."""
        return self.current.shape

    def viewed(self, shape: Shape) -> Current:
        """See the class."""
        return Viewed(self, shape)


@dataclass(frozen=True, eq=False)
class Shared(Unchanged):
    """A current that several operators receive."""

    wire: str
    current: Current

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """A copy of its own, made anew, unless the scale does nothing."""
        return self.current.scaled(gain, shift) if (gain != 1).any() or shift.any() else self

    def wires(self, emit: Emit) -> list[FloatWire]:
        """The one wire."""
        return [FloatWire(self.wire)]

    def summed(self, pool: FloatPooling) -> Current | None:
        """A copy of its own."""
        return self.current.summed(pool)

    def through(self, synapse: FloatSynapse) -> Current:
        """Of a copy of its own."""
        return self.current.through(synapse)


@dataclass(frozen=True, eq=False)
class Late(Unchanged):
    """A current one timestep later; before the first, none."""

    current: Current

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """A shift would be late too."""
        if shift.any():
            raise Refusal("a shift of currents that come a timestep later")
        return replace(self, current=self.current.scaled(gain, shift))

    def wires(self, emit: Emit) -> list[FloatWire]:
        """Late wires."""
        return [
            FloatWire(emit(held(wire, self.current.natural)) if wire.delay else wire.source, 1)
            for wire in self.current.wires(emit)
        ]

    def through(self, synapse: FloatSynapse) -> Current:
        """The same, late; a bias is not."""
        if synapse.bias.any():
            raise Refusal("a bias beside currents that come a timestep later, without neurons between them")
        return Late(self.current.through(synapse))
