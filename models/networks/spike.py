"""The spike decision v >= threshold and its surrogate gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

SURROGATE_WIDTH = 2.0  # alpha of Fang et al. 2021 and snntorch's default, dimensionless


class _SpikeAtOrAbove(torch.autograd.Function):
    """Heaviside step with H(0) = 1, backwards the derivative of (1 / pi) arctan(pi x alpha / 2)."""

    @staticmethod
    def forward(ctx: Any, excess: Tensor) -> Tensor:
        ctx.save_for_backward(excess)
        return (excess >= 0).to(excess.dtype)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        (excess,) = ctx.saved_tensors
        slope = 1 + (math.pi / 2 * SURROGATE_WIDTH * excess) ** 2
        gradient: Tensor = upstream[0] * (SURROGATE_WIDTH / 2) / slope
        return gradient


def spike_at_or_above(excess: Tensor) -> Tensor:
    """1 where excess (potential over threshold, relative to the threshold) is 0 or more, else 0.

    snntorch's own surrogates fire strictly above the threshold; hardware compares with >=, and in integers the
    two differ. Surrogate: arctan, Fang et al., "Incorporating Learnable Membrane Time Constant to Enhance
    Learning of Spiking Neural Networks", ICCV 2021.
    """
    spikes: Tensor = _SpikeAtOrAbove.apply(excess)  # type: ignore[no-untyped-call]
    return spikes
