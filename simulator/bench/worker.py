"""One simulation again and again, in a process of its own; `spikecycle.simulator.bench.process` asks for them."""

from __future__ import annotations

import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spikecycle.bench_server import answer, serve
from spikecycle.simulator.errors import KernelCacheWarning, SimulatorError
from spikecycle.traces import TraceError

STATUS = Path("/proc/self/status")
BYTES_PER_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes on macOS, KiB elsewhere


def peak_bytes() -> int:
    """The most memory that this process has had. Linux passes ru_maxrss on from a parent to what it starts, which may
    have had less than that; what the status says is the process's own."""
    if STATUS.exists():
        (peak,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_PER_RSS_UNIT


def prepare(task: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The first simulation, which compiles what is not cached, and a function that makes another.

    task: "trace", "machine", "settings", "formats", "threads", as `spikecycle.simulate` takes them.
    """
    from spikecycle.simulator import simulate

    def run() -> tuple[Any, float]:
        start = time.perf_counter()
        result = simulate(
            task["trace"], task["machine"], settings=task.get("settings"), formats=task.get("formats"),
            threads=task.get("threads", 1),
        )  # fmt: skip
        return result, time.perf_counter() - start

    from spikecycle.simulator.compiling import told_of_compiling

    with (
        told_of_compiling(lambda kernel: answer({"compiling": kernel})) as compiling,
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always", KernelCacheWarning)
        result, first_s = run()
    samples = len(result.samples)
    first = {
        "first_s": first_s,
        "compile_s": compiling.seconds,
        "samples": samples,
        "sops": result.sum_synaptic_operations,
        "dense_sops": result.sum_dense_synaptic_operations,
        "cycles": result.sum_cycles,
        "weight_format": result.weight_format,
        "warned": [str(each.message) for each in warned if issubclass(each.category, KernelCacheWarning)],
    }
    return first, lambda: {
        "seconds": run()[1],
        "peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    serve(prepare, (SimulatorError, TraceError))
