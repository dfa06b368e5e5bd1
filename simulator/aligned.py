"""Arrays that begin where a line of the processor's cache begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LINE_BYTES = 64
"""Of a cache line, and of the widest registers: one that is loaded across two lines takes as long as two."""


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of zeros; NumPy's own begin anywhere in a line."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + LINE_BYTES - 1, np.uint8)
    before = -room.ctypes.data % LINE_BYTES
    return room[before : before + size].view(dtype).reshape(shape)
