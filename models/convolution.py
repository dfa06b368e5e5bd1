"""The convolution of a layer in torch, whatever the sides of its padding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from spikecycle.traces import LayerShape


def convolve(shape: LayerShape, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Sums (B, M, P, Q) of weight (M, C / groups, R, S) times maps (B, C, H, W), plus bias (M,); all of one dtype."""
    top, bottom, left, right = shape.sides
    if (top, left) == (bottom, right):
        return F.conv2d(maps, weight, bias, shape.stride, (top, left), shape.dilation, shape.groups)
    padded = F.pad(maps, (left, right, top, bottom))
    return F.conv2d(padded, weight, bias, shape.stride, 0, shape.dilation, shape.groups)
