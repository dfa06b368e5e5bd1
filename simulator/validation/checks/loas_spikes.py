"""LoAS and its baselines on spikes of the same AlexNet that others published: cycles of its four convolutions.

The spikes are those of another image than the published cycles are of, so that their number differs; weights are drawn
as in the check `loas`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.checks.loas import MACHINES, PIECE, SOURCE
from spikecycle.simulator.validation.generated import pruned_weights, shape_of, write_layers
from spikecycle.simulator.validation.spike_files import read_layers
from spikecycle.simulator.validation.tables import read_table

SPIKES = "alexnet_cifar10_spikes.npz"
TOLERANCE = 0.20
NOTE = "spikes of another image, weights drawn from published densities, seed 0; deviation L1"


def rows(data: Path | None) -> Iterator[Row]:
    """Totals of every machine."""
    assert data is not None
    random = np.random.default_rng(0)
    lines = [line for line in read_table("loas") if line["network"] == "alexnet"]
    layers = []
    for line, recorded in zip(lines, read_layers(data / SPIKES), strict=False):  # a dense layer follows
        shape = shape_of(line)
        touched = int(line["touched"]) / (shape.M * -(-shape.fan_in // PIECE))
        weights = pruned_weights(shape.weight_shape, int(line["weights"]), touched, PIECE, random)
        layers.append((recorded.name, shape, recorded.spikes, weights))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_layers(layers, path)
        for machine in MACHINES:
            found = simulate(path, machine).layers
            ours = sum(layer.sum_cycle_breakdown["compute"] for layer in found)
            theirs = sum(int(line[machine]) for line in lines)
            yield Row(machine, "alexnet on published spikes, cycles", ours, theirs, TOLERANCE, SOURCE, NOTE)


CHECKS.register(
    "loas_spikes", Check("loas_spikes", "LoAS and its baselines on spikes of AlexNet", tuple(MACHINES), (SPIKES,), rows)
)
