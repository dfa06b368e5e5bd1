"""Where the CPU time of a simulation goes: kernels by name, the rest by stage or by module.

    python benchmarks/stages.py [--machine NAME] [--trace FILE] [--runs N] [--modules] [--most N]

Runs `simulate` on one sample of the reference network (`reference_network.py`), or on a trace of yours, kernels
compiled before, and samples what runs whenever a tick of CPU time has passed. Python hears of a tick when a call of C,
or of a kernel, is over: all CPU time since the tick before is charged to who made that call. A module is charged with
what it has NumPy, HDF5 or a hash do; what NumPy and others do in Python is charged to the module that called them.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import arguments
from reference_network import in_fresh_process, write_trace

import spikecycle
from spikecycle.simulator import simulate

TICK_S = 0.001
"""Systems that tick less often (Linux: every 4 ms, mostly) are sampled as often as they do."""
PACKAGE = str(Path(spikecycle.__file__).parent)
KERNELS = "simulator/jit.py"
STAGES = {
    "traces/file_digest.py": "SHA-256 of the file",
    "traces/": "opening and reading the trace, checksums",
    "simulator/machine/": "machine file",
    "simulator/dataflows/": "Python and NumPy of the dataflow",
    "simulator/formats/": "Python and NumPy of the formats",
    "simulator/": "engine, schedule, prices, result",
}
"""By what paths of modules begin with; the first that fits."""
MS = 1000


class Sampler:
    """CPU time by who spent it, s; signals are heard by the thread that makes it."""

    def __init__(self) -> None:
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self._last = time.process_time()

    def start(self) -> None:
        """Sample from here on."""
        signal.signal(signal.SIGPROF, self._tick)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)

    def stop(self) -> None:
        """No more; what is left since the last tick is charged to nobody."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # a late tick would end the process

    def _tick(self, number: int, frame: FrameType | None) -> None:
        now = time.process_time()
        self.spent_s[_who(frame)] += now - self._last
        self._last = now


def _who(frame: FrameType | None) -> str:
    """The kernel that was called, or the innermost module of ours."""
    while frame is not None:
        module = _module(frame)
        if module == KERNELS and "self" in frame.f_locals:
            return f"kernel {frame.f_locals['self'].__name__}"
        if module and module != KERNELS:
            return module
        frame = frame.f_back
    return "others"


def _module(frame: FrameType) -> str:
    """Path of the module in the package; nothing for other packages."""
    path = frame.f_code.co_filename
    return path.removeprefix(f"{PACKAGE}/") if path.startswith(f"{PACKAGE}/") else ""


def measure(trace: str, machine: str, runs: int) -> dict[str, float]:
    """CPU seconds of a run by kernel and module, largest first, on average over so many runs."""
    for _ in range(2):
        simulate(trace, machine)
    sampler = Sampler()
    sampler.start()
    for _ in range(runs):
        simulate(trace, machine)
    sampler.stop()
    return _largest_first({who: spent / runs for who, spent in sampler.spent_s.items()})


def by_stage(spent: Mapping[str, float]) -> dict[str, float]:
    """Modules added up to stages; kernels stay."""
    added: defaultdict[str, float] = defaultdict(float)
    for who, seconds in spent.items():
        added[next((stage for path, stage in STAGES.items() if who.startswith(path)), who)] += seconds
    return _largest_first(added)


def _largest_first(spent: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(spent.items(), key=lambda one: -one[1]))


def main() -> None:
    """Measure and print, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", type=arguments.machine, default="spike_array")
    parser.add_argument("--trace", type=arguments.trace, help="instead of the reference network")
    parser.add_argument("--runs", type=arguments.count, default=100)
    parser.add_argument("--modules", action="store_true", help="instead of stages")
    parser.add_argument("--most", type=arguments.count, default=15, help="lines; what follows is added up")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trace = given.trace or str(Path(folder) / "reference.h5")
        if not given.trace:
            in_fresh_process(write_trace, trace)
        modules = measure(trace, given.machine, given.runs)
    spent = modules if given.modules else by_stage(modules)
    lines = list(spent.items())[: given.most]
    if len(spent) > len(lines):
        lines.append((f"{len(spent) - len(lines)} more", sum(spent.values()) - sum(each for _, each in lines)))
    print(f"| `{given.machine}`, {given.runs} runs | CPU ms |\n|---|---|")
    for who, seconds in [*lines, ("all", sum(spent.values()))]:
        print(f"| {who} | {MS * seconds:.1f} |")


if __name__ == "__main__":
    main()
