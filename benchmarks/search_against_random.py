"""Search against random search at equal budget: hypervolume of the fronts on a shipped case, seed by seed.

    python benchmarks/search_against_random.py [TRIALS]

The case: machine and compression together, four digits networks on variants of spike_array, 12.9 million points, with
energy, time and area of the first sample as goals. Hypervolume is of the logarithms, a share of the box between the
best and the worst of each goal on all fronts: 1 would be a single point that is best in everything.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import arguments

from spikecycle.simulator.explore.hypervolume import hypervolume
from spikecycle.simulator.explore.results import SearchResult
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.sweep_spec import parse_sweep

SPACE = {
    "traces": ["digits-8bit", "digits-4bit", "digits-ternary", "digits-pruned80"],
    "machines": "spike_array",
    "samples": [0],
    "set": {
        "dataflow.pes": [2, 4, 8, 12, 16, 24, 32],
        "dataflow.lanes": [1, 2, 4, 8],
        "dataflow.fifo_depth": [1, 2, 4, 8, 16],
        "dataflow.update": ["dense", "sparse"],
        "buffers.potentials.banks": [1, 2, 4, 8],
        "buffers.potentials.size_kib": [8, 12, 16, 24, 32, 48],
        "buffers.weights.size_kib": [4, 8, 16, 32, 64],
        "buffers.weights.width_bits": [32, 64, 128],
        "buffers.spikes.size_kib": [16, 32, 64, 128],
    },
    "formats": {"weights": ["uncompressed", "bitmask", "rle", "csr"]},
    "residency": {"activations": ["dram", "chip"]},
}
SEEDS = (1, 2, 3, 4, 5)
TRIALS = 100


def shares(results: list[SearchResult]) -> list[float]:
    """Hypervolume of each front, of logarithms, over the box of all."""
    fronts = [[[math.log(point[goal]) for goal in result.goals] for point in result.front] for result in results]
    every = [point for front in fronts for point in front]
    least, most = ([pick(values) for values in zip(*every, strict=True)] for pick in (min, max))
    reference = [high + 1e-9 for high in most]
    box = math.prod(high - low for low, high in zip(least, reference, strict=True))
    return [hypervolume(front, reference) / box for front in fronts]


def main() -> None:
    """Search, try points at random, and print both shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "trials",
        nargs="?",
        type=arguments.count,
        default=TRIALS,
        metavar="TRIALS",
        help="of a seed; %(default)s by default",
    )
    trials = parser.parse_args().trials
    spec = parse_sweep(SPACE, "search", None)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            for at_random in (False, True):
                place = Path(folder) / f"{seed}-{at_random}"
                results.append(search(spec, place, trials=trials, seed=seed, at_random=at_random))
    found = shares(results)
    print(f"{spec.count:,} points, {trials} trials: share of hypervolume (points that cannot be run)")
    print("seed  search       random")
    for index, seed in enumerate(SEEDS):
        pair = [f"{found[2 * index + k]:.3f} ({results[2 * index + k].failed})" for k in (0, 1)]
        print(f"{seed:4}  {pair[0]:11}  {pair[1]}")
    means = [sum(found[k::2]) / len(SEEDS) for k in (0, 1)]
    print(f"mean  {means[0]:.3f}        {means[1]:.3f}")


if __name__ == "__main__":
    main()
