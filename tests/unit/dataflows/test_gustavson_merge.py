"""Gustavson products in two stages: by hand, and with few PEs against the twin."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator.dataflows import weight_lanes
from spikecycle.simulator.dataflows.gustavson_merge import Merge, merge_groups
from spikecycle.simulator.dataflows.weight_lanes import lanes_of, pack_weights
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, Trace
from spikecycle.traces.synthetic import synthetic_trace
from tests.contracts.networks import write_network
from tests.contracts.suite import Case, check_twin


@pytest.mark.parametrize("network", ["strided", "grouped", "linear", "many_bits"])
@pytest.mark.parametrize(("tiles", "pes", "potentials", "rows"), [(2, 1, 2, 2), (3, 2, 1, 1), (1, 2, 3, 3)])
def test_few_pes(tmp_path: Path, network: str, tiles: int, pes: int, potentials: int, rows: int) -> None:
    settings = {
        "dataflow.tiles": tiles, "dataflow.pes_per_tile": pes, "dataflow.potentials": potentials,
        "dataflow.rows_at_once": rows, "buffers.weights.width_bits": 8,
    }  # fmt: skip
    with Trace(write_network(network, tmp_path)) as trace:
        check_twin(Case.of(load_machine("gustavsnn", settings), trace))


@pytest.mark.kernel
@settings(max_examples=80, deadline=None, derandomize=True)
@example(fan_in=4200, channels=3, potentials=1, rows_at_once=300, tiles=2, groups=1, density=0.1, seed=1)  # blocks
@example(fan_in=70, channels=150, potentials=1, rows_at_once=3, tiles=2, groups=1, density=0.5, seed=2)  # 1 position
@given(
    fan_in=st.integers(1, 150),
    channels=st.integers(1, 9),
    potentials=st.sampled_from([1, 3, 8, 64]),
    rows_at_once=st.integers(1, 9),
    tiles=st.integers(1, 3),
    groups=st.integers(1, 3),
    density=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_are_merged_in_order(
    fan_in: int, channels: int, potentials: int, rows_at_once: int, tiles: int, groups: int, density: float, seed: int
) -> None:
    """Two timesteps and four positions, group by group, partition by partition and row by row."""
    random = np.random.default_rng(seed)
    spikes = (random.random((groups, 2, 4, fan_in)) < density).astype(np.uint8)
    weights = random.integers(-1, 2, (groups, channels, fan_in)).astype(np.int32)
    starts = range(0, channels, potentials)
    cycles = np.zeros((groups, tiles, len(starts)), np.int64)
    emitted = 0
    for group, t, position, (n, first) in product(range(groups), range(2), range(4), enumerate(starts)):
        columns = [
            set(np.flatnonzero(weights[group, first : first + potentials, k]))
            for k in np.flatnonzero(spikes[group, t, position])
        ]
        rows = [row for row in columns if row]
        taken = sum(len(set().union(*rows[at : at + rows_at_once])) for at in range(0, len(rows), rows_at_once))
        emitted += taken
        cycles[group, position % tiles, n] += taken + (taken > 0)
    kind = np.min_scalar_type(max((1 << potentials) - 1, rows_at_once))
    packed, of_inputs = np.zeros((groups, len(starts), fan_in), kind), np.zeros((groups, fan_in), np.int32)
    pack_weights(weights, potentials, packed, of_inputs)
    assert of_inputs.tolist() == np.count_nonzero(weights, axis=1).tolist()
    filled = np.pad(spikes.reshape(groups, 8, fan_in), ((0, 0), (0, 0), (0, -fan_in % 64)))
    planes = np.packbits(filled, axis=2, bitorder="little").view("<u8")
    lanes = lanes_of(packed)
    words = lanes.reshape(groups, -1, lanes.shape[3]).view(np.uint64)
    found = np.zeros_like(cycles)
    assert merge_groups(planes, 4, words, rows_at_once, Merge.of(lanes, potentials), found) == emitted
    assert found.tolist() == cycles.tolist()


@pytest.mark.parametrize("laid_bytes", [1, 3 * 65 * 16])
def test_lanes_of_some_groups_at_a_time_change_nothing(
    laid_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.h5"
    synthetic_trace(path, (LayerShape("conv2d", C=7, H=3, W=3, M=7, R=3, S=3, groups=7),), 4, 1, 0.4, 0.5, 8, 1)
    together = spikecycle.simulate(path, "gustavsnn")
    monkeypatch.setattr(weight_lanes, "LAID_BYTES", laid_bytes)
    apart = spikecycle.simulate(path, "gustavsnn")
    assert apart.layers == together.layers and together.sum_cycles > 0


def test_by_hand(tmp_path: Path) -> None:
    """Six inputs that spike once, two output channels: rows 1 1, 1 0, 1 0, 0 0, 0 1, 1 1 at once up to four.

    The fourth is skipped. The first four that are left have columns 0 and 1: 2 cycles; the last has both: 2. One cycle
    ahead for the fetch, one for the neurons.
    """
    graph = GraphBuilder(timesteps=1)
    rows = np.array([[1, 1], [1, 0], [1, 0], [0, 0], [0, 1], [1, 1]])
    current = graph.linear("fc", graph.input("x", np.ones((1, 1, 6, 1, 1), int)), rows.T, weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(tmp_path / "net.h5")
    layer = spikecycle.simulate(tmp_path / "net.h5", "gustavsnn").layers[0]
    counts = {counter.name: counter.sum_count for counter in layer.counters}
    assert layer.sum_cycle_breakdown["compute"] == 1 + 2 + 2 + 1
    assert (counts["pe.add"], counts["pe.merge"], counts["weights.read"]) == (7, 4, 5)


def test_pes_of_a_number_wait_for_each_other(tmp_path: Path) -> None:
    """Two positions in two tiles: one row left at t = 0, two right at t = 1, each of one column, one row at once.

    Left takes 1 + 1 + 1 and then 1 for its neurons, right 1 and then 1 + 2 + 1. Six tiles have nothing to do.
    """
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 2, 1, 2), int)
    spikes[0, 0, 0, 0, 0] = spikes[0, 1, 0, 0, 1] = spikes[0, 1, 1, 0, 1] = 1
    current = graph.conv2d("conv", graph.input("x", spikes), np.ones((1, 2, 1, 1), int), weight_bits=8)
    graph.neuron("lif", current, Neuron("if", 100, potential_bits=16))
    graph.write(tmp_path / "net.h5")
    settings = {"dataflow.rows_at_once": 1}
    layer = spikecycle.simulate(tmp_path / "net.h5", "gustavsnn", settings=settings).layers[0]
    assert layer.sum_cycle_breakdown["compute"] == 5
    assert {counter.name: counter.sum_count for counter in layer.counters}["pe.wait"] == 1 + 6 * 5
