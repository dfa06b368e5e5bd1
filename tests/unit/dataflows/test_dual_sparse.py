"""Dual-sparse tile products: by hand, and with tiles and caches so small that everything happens, against the twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator import MachineError
from spikecycle.simulator.dataflows.dual_sparse import kernels
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin

MACHINES = ("loas", "loas_ft", "sparten_s", "gospa_s", "gamma_s")
SMALL: dict[str, Any] = {
    "dataflow.tile.rows": 3,
    "dataflow.tile.fan_in": 5,
    "dataflow.tile.output_channels": 2,
    "buffers.cache.width_bits": 16,
}


@pytest.mark.parametrize("resident", [2, 7, 1000])
@pytest.mark.parametrize("network", ["strided", "grouped", "linear", "many_bits"])
@pytest.mark.parametrize("name", MACHINES)
def test_small_tiles_and_caches(tmp_path: Path, name: str, network: str, resident: int) -> None:
    """Tiles that do not divide the operands, windows of two of three timesteps, caches that hold one tile or none."""
    settings = {**SMALL, "dataflow.weights.resident": resident, "dataflow.spikes.resident": resident}
    if name.startswith("loas"):
        settings["dataflow.timesteps_at_once"] = 2
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine(name, settings), trace))


def network(tmp_path: Path) -> Path:
    """Three inputs, T = 2, two outputs. Inputs spike at: both, the second, never. Weights: 1 1 1 and 0 1 1."""
    graph = GraphBuilder(timesteps=2)
    spikes = np.array([[1, 0, 0], [1, 1, 0]]).reshape(1, 2, 3, 1, 1)
    current = graph.linear("fc", graph.input("x", spikes), np.array([[1, 1, 1], [0, 1, 1]]), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    path = tmp_path / "net.h5"
    graph.write(path)
    return path


@pytest.mark.parametrize(
    ("name", "cycles", "pairs", "corrections"),
    [
        ("loas", 3, 3, 2),  # one row, so one PE: input 0 meets a weight, input 1 meets two, a spike too many each
        ("loas_ft", 1, 1, 0),  # input 1 spikes once and is dropped
        ("sparten_s", 1 + 2, 1 + 3, 0),  # output 0 is the busiest: 1 pair in the first timestep, 2 in the second
        ("gospa_s", 1 + 2, 1 + 3, 0),
        ("gamma_s", 1 + 3, 1 + 3, 0),  # one PE does all
    ],
)
def test_by_hand(tmp_path: Path, name: str, cycles: int, pairs: int, corrections: int) -> None:
    result = spikecycle.simulate(network(tmp_path), name)
    layer = result.layers[0]
    assert layer.sum_cycle_breakdown["compute"] == cycles
    counts = {counter.name: counter.sum_count for counter in layer.counters}
    assert counts["pe.add"] == pairs
    assert counts["correction.add"] == corrections


def test_what_is_loaded_by_hand(tmp_path: Path) -> None:
    """LoAS: 5 weights of 8 bits that are not 0 under masks of 6; 2 words of 4 bits under masks of 3; bursts of 256."""
    layer = spikecycle.simulate(network(tmp_path), "loas", settings={"dram.burst_bits": 1}).layers[0]
    read = layer.sum_dram_read_bits
    assert (read["weights"], read["spikes"]) == (5 * 8 + 6, 2 * 4 + 3)


def test_a_tile_that_came_first_leaves_first() -> None:
    """Tiles 0, 1, 2 of two non-zeros each, twice, where four fit: 2 pushes out 0, then 0 pushes out 1, and so on."""
    steps, strides, sizes = np.array([2, 3, 1, 1]), np.array([0, 1, 0, 0]), np.array([10, 20, 30])

    def visited(non_zeros: list[int], resident: int) -> kernels.Visited:
        return kernels.visit_tiles(steps, strides, np.array(non_zeros, np.int32), sizes, resident)

    assert visited([2, 2, 2], 4) == (2 * 6, 2 * 60, 2 * 60)
    assert visited([2, 2, 2], 6) == (6, 60, 2 * 60)
    assert visited([9, 1, 1], 6) == (2 * 11, 2 * 60, 2 * 60)  # the first never fits, and pushes out the others
    same = kernels.visit_tiles(steps, strides, np.array([2, 2, 2], np.int32), sizes[:1], 6)
    assert same == (6, 3 * 10, 2 * 3 * 10)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dataflow.loop_order": ["rows", "rows", "fan_in", "timesteps"]}, "loop_order needs each loop once"),
        ({"dataflow.weights.coordinate_bits": 6}, "coordinate_bits goes with index: coordinates"),
        ({"dataflow.timesteps_at_once": 0}, "timesteps_at_once"),
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(MachineError, match=said):
        load_machine("loas", settings)
