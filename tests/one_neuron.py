"""A trace whose cycles and energies are worked out in the head."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikecycle.traces import GraphBuilder, Neuron


def one_dense_neuron(folder: Path) -> Path:
    """Writes a trace of 130 spikes in a dense layer of one neuron, one timestep."""
    graph = GraphBuilder(1)
    x = graph.input("x", np.ones((1, 1, 130), int))
    graph.neuron("n", graph.linear("fc", x, np.ones((1, 130), int), weight_bits=8), Neuron("if", 3, 16))
    graph.write(folder / "net.h5")
    return folder / "net.h5"
