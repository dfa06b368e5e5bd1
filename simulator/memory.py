"""The computer's memory: what a run needs, estimated before anything large is allocated, and what becomes of freed
arrays.

A machine file of a few lines, or a trace of a few kilobytes, can ask for more memory than a computer has; the operating
system then ends whatever it likes. So every dataflow says what its tables and records take, as formulas of the keys of
the machine and the sizes of a layer (`Dataflow.memory`); the arrays of the trace are added, and the whole is held
against a limit. The formulas are upper bounds of the large arrays, two to four times what a small run takes; what
Python and its libraries need themselves, some 0.3 GB, is not in them.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.errors import MemoryLimitError, UsageError

SHARE_OF_FREE = 0.75
"""Of the free memory that a run may take unless told otherwise."""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_CGROUPS = (  # where the kernel says what a container may use, and uses
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


_MOST_TOLD_BYTES = 2**14
"""Of these files of the kernel, which has a page for each."""
_LARGEST_KEPT_BYTES = 31 * 2**20
"""glibc learns from blocks of up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD)."""


def keep_freed_arrays() -> None:
    """Let the C library keep the memory of freed arrays for the next ones.

    A run makes and frees some hundred arrays of 0.1 to 10 MB. glibc gives each back to the system, which has to clear
    it when it is taken again, unless one as large was freed before: so one is, which nobody wrote to. A twentieth to a
    tenth of the time of a run (measured). Other C libraries decide by themselves.
    """
    np.empty(_LARGEST_KEPT_BYTES, np.uint8)


@dataclass(frozen=True)
class Need:
    """Memory of one kind of array: bytes, and what decides on it, by its keys or letters, in words."""

    bytes: int
    what: str
    is_kept: bool = True
    """Until the run ends; else until the next stage or sample."""
    is_of_timeline: bool = False
    """Whether it is needed for a timeline only."""


def check_memory(where: str, needs: Mapping[str, Iterable[Need]], limit_bytes: int | None, threads: int = 1) -> int:
    """How many of the threads there is memory for; MemoryLimitError, naming the part and what is largest about it, if a
    run needs more than it may even with one.

    needs: by what messages call a part of the run; several threads work on as many parts, and have one more ready.
    limit_bytes: None is SHARE_OF_FREE of what is free.
    """
    found = {part: tuple(each) for part, each in needs.items()}
    kept = sum(need.bytes for each in found.values() for need in each if need.is_kept)
    passing = max((sum(need.bytes for need in each if not need.is_kept) for each in found.values()), default=0)
    limit = default_limit_bytes() if limit_bytes is None else limit_bytes
    if kept + passing <= limit:
        fit = (limit - kept) // passing - 1 if passing else threads
        return max(1, min(threads, fit))
    worst = max(found, key=lambda part: sum(need.bytes for need in found[part]))
    largest = max(found[worst], key=lambda need: need.bytes)
    told = "--max-memory" if limit_bytes is not None else "three quarters of what is free; --max-memory sets it"
    raise MemoryLimitError(
        f"{where}: needs about {_shown(kept + passing)} of memory, may use {_shown(limit)} ({told}); {worst} needs "
        f"most, of it {_shown(largest.bytes)} for {largest.what}"
    )


def default_limit_bytes() -> int:
    """SHARE_OF_FREE of what is free now."""
    return int(SHARE_OF_FREE * free_bytes())


def free_bytes() -> int:
    """What this process can still take: free in the computer, in its container, and under its own limits."""
    free = [_meminfo_bytes()]
    for limit, used in _CGROUPS:
        try:
            free.append(int(_text(limit)) - int(_text(used)))
        except (OSError, ValueError):  # there is none, or no limit ("max")
            continue
    used_bytes = _used_bytes()
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            free.append(soft - used_bytes)
    return max(0, min(free))


def parse_bytes(text: str) -> int:
    """Bytes from "4G", "512M" or "1000000" (K, M, G, T are powers of 1024); UsageError on anything else."""
    number = text.strip().upper().removesuffix("B").removesuffix("I")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit).strip()
    try:
        value = float(digits) if digits.replace(".", "", 1).isascii() and digits.replace(".", "", 1).isdigit() else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value * _UNITS[unit] < 2**62:
        raise UsageError(f"--max-memory {text}: write a number of bytes, or one with K, M, G or T, e.g. 4G")
    return int(value * _UNITS[unit])


def _text(path: str) -> str:
    """What the kernel tells in a file; `Path` and a buffer take as long as it takes to make it up."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _MOST_TOLD_BYTES).decode("ascii")
    finally:
        os.close(descriptor)


def _meminfo_bytes() -> int:
    try:
        for line in _text("/proc/meminfo").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _used_bytes() -> int:
    """Address space of this process."""
    try:
        return int(_text("/proc/self/statm").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _shown(size: int) -> str:
    for unit, bytes_of_unit in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= bytes_of_unit:
            return f"{size / bytes_of_unit:.1f} {unit}"
    return f"{size} bytes"
