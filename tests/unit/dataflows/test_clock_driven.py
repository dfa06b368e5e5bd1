"""Clock-driven arrays: cycles and parts by hand, empty timesteps, leaks that are shifts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.clock_driven import leak_is_shift
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.conftest import network as network  # the small networks
from tests.contracts.suite import Case, check_twin

Networks = Callable[[str], Trace]
SETTINGS: list[dict[str, Any]] = [
    {"inputs_at_once": 3, "neurons_at_once": 4, "updates_at_once": 5, "skip_empty_steps": True},
    {"inputs_at_once": 7, "neurons_at_once": None, "updates_at_once": 1, "skip_empty_steps": False, "step_cycles": 2},
]


@pytest.mark.parametrize("name", ["strided", "residual", "recurrent", "many_bits", "pooled_spikes", "readout"])
@pytest.mark.parametrize("array", SETTINGS)
def test_arrays_are_as_the_twin_says(array: dict[str, Any], name: str, network: Networks) -> None:
    settings = {f"dataflow.{key}": value for key, value in array.items()}
    check_twin(Case.of(override(load_machine("spiker"), settings), network(name)))


def two_steps(tmp_path: Path, neuron: Neuron) -> Path:
    """5 inputs to 3 neurons, weights of 4 bits; spikes in the first of two timesteps only."""
    spikes = np.zeros((1, 2, 5, 1, 1), int)
    spikes[0, 0, 2] = 1
    graph = GraphBuilder(2)
    current = graph.linear("fc", graph.input("x", spikes), np.ones((3, 5), int), weight_bits=4)
    graph.neuron("neurons", current, neuron)
    graph.write(tmp_path / "n.h5")
    return tmp_path / "n.h5"


@pytest.mark.parametrize(
    ("settings", "cycles"),
    [
        ({"dataflow.skip_empty_steps": False}, 2 * (5 + 4)),  # five inputs one by one, four cycles of control
        ({}, (5 + 4) + 4),
        ({"dataflow.inputs_at_once": 2}, (3 + 4) + 4),
        ({"dataflow.neurons_at_once": 2}, (2 * 5 + 4) + 4),
        ({"dataflow.updates_at_once": 2}, (5 + 2 + 4) + (2 + 4)),
    ],
)
def test_cycles_by_hand(settings: dict[str, Any], cycles: int, tmp_path: Path) -> None:
    result = simulate(two_steps(tmp_path, Neuron("if", 1, potential_bits=12)), "spiker", settings=settings)
    assert result.cycles_per_sample == [cycles]


def test_parts_of_the_fpga_by_hand(tmp_path: Path) -> None:
    """3 neurons of 12 bits: 36 bits of potential. A leak of 5/8 takes a multiplier each; 60 bits fit one block RAM."""
    leaky = Neuron("lif", 1, potential_bits=12, leak_numerator=5, leak_shift=3)
    (layer,) = simulate(two_steps(tmp_path, leaky), "spiker").layers
    assert layer.tiling == {
        "luts": round(36 * 5.45), "flip_flops": round(36 * 4.95), "brams_36_kbit": 1, "multipliers": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("numerator", "shift", "is_shift"),
    [(1, 1, True), (3, 2, True), (15, 4, True),
     (2, 4, True), (5, 3, False), (11, 4, False), (16, 4, True), (0, 3, True)],
)  # fmt: skip
def test_leaks_that_are_shifts(numerator: int, shift: int, is_shift: bool) -> None:
    """v / 2, v - v / 4, v - v / 16, v / 8; 5/8 and 11/16 are none; 1 and 0 are no leaks."""
    neuron = Neuron("lif", 1, potential_bits=12, leak_numerator=numerator, leak_shift=shift)
    assert leak_is_shift(neuron) is is_shift


def test_wrong_keys_are_refused() -> None:
    with pytest.raises(MachineError, match=r"dataflow.inputs_at_once"):
        load_machine("spiker", {"dataflow.inputs_at_once": 0})
