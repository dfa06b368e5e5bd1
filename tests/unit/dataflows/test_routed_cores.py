"""Cores on a mesh: messages by hand and by the twin, how synapses are stored, barriers and ticks, refusals."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.routed_cores.machine import RoutedCoresMachine
from spikecycle.simulator.errors import MachineError, MappingError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.traces import GraphBuilder, Neuron, Trace, open_trace
from tests.contracts.conftest import network as network  # the small networks
from tests.contracts.suite import Case, check_operations, check_twin

Networks = Callable[[str], Trace]


def mesh(neurons: int, buffer: int = 16, machine: str = "loihi", **more: Any) -> Machine:
    """Small cores on a mesh of 6 x 5 tiles of 2."""
    settings: dict[str, Any] = {
        "dataflow.mapping.cores": 60,
        "dataflow.mapping.neurons_per_core": neurons,
        "dataflow.mesh": {"width": 6, "height": 5, "cores_per_tile": 2, "link_buffer": buffer},
    }
    return override(load_machine(machine), settings | more)


CROWDED = {f"dataflow.latency_ns.{event}": 0.1 for event in ("neuron_access", "neuron_spike", "axon_out")}

NEVER_BUSY = {
    "dataflow.tick_ns": 1.0,
    "dataflow.latency_ns.neuron_access": 1.0,
    "dataflow.latency_ns.neuron_spike": 4.0,
    "dataflow.latency_ns.axon_out": 3.0,
    "dataflow.latency_ns.hop_east_west": 7.0,
    "dataflow.latency_ns.hop_north_south": 20.0,
}
"""Messages that take time on their way, and none where they arrive."""


@pytest.mark.kernel
@pytest.mark.parametrize(
    "name", ["residual", "recurrent", "pooled_spikes", "concatenated", "grouped", "readout", "linear"]
)
@pytest.mark.parametrize(
    ("machine", "more"),
    [
        (mesh(7), {}),
        (mesh(5, buffer=1), CROWDED),
        (mesh(4, machine="truenorth"), {"dataflow.mapping.order": "channel"}),
        (mesh(9, buffer=2), CROWDED | {"dataflow.synapses": "dense"}),
        (mesh(4, machine="truenorth"), NEVER_BUSY),
    ],
    ids=["loihi", "crowded", "tick", "dense", "never busy"],
)
def test_every_message_is_as_the_twin_says(
    machine: Machine, more: dict[str, Any], name: str, network: Networks
) -> None:
    case = Case.of(override(machine, more), network(name))
    check_twin(case)
    check_operations(case)


@pytest.mark.kernel
@pytest.mark.parametrize("grid", [(50, 1), (1, 50)], ids=["wide", "tall"])
def test_long_ways_are_as_the_twin_says(grid: tuple[int, int], network: Networks) -> None:
    """One neuron on a core, one core on a tile: ways of up to 40 links in a row."""
    settings: dict[str, Any] = {
        "dataflow.mapping.cores": 50,
        "dataflow.mapping.neurons_per_core": 1,
        "dataflow.mesh": {"width": grid[0], "height": grid[1], "cores_per_tile": 1, "link_buffer": 1},
    }
    check_twin(Case.of(override(load_machine("loihi"), settings | CROWDED), network("linear")))


def test_more_messages_in_flight_than_there_was_room_for(tmp_path: Path) -> None:
    """300 inputs send 7 messages each at 0.1 ns; nothing holds them back, so that nearly all of them are in flight."""
    path = pair(tmp_path, [[1] * 300], spikes=7)
    machine = override(load_machine("loihi"), CROWDED | {"dataflow.mesh.link_buffer": 10**6})
    with open_trace(path) as trace:
        check_twin(Case.of(machine, trace))


def test_a_message_that_keeps_nobody_busy_by_hand(tmp_path: Path) -> None:
    """Two inputs on core 0, a neuron on tile 2 of 8 x 4, one hop along x and two along y; cycles of 1 ns.

    The second message leaves at 2 x 3, and arrives 7 + 2 x 20 later; the neuron's own access takes 1.
    Then it fires: 1 + 4.
    """
    settings = NEVER_BUSY | {"dataflow.mapping.populations": {"spikes": {"first_core": 130}}}
    result = simulate(pair(tmp_path, [[1, 1]]), "truenorth", settings=settings)
    assert result.cycles_per_sample == [6 + 2 * 7 + 2 * 20 + 5]


def test_a_value_of_many_spikes_takes_no_memory_for_each(tmp_path: Path) -> None:
    """65,535 spikes of each of 50 inputs: 3.3 million messages, 79 MB if each were listed in 24 bytes.

    Of the peak, 31 MiB are a block that nobody writes to (`keep_freed_arrays`).
    """
    graph = GraphBuilder(1)
    source = graph.input("x", np.full((1, 1, 50, 1, 1), 65535), bits=16)
    current = graph.linear("fc", source, np.ones((1, 50), int), weight_bits=4)
    graph.neuron("spikes", current, Neuron("if", 1, potential_bits=30))
    graph.write(tmp_path / "many.h5")
    simulate(tmp_path / "many.h5", "truenorth")  # kernels are compiled
    tracemalloc.start()
    try:
        result = simulate(tmp_path / "many.h5", "truenorth")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {counter.name: counter.sum_count for counter in result.layers[0].counters}["axon_out"] == 50 * 65535
    assert peak < 40e6


@pytest.mark.parametrize(
    ("inputs", "spikes", "clock_mhz"),
    [
        # 2,100 messages, each of which keeps a core busy for a second, 10^10 cycles; 2^42 are 4.4 x 10^12
        (300, 7, 1e4),
        # 13,107,000 of 10^12 cycles: more than 2^63, and so a sum that is below 0
        (200, 65_535, 1e6),
    ],
)
def test_a_timestep_that_takes_too_long_is_refused(inputs: int, spikes: int, clock_mhz: float, tmp_path: Path) -> None:
    settings = {"dataflow.latency_ns.axon_in": 1e9, "technology.clock_mhz": clock_mhz}
    with pytest.raises(MachineError, match=r"'loihi': a timestep of the chip takes 4398046511104 cycles or more"):
        simulate(pair(tmp_path, [[1] * inputs], spikes), "loihi", settings=settings)


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        # a message of 160 + 31 cycles, 8 x 41 + 4 x 65 across: 2 x 2 x 191 / 2 is 382 of 588, of three it is 860
        ({}, 2),
        # 19 + 31 cycles, 12 hops of 10^6: 692 x 692 x 50 / 2 is 0.998 of it
        (
            {
                "dataflow.latency_ns.axon_in": 1.9,
                "dataflow.latency_ns.hop_east_west": 1e5,
                "dataflow.latency_ns.hop_north_south": 1e5,
            },
            692,
        ),
        ({"dataflow.latency_ns.axon_in": 0.0, "dataflow.latency_ns.synapse.dense": 0.0}, None),
    ],
)
def test_how_many_messages_hold_others_back(settings: dict[str, float], held: int | None) -> None:
    machine = override(load_machine("loihi"), settings)
    assert isinstance(machine, RoutedCoresMachine)
    assert machine.held_in_flight == held


def test_small_links_hold_messages_up(network: Networks) -> None:
    """Many at once to cores that are busy: a link of 1 message blocks senders, and they end later."""
    ends = [
        simulate(network("residual"), override(mesh(5, buffer), CROWDED)).cycles_per_sample[2] for buffer in (1, 1000)
    ]
    assert ends[0] > ends[1]


def pair(tmp_path: Path, codes: Any, spikes: int = 1) -> Path:
    """Inputs that all spike in the one timestep, through weights (M, C), to neurons that fire at once."""
    weights = np.array(codes)
    graph = GraphBuilder(1)
    source = graph.input("x", np.full((1, 1, weights.shape[1], 1, 1), spikes), bits=max(3, spikes.bit_length()))
    current = graph.linear("fc", source, weights, weight_bits=4, record=True)
    graph.neuron("spikes", current, Neuron("if", 1, potential_bits=12, reset="hard"))
    graph.write(tmp_path / "pair.h5")
    return tmp_path / "pair.h5"


def test_two_timesteps_by_hand(tmp_path: Path) -> None:
    """Two inputs on core 0, three neurons on core 1 of the same tile; units of 0.1 ns.

    First, the three neurons are looked at: 180 on core 1. The first message leaves at 51 and arrives at once, as there
    is none in flight. Core 1 is busy for 160 + 3 x 38 = 274 with it, until 325. The second leaves at 102, when the
    first was taken (51), so that none is in flight. It waits until 325, and is done at 599. Then the barrier of a tile,
    6000.
    Second, each neuron is updated and fires: 3 x (60 + 37 + 300) = 1191; the barrier.
    """
    result = simulate(pair(tmp_path, [[1, 1], [1, 2], [3, 1]]), "loihi")
    assert result.cycles_per_sample == [599 + 6000 + 1191 + 6000]
    counts = {counter.name: counter.sum_count for counter in result.layers[0].counters}
    assert (counts["synapse_dense"], counts["axon_out"], counts["axon_in"]) == (6, 2, 2)
    assert (counts["neuron_access"], counts["neuron_update"], counts["neuron_spike"]) == (6, 3, 3)
    energy = {counter.name: counter.sum_energy_pj for counter in result.layers[0].counters}
    assert energy["synapse_dense"] == pytest.approx(6 * 35.5)
    assert energy["axon_out"] == pytest.approx(2 * 111)
    assert energy["axon_in"] == 0


def test_a_value_is_as_many_spikes(tmp_path: Path) -> None:
    result = simulate(pair(tmp_path, [[1, 1]], spikes=3), "loihi")
    counts = {counter.name: counter.sum_count for counter in result.layers[0].counters}
    assert counts["axon_out"] == 6


@pytest.mark.parametrize(
    ("settings", "kind", "passed"),
    [
        ({}, "sparse", 2),  # 2 of 6 weights are not 0
        ({"dataflow.synapses": "dense"}, "dense", 6),
        ({"dataflow.synapses": "dense", "dataflow.synapses_of": {"fc": "sparse"}}, "sparse", 2),
        ({"dataflow.synapses_of": {"fc": "convolution"}}, "convolution", 6),
    ],
)
def test_how_synapses_are_stored(settings: dict[str, Any], kind: str, passed: int, tmp_path: Path) -> None:
    result = simulate(pair(tmp_path, [[1, 0], [0, 0], [0, 1]]), "loihi", settings=settings)
    counts = {counter.name: counter.sum_count for counter in result.layers[0].counters}
    assert {name: count for name, count in counts.items() if name.startswith("synapse") and count} == {
        f"synapse_{kind}": passed
    }


def test_a_timestep_takes_a_tick(tmp_path: Path) -> None:
    path = pair(tmp_path, [[1, 1]])
    assert simulate(path, "truenorth").cycles_per_sample == [2 * 10**6]
    short = simulate(path, "loihi", settings={"dataflow.tick_ns": 1.0})
    assert short.sum_cycle_breakdown["tick"] == 0
    assert short.cycles_per_sample == simulate(path, "loihi").cycles_per_sample


def test_barriers_by_tiles_in_use(tmp_path: Path) -> None:
    """Two cores on one tile, or on two; the first entry holds for fewer tiles too."""
    path = pair(tmp_path, [[1, 1]])
    apart = {"dataflow.mapping.populations": {"spikes": {"first_core": 4}}}
    cases: list[dict[str, Any]] = [
        {}, apart, {"dataflow.barrier": [{"tiles": 3, "ns": 7.0}]}, {"dataflow.barrier": []},
    ]  # fmt: skip
    found = [simulate(path, "loihi", settings=settings).sum_cycle_breakdown["barrier"] for settings in cases]
    assert found == [2 * 6000, 2 * 10000, 2 * 70, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataflow.mapping.cores": 100}, r"dataflow.mapping.cores must be .* 8 x 4 tiles of 4: 128, found 100"),
        ({"dataflow.barrier": [{"tiles": 2, "ns": 5.0}, {"tiles": 3, "ns": 4.0}]}, r"dataflow.barrier must have more"),
        ({"dataflow.latency_ns.axon_in": -1.0}, r"dataflow.latency_ns.axon_in"),
        ({"dataflow.unpriced": ["hops"]}, r"dataflow.unpriced"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_by_key(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MachineError, match=message):
        load_machine("loihi", settings)


def test_synapses_that_there_are_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"'loihi': dataflow.synapses_of.fc2: .*no such synapse, there are: fc"):
        simulate(pair(tmp_path, [[1, 1]]), "loihi", settings={"dataflow.synapses_of": {"fc2": "dense"}})


def test_an_event_without_a_price_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="axon_in"):
        simulate(pair(tmp_path, [[1, 1]]), "loihi", settings={"dataflow.unpriced": []})
