"""The comparison study of Prosperity (HPCA 2025): its cycles of LeNet-5, each layer on its own and as a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.spike_files import read_layers, run_alone, run_network
from spikecycle.simulator.validation.tables import read_table

SPIKES = "lenet5_mnist_spikes.npz"
SOURCE = "public simulator of Prosperity (Wei et al., HPCA 2025), LeNet-5"
MACHINES = ("eyeriss", "ptb", "sato", "mint", "prosperity_bit", "prosperity")
AFTER = {"lif2": "conv2.neurons", "lif3": "fc1.neurons", "lif4": "fc2.neurons"}
"""Names of neurons in the table, and the populations that they are."""
IN_A_NETWORK = {"prosperity_bit": 684, "prosperity": 351}
"""Cycles of fc2 as a layer of the network: the 3,840 output bits of lif3 stay in the spike buffer."""


def rows(data: Path | None) -> Iterator[Row]:
    """Cycles of each layer on its own on each machine of the study, and of fc2 in the network."""
    assert data is not None
    layers = read_layers(data / SPIKES)
    table = read_table("comparison_study_lenet5")
    for machine in MACHINES:
        ours = run_alone(layers, machine)
        for line in table:
            name = line["layer"]
            cycles = ours[AFTER.get(name, name)].sum_cycles
            yield Row(machine, f"LeNet-5 {name}, cycles", cycles, int(line[machine]), 0, SOURCE)
        if machine in IN_A_NETWORK:
            found = {layer.name: layer.sum_cycles for layer in run_network(layers, machine).layers}
            yield Row(machine, "LeNet-5 fc2 in the network, cycles", found["fc2"], IN_A_NETWORK[machine], 0, SOURCE)


CHECKS.register(
    "comparison_study_lenet5",
    Check("comparison_study_lenet5", "cycles of LeNet-5, layer by layer", MACHINES, (SPIKES,), rows),
)
