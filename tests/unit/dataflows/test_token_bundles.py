"""Token-time bundles: by hand, and with small bundles and cores against the twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.dataflows.token_bundles import together
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.result import LayerResult
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin


@pytest.mark.parametrize("network", ["strided", "grouped", "attention", "many_bits", "signed"])
@pytest.mark.parametrize(("tokens", "timesteps", "percent", "prune"), [(1, 1, 0, 0), (2, 3, 40, 1), (3, 2, 101, 2)])
def test_small_bundles(tmp_path: Path, network: str, tokens: int, timesteps: int, percent: int, prune: int) -> None:
    settings = {
        "dataflow.bundle_tokens": tokens, "dataflow.bundle_timesteps": timesteps, "dataflow.dense_rows": 3,
        "dataflow.dense_columns": 2, "dataflow.dense_from_percent": percent, "dataflow.sparse_pes": 3,
        "dataflow.attention_pes": 5, "dataflow.prune_below": prune,
    }  # fmt: skip
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine("bishop", settings), trace))


def run(path: Path, graph: GraphBuilder, settings: dict[str, Any]) -> LayerResult:
    """The first operator on the machine."""
    graph.write(path)
    return spikecycle.simulate(path, "bishop", settings=settings).layers[0]


@pytest.mark.parametrize(
    ("percent", "cycles"),
    [
        (100, max(2 * 2 + 3 + 1 - 2, 3)),  # feature 0 is dense, 2 x 3 PEs; one active bundle x 3 channels on one PE
        (50, 2 * 2 + 3 + 2 - 2),  # both are dense
        (101, 3 * 3),  # both are sparse: 3 active bundles x 3 channels
    ],
)
def test_the_stratifier_by_hand(tmp_path: Path, percent: int, cycles: int) -> None:
    """Two features, two tokens in bundles of their own: feature 0 spikes at both, feature 1 at the first."""
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 2, 1, 2), int)
    spikes[0, 1, 0, 0, 0] = spikes[0, 0, 0, 0, 1] = spikes[0, 0, 1, 0, 0] = 1
    current = graph.conv2d("conv", graph.input("x", spikes), np.ones((3, 2, 1, 1), int), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    settings = {"dataflow.bundle_tokens": 1, "dataflow.sparse_pes": 1, "dataflow.dense_from_percent": percent}
    layer = run(tmp_path / "net.h5", graph, settings)
    assert layer.sum_cycle_breakdown["compute"] == cycles


@pytest.mark.parametrize(("prune", "elements"), [(0, 3 * 2 * 4), (2, 2 * 2 * 4)])
def test_attention_leaves_out_tokens_by_hand(tmp_path: Path, prune: int, elements: int) -> None:
    """Four features. Of queries, three tokens of four have 1, 2 and 4 active features; of keys, two of four have 4."""
    graph = GraphBuilder(timesteps=1)
    queries, keys = np.zeros((1, 1, 4, 1, 4), int), np.zeros((1, 1, 4, 1, 4), int)
    for token, active in enumerate((1, 2, 4)):
        queries[0, 0, :active, 0, token] = 1
    keys[0, 0, :, 0, :2] = 1
    sources = [graph.input(name, values) for name, values in (("q", queries), ("k", keys))]
    graph.neuron("n", graph.attention("scores", *sources, transpose_right=True), Neuron("if", 1, potential_bits=8))
    settings = {"dataflow.bundle_tokens": 1, "dataflow.prune_below": prune, "dataflow.attention_pes": 4}
    layer = run(tmp_path / "net.h5", graph, settings)
    counts = {counter.name: counter.sum_count for counter in layer.counters}
    assert counts["attention.add"] == elements
    assert layer.sum_cycle_breakdown["compute"] == elements // 4


@pytest.mark.parametrize(("size", "expected"), [(1, [1, 2, 4, 8, 16]), (2, [3, 12, 16]), (3, [7, 24]), (9, [31])])
def test_rows_that_lie_together(size: int, expected: list[int]) -> None:
    """The last ones are fewer where their number is no multiple."""
    rows = np.array([[1], [2], [4], [8], [16]], np.uint64)
    assert together(rows, size)[:, 0].tolist() == expected
    assert rows[:, 0].tolist() == [1, 2, 4, 8, 16]
