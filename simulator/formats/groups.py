"""Groups of N:M: which positions of a fiber make a group, and which of them it stores. Kernels and their checks.

A fiber is cut in segments of equal length (its positions along the groups' axis; the whole fiber if that is its only
one), a segment in groups of `group` positions, the last group of a segment perhaps shorter. A group of g positions
stores min(kept, g) of them in order: those that are not zero and, if these are fewer, its first zeros.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.jit import lean_kernel


@lean_kernel
def group_end(position: int, length: int, segment: int, group: int) -> int:
    """The position behind the group that begins at `position` of a fiber of `length` positions."""
    return min(position + group, (position // segment + 1) * segment, length)


@lean_kernel
def group_slots(length: int, segment: int, kept: int, group: int) -> int:
    """Values that the groups of a fiber store."""
    slots = 0
    first = int(np.int64(0))  # not 0: callees would be compiled for that constant, and again for any number
    while first < length:
        end = group_end(first, length, segment, group)
        slots += min(kept, end - first)
        first = end
    return slots


@lean_kernel
def padding_zeros(values: WeightCodes, first: int, end: int, kept: int) -> int:
    """Zeros that the group values[first:end] stores, its first ones."""
    slots = min(kept, end - first)
    for i in range(first, end):
        if values[i] != 0:
            slots -= 1
    return slots


@lean_kernel
def first_full_group(
    values: WeightCodes, starts: Int64, segments: Int64, kept: int, group: int
) -> tuple[int, int, int, int]:
    """(fiber, first position, last position, non-zeros) of the first group with more than `kept` non-zeros.

    values: codes (total,); starts: int64 (F + 1,); segments: int64 (F,). Fiber -1 if there is no such group.
    """
    for fiber in range(len(starts) - 1):
        start = starts[fiber]
        length = starts[fiber + 1] - start
        first = int(np.int64(0))
        while first < length:
            end = group_end(first, length, segments[fiber], group)
            non_zeros = 0
            for i in range(start + first, start + end):
                if values[i] != 0:
                    non_zeros += 1
            if non_zeros > kept:
                return fiber, first, end - 1, non_zeros
            first = end
    return -1, 0, 0, 0
