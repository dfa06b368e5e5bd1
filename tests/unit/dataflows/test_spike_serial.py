"""Serial spike accumulation: by hand, and on LeNet-5 against the cycles that the comparison study's own code gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import spikecycle
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import GraphBuilder, Neuron
from tests.reference_data import reference_file

NEURON = Neuron("if", 100, potential_bits=24)

LENET5_CYCLES = {
    "conv2": 175255,
    "conv2.lif": 13824,
    "fc1": 5036,
    "fc1.lif": 720,
    "fc2": 674,
    "fc2.lif": 504,
}
"""Cycles of MINT on the published spikes of LeNet-5 (MNIST, T = 32), from the public simulator of Prosperity (HPCA
2025), each layer by itself."""


def cycles(path: Path) -> dict[str, int]:
    return {layer.name: layer.sum_cycles for layer in spikecycle.simulate(path, "mint").layers}


def test_by_hand(tmp_path: Path) -> None:
    """A 3x3 map with padding 1: a corner is in the windows of 4 outputs, the centre in those of 9."""
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 1, 3, 3), np.int64)
    spikes[0, 0, 0, 0, 0] = spikes[0, 1, 0, 1, 1] = 1
    current = graph.conv2d("conv", graph.input("x", spikes), np.ones((130, 1, 3, 3), int), weight_bits=2, padding=1)
    graph.neuron("lif", current, NEURON)
    graph.write(tmp_path / "net.h5")
    assert cycles(tmp_path / "net.h5") == {
        "conv": (4 + 9) * 2,  # 130 output channels are two groups of 128 adders
        "lif": 3 * 130 * 9 * 2 // 16,  # neurons x timesteps, 16 at once, 3 cycles each
    }


def test_a_spike_goes_to_the_channels_of_its_own_group(tmp_path: Path) -> None:
    """The same spikes, one in each of two input channels; each has 130 output channels, which are two sets of 128."""
    graph = GraphBuilder(timesteps=2)
    spikes = np.zeros((1, 2, 2, 3, 3), np.int64)
    spikes[0, 0, 0, 0, 0] = spikes[0, 1, 1, 1, 1] = 1
    current = graph.conv2d(
        "conv", graph.input("x", spikes), np.ones((260, 1, 3, 3), int), weight_bits=2, padding=1, groups=2
    )
    graph.neuron("lif", current, NEURON)
    graph.write(tmp_path / "net.h5")
    assert cycles(tmp_path / "net.h5")["conv"] == (4 + 9) * 2


OWN_DRAM = {"bandwidth_gbit_per_s": 64, "burst_bits": 8, "latency_ns": 0, "energy_pj_per_bit": 2}


@pytest.mark.parametrize("machine", ["mint", "sato", "eyeriss"])
def test_each_operand_crosses_the_dram_once_if_traffic_is_counted(machine: str, tmp_path: Path) -> None:
    """2 timesteps of a map of 9 positions; 130 x 9 weights of 8 bits; a bit of 130 x 9 outputs a timestep."""
    graph = GraphBuilder(timesteps=2)
    x = graph.input("x", np.ones((1, 2, 1, 3, 3), int))
    current = graph.conv2d("conv", x, np.ones((130, 1, 3, 3), int), weight_bits=2, padding=1)
    graph.neuron("lif", current, NEURON)
    graph.write(tmp_path / "net.h5")
    settings = {"dataflow.traffic": "once", "dram": OWN_DRAM}
    conv, lif = spikecycle.simulate(tmp_path / "net.h5", machine, settings=settings).layers
    assert conv.sum_dram_read_bits["weights"] == 130 * 9 * 8
    assert conv.sum_dram_read_bits["spikes"] == 24  # 18 bits, three bursts of 8
    assert sum(conv.sum_dram_write_bits.values()) == -(-2 * 130 * 9 // 8) * 8
    assert sum((lif.sum_dram_read_bits | lif.sum_dram_write_bits).values()) == 0


@pytest.mark.parametrize("settings", [{"dataflow.traffic": "once"}, {"dram": OWN_DRAM}])
def test_traffic_and_a_dram_go_together(settings: dict[str, object]) -> None:
    with pytest.raises(MachineError, match=r"dataflow\.traffic: once goes with a section dram, and only with it"):
        load_machine("mint", settings)


def test_lenet5_takes_the_cycles_of_the_comparison_study(tmp_path: Path) -> None:
    data = np.load(reference_file("lenet5_mnist_spikes.npz"), allow_pickle=False)
    described = json.loads(data["meta_json"].tobytes())
    graph = GraphBuilder(timesteps=described["T"])
    for layer in described["layers"]:
        name, shape = layer["name"], layer["spikes_shape"][1:]
        spikes: npt.NDArray[np.uint8] = np.unpackbits(data[f"{name}__spikes_packed"], axis=1)[:, : int(np.prod(shape))]
        source = graph.input(f"{name}.in", spikes.reshape(1, described["T"], *shape))
        current = (
            graph.conv2d(name, source, np.ones((layer["M"], shape[0], layer["R"], layer["S"]), int), weight_bits=8)
            if layer["op"] == "conv2d"
            else graph.linear(name, source, np.ones((layer["M"], shape[0]), int), weight_bits=8)
        )
        graph.neuron(f"{name}.lif", current, NEURON)
    graph.write(tmp_path / "lenet5.h5")
    assert cycles(tmp_path / "lenet5.h5") == LENET5_CYCLES
