"""Whole numbers on their way through a network that is lowered: integers times a gain, plus a shift, which the weights
behind them take up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from spikecycle.models.importing.graph import FloatSynapse, FloatWire, Shape, reduced
from spikecycle.models.importing.neuron import ZERO, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape

POINTWISE = (1, 1, (1, 1), (0, 0, 0, 0))
"""Kernel rows and columns, stride, padding of a convolution that mixes no positions."""
MOST_COPIES = 16
"""Channels of ones, each of which is a spike for each position and timestep."""


@dataclass(frozen=True, eq=False)
class Whole:
    """Integers times a gain, plus a shift. natural: the shape of the tensor; shape: as its consumer sees it, flat order
    the same.

    gain, shift: float64 that broadcast to `shape`. doubled: ON channels, then as many OFF channels that count
    negatively; `shape` is that of the difference.
    """

    wire: str
    natural: Shape
    shape: Shape
    gain: Reals
    doubled: bool = False
    shift: Reals = field(default_factory=lambda: ZERO)


def weighted_shift(operator: FloatSynapse, state: Whole, delay: int) -> Reals:
    """What weights make of a shift (a batch norm or a constant before them), one for each output channel; of a padded
    convolution nothing, as it differs at the borders: see `ones_for`."""
    if not state.shift.any():
        return ZERO
    if delay:
        source = operator.inputs[0].source
        raise Refusal(f"receives a shift by {source} a timestep later; supported: in the same timestep")
    layer = operator.layer
    if layer.operator == "linear":
        shifts = np.broadcast_to(state.shift, state.shape).reshape(1, -1, 1, 1)
        return np.asarray((operator.weight * shifts).sum(axis=(1, 2, 3)))
    return ZERO if any(layer.sides) else np.asarray(_of_shift(operator, state).sum(axis=(1, 2)))


@dataclass(frozen=True)
class Ones:
    """A map that has one value everywhere, in every timestep: 2**doublings in each of `copies` channels."""

    copies: int
    doublings: int

    @property
    def total(self) -> int:
        """Of all channels."""
        return self.copies << self.doublings


def ones_for(operator: FloatSynapse, made: FloatSynapse, state: Whole) -> Ones | None:
    """What a padded convolution of a shift, which is there inside of the map alone, takes for an input; None where
    there is none.

    made: the convolution of what is shifted. Weights of both share a scale, so that those of the shift must be no
    larger: it is spread over some channels, and over larger values where that is not enough (analog inputs, of which a
    code is worth little).
    """
    layer = operator.layer
    if not state.shift.any() or layer.operator == "linear" or not any(layer.sides):
        return None
    check_natural(state)
    shifts, weights = (
        np.abs(each).reshape(layer.M, -1).max(axis=1) for each in (_of_shift(operator, state), made.weight)
    )
    ratio = float(np.max(shifts[weights > 0] / weights[weights > 0], initial=1.0))
    doublings = max(0, int(np.ceil(np.log2(ratio / MOST_COPIES))))
    return Ones(int(np.ceil(ratio / 2**doublings)), doublings)


def inside(operator: FloatSynapse, state: Whole, ones: Ones, wire: FloatWire) -> FloatSynapse:
    """The convolution of a shift as weights of ones, which the wire carries."""
    layer = operator.layer
    weight = np.repeat(_of_shift(operator, state)[:, None] / ones.total, ones.copies, axis=1)
    return replace(
        operator, name=f"{operator.name}, of a shift", inputs=(wire,), layer=replace(layer, C=ones.copies, groups=1),
        weight=weight, bias=np.zeros(layer.M), parts=(),
    )  # fmt: skip


def _of_shift(operator: FloatSynapse, state: Whole) -> Reals:
    """Weights of a shift, added up over input channels, (M, R, S)."""
    layer = operator.layer
    by_group = by_channel("a shift before it", state.shift, state.shape, state.shape).reshape(layer.groups, -1)
    spread = by_group.repeat(layer.M // layer.groups, axis=0)[:, :, None, None]
    return np.asarray((operator.weight * spread).sum(axis=1))


def by_channel(what: str, values: Reals, shape: Shape, natural: Shape) -> Reals:
    """One number for each channel of maps of the natural shape, (C,); values broadcast to maps of `shape`.

    Refusal where neurons of one channel differ.
    """
    if values.size == 1:
        return np.full(natural[0], float(values.reshape(())))
    rows: Reals = np.broadcast_to(values, shape).reshape(natural[0], -1)
    if reduced(rows[:, :, None]).shape[1:] not in ((), (1, 1)):
        raise Refusal(
            f"{what} that differs between positions of one channel, {rows.min():g} to {rows.max():g}; "
            "supported: one per channel"
        )
    return rows[:, 0].copy()


def check_natural(state: Whole) -> None:
    """Refusal where maps are seen in another shape than their tensor has."""
    wanted = (state.natural[0] // (2 if state.doubled else 1), *state.natural[1:])
    if state.shape != wanted:
        raise Refusal(f"maps of shape {state.shape} that come as {wanted}; supported: maps as their layer gives them")


def placed(layer: LayerShape, state: Whole) -> LayerShape:
    """The convolution on maps of the natural shape, where it mixes no positions."""
    natural = (state.shape[0], *state.natural[1:])
    if state.shape == natural:
        return layer
    if (
        (layer.R, layer.S, layer.stride, layer.sides) != POINTWISE
        or state.shape[0] != layer.C
        or (state.natural[0] != layer.C * (2 if state.doubled else 1))
    ):
        raise Refusal(f"maps of shape {state.shape} that come as {natural}; supported: maps as their layer gives them")
    return replace(layer, operator="conv2d", H=natural[1], W=natural[2])
