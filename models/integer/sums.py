"""Exact sums of weights times inputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikecycle.models.convolution import convolve
from spikecycle.traces import LayerShape

FLOAT32_EXACT = 2**24  # every integer up to this magnitude is exact in float32 (IEEE 754)
FLOAT64_EXACT = 2**53  # the same for float64


def largest_sum(weights: npt.NDArray[np.int32], largest_input: int) -> int:
    """The largest magnitude that weights (M, C / groups, R, S) times inputs from 0 to largest_input can add up to."""
    per_channel = np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1)
    return int(per_channel.max()) * largest_input


def exact_sums(
    shape: LayerShape,
    weights: npt.NDArray[np.int32],
    bias: npt.NDArray[np.int32] | None,
    largest: int,
    maps: Tensor,
) -> Tensor:
    """Sums (B, M, P, Q) of weights times maps (B, C, H, W), and bias (M,), whole numbers in float32 or float64.

    The products are summed in the narrowest float that holds every partial sum, of which `largest` (at most 2**53) is
    the largest, exactly, whatever the order: a matrix library is fastest in floats.
    """
    exact = torch.float32 if largest <= FLOAT32_EXACT else torch.float64
    codes = torch.tensor(weights).to(exact)
    offset = None if bias is None else torch.tensor(bias).to(exact)
    return convolve(shape, maps.to(exact), codes, offset)
