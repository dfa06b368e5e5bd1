"""Dual-sparse tile products: by hand, and with tiles and caches so small that everything happens, against the twin."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator import MachineError
from spikecycle.simulator.dataflows.dual_sparse import kernels, planes
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


def words_of(bits: np.ndarray) -> np.ndarray:
    """Rows of bits, (..., K), in words of 64."""
    filled = np.concatenate([bits, np.zeros((*bits.shape[:-1], -bits.shape[-1] % 64), np.uint8)], axis=-1)
    return np.packbits(filled, axis=-1, bitorder="little").view("<u8")


@pytest.mark.kernel
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    fan_in=st.integers(1, 200),
    tile_fan_in=st.integers(1, 210),
    tile_rows=st.integers(1, 7),
    tile_channels=st.integers(1, 4),
    rows=st.integers(1, 9),
    channels=st.integers(1, 5),
    together=st.sampled_from([1, 3, 256]),
    density=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_pairs_of_tiles_that_begin_anywhere_in_a_word(
    fan_in: int, tile_fan_in: int, tile_rows: int, tile_channels: int, rows: int, channels: int, together: int,
    density: float, seed: int,
) -> None:  # fmt: skip
    """Every pair is looked at, element by element."""
    random = np.random.default_rng(seed)
    spikes = (random.random((2, rows, fan_in)) < density).astype(np.uint8)
    weights = (random.random((channels, fan_in)) < density).astype(np.uint8)
    along_rows = along_channels = 0
    ones: list[list[list[int]]] = []
    pairs = [0, 0]
    for window in range(2):
        ones.append([])
        for first_row in range(0, rows, tile_rows):
            ones[-1].append([])
            some_rows = range(first_row, min(first_row + tile_rows, rows))
            for first_k in range(0, fan_in, tile_fan_in):
                ks = range(first_k, min(first_k + tile_fan_in, fan_in))
                ones[-1][-1].append(sum(int(spikes[window, row, k]) for row in some_rows for k in ks))
                for first_n in range(0, channels, tile_channels):
                    of_row: Counter[int] = Counter()
                    of_channel: Counter[int] = Counter()
                    for n in range(first_n, min(first_n + tile_channels, channels)):
                        for row in some_rows:
                            met = sum(int(spikes[window, row, k] & weights[n, k]) for k in ks)
                            of_row[row] += met
                            of_channel[n] += met
                            pairs[window] += met
                    along_rows += max(of_row.values())
                    along_channels += max(of_channel.values())
    words = words_of(spikes)
    columns = planes.tile_planes(np.ones((1, fan_in), np.uint8), tile_fan_in)[..., 0]
    found = np.zeros((2, len(ones[0]), len(ones[0][0])), np.int32)
    kernels.tile_ones(words, columns, tile_rows, tile_fan_in, found)
    assert found.tolist() == ones
    mask, of_tiles = np.zeros_like(weights), np.zeros((-(-channels // tile_channels), fan_in), np.int32)
    kernels.count_weights(weights.astype(np.int32), tile_fan_in, tile_channels, mask, of_tiles)
    digits = planes.digit_planes(of_tiles, tile_fan_in)
    of_windows = np.zeros(2, np.int64)
    assert kernels.cycles_along_rows(words, digits, tile_rows, tile_fan_in, together, of_windows) == along_rows
    assert of_windows.tolist() == pairs
    of_windows[:] = 0
    of_channels = planes.tile_planes(mask, tile_fan_in)
    assert (
        kernels.cycles_along_channels(words, of_channels, tile_rows, tile_fan_in, tile_channels, of_windows)
        == along_channels
    )
    assert of_windows.tolist() == pairs
    all_columns = planes.digit_planes(mask.sum(axis=0, dtype=np.int32)[None], fan_in)[0, :, 0]
    assert kernels.count_pairs(words, all_columns) == sum(pairs)


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
