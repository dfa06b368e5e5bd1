"""Parameters of foreign networks in the shapes that layers have."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces.errors import one_line

MOST = 2**20  # of a kernel, stride, padding or dilation: more is no layer, and would not fit any memory
SAME = 1e-6  # relative: parameters written in float32 agree to this, float64 ones to more


def plain_array(value: Any) -> Any:
    """A torch tensor as an array, whatever it is: with a gradient, sparse, half precision, elsewhere; others as is."""
    if not (hasattr(value, "detach") and hasattr(value, "numpy")):
        return value
    tensor = value.detach()
    if tensor.is_sparse or tensor.layout != _strided():
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.device.type == "meta":
        raise Refusal("a tensor on the device meta, which has no values")
    tensor = tensor.cpu()
    return (tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor).numpy()


def _strided() -> Any:
    import torch

    return torch.strided


def reals(value: Any) -> Reals:
    """A number or an array of any kind (NumPy, or a torch tensor) as float64; Refusal where it is none."""
    found = np.asarray(plain_array(value))
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


def inflated(weight: Reals, dilation: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns that a dilated kernel (M, C / groups, R, S) covers."""
    rows, columns = ((side - 1) * step + 1 for side, step in zip(weight.shape[2:], dilation, strict=True))
    return rows, columns


def padding_of(
    word: str, weight: Reals, stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Rows above and below, columns left and right, for 'valid' and 'same'; an odd one goes below and right."""
    if word == "valid":
        return (0, 0, 0, 0)
    if word != "same" or stride != (1, 1):
        raise Refusal(f"padding '{word}' with stride {stride}; supported: valid, and same with stride 1")
    rows, columns = (side - 1 for side in inflated(weight, dilation))
    return (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)


def sides_of(padding: tuple[int, int]) -> tuple[int, int, int, int]:
    """Four sides of (vertical, horizontal)."""
    return (padding[0], padding[0], padding[1], padding[1])
