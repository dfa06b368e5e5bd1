"""Results say which states and parameters of neurons cost nothing on a machine, and say it of no others.

Every network here computes the same spikes as the plain one: what is added to its neurons changes nothing but the work.
So a machine that charges for it has other costs than for the plain network, and one that does not has the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.support import Support, unaccounted
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.loader import shipped_machines
from spikecycle.simulator.result import RunResult
from spikecycle.traces import GraphBuilder, Neuron, open_trace
from spikecycle.traces.operators.extras import EXTRAS

CHANNELS, SIDE = 4, 5
SILENT = 0  # the channel whose weights are 0, so that neither threshold nor leak matters to it
CURRENTS = "synaptic currents (neurons of two states are charged as those of one)"


def _parameter(value: int, of_silent: int, per_neuron: bool) -> np.ndarray:
    """The same for all neurons but those of the silent channel, or one of them."""
    values = np.full((CHANNELS, SIDE, SIDE), value)
    values[SILENT, 0 if per_neuron else slice(None), 0 if per_neuron else slice(None)] = of_silent
    return values if per_neuron else values[:, 0, 0]


def lif(threshold: Any = 5, leak: Any = 3) -> Neuron:
    """v = 3/4 v + what arrives."""
    return Neuron("lif", threshold, 12, leak, 2)


SYNAPTIC = Neuron("synaptic", 5, 12, 3, 2, current_leak_numerator=0, current_leak_shift=1, current_bits=14)
"""i = 0 i + what arrives, v = 3/4 v + i: the same."""
NETWORKS: dict[str, tuple[Neuron, np.ndarray | None]] = {
    CURRENTS: (SYNAPTIC, None),
    "loading of biases per channel": (lif(), np.zeros(CHANNELS, int)),
    "loading of thresholds per channel": (lif(threshold=_parameter(5, 6, per_neuron=False)), None),
    "loading of thresholds per neuron": (lif(threshold=_parameter(5, 6, per_neuron=True)), None),
    "loading of leaks per channel": (lif(leak=_parameter(3, 1, per_neuron=False)), None),
    "loading of leaks per neuron": (lif(leak=_parameter(3, 1, per_neuron=True)), None),
}
"""What is added to the plain network."""
CHARGED = {
    CURRENTS: {
        "spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop", "mint", "ptb", "prosperity",
        "prosperity_bit", "stems", "loihi", "truenorth",
    },
    "loading of thresholds per neuron": {"spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop"},
    "loading of leaks per neuron": {"spike_array", "spike_array_edge", "eyeriss_snn", "eyeriss_sparseloop"},
}  # fmt: skip
"""Machines whose costs rise."""
ON_CHIP = {
    "catalyst_n1", "loihi", "quantisenc", "snn_fpga", "spiker", "spiker_plus", "spikesim_rram", "spikesim_sram",
    "tinyodin", "truenorth",
}  # fmt: skip
"""Machines that have weights and parameters on chip for good, and load neither."""
SETTINGS = {"stems": {"buffers.potentials.size_kib": 1, "dataflow.batch": 1}}
"""A buffer that the 800 potentials of 12 bits do not fit, so that they come and go with every timestep."""


def _write(path: Path, neuron: Neuron, bias: np.ndarray | None) -> Path:
    random = np.random.default_rng(3)
    weights = random.integers(-3, 8, (CHANNELS, 2, 3, 3))
    weights[SILENT] = 0
    wide = random.integers(-3, 8, (700, CHANNELS * SIDE * SIDE))
    graph = GraphBuilder(timesteps=4)
    current = graph.conv2d(
        "conv",
        graph.input("x", random.random((1, 4, 2, SIDE, SIDE)) < 0.4),
        weights,
        weight_bits=4,
        padding=1,
        bias=bias,
    )
    spikes = graph.neuron("spikes", current, neuron)
    graph.neuron("wide", graph.linear("fc", spikes, wide, weight_bits=4), lif())
    graph.write(path)
    return path


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("extras")
    paths = {name: folder / f"{index}.h5" for index, name in enumerate(NETWORKS)}
    for name, path in paths.items():
        _write(path, *NETWORKS[name])
    paths["plain"] = _write(folder / "plain.h5", lif(), None)
    return lambda name: paths[name]


def _costs(result: RunResult) -> list[Any]:
    """Everything that is counted and priced, without the names of counters."""
    return [
        result.sum_energy_pj, result.cycles_per_sample,
        [(layer.sum_cycles, layer.sum_dram_read_bits, layer.sum_dram_write_bits) for layer in result.layers],
        [{one.name: one.sum_count for one in layer.counters if one.sum_count} for layer in result.layers],
    ]  # fmt: skip


@pytest.mark.parametrize("machine", shipped_machines())
def test_what_adds_no_cost_is_named_and_nothing_else(machine: str, written: Callable[[str], Path]) -> None:
    def run(name: str) -> RunResult:
        return simulate(written(name), machine, settings=SETTINGS.get(machine))

    plain = run("plain")
    assert not EXTRAS & set(plain.not_modelled)
    neurons_are_free = "spikes" in plain.assumptions.free_operators
    for extra in NETWORKS:
        try:
            result = run(extra)
        except MappingError:
            continue
        assert [layer.sum_output_spikes for layer in result.layers] == [
            layer.sum_output_spikes for layer in plain.layers
        ], "the network computes something else"
        is_charged = _costs(result) != _costs(plain)
        assert is_charged == (machine in CHARGED.get(extra, ())), extra
        is_due = machine not in ON_CHIP if extra.startswith("loading") else not neurons_are_free
        named = EXTRAS & set(result.not_modelled)
        assert named == ({extra} if is_due and not is_charged else set()), extra


def test_the_words_are_those_that_dataflows_know() -> None:
    assert set(NETWORKS) == EXTRAS
    for name in DATAFLOWS.names():
        assert DATAFLOWS.lookup(name).supports.accounts_for <= EXTRAS


def test_all_that_one_network_has_is_named_in_the_order_of_its_operators(tmp_path: Path) -> None:
    """Leaks of currents are leaks; what a later operator has again is named once."""
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", np.ones((1, 1, 2, 1, 1), int))
    both = Neuron(
        "synaptic", [3, 4], 12, 3, 2, current_leak_numerator=[1, 2], current_leak_shift=2, current_bits=12
    )  # fmt: skip
    first = graph.neuron("first", graph.linear("fc1", x, np.ones((2, 2), int), weight_bits=2, bias=[1, 0]), both)
    graph.neuron("second", graph.linear("fc2", first, np.ones((2, 2), int), weight_bits=2, bias=[1, 0]), both)
    graph.write(tmp_path / "net.h5")
    result = simulate(tmp_path / "net.h5", "spinalflow")
    assert [name for name in result.not_modelled if name in EXTRAS] == [
        "loading of biases per channel", CURRENTS, "loading of thresholds per channel", "loading of leaks per channel",
    ]  # fmt: skip


def test_a_dataflow_accounts_for_nothing_that_it_does_not_declare(written: Callable[[str], Path]) -> None:
    """As a rule of a plugin that was written before, and takes such neurons."""
    undeclared = Support(frozenset({"conv2d", "linear", "neuron"}))
    for extra in NETWORKS:
        with open_trace(written(extra)) as network:
            assert unaccounted(undeclared, network) == [extra]
            assert unaccounted(replace(undeclared, accounts_for=frozenset({extra})), network) == []
