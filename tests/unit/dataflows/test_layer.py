"""Populations with several inputs as one layer: it computes what the population computes; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikecycle
from spikecycle.simulator.dataflows.layer import LayerPlan, layer_of
from spikecycle.simulator.dataflows.stage import StageSample, layers
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.loader import shipped_machines
from spikecycle.simulator.replay import SampleTensors, replay_layer
from spikecycle.traces import GraphBuilder, Neuron, open_trace

NEURON = Neuron("lif", 9, potential_bits=10, leak_numerator=3, leak_shift=2)


def residual(path: Path, seed: int, stride: int, kernels: tuple[int, int]) -> None:
    """conv a of x, conv b of y with another kernel, an identity input, and the population's own spikes delayed."""
    random = np.random.default_rng(seed)
    graph = GraphBuilder(timesteps=4)
    x = graph.input("x", random.integers(0, 2, (2, 4, 3, 8, 6)))
    y = graph.input("y", random.integers(0, 4, (2, 4, 2, 8, 6)), bits=2)
    a, b = (
        graph.conv2d(
            name, source, random.integers(-4, 4, (5, channels, size, size)), weight_bits=3, stride=stride,
            padding=size // 2, bias=random.integers(-3, 3, 5),
        )
        for name, source, channels, size in (("a", x, 3, kernels[0]), ("b", y, 2, kernels[1]))
    )  # fmt: skip
    inputs = [a, b]
    if stride == 1:
        identity = graph.input("z", random.integers(0, 2, (2, 4, 5, 8, 6)))
        inputs += [identity, graph.delayed("spikes", (5, 8, 6))]
    graph.neuron("spikes", inputs, NEURON)
    graph.write(path)


@given(seed=st.integers(0, 99), stride=st.integers(1, 2), kernels=st.sampled_from([(3, 3), (3, 1), (1, 5), (5, 3)]))
def test_the_layer_computes_what_the_population_computes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, stride: int, kernels: tuple[int, int]
) -> None:
    path = tmp_path_factory.mktemp("nets") / "net.h5"
    residual(path, seed, stride, kernels)
    with open_trace(path) as network:
        (stage,) = layers(network)
        task, connections, population = layer_of(stage, network)
        plan = LayerPlan(task, connections, population, mapped=None)  # type: ignore[arg-type]
        sample = StageSample(stage, SampleTensors(network, 0))
        assert np.array_equal(replay_layer(task, plan.inputs(sample)).outputs, sample.values("spikes"))


@pytest.mark.parametrize("machine", ["spike_array", "spike_array_edge", "eyeriss_snn"])
def test_it_runs_on_every_array(tmp_path: Path, machine: str) -> None:
    residual(tmp_path / "net.h5", seed=1, stride=1, kernels=(3, 1))
    result = spikecycle.simulate(tmp_path / "net.h5", machine, verify=True)
    assert result.verification is not None
    assert [check.mismatches for check in result.verification] == [0]
    assert [layer.name for layer in result.layers] == ["spikes"]


def test_inputs_of_different_maps_are_refused(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    a = graph.conv2d(
        "a", graph.input("x", np.ones((1, 1, 1, 8, 8), int)), np.ones((1, 1, 1, 1), int), weight_bits=2, stride=2
    )
    b = graph.conv2d("b", graph.input("y", np.ones((1, 1, 1, 4, 4), int)), np.ones((1, 1, 1, 1), int), weight_bits=2)
    graph.neuron("n", [a, b], NEURON)
    graph.write(tmp_path / "net.h5")
    with pytest.raises(MappingError, match=r"^operator 'n' cannot be mapped: its inputs 'x', 'y' cannot lie side by"):
        spikecycle.simulate(tmp_path / "net.h5", "spike_array")


def test_what_is_not_declared_is_refused_by_name(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", -np.ones((1, 1, 1, 8, 8), int), bits=2, signed=True)
    graph.neuron("n", graph.conv2d("a", x, np.ones((1, 1, 2, 2), int), weight_bits=2), NEURON)
    graph.write(tmp_path / "net.h5")
    dense = {"bishop", "eyeriss", "systolic_output_stationary", "systolic_weight_stationary"}
    others = ", ".join(name for name in shipped_machines() if name in dense)
    with pytest.raises(MappingError) as error:
        spikecycle.simulate(tmp_path / "net.h5", "spike_array")
    assert str(error.value) == (
        "operator 'a' cannot be mapped on machine 'spike_array' (dataflow spike_array): a signed input is not "
        f"supported; machines that run it: {others}"
    )


def test_currents_that_go_elsewhere_are_refused(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    a = graph.conv2d("a", graph.input("x", np.ones((1, 1, 1, 8, 8), int)), np.ones((1, 1, 1, 1), int), weight_bits=2)
    graph.neuron("n", graph.pool("pool", a, "sum", 2), NEURON)
    graph.write(tmp_path / "net.h5")
    with pytest.raises(MappingError, match=r"^operator 'a' .* its output does not go to one population of neurons"):
        spikecycle.simulate(tmp_path / "net.h5", "spike_array")
