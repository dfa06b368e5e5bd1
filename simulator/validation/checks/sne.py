"""SNE (DATE 2022): cycles per event, peak throughput, and what a synaptic operation costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.traces import GraphBuilder, Neuron

SOURCE = "SNE (Di Mauro et al., DATE 2022)"
CYCLES_PER_EVENT = 48
PEAK_GSOP_PER_S = 51.2
PJ_PER_SOP = 0.221
DVS_GESTURE_UJ = {"1.2 %": 80, "4.9 %": 261}
"""Energy of an inference by activity of the input."""
MAP_SIDE, CHANNELS, WEIGHT_BITS = 32, 8, 4
"""A convolution that fills all clusters."""
LOWER_BOUND = "data path only: sequencers, event FIFOs, clock and leakage are not modelled; deviation L3"
NO_NETWORK = "neither the network nor its activity by layer is published"


def rows(data: Path | None) -> Iterator[Row]:
    """One event on a full machine."""
    graph = GraphBuilder(timesteps=1)
    event = np.zeros((1, 1, 1, MAP_SIDE, MAP_SIDE), np.uint8)
    event[..., MAP_SIDE // 2, MAP_SIDE // 2] = 1
    weights = np.ones((CHANNELS, 1, 3, 3), np.int8)
    current = graph.conv2d("conv", graph.input("events", event), weights, weight_bits=WEIGHT_BITS, padding=1)
    graph.neuron("neurons", current, Neuron("if", 1, potential_bits=8))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "event.h5"
        graph.write(path)
        layer = simulate(path, "sne").layers[0]
    yield Row("sne", "cycles per event, 3 x 3 kernel", layer.sum_cycles, CYCLES_PER_EVENT, 0, SOURCE)
    machine = load_machine("sne")
    peak = machine.pe_count * machine.technology.clock_mhz / 1000
    yield Row("sne", "peak, GSOP/s", peak, PEAK_GSOP_PER_S, 1e-9, SOURCE)
    energy = sum(counter.sum_energy_pj for counter in layer.counters) / layer.sum_synaptic_operations
    yield Row("sne", "energy of the data path, pJ per SOP", energy, PJ_PER_SOP, 0, SOURCE, LOWER_BOUND, "at_most")
    for activity, energy_uj in DVS_GESTURE_UJ.items():
        yield Row("sne", f"DVS gesture at {activity} activity, uJ", None, energy_uj, 0, SOURCE, NO_NETWORK)


CHECKS.register("sne", Check("sne", "SNE: one event on a full machine", ("sne",), (), rows))
