"""Clock-driven neuron arrays on FPGAs: latencies and block RAM that papers publish.

What a scan of all inputs takes does not depend on weights or spikes, so that a network of the published size will do;
every timestep has a spike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.engine import simulate
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table
from spikecycle.traces import GraphBuilder, Neuron, open_trace

TOLERANCE = {"spiker_plus": 0.02, "snn_fpga": 0.25}
NOTES = {
    "spiker_plus": "4 cycles of control per timestep, as in the public generator; published is rounded",
    "snn_fpga": "deviation M1: cycles of control and of block RAM between tiles are not published",
}
UNKNOWN = "how many timesteps were simulated, and how many of them had spikes, is not known here"
BRAM_TOLERANCE = 0.02


def rows(data: Path | None) -> Iterator[Row]:
    """Each published figure."""
    for line in read_table("fpga_neuron_arrays"):
        machine, what = line["machine"], f"{line['task']} {line['layers']}"
        latency = f"{what}: latency, us"
        ours = latency_us(line) if line["timesteps"] else None
        note = NOTES[machine] if line["timesteps"] else UNKNOWN
        yield Row(machine, latency, ours, float(line["latency_us"]), TOLERANCE.get(machine, 0), line["source"], note)
        if line["brams_36_kbit"]:
            brams = f"{what}: block RAM, 36 Kbit"
            yield Row(machine, brams, block_rams(line), float(line["brams_36_kbit"]), BRAM_TOLERANCE, line["source"])


def latency_us(line: Mapping[str, str]) -> float:
    """Of a sample, us."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_network(line, int(line["timesteps"]), path)
        result = simulate(path, line["machine"])
    return result.cycles_per_sample[0] / result.clock_mhz


def block_rams(line: Mapping[str, str]) -> int:
    """Of all layers."""
    machine = load_machine(line["machine"])
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_network(line, 1, path)
        with open_trace(path) as trace:
            stages = dataflow.stages(machine, trace)
            return sum(dataflow.plan(machine, stage, trace).tiling()["brams_36_kbit"] for stage in stages)


def write_network(line: Mapping[str, str], timesteps: int, path: Path) -> None:
    """Dense layers of the published sizes, all inputs spiking."""
    inputs, *neurons = map(int, line["layers"].split("-"))
    graph = GraphBuilder(timesteps)
    source = graph.input("inputs", np.ones((1, timesteps, inputs, 1, 1), int))
    for index, count in enumerate(neurons):
        weights = np.ones((count, inputs), int)
        current = graph.linear(f"layer{index + 1}", source, weights, weight_bits=int(line["weight_bits"] or 8))
        source = graph.neuron(f"layer{index + 1}.neurons", current, Neuron("if", 1, potential_bits=16, reset="hard"))
        inputs = count
    graph.write(path)


CHECKS.register(
    "fpga_neuron_arrays",
    Check(
        "fpga_neuron_arrays", "latency and block RAM of neuron arrays on FPGAs",
        ("spiker", "spiker_plus", "snn_fpga"), (), rows,
    ),
)  # fmt: skip
