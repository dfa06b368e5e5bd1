"""SpikeSim: energy of a PE cycle and of each layer of VGG9, and PEs, as its public simulator prints them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table
from spikecycle.traces import GraphBuilder, Neuron

SOURCE = "SpikeSim (Moitra et al., IEEE TCAD 2023), public ela_spikesim.py"
TIMESTEPS = 5
ROUNDING = 1e-9
LATENCY_NS = 62_832_640
"""What it prints for VGG9."""
LATENCY = (
    "its script has a PE work out all channels of an output position in a cycle for energy, but one channel for "
    "latency; ours has the former for both"
)


def rows(data: Path | None) -> Iterator[Row]:
    """Both kinds of cells."""
    table = read_table("spikesim_vgg9")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_network(table, path)
        for device in ("rram", "sram"):
            yield from of_device(device, simulate(path, f"spikesim_{device}"), table)
    yield Row("spikesim_rram", "VGG9: latency, ns", None, LATENCY_NS, 0, SOURCE, LATENCY)


def of_device(device: str, result: RunResult, table: Sequence[Mapping[str, str]]) -> Iterator[Row]:
    """Energies and PEs with one kind of cells."""
    machine = f"spikesim_{device}"
    for line, layer in zip(table, result.layers, strict=True):
        energy = sum(one.sum_energy_pj for one in layer.counters)
        yield Row(machine, f"VGG9 {line['layer']}: energy, pJ", energy, float(line[f"{device}_pj"]), ROUNDING, SOURCE)
    line, layer = table[1], result.layers[1]
    cycles = sum(one.sum_count for one in layer.counters if one.resource == "crossbar")
    ours = sum(one.sum_energy_pj for one in layer.counters) / cycles
    theirs = float(line[f"{device}_pj"]) / (int(line["output_size"]) ** 2 * TIMESTEPS)
    yield Row(machine, "energy of a PE cycle, 3 x 3, pJ", ours, theirs, ROUNDING, SOURCE)
    pes = sum(each.tiling["pes"] for each in result.layers)
    yield Row(machine, "VGG9: PEs", pes, sum(int(each["pes"]) for each in table), 0, SOURCE)


def write_network(table: Sequence[Mapping[str, str]], path: Path) -> None:
    """The layers, silent: crossbars do not look at spikes. Pooling ahead of a layer is done by its stride."""
    graph = GraphBuilder(TIMESTEPS)
    channels, size = (int(table[0][name]) for name in ("input_channels", "input_size"))
    source = graph.input("inputs", np.zeros((1, TIMESTEPS, channels, size, size), int))
    for line in table:
        outputs, stride = int(line["output_channels"]), int(line["input_size"]) // int(line["output_size"])
        weights = np.zeros((outputs, int(line["input_channels"]), 3, 3), int)
        current = graph.conv2d(line["layer"], source, weights, weight_bits=4, padding=1, stride=stride)
        source = graph.neuron(f"{line['layer']}.neurons", current, Neuron("if", 1, potential_bits=8))
    graph.write(path)


CHECKS.register(
    "spikesim_vgg9",
    Check("spikesim_vgg9", "energy and PEs of VGG9", ("spikesim_rram", "spikesim_sram"), (), rows),
)
