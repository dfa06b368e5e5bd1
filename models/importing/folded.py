"""Two layers of weights without neurons between them as one, worked out in float64."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import torch
import torch.nn.functional as F

from spikecycle.models.convolution import convolve
from spikecycle.models.importing.graph import FloatPooling, FloatSynapse, Shape
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape

MOST_WEIGHTS = 2**24
"""Of one layer that two are folded into, so that the float64 weights take at most 128 MiB."""
POINTWISE = (1, 1, (1, 1), (0, 0, 0, 0))
"""Kernel rows and columns, stride and padding of a convolution that mixes no positions."""


def folded(first: FloatSynapse, shape: Shape, second: FloatSynapse) -> FloatSynapse:
    """The one layer that gives of the input of `first` what `second` gives of the output of `first`.

    shape: of that output as `second` sees it, flat order the same. Refusal where there is no such layer, or it would
    have more than MOST_WEIGHTS weights.
    """
    if second.layer.operator == "linear":
        layer, weight, bias = _linear_behind(first, second)
    elif first.layer.operator == "linear":
        layer, weight, bias = _convolution_behind_linear(first, shape, second)
    else:
        layer, weight, bias = _convolution_behind_convolution(first, shape, second)
    stands_for = tuple(dict.fromkeys((*first.stands_for, *second.stands_for)))
    return replace(
        second, inputs=first.inputs, shape=layer.output_shape, layer=layer, weight=weight, bias=bias, parts=stands_for
    )


def as_synapse(pool: FloatPooling, maps: Shape) -> FloatSynapse:
    """Sums of windows of maps as weights of 1; its name is nobody's."""
    channels, height, width = maps
    layer = LayerShape("conv2d", channels, height, width, channels, *pool.window, pool.stride, pool.padding, channels)
    return FloatSynapse(pool.name, (), pool.shape, layer, np.ones(layer.weight_shape), np.zeros(channels), parts=())


def _linear_behind(first: FloatSynapse, second: FloatSynapse) -> tuple[LayerShape, Reals, Reals]:
    one, behind = first.layer, second.weight[:, :, 0, 0]
    _check(first, second, len(behind) * prod(one.input_shape))
    positions = prod(one.output_shape[1:])
    bias = behind @ first.bias.repeat(positions) + second.bias
    if one.operator == "linear":
        weight = behind @ first.weight[:, :, 0, 0]
    else:
        maps = torch.from_numpy(behind.reshape(len(behind), *one.output_shape))
        weights = torch.from_numpy(np.ascontiguousarray(first.weight))
        spread = F.conv_transpose2d(maps, weights, stride=one.stride, groups=one.groups, dilation=one.dilation)
        top, bottom, left, right = one.sides
        padded = F.pad(spread, (0, one.W + left + right, 0, one.H + top + bottom))
        weight = padded[:, :, top : top + one.H, left : left + one.W].reshape(len(behind), -1).numpy()
    layer = LayerShape.linear(weight.shape[1], len(behind))
    return layer, np.ascontiguousarray(weight)[:, :, None, None], bias


def _convolution_behind_linear(
    first: FloatSynapse, shape: Shape, second: FloatSynapse
) -> tuple[LayerShape, Reals, Reals]:
    """A linear layer: each input gives a map, which is convolved."""
    _check(first, second, first.layer.C * prod(second.layer.output_shape))
    weights = torch.from_numpy(np.ascontiguousarray(second.weight))
    maps = torch.from_numpy(np.ascontiguousarray(first.weight[:, :, 0, 0].T).reshape(-1, *shape))
    columns = convolve(second.layer, maps, weights, None).flatten(1).numpy()
    offsets = torch.from_numpy(first.bias.reshape(1, *shape))
    bias = convolve(second.layer, offsets, weights, torch.from_numpy(second.bias)).flatten().numpy()
    return LayerShape.linear(len(columns), len(bias)), np.ascontiguousarray(columns.T)[:, :, None, None], bias


def _convolution_behind_convolution(
    first: FloatSynapse, shape: Shape, second: FloatSynapse
) -> tuple[LayerShape, Reals, Reals]:
    """A convolution with a kernel that covers both, where the zeros around the map between them do not show."""
    one, other = first.layer, second.layer
    if shape != one.output_shape:
        raise Refusal(
            f"maps of shape {shape} that come as {one.output_shape}; supported: maps as their layer gives them"
        )
    mixes_none = (one.R, one.S, one.stride, one.sides) == POINTWISE and not first.bias.any()
    if any(other.sides) and not mixes_none:
        raise Refusal(
            f"pads what {first.name} gives with zeros, without neurons between them, which no one layer of weights "
            "does; supported: neurons between them, a second layer without padding, or a linear one"
        )
    kernel = tuple(
        (side - 1) * dilation + 1 + (behind - 1) * step * stride
        for side, dilation, behind, step, stride in zip(
            (one.R, one.S), one.dilation, (other.R, other.S), other.dilation, one.stride, strict=True
        )
    )
    groups = one.groups if one.groups == other.groups else 1
    _check(first, second, other.M * one.C // groups * prod(kernel))
    steps = [dilation * stride for dilation, stride in zip(other.dilation, one.stride, strict=True)]
    before, behind = torch.from_numpy(_ungrouped(first)), torch.from_numpy(_ungrouped(second))
    weight = F.conv_transpose2d(behind, before, stride=steps, dilation=one.dilation).numpy()
    layer = LayerShape(
        "conv2d", one.C, one.H, one.W, other.M, kernel[0], kernel[1],
        (one.stride[0] * other.stride[0], one.stride[1] * other.stride[1]),
        other.sides if any(other.sides) else one.sides, groups,
    )  # fmt: skip
    bias = np.einsum("omrs,m->o", _ungrouped(second), first.bias) + second.bias
    return layer, _grouped(weight, groups), bias


def _ungrouped(synapse: FloatSynapse) -> Reals:
    """Weights (M, C, R, S), zeros between groups."""
    layer = synapse.layer
    made = np.zeros((layer.M, layer.C, layer.R, layer.S))
    outputs, inputs = layer.M // layer.groups, layer.C // layer.groups
    for group in range(layer.groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        made[rows, group * inputs : (group + 1) * inputs] = synapse.weight[rows]
    return made


def _grouped(weight: Reals, groups: int) -> Reals:
    """Weights (M, C / groups, R, S) of (M, C, R, S)."""
    outputs, inputs = len(weight) // groups, weight.shape[1] // groups
    parts = [
        weight[group * outputs : (group + 1) * outputs, group * inputs : (group + 1) * inputs]
        for group in range(groups)
    ]
    return np.ascontiguousarray(np.concatenate(parts))


def _check(first: FloatSynapse, second: FloatSynapse, weights: int) -> None:
    if weights > MOST_WEIGHTS:
        raise Refusal(
            f"receives what {first.name} gives, without neurons between them: as one layer of {weights} weights; "
            f"supported: up to {MOST_WEIGHTS}, or neurons between them"
        )
