"""Kernels of a convolution whose input channels are some of a map's, or in another order, for all of its channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spikecycle.models.importing.graph import FloatWire, Shape
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.views import Numbers

if TYPE_CHECKING:
    from spikecycle.models.importing.functions import View


class PlacedKernel(NamedTuple):
    """wire: the map; weight: (M, C / groups, R, S); order: by output channel of the forward, that of the operator;
    whole: that the input is the map as it is."""

    wire: FloatWire
    weight: Reals
    groups: int
    order: Numbers
    whole: bool


def placed_kernel(view: View, shapes: Mapping[str, Shape], weight: Reals, groups: int) -> PlacedKernel:
    """Of weights (M, C / groups, R, S) for the channels that the view takes, (C, ...) in the shape of its places.

    Channels that are not taken get weights of 0. Groups of channels that change places as a whole stay groups, and
    their outputs change places; other groups become one. Refusal where positions are moved too.
    """
    size = int(np.prod(shapes[view.wire.source]))
    order = np.arange(len(weight))
    whole = view.places.size == size and bool((view.places.reshape(-1) == np.arange(size)).all())
    if whole:
        return PlacedKernel(view.wire, weight, groups, order, True)
    channels, *sides = shapes[view.wire.source]
    positions = int(np.prod(sides))
    rows = view.places.reshape(len(view.places), -1)
    taken = rows[:, 0] // positions
    same_sides = view.places.shape[1:] in (tuple(sides), (sides[1],) if sides[0] == 1 else None)
    if not same_sides or (rows != taken[:, None] * positions + np.arange(positions)).any():
        raise Refusal(
            f"gets a part of the positions of what {view.wire.source} gives, or in another order; supported: maps as "
            "their layer gives them, or some of their channels"
        )
    if weight.shape[1] * groups != len(taken):
        raise Refusal(f"weights of shape {weight.shape} in {groups} groups for {len(taken)} channels")
    outputs, inputs = len(weight) // groups, weight.shape[1]
    by_group = taken.reshape(groups, inputs)
    blocks = by_group.min(axis=1) // inputs
    expected = blocks[:, None] * inputs + np.arange(inputs)
    if len(taken) == channels and (np.sort(by_group, axis=1) == expected).all() and len(set(blocks)) == groups:
        made = np.empty_like(weight)
        for group, block in enumerate(blocks):
            order[group * outputs : (group + 1) * outputs] = block * outputs + np.arange(outputs)
            own = weight[group * outputs : (group + 1) * outputs]
            made[block * outputs : (block + 1) * outputs] = own[:, np.argsort(by_group[group])]
        return PlacedKernel(view.wire, made, groups, order, False)
    spread = np.zeros((len(weight), channels, *weight.shape[2:]))
    for group in range(groups):
        for place, channel in enumerate(by_group[group]):
            spread[group * outputs : (group + 1) * outputs, channel] += weight[
                group * outputs : (group + 1) * outputs, place
            ]
    return PlacedKernel(view.wire, spread, 1, order, False)
