"""A heap of cores by time: the earliest is first, of equals that with the lowest number. For kernels."""

from __future__ import annotations

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import kernel


@kernel
def push(times: Int64, cores: Int64, size: int, time: int, core: int) -> int:
    """Add a core to a heap of `size`, int64 (room,) each; returns the new size."""
    place = size
    while place > 0:
        above = (place - 1) // 2
        if times[above] < time or (times[above] == time and cores[above] < core):
            break
        times[place] = times[above]
        cores[place] = cores[above]
        place = above
    times[place] = time
    cores[place] = core
    return size + 1


@kernel
def pop(times: Int64, cores: Int64, size: int) -> int:
    """Take the first off a heap of `size`; returns the new size."""
    size -= 1
    time, core = times[size], cores[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        other = below + 1
        if other < size and (
            times[other] < times[below] or (times[other] == times[below] and cores[other] < cores[below])
        ):
            below = other
        if time < times[below] or (time == times[below] and core < cores[below]):
            break
        times[place] = times[below]
        cores[place] = cores[below]
        place = below
    times[place] = time
    cores[place] = core
    return size
