"""Checks of the arrays of a synaptic operator: weight codes, their scale, the bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.checks import check_integers
from spikecycle.traces.errors import TraceError, located

LOWEST_BIAS, HIGHEST_BIAS = -(2**31), 2**31 - 1  # a bias is stored as int32


def weight_range(weight_bits: int) -> tuple[int, int]:
    """Lowest and highest weight code: two's complement of weight_bits."""
    return -(1 << (weight_bits - 1)), (1 << (weight_bits - 1)) - 1


def code_dtype(weight_bits: int) -> type[np.signedinteger[Any]]:
    """The smallest dtype that holds a weight code."""
    if weight_bits <= 8:
        return np.int8
    return np.int16 if weight_bits <= 16 else np.int32


def check_weights(
    weights: npt.NDArray[Any], shape: tuple[int, int, int, int], weight_bits: int
) -> npt.NDArray[np.signedinteger[Any]]:
    """The codes in the smallest dtype that holds all of weight_bits, (M, C / groups, R, S), maybe the array itself;
    TraceError on another shape, no integers, or codes out of range."""
    with located("weights"):
        codes = check_integers(weights, shape, *weight_range(weight_bits))
        return codes.astype(code_dtype(weight_bits), copy=False)


def check_bias(bias: npt.NDArray[Any] | None, output_channels: int) -> npt.NDArray[np.int32]:
    """The bias as int32 (M,), zeros for None; TraceError on another shape, no integers, or beyond int32."""
    if bias is None:
        return np.zeros(output_channels, np.int32)
    with located("bias"):
        return check_integers(bias, (output_channels,), LOWEST_BIAS, HIGHEST_BIAS).astype(np.int32)


def check_scale(weight_scale: npt.NDArray[np.float64] | float, output_channels: int) -> npt.NDArray[np.float64]:
    """The scale as read-only float64 (1,) or (M,); TraceError unless it is finite and above 0."""
    scale = np.atleast_1d(np.array(weight_scale, dtype=np.float64))
    if scale.shape not in ((1,), (output_channels,)):
        raise TraceError(f"weight_scale must have shape (1,) or ({output_channels},), found {scale.shape}")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        wrong = scale[~(np.isfinite(scale) & (scale > 0))][0]
        raise TraceError(f"weight_scale must be finite and above 0, found {wrong}")
    scale.setflags(write=False)
    return scale
