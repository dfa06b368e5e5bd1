"""Speed of a synapse's workload on the layers of the reference network, one core: T = 20, 15 % spikes.

    python benchmarks/workload_speed.py [--runs N] [--density SHARE]

"counts" are spikes, tap counts, row sums and synaptic operations, which never build the im2col matrix; "im2col" is the
packed matrix; "weights" is the size of all fibers along the fan-in as bitmasks. Medians, kernels compiled before.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import arguments
import numpy as np

from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import reference_network

TIMESTEPS = 20
WEIGHT_BITS = 8
WEIGHT_SPARSITY = 0.8
SEED = 1


def median_ms(make: Callable[[], SynapseWorkload], part: Callable[[SynapseWorkload], object], runs: int) -> float:
    """Median time of a part of a fresh workload, ms, after one run that is not counted."""
    times = []
    for _ in range(runs + 1):
        work = make()
        start = time.perf_counter()
        part(work)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def count(work: SynapseWorkload) -> object:
    """Everything that is counted."""
    return work.input_spikes, work.im2col_ones, work.row_ones, work.synaptic_operations


def measure_layer(shape: LayerShape, density: float, runs: int) -> tuple[float, float, float]:
    """Times of counts, im2col and weights of a layer, ms."""
    random = np.random.default_rng(SEED)
    inputs = (random.random((TIMESTEPS, *shape.input_shape)) < density).astype(np.uint8)
    weights = random.integers(-128, 128, shape.weight_shape).astype(np.int32)
    weights[random.random(shape.weight_shape) < WEIGHT_SPARSITY] = 0
    bitmask = WEIGHT_FORMATS.lookup("bitmask")

    def make() -> SynapseWorkload:
        return SynapseWorkload(shape, inputs, 1, weights, WEIGHT_BITS)

    parts: tuple[Callable[[SynapseWorkload], object], ...] = (
        count,
        lambda work: work.im2col(),
        lambda work: work.weight_bits_in(bitmask, "fan_in"),
    )
    counts, im2col, sizes = (median_ms(make, part, runs) for part in parts)
    return counts, im2col, sizes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=arguments.count, default=5)
    parser.add_argument("--density", type=arguments.share, default=0.15)
    given = parser.parse_args()
    print(f"T = {TIMESTEPS}, {given.density:.0%} spikes, {WEIGHT_SPARSITY:.0%} zero weights, ms")
    print(f"{'layer':>24} {'counts':>8} {'im2col':>8} {'weights':>8}")
    for shape in reference_network():
        name = f"{shape.C}x{shape.H}x{shape.W} -> {shape.M}, {shape.R}x{shape.S}"
        print(f"{name:>24}", *(f"{ms:8.2f}" for ms in measure_layer(shape, given.density, given.runs)))


if __name__ == "__main__":
    main()
