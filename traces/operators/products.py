"""Exact matrix products of integers, in floats where those are exact too."""

from __future__ import annotations

import numpy as np

from spikecycle.traces.array_types import Int64

FLOAT64_EXACT = 2**53  # every integer up to this magnitude is exact in float64 (IEEE 754)


def exact_product(left: Int64, right: Int64) -> Int64:
    """left @ right; in floats, for which libraries are fast, where every partial sum is exact in them."""
    largest = int(np.abs(left).max()) * int(np.abs(right).max()) * left.shape[-1]
    if largest <= FLOAT64_EXACT:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    return left @ right
