"""Parameters of foreign networks in the shapes that layers have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape
from spikecycle.traces.errors import one_line

MOST = 2**20  # of a kernel, stride, padding or dilation: more is no layer, and would not fit any memory
SAME = 1e-6  # relative: parameters written in float32 agree to this, float64 ones to more


def reals(value: Any) -> Reals:
    """A number or an array of any kind (NumPy, or torch without gradient) as float64; Refusal where it is none."""
    found = np.asarray(value)
    if found.dtype.kind not in "iufb" or not found.size:
        shown = one_line(value) if found.size else f"an empty array of shape {found.shape}"
        raise Refusal(f"numbers are needed as parameters, found {shown}")
    return found.astype(np.float64)


def pair(what: str, value: Any, least: int = 1) -> tuple[int, int]:
    """One integer for both directions, or one for each; Refusal where they are none, or below `least`."""
    found = np.asarray(value)
    if found.dtype.kind not in "iuf" or found.size not in (1, 2) or not (found == np.floor(found)).all():
        raise Refusal(f"{what} must be one or two integers, found {found.tolist()}")
    if found.min() < least or found.max() > MOST:
        raise Refusal(f"{what} must be {least} to {MOST}, found {found.tolist()}")
    first, second = np.broadcast_to(found.reshape(-1), (2,)).astype(int).tolist()
    return first, second


def uniform(what: str, values: Reals) -> float:
    """The one number that all neurons of a layer share; Refusal where they do not."""
    lowest, highest = float(values.min()), float(values.max())
    if highest - lowest > SAME * max(abs(lowest), abs(highest)):
        raise Refusal(f"{what} differs between neurons, {lowest:g} to {highest:g}; supported: one per layer")
    return lowest


def per_channel(what: str, values: Reals, shape: LayerShape) -> Reals:
    """One number for each output channel (M,); Refusal where neurons of one channel differ.

    Values broadcast as arrays do, along the last axes of (M, P, Q), of (M, Q) where there is one row, or of (M,) where
    there is one position. Where they fit none of these, they are one for each channel or each neuron.
    """
    by_neuron = _broadcast(values, shape.output_shape)
    if by_neuron is None:
        raise Refusal(f"{what} has shape {values.shape}, for {shape.output_count} neurons in {shape.M} channels")
    by_channel = by_neuron.reshape(shape.M, -1)
    for channel in by_channel:
        uniform(f"{what} of one channel", channel)
    return by_channel[:, 0].copy()


def spread(what: str, values: Reals, shape: tuple[int, int, int]) -> Reals:
    """Values for every position of a map (C, H, W), as in `per_channel`; Refusal where they do not fit it."""
    found = _broadcast(values, shape)
    if found is None:
        raise Refusal(f"{what} has shape {values.shape}, for values of shape {shape}")
    return found


def _broadcast(values: Reals, shape: tuple[int, int, int]) -> Reals | None:
    channels, rows, columns = shape
    ranks = [shape, *([(channels, columns)] if rows == 1 else []), *([(channels,)] if rows == columns == 1 else [])]
    for rank in ranks:
        try:
            return np.broadcast_to(values, rank).reshape(shape)
        except ValueError:
            continue
    if values.size == channels:
        return np.broadcast_to(values.reshape(-1, 1, 1), shape)
    return values.reshape(shape) if values.size == math.prod(shape) else None


def inflated(weight: Reals, dilation: tuple[int, int]) -> Reals:
    """A dilated kernel (M, C / groups, R, S) as one that is not: zeros stand between its weights."""
    if dilation == (1, 1):
        return weight
    rows, columns = ((side - 1) * step + 1 for side, step in zip(weight.shape[2:], dilation, strict=True))
    kernel = np.zeros((*weight.shape[:2], rows, columns))
    kernel[:, :, :: dilation[0], :: dilation[1]] = weight
    return kernel
