"""Speed of the spike array on the reference network: one sample, T = 20, 8 % spikes, 80 % zero weights.

    python benchmarks/reference_network.py [--machine NAME] [--set KEY=VALUE ...] [--runs N]

Writes a synthetic trace to a temporary folder, simulates it once to compile, then several times, and prints medians:
reading, mapping, replay, schedule and energy all count. Peak memory is that of a process that only simulates. If
torch is installed, the same convolutions are run with it (dense, float32, one sample, all timesteps as one batch), in
the same run, for scale.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TIMESTEPS = 20
SPIKE_DENSITY = 0.08
WEIGHT_SPARSITY = 0.8
WEIGHT_BITS = 8
SEED = 1


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


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time of `runs` runs, after one that is not counted."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def simulate_sample(path: str, machine: str, settings: dict[str, Any], runs: int) -> dict[str, Any]:
    """Simulate the sample; what it took and what came out."""
    from spikecycle.simulator import simulate
    from spikecycle.simulator.bench.worker import peak_bytes

    start = time.perf_counter()
    result = simulate(path, machine, settings=settings)
    first_s = time.perf_counter() - start
    seconds = median_seconds(lambda: simulate(path, machine, settings=settings), runs)
    return {
        "first_s": first_s,
        "seconds": seconds,
        "dense_sops": result.sum_dense_synaptic_operations,
        "sops": result.sum_synaptic_operations,
        "cycles": result.sum_cycles,
        "peak_bytes": peak_bytes(),
    }


def convolve_with_torch(threads: int, runs: int) -> float:
    """Seconds that torch takes for the network's convolutions, dense, one sample."""
    import torch

    from spikecycle.traces.synthetic import reference_network

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(SEED)
    layers = []
    for shape in reference_network():
        if shape.operator == "conv2d":
            spikes = torch.rand((TIMESTEPS, shape.C, shape.H, shape.W), generator=generator) < SPIKE_DENSITY
            weights = torch.randn(shape.weight_shape, generator=generator)
            layers.append((spikes.float(), weights, shape.stride, shape.short_padding))

    def convolve() -> None:
        with torch.inference_mode():
            for spikes, weights, stride, padding in layers:
                torch.nn.functional.conv2d(spikes, weights, stride=stride, padding=padding)

    return median_seconds(convolve, runs)


def in_fresh_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `work` in a process of its own, so that the memory of one part does not count for another."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", default="spike_array")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    from spikecycle.simulator.machine.loader import parse_setting

    settings = dict(parse_setting(text) for text in arguments.settings)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "reference.h5")
        in_fresh_process(write_trace, path)
        print(f"trace: {Path(path).stat().st_size / 1e6:.1f} MB")
        found = in_fresh_process(simulate_sample, path, arguments.machine, settings, arguments.runs)
    seconds, dense_sops, sops = (found[key] for key in ("seconds", "dense_sops", "sops"))
    print(f"machine: {arguments.machine} {' '.join(arguments.settings)}".rstrip())
    print(f"first run, compiling or loading kernels: {found['first_s']:.2f} s")
    print(f"one sample: {seconds:.3f} s (median of {arguments.runs})")
    print(f"dense-equivalent: {dense_sops / 1e9:.2f} G SOPs, {dense_sops / seconds / 1e9:.1f} G/s")
    print(f"effective: {sops / 1e9:.3f} G SOPs, {sops / seconds / 1e9:.2f} G/s")
    print(f"simulated: {found['cycles']} cycles")
    print(f"peak memory: {found['peak_bytes'] / 2**20:.0f} MiB")
    if find_spec("torch") is None:
        print("torch is not installed: no comparison")
        return
    for threads in (1, 2):
        torch_s = in_fresh_process(convolve_with_torch, threads, arguments.runs)
        ratio = torch_s / seconds
        print(f"torch, convolutions only, {threads} threads: {torch_s:.3f} s, {ratio:.1f} x as long")


if __name__ == "__main__":
    main()
