"""Torch's pooling in a network: windows of its operators, or weights where windows differ in size."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.models.importing.arrays import pair, sides_of
from spikecycle.models.importing.folded import MOST_WEIGHTS
from spikecycle.models.importing.graph import FloatWire, Pair, Shape, Sides
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.recorder import Call
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.views import argument


def pooled(maker: GraphMaker, name: str, wire: FloatWire, call: Call, kind: str, axes: int) -> FloatWire:
    """What a call makes of maps. kind: as in `views.POOLS`; axes: of positions, 1 or 2."""
    if kind.startswith("adaptive"):
        _, h, w = maker.shapes[wire.source]
        asked = argument(call, 1, "output_size")
        sizes = [side if size is None else int(size) for side, size in zip((h, w), _pair_of(asked, axes), strict=True)]
        if h % sizes[0] or w % sizes[1]:
            return _unequal(maker, name, wire, kind, (sizes[0], sizes[1]))
        window = (h // sizes[0], w // sizes[1])
        return maker.pool(name, wire, kind.removeprefix("adaptive "), window, window)
    if kind == "sum":
        return _summed(maker, name, wire, call, axes)
    window = two("kernel_size", argument(call, 1, "kernel_size"), axes)
    given = argument(call, 2, "stride")
    stride = window if given is None or given == [] else two("stride", given, axes)
    sides = sides_of(two("padding", argument(call, 3, "padding", 0), axes, least=0))
    if kind == "max":
        if two("dilation", argument(call, 4, "dilation", 1), axes) != (1, 1):
            raise Refusal("max pooling with dilation; supported: without")
        return maker.pool(name, wire, "max", window, stride, sides, bool(argument(call, 5, "ceil_mode", False)))
    counted = bool(argument(call, 5, "count_include_pad", True))
    divisor = argument(call, 6, "divisor_override") if axes == 2 else None
    if argument(call, 4, "ceil_mode", False):
        _, h, w = maker.shapes[wire.source]
        if (h + 2 * sides[0] - window[0]) % stride[0] or (w + 2 * sides[2] - window[1]) % stride[1]:
            raise Refusal("ceil_mode of an average whose windows do not fit; supported: windows that fit")
    if divisor is None and (counted or not any(sides)):
        return maker.pool(name, wire, "average", window, stride, sides)
    total = maker.pool(name, wire, "sum", window, stride, sides)
    taken = np.full((1, 1, 1), float(divisor)) if divisor else _inside(maker.shapes[wire.source], window, stride, sides)
    return maker.scale(f"{name}, divided", total, 1 / taken)


def _unequal(maker: GraphMaker, name: str, wire: FloatWire, kind: str, sizes: Pair) -> FloatWire:
    """Adaptive averages of windows of different sizes, as weights: window i of n reaches from floor(i size / n) to
    ceil((i + 1) size / n) (torch)."""
    channels, h, w = maker.shapes[wire.source]
    if kind != "adaptive average":
        raise Refusal(f"adaptive max pooling of {h}x{w} to {sizes[0]}x{sizes[1]}; supported: sizes that divide")
    weights = channels**2 * h * w * sizes[0] * sizes[1]
    if weights > MOST_WEIGHTS:
        raise Refusal(
            f"adaptive pooling of {h}x{w} to {sizes[0]}x{sizes[1]} in {channels} channels, {weights} weights; "
            f"supported: sizes that divide, or up to {MOST_WEIGHTS} weights"
        )
    rows, columns = (_shares(side, count) for side, count in zip((h, w), sizes, strict=True))
    one = np.einsum("ph,qw->pqhw", rows, columns).reshape(sizes[0] * sizes[1], h * w)
    made = maker.linear(name, wire, np.kron(np.eye(channels), one), None)
    return maker.reshape(f"{name}, as maps", made, (channels, *sizes))


def _shares(side: int, count: int) -> Reals:
    """What each place of a side adds to each of `count` averages, (count, side)."""
    made = np.zeros((count, side))
    for place in range(count):
        first, last = place * side // count, -(-(place + 1) * side // count)
        made[place, first:last] = 1 / (last - first)
    return made


def _inside(shape: Shape, window: Pair, stride: Pair, sides: Sides) -> Reals:
    """How many values of each window lie inside the map, (1, P, Q)."""
    _, h, w = shape
    inside = np.pad(np.ones((h, w)), (sides[:2], sides[2:]))
    windows = np.lib.stride_tricks.sliding_window_view(inside, window)[:: stride[0], :: stride[1]]
    return np.asarray(windows.sum(axis=(2, 3)))[None]


def _summed(maker: GraphMaker, name: str, wire: FloatWire, call: Call, axes: int) -> FloatWire:
    """Pooling by norms, of which the first is a sum of what is not below 0, as spikes are."""
    if float(argument(call, 1, "norm_type")) != 1:
        raise Refusal(f"pooling by norm {argument(call, 1, 'norm_type'):g}; supported: 1, a sum")
    window = two("kernel_size", argument(call, 2, "kernel_size"), axes)
    given = argument(call, 3, "stride")
    stride = window if given is None or given == [] else two("stride", given, axes)
    _, h, w = maker.shapes[wire.source]
    if argument(call, 4, "ceil_mode", False) and ((h - window[0]) % stride[0] or (w - window[1]) % stride[1]):
        raise Refusal("ceil_mode of a sum whose windows do not fit; supported: windows that fit")
    return maker.pool(name, wire, "sum", window, stride)


def two(name: str, value: object, axes: int, least: int = 1) -> tuple[int, int]:
    """(vertical, horizontal); along a row the vertical one does nothing."""
    if axes == 2:
        return pair(name, value, least)
    return (least, pair(name, value, least)[1])


def _pair_of(value: Any, axes: int) -> tuple[Any, Any]:
    several = list(value) if isinstance(value, list | tuple) else [value, value]
    return (1, several[0]) if axes == 1 else (several[0], several[1])
