"""Speed of the spike array on the reference network: one sample, T = 20, 8 % spikes, 80 % zero weights.

    python benchmarks/reference_network.py [--machine NAME] [--set KEY=VALUE ...] [--runs N]

Writes a synthetic trace to a temporary folder, simulates it once to compile, then several times, and prints medians:
reading, mapping, replay, schedule and energy all count. Peak memory is that of a process that only simulates. If
torch is installed, it computes the same layers (dense, float32, all timesteps as one batch; 99.9 % of the work are the
convolutions) in turns with the simulator, on one thread and on two.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import arguments

from spikecycle.simulator.bench.process import BenchProcess

TIMESTEPS = 20
SPIKE_DENSITY = 0.08
WEIGHT_SPARSITY = 0.8
WEIGHT_BITS = 8
SEED = 1
OURS = "spikecycle.simulator.bench.worker"
TORCH = "spikecycle.models.torch_worker"
"""Modules that `spikecycle bench` measures with, each in a process of its own."""
Task = tuple[str, Mapping[str, Any]]
"""Such a module, and what it is told."""


def write_trace(path: str) -> None:
    """The reference network with noise for contents."""
    from spikecycle.traces.synthetic import reference_network, synthetic_trace

    synthetic_trace(
        path,
        reference_network(),
        timesteps=TIMESTEPS,
        samples=1,
        spike_density=SPIKE_DENSITY,
        weight_sparsity=WEIGHT_SPARSITY,
        weight_bits=WEIGHT_BITS,
        seed=SEED,
        output_density=SPIKE_DENSITY,
    )


class NotMeasuredError(Exception):
    """Why there is no figure: what is not installed, or does not fit."""


def in_turns(tasks: Sequence[Task], runs: int) -> list[tuple[dict[str, Any], list[Any]]]:
    """What each task found first, and of each its runs, which take turns; NotMeasuredError if one cannot."""
    with ExitStack() as stack:
        processes = [stack.enter_context(BenchProcess(module, task)) for module, task in tasks]
        taken: list[list[Any]] = [[] for _ in processes]
        for _ in range(runs):
            for process, found in zip(processes, taken, strict=True):
                if not process.problem:
                    found.append(process.run())
                if process.problem:
                    raise NotMeasuredError(process.problem)
        return [(process.first, found) for process, found in zip(processes, taken, strict=True)]


def seconds_in_turns(tasks: Sequence[Task], runs: int) -> list[list[float]]:
    """Of each, the wall time of its runs, s."""
    return [[run["seconds"] for run in found] for _, found in in_turns(tasks, runs)]


def in_fresh_process(work: Callable[..., Any], *given: Any) -> Any:
    """The result of `work` in a process of its own, so that the memory of one part does not count for another."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", type=arguments.machine, default="spike_array")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--runs", type=arguments.count, default=5)
    given = parser.parse_args()
    from spikecycle.simulator.errors import SimulatorError
    from spikecycle.simulator.machine.loader import parse_setting

    try:
        settings = dict(parse_setting(text) for text in given.settings)
    except SimulatorError as error:
        parser.error(f"--set: {error}")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "reference.h5")
        in_fresh_process(write_trace, path)
        print(f"trace: {Path(path).stat().st_size / 1e6:.1f} MB")
        ours = (OURS, {"trace": path, "machine": given.machine, "settings": settings})
        try:
            ((first, found),) = in_turns([ours], given.runs)
        except NotMeasuredError as error:
            raise SystemExit(f"{given.machine}: {error}") from error
        seconds = statistics.median(run["seconds"] for run in found)
        print(f"machine: {given.machine} {' '.join(given.settings)}".rstrip())
        print(f"first run, compiling or loading kernels: {first['first_s']:.2f} s")
        print(f"one sample: {seconds:.3f} s (median of {given.runs})")
        print(
            f"dense-equivalent: {first['dense_sops'] / 1e9:.2f} G SOPs, {first['dense_sops'] / seconds / 1e9:.1f} G/s"
        )
        print(f"effective: {first['sops'] / 1e9:.3f} G SOPs, {first['sops'] / seconds / 1e9:.2f} G/s")
        print(f"simulated: {first['cycles']} cycles")
        print(f"peak memory: {found[-1]['peak_bytes'] / 2**20:.0f} MiB")
        for threads in (1, 2):
            try:
                mine, theirs = seconds_in_turns([ours, (TORCH, {"trace": path, "threads": threads})], given.runs)
            except NotMeasuredError as error:
                print(f"no comparison with torch: {error}")
                return
            ratio = statistics.median(their / my for my, their in zip(mine, theirs, strict=True))
            torch_s = statistics.median(theirs)
            print(f"torch, the same layers, {threads} threads: {torch_s:.3f} s, {ratio:.1f} x as long, in turns")


if __name__ == "__main__":
    main()
