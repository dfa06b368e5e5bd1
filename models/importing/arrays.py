"""Parameters of foreign networks in the shapes that layers have."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.importing.neuron import Reals
from models.importing.refusal import Refusal
from traces import LayerShape

SAME = 1e-6  # relative: parameters written in float32 agree to this, float64 ones to more


def reals(value: Any) -> Reals:
    """A number or an array of any kind (NumPy, or torch without gradient) as float64."""
    return np.asarray(value, dtype=np.float64)


def pair(value: Any) -> tuple[int, int]:
    """One integer for both directions, or one for each."""
    first, second = np.broadcast_to(np.asarray(value, dtype=np.int64), (2,)).tolist()
    return first, second


def uniform(what: str, values: Reals) -> float:
    """The one number that all neurons of a layer share; Refusal where they do not."""
    lowest, highest = float(values.min()), float(values.max())
    if highest - lowest > SAME * max(abs(lowest), abs(highest)):
        raise Refusal(f"{what} differs between neurons, {lowest:g} to {highest:g}; supported: one per layer")
    return lowest


def per_channel(what: str, values: Reals, shape: LayerShape) -> Reals:
    """One number for each output channel (M,); Refusal where neurons of one channel differ."""
    if values.size == 1:
        return np.full(shape.M, values.item())
    if values.size == shape.M:
        return values.reshape(-1)
    if values.size != shape.output_count:
        raise Refusal(f"{what} has shape {values.shape}, for {shape.output_count} neurons in {shape.M} channels")
    by_channel = values.reshape(shape.M, -1)
    for channel in by_channel:
        uniform(f"{what} of one channel", channel)
    return by_channel[:, 0].copy()


def spread(what: str, values: Reals, shape: tuple[int, ...]) -> Reals:
    """Values for every position, broadcast against (C, H, W); Refusal where they are neither one nor one each."""
    channels, positions = shape[0], int(np.prod(shape))
    if values.size == 1:
        return values.reshape(())
    if values.size == channels:
        return values.reshape(-1, 1, 1)
    if values.size == positions:
        return values.reshape(shape)
    raise Refusal(f"{what} has shape {values.shape}, for values of shape {shape}")


def inflated(weight: Reals, dilation: tuple[int, int]) -> Reals:
    """A dilated kernel (M, C / groups, R, S) as one that is not: zeros stand between its weights."""
    if dilation == (1, 1):
        return weight
    rows, columns = ((side - 1) * step + 1 for side, step in zip(weight.shape[2:], dilation, strict=True))
    kernel = np.zeros((*weight.shape[:2], rows, columns))
    kernel[:, :, :: dilation[0], :: dilation[1]] = weight
    return kernel
