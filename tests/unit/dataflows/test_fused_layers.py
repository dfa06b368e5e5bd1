"""Fused layers and time batches: groups, batches and traffic by hand and by the twin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.result import RunResult
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.conftest import network as network  # the small networks
from tests.contracts.suite import Case, check_stages, check_twin

Networks = Callable[[str], Trace]
BITS = 1 / 8192
"""KiB of a bit."""


def sized(weights: int, spikes: int, potentials: int, **array: int) -> dict[str, Any]:
    """Buffers of so many bits."""
    sizes = {"weights": weights, "spikes": spikes, "potentials": potentials}
    buffers = {f"buffers.{name}.size_kib": BITS * bits for name, bits in sizes.items()}
    return {**buffers, **{f"dataflow.{key}": value for key, value in array.items()}}


@pytest.mark.parametrize("name", ["linear", "residual", "recurrent", "pooled_spikes", "concatenated", "addition"])
@pytest.mark.parametrize(
    "settings",
    [
        sized(10**6, 10**6, 10**6),
        sized(300, 200, 100, batch=2),
        sized(900, 400, 100, fuse=2, batch=3),
        sized(10**6, 100, 100, fuse=1, batch=2),
    ],
    ids=["all fits", "little fits", "some fits", "no fusion"],
)
def test_groups_are_as_the_twin_says(settings: dict[str, Any], name: str, network: Networks) -> None:
    case = Case.of(override(load_machine("stems"), settings), network(name))
    check_stages(case)
    check_twin(case)


def three_layers(tmp_path: Path) -> Path:
    """Four timesteps of 2 channels on maps of 3 x 5 through three 3 x 1 convolutions of 4 bits; potentials of 8 bits.

    A layer has 2 x 2 x 3 weights: 48 bits. Its map has 30 values; its kernel sees 3 rows: all 30 bits. Its potentials
    take 240 bits.
    """
    graph = GraphBuilder(4)
    source = graph.input("x", np.zeros((1, 4, 2, 3, 5), int))
    for index in "abc":
        weights = np.zeros((2, 2, 3, 1), int)
        current = graph.conv2d(f"conv_{index}", source, weights, weight_bits=4, padding=(1, 1, 0, 0))
        source = graph.neuron(f"neurons_{index}", current, Neuron("if", 1, potential_bits=8))
    graph.write(tmp_path / "n.h5")
    return tmp_path / "n.h5"


def run(tmp_path: Path, settings: dict[str, Any]) -> RunResult:
    return simulate(three_layers(tmp_path), "stems", settings={**settings, "dram.burst_bits": 1})


@pytest.mark.parametrize(
    ("settings", "names", "batches", "moved"),
    [
        # all together: weights once, what enters and what leaves
        (sized(144, 360, 1), ["conv_a..conv_c"], [1], [144 + 4 * 30 + 4 * 30]),
        # two fit, and one: what lies between is stored and loaded
        (sized(96, 240, 1), ["conv_a..conv_b", "conv_c"], [1, 1], [96 + 240, 48 + 240]),
        (sized(144, 240, 1, fuse=2), ["conv_a..conv_b", "conv_c"], [1, 1], [96 + 240, 48 + 240]),
        # batches of 2: potentials out and in once, weights twice as not all of them fit
        (sized(100, 120, 1, batch=2), ["conv_a..conv_b", "conv_c"], [2, 2], [192 + 240 + 960, 96 + 240 + 480]),
        # the same where potentials fit, or all weights
        (sized(100, 120, 720, batch=2), ["conv_a..conv_b", "conv_c"], [2, 2], [192 + 240, 96 + 240]),
        (sized(144, 120, 720, batch=2), ["conv_a..conv_b", "conv_c"], [2, 2], [96 + 240, 48 + 240]),
        # one by one, timestep by timestep
        (sized(144, 999, 1, batch=1, fuse=1), ["conv_a", "conv_b", "conv_c"], [4, 4, 4], [48 + 240 + 6 * 240] * 3),
        # weights in three parts: inputs three times
        (sized(20, 999, 720, batch=4, fuse=1), ["conv_a", "conv_b", "conv_c"], [1] * 3, [48 + 3 * 120 + 120] * 3),
    ],
)
def test_traffic_by_hand(
    settings: dict[str, Any], names: list[str], batches: list[int], moved: list[int], tmp_path: Path
) -> None:
    result = run(tmp_path, settings)
    assert [layer.name for layer in result.layers] == names
    assert [layer.tiling["batches"] for layer in result.layers] == batches
    for layer, bits in zip(result.layers, moved, strict=True):
        found = sum(layer.sum_dram_read_bits.values()) + sum(layer.sum_dram_write_bits.values())
        assert found == layer.tiling["moved_bits"] == bits


def test_what_is_saved(tmp_path: Path) -> None:
    """Apart: 48 bits of weights a layer, as all fit, 240 of spikes, potentials 3 times out and in."""
    (group,) = run(tmp_path, sized(144, 360, 1)).layers
    assert group.tiling["apart_bits"] == 3 * (48 + 240 + 6 * 240)
    (group,) = run(tmp_path, sized(144, 360, 720)).layers
    assert group.tiling["apart_bits"] == 3 * (48 + 240)


def test_cycles_are_those_of_a_dense_array(tmp_path: Path) -> None:
    """2 x 3 x 5 outputs of 6 weights, 4 timesteps, 100 adders: 720 additions of each layer take 8 cycles."""
    result = run(tmp_path, sized(144, 360, 720, pes=100))
    assert result.sum_cycle_breakdown["compute"] == 3 * 8


def test_wrong_keys_are_refused() -> None:
    with pytest.raises(MachineError, match=r"dataflow.fuse"):
        load_machine("stems", {"dataflow.fuse": 0})
    with pytest.raises(MachineError, match=r"overlap.policy"):
        load_machine("stems", {"overlap.policy": "double_buffering"})
