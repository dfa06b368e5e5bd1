"""Dense array: an operator with weights takes its time, however large the array is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikecycle
from spikecycle.traces import GraphBuilder, Neuron


@pytest.mark.parametrize(
    ("rows", "cycles"),
    [
        (14, 2 * (3 * 9 * 2 // 14)),  # 13 output channels are two passes over 12; K = 3, M = 9 positions x 2 timesteps
        (54, 2 * 1),  # as many rows as the product has terms
        (55, 2 * 1),  # more: a cycle for each pass, where the study's quotient is 0
        (14_000, 2 * 1),
    ],
)
def test_by_hand(tmp_path: Path, rows: int, cycles: int) -> None:
    graph = GraphBuilder(timesteps=2)
    spikes = np.ones((1, 2, 3, 3, 3), np.int64)
    current = graph.conv2d("conv", graph.input("x", spikes), np.ones((13, 3, 1, 1), int), weight_bits=2)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=24))
    graph.write(tmp_path / "net.h5")
    result = spikecycle.simulate(tmp_path / "net.h5", "eyeriss", settings={"dataflow.rows": rows})
    assert {layer.name: layer.sum_cycles for layer in result.layers}["conv"] == cycles
