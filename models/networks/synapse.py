"""The torch operator of a layer (convolution or linear), chosen by the layer's shape."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spikecycle.models.convolution import convolve
from spikecycle.traces.shape import LayerShape


def empty_weight(shape: LayerShape, generator: torch.Generator) -> nn.Parameter:
    """Initial weight, float32 (M, C / groups, R, S): uniform with variance 1 / (3 fan-in), torch's own default."""
    bound = shape.fan_in**-0.5
    return nn.Parameter(torch.empty(shape.weight_shape).uniform_(-bound, bound, generator=generator))


def currents(shape: LayerShape, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What reaches every neuron: weights times inputs, plus bias.

    x: float32 (T, B, ...) with C x H x W values per timestep; returns (T, B, M, P, Q). A linear layer is a
    1x1 convolution on a 1x1 map, so its input is flattened in the order channel, row, column.
    """
    steps, batch = x.shape[:2]
    maps = x.reshape(steps * batch, shape.C, shape.H, shape.W)
    summed = convolve(shape, maps, weight, bias)
    return summed.reshape(steps, batch, shape.M, shape.P, shape.Q)
