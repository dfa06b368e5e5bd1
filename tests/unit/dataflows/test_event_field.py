"""Events by receptive field: by hand, and with few clusters against the twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.result import LayerResult
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin


@pytest.mark.parametrize("network", ["strided", "grouped", "linear", "many_bits"])
@pytest.mark.parametrize(("slices", "clusters", "side"), [(1, 2, 2), (2, 1, 3), (1, 1, 1)])
def test_few_clusters(tmp_path: Path, network: str, slices: int, clusters: int, side: int) -> None:
    settings = {"dataflow.slices": slices, "dataflow.clusters": clusters, "dataflow.tile_side": side}
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine("sne", settings), trace))


def convolution(path: Path, kernel: int, channels: int, side: int = 32) -> LayerResult:
    """A convolution of one input channel in which one event happens, in the middle."""
    graph = GraphBuilder(timesteps=1)
    spikes = np.zeros((1, 1, 1, side, side), np.int64)
    spikes[0, 0, 0, side // 2, side // 2] = 1
    weights = np.ones((channels, 1, kernel, kernel), int)
    current = graph.conv2d("conv", graph.input("x", spikes), weights, weight_bits=4, padding=kernel // 2)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(path)
    return spikecycle.simulate(path, "sne").layers[0]


@pytest.mark.parametrize(
    ("kernel", "channels", "cycles"),
    [
        (3, 8, 48),  # 8 channels of 4 x 4 tiles of 8 x 8 neurons: all 128 clusters
        (3, 9, 2 * 48),  # 144 tiles: the event comes twice
        (5, 1, 4 * (25 + 3)),
        (1, 1, 4 * (1 + 3)),
    ],
)
def test_one_event_by_hand(tmp_path: Path, kernel: int, channels: int, cycles: int) -> None:
    layer = convolution(tmp_path / "net.h5", kernel, channels)
    assert layer.sum_cycles == cycles
    counts = {counter.name: counter.sum_count for counter in layer.counters}
    assert counts["pe.add"] == kernel**2 * channels


def test_a_linear_operator_steps_through_the_neurons_of_a_cluster(tmp_path: Path) -> None:
    """300 neurons over 128 clusters: 3 in the fullest; 2 events."""
    graph = GraphBuilder(timesteps=1)
    current = graph.linear("fc", graph.input("x", np.ones((1, 1, 2, 1, 1), int)), np.ones((300, 2), int), weight_bits=4)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(tmp_path / "net.h5")
    assert spikecycle.simulate(tmp_path / "net.h5", "sne").layers[0].sum_cycles == 2 * 4 * (3 + 3)
