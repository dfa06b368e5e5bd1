"""The comparison study of Prosperity (HPCA 2025), layer by layer: its table of LeNet-5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.spike_files import read_layers, run_alone
from spikecycle.simulator.validation.tables import read_table

SPIKES = "lenet5_mnist_spikes.npz"
SOURCE = "public simulator of Prosperity (Wei et al., HPCA 2025), LeNet-5"
MACHINES = ("mint",)
LIF_OF = {"lif2": "conv2.neurons", "lif3": "fc1.neurons", "lif4": "fc2.neurons"}
"""Names of neurons in the table, and the populations that they are."""


def rows(data: Path | None) -> Iterator[Row]:
    """Cycles of each layer on its own, on each machine of the study."""
    assert data is not None
    layers = read_layers(data / SPIKES)
    table = read_table("comparison_study_lenet5")
    for machine in MACHINES:
        ours = run_alone(layers, machine)
        for line in table:
            name = line["layer"]
            cycles = ours[LIF_OF.get(name, name)].sum_cycles
            yield Row(machine, f"LeNet-5 {name}, cycles", cycles, int(line[machine]), 0, SOURCE)


CHECKS.register(
    "comparison_study",
    Check("comparison_study", "cycles of LeNet-5, layer by layer", MACHINES, (SPIKES,), rows),
)
