"""Any tensor of a network, recomputed in the kernels, against networks of plain-Python twins."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings

from spikecycle.simulator.replay import Comparison, SampleTensors, verify_operator
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, Population, Trace, TraceError, list_samples, open_trace
from tests.networks import SAMPLES, TIMESTEPS, networks
from tests.reference.operators import run_network
from tests.reference.replay import replay


@pytest.mark.kernel
def test_a_network_is_its_twins() -> None:
    kinds: set[str] = set()
    recorded: set[bool] = set()
    loops: set[bool] = set()

    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(networks())
    def compare(graph: GraphBuilder) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.h5"
            graph.write(path)
            with open_trace(path) as trace:
                loops.add("last" in {source.tensor for each in trace.operators for source in each.inputs})
                kinds.update(operator.kind for operator in trace.operators)
                for sample in range(SAMPLES):
                    _compare_sample(trace, sample)
                    recorded.update(tensor.recorded for tensor in trace.tensors.values())

    compare()
    assert kinds == {"conv2d", "linear", "neuron", "add", "concatenate", "pool", "attention"}
    assert recorded == {True, False}
    assert loops == {True, False}


def _compare_sample(trace: Trace, sample: int) -> None:
    inputs: dict[str, Any] = {
        name: tensor.values(sample).tolist()  # type: ignore[union-attr]
        for name, tensor in trace.tensors.items()
        if tensor.producer is None
    }
    twins = run_network(trace.operators, inputs, TIMESTEPS)
    tensors = SampleTensors(trace, sample)
    for operator in trace.operators:
        name = operator.output.name
        assert tensors.values(name).dtype == operator.output.dtype
        assert tensors.values(name).tolist() == twins[name]
        compared = TIMESTEPS * operator.output.count
        expected = Comparison(compared, 0, None) if trace.tensors[name].recorded else None
        assert verify_operator(SampleTensors(trace, sample), operator) == expected
        assert [each.tolist() for each in tensors.inputs(operator)] == [
            _delayed(twins[source.tensor], source.delay) for source in operator.inputs
        ]


def _delayed(values: Any, delay: int) -> Any:
    return [np.zeros_like(values[0]).tolist(), *values[:-1]] if delay else values


@pytest.fixture
def recurrent(tmp_path: Path) -> Path:
    """Neurons with a current from outside, one from themselves, and spikes that arrive as they are."""
    random = np.random.default_rng(3)
    graph = GraphBuilder(timesteps=6)
    x = graph.input("x", random.random((1, 6, 5)) < 0.2)
    y = graph.input("y", random.random((1, 6, 3)) < 0.4)
    # Weights of 1 and -1 cancel often: neurons are active without any potential.
    current = graph.linear("in", x, random.integers(-1, 2, (3, 5)), weight_bits=2)
    back = graph.linear("back", graph.delayed("spikes", (3, 1, 1)), random.integers(-1, 2, (3, 3)), weight_bits=2)
    graph.neuron("spikes", [current, back, y], Neuron("lif", 2, 8, leak_numerator=1, leak_shift=1))
    graph.write(tmp_path / "recurrent.h5")
    return tmp_path / "recurrent.h5"


def test_active_neurons_of_a_population_with_many_inputs(recurrent: Path) -> None:
    with open_trace(recurrent) as trace:
        inward, back, population = trace.operators
        tensors = SampleTensors(trace, 0)
        replayed = tensors.replay(population, track_active=True)  # type: ignore[arg-type]
        # The twin: one synapse over x, the spikes of the timestep before, and y, whose weights are 1 for each other.
        eye = np.eye(3, dtype=int)[:, :, None, None]
        weights = np.concatenate([inward.weights(), back.weights(), eye], axis=1)  # type: ignore[attr-defined]
        before = tensors.inputs(back)[0]
        inputs = np.concatenate([tensors.values("x"), before, tensors.values("y")], axis=1)
        twin = replay(
            LayerShape.linear(11, 3),
            population.neuron,
            weights.tolist(),
            [0] * 3,
            inputs.tolist(),  # type: ignore[attr-defined]
        )
        assert "accumulates that cancel" in twin.occurred
        assert replayed.outputs.tolist() == twin.outputs
        assert replayed.active is not None and replayed.active.tolist() == twin.active
        assert replayed.potentials.tolist() == twin.potentials
        assert 0 < replayed.outputs.sum() < replayed.outputs.size
        untracked = SampleTensors(trace, 0).replay(population)  # type: ignore[arg-type]
        assert untracked.active is None and np.array_equal(untracked.outputs, replayed.outputs)


def test_a_recording_that_is_wrong_is_found_where_it_is_wrong(recurrent: Path) -> None:
    with open_trace(recurrent) as trace:
        right = SampleTensors(trace, 0).values("spikes")
    wrong = right.copy()
    wrong[4, 1] ^= 1
    graph = GraphBuilder(timesteps=6)
    with open_trace(recurrent) as trace:
        graph.input("x", shape=(5, 1, 1))
        graph.input("y", shape=(3, 1, 1))
        inward, back, population = trace.operators
        graph.linear("in", "x", inward.weights()[:, :, 0, 0], weight_bits=2)  # type: ignore[attr-defined]
        again = back.weights()[:, :, 0, 0]  # type: ignore[attr-defined]
        graph.linear("back", graph.delayed("spikes", (3, 1, 1)), again, weight_bits=2)
        graph.neuron("spikes", ["in", "back", "y"], population.neuron)  # type: ignore[attr-defined]
        with graph.writer(recurrent.with_name("wrong.h5")) as writer:
            given_values = {name: trace.tensors[name].values(0) for name in ("x", "y")}
            writer.append(given_values | {"spikes": wrong})  # type: ignore[arg-type]
    with open_trace(recurrent.with_name("wrong.h5")) as trace:
        found = SampleTensors(trace, 0).verify(trace.operators[-1])
    # What was recorded is what comes back a timestep later: at most one more timestep may differ for that reason.
    assert found is not None and found.compared == right.size
    assert found.mismatches >= 1 and found.first_mismatch == (4, 1, 0, 0)


def test_values_that_a_tensor_cannot_hold_are_refused(tmp_path: Path) -> None:
    """Weights 1 and -3 on two spikes make currents of 1 and -3; the file then says that they have 2 bits."""
    path = tmp_path / "narrow.h5"
    graph = GraphBuilder(timesteps=2)
    x = graph.input("x", np.array([[[0], [1]]]))
    graph.linear("in", x, np.array([[1], [-3]]), weight_bits=3)
    graph.write(path)
    with h5py.File(path, "r+") as file:
        file["tensors/1"].attrs["bits"] = np.int64(2)
    with open_trace(path) as trace, pytest.raises(TraceError) as error:
        SampleTensors(trace, 0).values("in")
    assert str(error.value) == (
        f"{path}: sample 0: operator in makes values -3 to 1 in timestep 1, but tensor in holds -2 to 1"
    )


def test_a_tensor_that_is_not_there(recurrent: Path) -> None:
    with open_trace(recurrent) as trace, pytest.raises(TraceError, match=r"recurrent\.h5: there is no tensor nobody$"):
        SampleTensors(trace, 0).values("nobody")


@pytest.mark.parametrize("name", list_samples())
def test_shipped_traces_of_layers_verify_as_networks(name: str) -> None:
    with open_trace(name) as trace:
        tensors = SampleTensors(trace, 0)
        compared = [tensors.verify(operator) for operator in trace.operators]
        assert [each is not None for each in compared] == [False, True] * len(trace.layers)
        for layer, found in zip(trace.layers, compared[1::2], strict=True):
            assert found == Comparison(trace.timesteps * layer.shape.output_count, 0, None)
        population = trace.operators[1]
        assert isinstance(population, Population)
        assert np.array_equal(tensors.replay(population, track_active=True).outputs, trace.layers[0].outputs(0))
