"""quantisenc: golden spikes and potentials of its published core bit for bit, and the cycles of a timestep."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.quantisenc_core import THRESHOLD, GoldenRun, read_golden, run_layer
from spikecycle.traces import GraphBuilder, Neuron

FILE = "quantisenc_256_256_10.npz"
SOURCE = "golden files of drexel-DISCO/quantisenc-public"
CLOCKS_PER_STEP = 263
"""Memory clocks of a spike clock in the published test bench: 256 inputs and 7."""
POTENTIAL_DELAY, OUTPUT_DELAY = 4, 9
"""Timesteps by which the test bench writes potentials of the first layer, and spikes of the last, later than inputs:
registers of two layers and of the bench."""
STEPS = 16
"""Timesteps that are simulated for their cycles, which are all alike."""


def rows(data: Path | None) -> Iterator[Row]:
    """Differences, each of which has to be 0, and cycles."""
    assert data is not None
    golden = read_golden(data / FILE)
    steps = len(golden.outputs)
    potentials, spikes = run_layer(golden.inputs, golden.weights[0], steps)
    _, outputs = run_layer(spikes, golden.weights[1], steps)
    different = int((outputs[: steps - OUTPUT_DELAY] != golden.outputs[OUTPUT_DELAY:]).sum())
    yield Row("quantisenc", f"output spikes that differ in {steps} timesteps", different, 0, 0, SOURCE)
    different = int((potentials[: steps - POTENTIAL_DELAY, 0] != golden.potentials[POTENTIAL_DELAY:]).sum())
    yield Row("quantisenc", f"potentials that differ in {steps} timesteps", different, 0, 0, SOURCE)
    fired = int(golden.outputs.sum())
    yield Row("quantisenc", "output spikes", int(outputs[: steps - OUTPUT_DELAY].sum()), fired, 0, SOURCE)
    yield Row("quantisenc", "cycles of a timestep of its first layer", _cycles(golden), CLOCKS_PER_STEP, 0, SOURCE)


def _cycles(golden: GoldenRun) -> int:
    """Cycles of a timestep on the machine, of a network with the layer's own spikes and weights."""
    graph = GraphBuilder(STEPS)
    source = graph.input("inputs", golden.inputs[None, :STEPS].astype(np.uint8))
    current = graph.linear("layer", source, golden.weights[0], weight_bits=8)
    graph.neuron("neurons", current, Neuron("lif", THRESHOLD + 1, 8, 13, 4, reset="soft"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.h5"
        graph.write(path)
        return simulate(path, "quantisenc").sum_cycles // STEPS


CHECKS.register(
    "quantisenc", Check("quantisenc", "spikes, potentials and cycles of an open core", ("quantisenc",), (FILE,), rows)
)
