"""Time-sorted broadcast: by hand, and with buffers so small that everything happens, against the twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin

SMALL: dict[str, Any] = {
    "dataflow.pes": 2,
    "dataflow.output_spine_entries": 2,
    "dataflow.dram_bytes_per_cycle": 3,
    "dataflow.entry_bits": 10,
}


@pytest.mark.parametrize("filter_rows", [3, 20, 60])
@pytest.mark.parametrize(("spines", "ways"), [(1, 2), (2, 4), (4, 2), (3, 1)])
@pytest.mark.parametrize("network", ["strided", "grouped", "pooled_spikes", "many_bits"])
def test_small_buffers(tmp_path: Path, network: str, spines: int, ways: int, filter_rows: int) -> None:
    settings = {
        **SMALL,
        "dataflow.filter_rows": filter_rows,
        "dataflow.spines_per_batch": spines,
        "dataflow.merge_ways": ways,
    }
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine("spinalflow", settings), trace))


def test_by_hand(tmp_path: Path) -> None:
    """A 1 x 2 map, T = 2, a 1 x 1 kernel, 200 output channels, 2 channels in; 3 spikes left, none right.

    Two tiles of 128 channels. Weights of both, 2 x 2 x 128 bytes, take ceil(512 / 160) = 4 cycles; 3 spikes of 8 bytes
    take 1 to load, for each tile. Each tile computes 3 + 2 cycles left, 2 right.
    """
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 2, 1, 2), np.int64)
    spikes[0, :, :, 0, 0] = [[1, 1], [0, 1]]
    weights = np.ones((200, 2, 1, 1), int)
    current = graph.conv2d("conv", graph.input("x", spikes), weights, weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 2, potential_bits=8, reset="soft"))
    graph.write(tmp_path / "net.h5")
    result = spikecycle.simulate(tmp_path / "net.h5", "spinalflow")
    conv, lif = result.layers
    assert conv.sum_cycle_breakdown["load"] == 4 + 2 * 1
    assert conv.sum_cycle_breakdown["compute"] == 2 * (3 + 2) + 2 * (0 + 2)
    # 200 neurons fire once, left: 200 cycles to sort, 1600 bytes to store
    assert lif.sum_cycle_breakdown["store"] == 200 + 10
    # what an ideal memory carries takes no time; the sorter still does
    conv, lif = spikecycle.simulate(tmp_path / "net.h5", "spinalflow", ideal_memory=True).layers
    assert (conv.sum_cycles, conv.sum_cycle_breakdown["load"]) == (2 * (3 + 2) + 2 * (0 + 2), 0)
    assert (lif.sum_cycles, lif.sum_cycle_breakdown["store"]) == (200, 200)


def test_more_spikes_of_a_place_than_a_byte_counts(tmp_path: Path) -> None:
    """300 neurons fire in both timesteps: 600 cycles to sort, 600 x 8 bytes at 160 a cycle to store."""
    graph = GraphBuilder(timesteps=2)
    current = graph.linear("fc", graph.input("x", np.ones((1, 2, 1, 1, 1), int)), np.ones((300, 1), int), weight_bits=8)
    graph.neuron("if", current, Neuron("if", 1, potential_bits=8))
    graph.write(tmp_path / "net.h5")
    _, neurons = spikecycle.simulate(tmp_path / "net.h5", "spinalflow").layers
    assert neurons.sum_cycle_breakdown["store"] == 600 + 600 * 8 // 160


def test_weights_that_do_not_fit_together_come_again_for_every_position(tmp_path: Path) -> None:
    """Two tiles of 2 rows in a buffer of 3: each is loaded at both positions, 256 bytes in 2 cycles.

    A load hides behind the cycles computed since the load before: 5 at the left, 2 at the right, both enough.
    """
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 2, 1, 2), np.int64)
    spikes[0, :, :, 0, 0] = [[1, 1], [0, 1]]
    current = graph.conv2d("conv", graph.input("x", spikes), np.ones((200, 2, 1, 1), int), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(tmp_path / "net.h5")
    settings = {"dataflow.filter_rows": 3, "dram.burst_bits": 1}
    conv = spikecycle.simulate(tmp_path / "net.h5", "spinalflow", settings=settings).layers[0]
    assert conv.sum_cycle_breakdown["load"] == 2 + 2 * 1
    assert conv.sum_dram_read_bits["weights"] == 4 * 256 * 8
