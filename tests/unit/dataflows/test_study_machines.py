"""Machines of the comparison study on networks of many tiles, of odd sizes, and as a whole, by hand and by twins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.traces import GraphBuilder, Neuron, open_trace
from tests.contracts.suite import Case, check_twin

NEURON = Neuron("if", 9, potential_bits=16)
SMALL = {"dataflow.tile_rows": 24, "dataflow.tile_columns": 7, "dataflow.tile_outputs": 3}
"""Tiles so small that little networks have many, none of a size that divides another."""


def odd_network(folder: Path, timesteps: int) -> Path:
    """Strides, padding, groups, a small last layer whose inputs stay in the buffer, and inputs of several bits."""
    random = np.random.default_rng(timesteps)
    graph = GraphBuilder(timesteps)
    x = graph.input("x", (random.random((1, timesteps, 4, 7, 7)) < 0.4).astype(int))
    first = graph.conv2d(
        "conv1", x, random.integers(-2, 4, (6, 4, 3, 3)), weight_bits=4, padding=1, stride=2, record=True
    )
    spikes = graph.neuron("lif1", first, NEURON)
    second = graph.conv2d("conv2", spikes, random.integers(-2, 4, (8, 3, 2, 2)), weight_bits=4, groups=2, record=True)
    pooled = graph.pool("pool", graph.neuron("lif2", second, NEURON), "sum", 2, stride=1)
    last = graph.linear("fc", pooled, random.integers(-2, 4, (5, 32)), weight_bits=4, record=True)
    graph.neuron("lif3", last, NEURON)
    path = folder / f"odd{timesteps}.h5"
    graph.write(path)
    return path


@pytest.mark.parametrize("timesteps", [1, 3, 5])
@pytest.mark.parametrize(
    ("machine", "settings"),
    [
        ("prosperity", SMALL), ("prosperity_bit", SMALL), ("prosperity", SMALL | {"dataflow.memory": "scheduled"}),
        ("prosperity", {"dram.bandwidth_gbit_per_s": 8} | SMALL),
        ("ptb", {}), ("ptb", {"dataflow.rows": 3, "dataflow.window": 2, "dram.bandwidth_gbit_per_s": 1}),
        ("ptb", {"dataflow.memory": "scheduled"}),
        ("sato", {"dataflow.pes": 5}), ("eyeriss", {"dataflow.rows": 5, "dataflow.columns": 3}),
    ],
)  # fmt: skip
def test_odd_sizes(machine: str, settings: dict[str, object], timesteps: int, tmp_path: Path) -> None:
    with open_trace(odd_network(tmp_path, timesteps)) as trace:
        check_twin(Case.of(override(load_machine(machine), settings), trace))


def one_layer(folder: Path, channels: int, height: int, outputs: int, timesteps: int = 2) -> Path:
    """A 1x1 convolution of silence, with neurons."""
    graph = GraphBuilder(timesteps)
    x = graph.input("x", np.zeros((1, timesteps, channels, height, height), int))
    weights = np.ones((outputs, channels, 1, 1), int)
    graph.neuron("lif", graph.conv2d("conv", x, weights, weight_bits=2), NEURON)
    path = folder / "one.h5"
    graph.write(path)
    return path


def test_the_network_waits_for_the_last_tile_of_neurons_only(tmp_path: Path) -> None:
    """64 x 32 x 32 neurons, 2 timesteps: 2048 groups of 32 x 2 x 2 = 8192 cycles, of which the last
    floor(32768 / 2) / 32 x 2 x 2 = 2048 are exposed, if the convolution is long enough for the others to hide."""
    path = one_layer(tmp_path, channels=64, height=32, outputs=64)
    result = spikecycle.simulate(path, "prosperity")
    conv, lif = (layer.sum_cycles for layer in result.layers)
    # rows: 2048, 8 tiles of 256; columns: 4 tiles of 16; preparation 32 a tile; nothing is added. Its traffic: weights
    # 64 x 64 x 8 bits for each of 8 tiles of rows and spikes 2048 x 64, less the first load of 16 x 64 x 8 + 4096 bits.
    traffic = 8 * 64 * 64 * 8 + 2048 * 64
    assert conv == 12288 // 1024 + max(8 * 4 * 32, (traffic - 12288) // 1024)
    assert lif == 8192
    hidden = min(8192 - 2048, conv)
    assert result.sum_cycles == conv + lif - hidden
    assert sum(result.sum_cycle_breakdown.values()) == result.sum_cycles


def test_left_to_the_overlap_policy_nothing_hides(tmp_path: Path) -> None:
    path = one_layer(tmp_path, channels=16, height=8, outputs=16)
    result = spikecycle.simulate(
        path, "prosperity", settings={"dataflow.memory": "scheduled", "overlap": {"policy": "roofline"}}
    )
    assert result.sum_cycles == sum(layer.sum_cycles for layer in result.layers)


def test_spikes_that_stay_in_the_buffer_are_not_loaded(tmp_path: Path) -> None:
    """1023 neurons x 4 timesteps are fewer than 4096 bits, 1024 are not."""
    for neurons, stays in ((1023, True), (1024, False)):
        graph = GraphBuilder(4)
        x = graph.input("x", np.zeros((1, 4, 8), int))
        first = graph.neuron("lif1", graph.linear("fc1", x, np.ones((neurons, 8), int), weight_bits=2), NEURON)
        graph.neuron("lif2", graph.linear("fc2", first, np.ones((2, neurons), int), weight_bits=2), NEURON)
        graph.write(tmp_path / f"{neurons}.h5")
        layers = {layer.name: layer for layer in spikecycle.simulate(tmp_path / f"{neurons}.h5", "prosperity").layers}
        assert (layers["fc2"].sum_dram_read_bits["spikes"] == 0) is stays
        assert (layers["lif1"].sum_dram_write_bits["outputs"] == 0) is stays
        assert layers["fc1"].sum_dram_read_bits["spikes"] == 4 * 8


@pytest.mark.parametrize(("machine", "key"), [("prosperity", "dataflow.tile_columns"), ("ptb", "dataflow.columns")])
def test_sizes_that_the_rule_does_not_allow_are_refused_by_key(machine: str, key: str) -> None:
    with pytest.raises(spikecycle.MachineError, match=key):
        load_machine(machine, {key: 17})


def test_the_neurons_of_sato_are_rounded_once(tmp_path: Path) -> None:
    """log2(20) + 1 = 5.3219; 64 x 4 x 4 neurons take 5449.65 cycles."""
    path = one_layer(tmp_path, channels=1, height=4, outputs=64, timesteps=20)
    assert spikecycle.simulate(path, "sato").layers[1].sum_cycles == 5450
