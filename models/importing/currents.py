"""Currents on their way from weights to neurons: sums, pools and scales of them, whose unit is still free.

A scale goes back into the weights; what several operators receive is made once, unless one of them scales it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spikecycle.models.importing.folded import as_synapse, folded
from spikecycle.models.importing.graph import (
    FloatJoin,
    FloatOperator,
    FloatPooling,
    FloatSum,
    FloatSynapse,
    FloatWire,
    Shape,
)
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape, TraceError

Emit = Callable[[FloatOperator], str]
"""Adds an operator to the network and says its name."""


class Current(ABC):
    """A current. natural: shape of the tensor; shape: as its consumer sees it, flat order the same."""

    natural: Shape
    shape: Shape

    @abstractmethod
    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """gain x current + shift, both one per natural channel (C,)."""

    @abstractmethod
    def wires(self, emit: Emit) -> list[FloatWire]:
        """Wires whose sum it is."""

    @abstractmethod
    def viewed(self, shape: Shape) -> Current:
        """As maps of another shape."""

    @abstractmethod
    def through(self, synapse: FloatSynapse) -> Current:
        """What weights make of it, folded into the weights that it comes from; Refusal where that cannot be."""

    def emit(self, emit: Emit) -> str:
        """The one wire that carries it."""
        wires = self.wires(emit)
        return wires[0].source

    def summed(self, pool: FloatPooling) -> Current | None:
        """Its windows' sums as larger weights, where that is possible."""
        return None


@dataclass(frozen=True, eq=False)
class Weighted(Current):
    """What weights give."""

    synapse: FloatSynapse
    shape: Shape

    @property
    def natural(self) -> Shape:  # type: ignore[override]
        """That of the synapse."""
        return self.synapse.layer.output_shape

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """Into weights and bias."""
        weight = self.synapse.weight * gain[:, None, None, None]
        return replace(self, synapse=replace(self.synapse, weight=weight, bias=self.synapse.bias * gain + shift))

    def wires(self, emit: Emit) -> list[FloatWire]:
        """Its output."""
        return [FloatWire(emit(self.synapse))]

    def viewed(self, shape: Shape) -> Current:
        """See the class."""
        return replace(self, shape=shape)

    def through(self, synapse: FloatSynapse) -> Current:
        """One layer in place of two."""
        return Weighted(folded(self.synapse, self.shape, synapse), synapse.shape)

    def summed(self, pool: FloatPooling) -> Current | None:
        """A kernel that covers the window, where the convolution allows it."""
        layer = self.synapse.layer
        if any(pool.padding) or layer.operator != "conv2d" or layer.dilation != (1, 1) or self.shape != self.natural:
            return None
        sizes = [
            side + (window - 1) * step
            for side, window, step in zip((layer.R, layer.S), pool.window, layer.stride, strict=True)
        ]
        weight = np.zeros((*layer.weight_shape[:2], *sizes))
        for row in range(pool.window[0]):
            for column in range(pool.window[1]):
                top, left = row * layer.stride[0], column * layer.stride[1]
                weight[:, :, top : top + layer.R, left : left + layer.S] += self.synapse.weight
        stride = (layer.stride[0] * pool.stride[0], layer.stride[1] * pool.stride[1])
        try:
            pooled = replace(layer, R=sizes[0], S=sizes[1], stride=stride)
        except TraceError:
            return None
        if pooled.output_shape != pool.shape:
            return None
        bias = self.synapse.bias * (pool.window[0] * pool.window[1])
        return Weighted(replace(self.synapse, layer=pooled, weight=weight, bias=bias, shape=pool.shape), pool.shape)


class Arranged(Current):
    """A current whose places are those of an operator that makes it of others."""

    operator: FloatPooling | FloatJoin

    @property
    def natural(self) -> Shape:  # type: ignore[override]
        """That of the operator."""
        return self.operator.shape

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        """The same."""
        return self.operator.shape

    def viewed(self, shape: Shape) -> Current:
        """See the class."""
        return Viewed(self, shape)


@dataclass(frozen=True, eq=False)
class Pooled(Arranged):
    """Windows of a current."""

    operator: FloatPooling
    current: Current

    def __post_init__(self) -> None:
        if self.current.natural != self.current.shape:
            raise Refusal(f"maps of shape {self.current.shape} that come as {self.current.natural}")

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """Into what is pooled."""
        if self.operator.mode == "max":
            if not (gain > 0).all():
                raise Refusal("a scale of a maximum that is not positive")
            return replace(self, current=self.current.scaled(gain, shift))
        if shift.any() and any(self.operator.padding):
            raise Refusal("a shift of sums of windows with padding")
        size = self.operator.window[0] * self.operator.window[1]
        return replace(self, current=self.current.scaled(gain, shift / size))

    def wires(self, emit: Emit) -> list[FloatWire]:
        """Its output."""
        (wire,) = one_wire(self.current, emit, f"sum before {self.operator.name}")
        return [FloatWire(emit(replace(self.operator, inputs=(wire,))))]

    def through(self, synapse: FloatSynapse) -> Current:
        """Of sums, which are weights too."""
        if self.operator.mode == "max":
            raise Refusal(
                f"receives the largest of currents ({self.operator.name}), without neurons between them; supported: "
                "neurons between one layer and the next"
            )
        pool = as_synapse(self.operator, self.current.natural)
        return self.current.through(folded(pool, self.shape, synapse))


@dataclass(frozen=True, eq=False)
class Viewed(Current):
    """A current as maps of another shape."""

    current: Current
    shape: Shape

    @property
    def natural(self) -> Shape:  # type: ignore[override]
        """That of the current."""
        return self.current.natural

    def scaled(self, gain: Reals, shift: Reals) -> Current:
        """The same of the current."""
        return replace(self, current=self.current.scaled(gain, shift))

    def wires(self, emit: Emit) -> list[FloatWire]:
        """The same."""
        return self.current.wires(emit)

    def emit(self, emit: Emit) -> str:
        """The same."""
        return self.current.emit(emit)

    def viewed(self, shape: Shape) -> Current:
        """See the class."""
        return replace(self, shape=shape)

    def through(self, synapse: FloatSynapse) -> Current:
        """The same of the current, which is in the same flat order."""
        if synapse.layer.operator != "linear" and self.shape != self.current.shape:
            raise Refusal(f"maps of shape {self.shape} that come as {self.current.shape}, without neurons between them")
        return self.current.through(synapse)


def held(wire: FloatWire, shape: Shape) -> FloatOperator:
    """An operator that gives what the wire carries: windows of one value. A wire of it can have a delay of its own."""
    return FloatPooling(f"{wire.source}, held", (wire,), shape, "sum", (1, 1), (1, 1))


def one_wire(current: Current, emit: Emit, name: str) -> list[FloatWire]:
    """The one wire, by an addition where there are several."""
    wires = current.wires(emit)
    if len(wires) > 1:
        wires = [FloatWire(emit(FloatSum(name, tuple(wires), current.natural)))]
    return wires


def identity(name: str, wire: FloatWire, natural: Shape, shape: Shape, gain: Reals, doubled: bool) -> Current:
    """Whole numbers as currents: each neuron receives the one of its own place, times the gain (C,).

    doubled: as many OFF channels follow, which count negatively.
    """
    c, h, w = natural
    if doubled:
        layer = LayerShape("conv2d", 2 * c, h, w, c, 1, 1)
        weight = np.concatenate([np.diag(gain), -np.diag(gain)], axis=1)[:, :, None, None]
    else:
        layer = LayerShape("conv2d", c, h, w, c, 1, 1, groups=c)
        weight = gain.reshape(c, 1, 1, 1).astype(np.float64)
    return Weighted(FloatSynapse(name, (wire,), natural, layer, weight, np.zeros(c)), shape)
