"""Networks on cores: where neurons go, when they work, whom they reach, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, in_proportion
from spikecycle.simulator.dataflows.cores.placement import place
from spikecycle.simulator.dataflows.cores.schema import CorePlacement
from spikecycle.simulator.dataflows.neuron_sweep import SweepRun, run_cycles
from spikecycle.simulator.errors import MachineError, MappingError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.traces import GraphBuilder, Neuron, Trace, open_trace
from tests.contracts.conftest import network as network  # the small networks
from tests.contracts.networks import NETWORKS
from tests.contracts.suite import Case, check_operations, check_twin

Networks = Callable[[str], Trace]
FIRES = Neuron("if", 1, potential_bits=12)
ON_CORES = sorted(set(NETWORKS) - {"attention", "pooled_currents", "pooled_leftovers", "signed"})


def small(machine: str, **mapping: Any) -> Machine:
    return override(load_machine(machine), {f"dataflow.mapping.{key}": value for key, value in mapping.items()})


@pytest.mark.kernel
@pytest.mark.parametrize("name", ON_CORES)
@pytest.mark.parametrize(
    ("machine", "neurons", "order"),
    [
        ("tinyodin", 7, "position"),
        ("tinyodin", 5, "channel"),
        ("catalyst_n1", 9, "channel"),
        ("catalyst_n1", 4, "position"),
    ],
)
def test_several_cores_are_as_the_twin_says(
    machine: str, neurons: int, order: str, name: str, network: Networks
) -> None:
    case = Case.of(small(machine, neurons_per_core=neurons, order=order), network(name))
    check_twin(case)
    check_operations(case)


def test_a_timestep_is_a_run_that_ends_with_a_reference(tmp_path: Path) -> None:
    """Two inputs of two that spike reach 3 neurons, all of which fire: 2 events and a reference, 3 spikes."""
    graph = GraphBuilder(1)
    source = graph.input("x", np.ones((1, 1, 2, 1, 1), int))
    graph.neuron("spikes", graph.linear("fc", source, np.ones((3, 2), int), weight_bits=4), FIRES)
    graph.write(tmp_path / "n.h5")
    run = SweepRun(neurons=3, events=2, references=1, ends_with_reference=True, spikes=3)
    for settings, expected in (
        ({}, run_cycles(run)),
        ({"dataflow.acknowledge_cycles": 5}, run_cycles(run, 5)),
        ({"dataflow.spikes_sent_by": "controller"}, run_cycles(run, 0, "controller")),
    ):
        assert simulate(tmp_path / "n.h5", "tinyodin", settings=settings).cycles_per_sample == [expected]
    # 2 x (6 + 8) for the events, 6 + 8 for the reference, 3 x 8 for the spikes
    assert run_cycles(run) == 28 + 14 + 24


def chain(tmp_path: Path, delayed: bool = False, deep: bool = False) -> Path:
    """Two layers; delayed: the first also takes what the second made, one timestep earlier."""
    graph = GraphBuilder(3)
    source = graph.input("x", np.ones((1, 3, 4, 1, 1), int))
    inputs = [graph.linear("fc1", source, np.ones((4, 4), int), weight_bits=4)]
    if delayed:
        inputs.append(graph.delayed("second", (4, 1, 1)))
    first = graph.neuron("first", inputs, FIRES)
    graph.neuron("second", graph.linear("fc2", first, np.ones((4, 4), int), weight_bits=4), FIRES)
    graph.write(tmp_path / "chain.h5")
    return tmp_path / "chain.h5"


def test_each_layer_is_a_timestep_behind(tmp_path: Path) -> None:
    """3 timesteps of the sample through two layers: cores work in 4. A neuron is swept in each, spikes or not.

    Core 0 takes 4 events in timesteps 0, 1, 2 and core 1 in 1, 2, 3; each is 2 x 4 + 8 = 16 cycles, as is the time
    reference; 4 neurons fire, 32 cycles. A core takes 5 x 16 + 32 = 112 cycles with events, and 16 without.
    """
    result = simulate(chain(tmp_path), "tinyodin")
    assert result.cycles_per_sample == [4 * 112]
    (stage,) = result.layers
    assert stage.sum_cycles == 4 * 112


def test_feedback_that_arrives_late_is_refused(tmp_path: Path) -> None:
    """What the second layer fires in timestep t reaches the first in t + 2, not in t + 1."""
    with pytest.raises(MappingError, match=r"'first'.*'tinyodin'.*'second' arrives 1 timesteps late"):
        simulate(chain(tmp_path, delayed=True), "tinyodin")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"cores": 1}, r"needs 2 cores of 256 neurons, there are 1 \(dataflow.mapping.cores\)"),
        ({"axons_per_core": 3}, r"4 neurons reach core 0, .* the axons of 3 \(dataflow.mapping.axons_per"),
        ({"populations": {"third": {}}}, r"dataflow.mapping.populations.third: .*there are: first, second"),
        ({"populations": {"first": {"neurons_per_core": 300}}}, r"first.neurons_per_core: found 300, .*room for 256"),
        ({"neurons_per_core": 4, "populations": {"second": {"first_core": 0}}}, r"8 neurons on core 0, .*room for 4"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_key(mapping: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=message):
        simulate(chain(tmp_path), small("tinyodin", **mapping))


def test_unknown_keys_of_a_placement_are_refused() -> None:
    with pytest.raises(MachineError, match=r"dataflow.mapping.populations.first.core"):
        small("tinyodin", populations={"first": {"core": 1}})


def test_placements_of_single_populations(tmp_path: Path) -> None:
    with open_trace(chain(tmp_path)) as trace:
        chip = ChipNetwork(trace, "m")
        own = {"first": {"neurons_per_core": 1}, "second": {"first_core": 6}}
        rule = CorePlacement.model_validate({"cores": 8, "neurons_per_core": 4, "populations": own})
        placement = place(chip, trace, rule, "m")
    assert placement.ranks["first"].core_of(np.arange(4)).tolist() == [0, 1, 2, 3]
    assert placement.ranks["second"].core_of(np.arange(4)).tolist() == [6] * 4
    assert placement.neurons.tolist() == [1, 1, 1, 1, 0, 0, 4]
    assert placement.numbers["second"].reshape(-1).tolist() == [4, 5, 6, 7]


def test_orders(tmp_path: Path) -> None:
    """Two channels of two places each, two neurons to a core: places share cores, or channels do."""
    graph = GraphBuilder(1)
    source = graph.input("x", np.ones((1, 1, 1, 1, 2), int))
    graph.neuron("spikes", graph.conv2d("c", source, np.ones((2, 1, 1, 1), int), weight_bits=4), FIRES)
    graph.write(tmp_path / "n.h5")
    with open_trace(tmp_path / "n.h5") as trace:
        chip = ChipNetwork(trace, "m")
        rules = [CorePlacement(cores=8, neurons_per_core=2, order=order) for order in ("position", "channel")]
        cores = [place(chip, trace, rule, "m").ranks["spikes"].core_of(np.arange(4)).tolist() for rule in rules]
    assert cores == [[0, 1, 0, 1], [0, 0, 1, 1]]


def test_a_neuron_sends_what_is_made_of_its_spikes() -> None:
    """A pool of 2 x 2, a flattened map, a map flattened after pooling."""
    numbers = np.arange(16).reshape(1, 4, 4)
    assert in_proportion(numbers, (1, 2, 2)).reshape(-1).tolist() == [0, 2, 8, 10]
    assert in_proportion(numbers, (16, 1, 1)).reshape(-1).tolist() == list(range(16))
    assert in_proportion(numbers, (4, 1, 1)).reshape(-1).tolist() == [0, 4, 8, 12]


def test_layers_of_old_traces_are_joined() -> None:
    with open_trace_of_sample() as trace:
        chip = ChipNetwork(trace, "m")
        assert chip.external == ["conv1.inputs"]
        assert [chip.depth[f"{name}.outputs"] for name in ("conv1", "conv2", "fc1", "fc2")] == [1, 2, 3, 4]
        numbers = {"conv1.outputs": np.arange(16**3).reshape(16, 16, 16)}
        assert chip.senders("conv2.inputs", numbers).tolist() == list(range(16**3))


def open_trace_of_sample() -> Trace:
    from spikecycle.traces import sample_path

    return open_trace(sample_path("digits-ternary"))
