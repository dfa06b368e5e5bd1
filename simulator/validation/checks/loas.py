"""LoAS (MICRO 2024) and its baselines: cycles and pairs of non-zeros of three networks, and the mean speed-ups.

The masks of the authors are not public here; of every layer their results tell how many weights, spikes and spike words
are not 0. Masks of those densities are drawn, neurons independent of each other, always from the same seed. The PEs of
SparTen-S and GoSPA-S lie along output channels and wait for the densest of them, so that their cycles depend on how
unlike the channels are: with equal ones they would take 0.4 to 0.7 of the published cycles. That is published as well,
as the partial sums that Gamma-S moves (`touched` in the table), and is drawn accordingly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.generated import places, pruned_weights, shape_of, spike_trains, write_layers
from spikecycle.simulator.validation.tables import read_table

SOURCE = "LoAS (Yin et al., MICRO 2024), text results of the authors' simulator"
PAPER = "LoAS (Yin et al., MICRO 2024), section VI"
MACHINES = {
    "sparten_s": "pairs",
    "gospa_s": "pairs",
    "gamma_s": "pairs",
    "loas": "pairs_loas",
    "loas_ft": "pairs_loas_ft",
}
"""Machines, and the column of the table with their pairs of non-zeros."""
SPEEDUPS = {"sparten_s": 6.79, "gospa_s": 5.99, "gamma_s": 3.25}
"""Of LoAS over each, mean of the three networks."""
NETWORKS = ("alexnet", "vgg16", "resnet19")
TIMESTEPS = 4
PIECE = 64
"""Weights of a piece of the column `touched`: a tile of Gamma-S."""
TOLERANCE = 0.15
NOTE = "masks drawn from published densities, seed 0; deviation L1"


def rows(data: Path | None) -> Iterator[Row]:
    """Totals of every network and machine, and the speed-ups that follow."""
    table = read_table("loas")
    cycles: dict[tuple[str, str], int] = {}
    published: dict[tuple[str, str], int] = {}
    for network in NETWORKS:
        layers = [line for line in table if line["network"] == network]
        for machine, result in _run(layers).items():
            compute = sum(layer.sum_cycle_breakdown["compute"] for layer in result.layers)
            pairs = sum(
                counter.sum_count for layer in result.layers for counter in layer.counters if counter.name == "pe.add"
            )
            cycles[network, machine] = compute
            theirs = published[network, machine] = sum(int(line[machine]) for line in layers)
            yield Row(machine, f"{network}, cycles of all layers", compute, theirs, TOLERANCE, SOURCE, NOTE)
            theirs = sum(int(line[MACHINES[machine]]) for line in layers)
            yield Row(machine, f"{network}, pairs of non-zeros", pairs, theirs, TOLERANCE, SOURCE, NOTE)
    for machine, speedup in SPEEDUPS.items():
        ours = mean(cycles[network, machine] / cycles[network, "loas"] for network in NETWORKS)
        yield Row("loas", f"speed-up over {machine}, mean of 3 networks", ours, speedup, TOLERANCE, PAPER, NOTE)
    for network in NETWORKS:
        ours_first = sorted(MACHINES, key=lambda machine: cycles[network, machine])
        theirs_first = sorted(MACHINES, key=lambda machine: published[network, machine])
        agree = sum(one == other for one, other in zip(ours_first, theirs_first, strict=True))
        yield Row("loas", f"{network}, machines in the published order", agree, len(MACHINES), 0, SOURCE, NOTE)


def _run(lines: list[dict[str, str]]) -> dict[str, RunResult]:
    """Layers of a network, with spikes of their own each, on every machine."""
    random = np.random.default_rng(0)
    layers = []
    for line in lines:
        shape = shape_of(line)
        share, spiking, repeated = (int(line[key]) / places(shape) for key in ("spikes", "words", "words_ft"))
        spikes = spike_trains(TIMESTEPS, shape.input_shape, share / TIMESTEPS, spiking, repeated, random)
        touched = int(line["touched"]) / (shape.M * -(-shape.fan_in // PIECE))
        weights = pruned_weights(shape.weight_shape, int(line["weights"]), touched, PIECE, random)
        layers.append((f"layer{line['layer']}", shape, spikes, weights))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_layers(layers, path)
        return {machine: simulate(path, machine) for machine in MACHINES}


CHECKS.register(
    "loas",
    Check("loas", "LoAS and its baselines on AlexNet, VGG16 and ResNet19", tuple(MACHINES), (), rows),
)
