"""Non-zero currents between stages: counted where the weights are, once, and equal to what the tensors hold."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.stage import StageSample, one_by_one
from spikecycle.simulator.replay import SampleTensors
from spikecycle.traces import (
    GraphBuilder,
    Layer,
    LayerArrays,
    LayerShape,
    Neuron,
    Trace,
    TraceError,
    open_trace,
    write_trace,
)


def trace_of(path: Path, bits: int = 1) -> Trace:
    """Two inputs of so many bits, three neurons, T = 2, outputs recorded, currents not. The first input is as large as
    it can be in the first timestep."""
    weights = np.array([[1, -1], [2, 0], [0, -3]]).reshape(3, 2, 1, 1)
    inputs = np.array([[[2**bits - 1, 1], [0, 1]]]).reshape(1, 2, 2, 1, 1)
    neuron = Neuron("if", np.full(3, 100), potential_bits=16)
    shape = LayerShape.linear(2, 3)
    outputs = np.zeros((1, 2, 3, 1, 1), np.uint8)
    write_trace(path, [LayerArrays("fc", shape, weights, 4, neuron, inputs, outputs=outputs, input_bits=bits)])
    return open_trace(path)


def test_currents_are_counted_by_timestep(tmp_path: Path) -> None:
    with trace_of(tmp_path / "t.h5") as trace:
        synapse, neurons = simulate(trace, "bishop").layers
    assert synapse.sum_input_spikes_by_timestep == [2, 1]
    # currents are 1 - 1, 2, -3 and then -1, 0, -3
    assert neurons.sum_input_spikes_by_timestep == [2, 2]
    assert neurons.input_density == 4 / 6
    assert (synapse.sum_input_spikes, synapse.sum_input_currents) == (3, 0)
    assert (neurons.sum_input_spikes, neurons.sum_input_currents) == (4, 4)


@pytest.mark.parametrize("machine", ["bishop", "spike_array"])
def test_currents_are_not_counted_among_spikes(machine: str, tmp_path: Path) -> None:
    """Whether a machine runs the neurons with their synapse or by themselves, the network takes 3 spikes."""
    with trace_of(tmp_path / "t.h5") as trace:
        result = simulate(trace, machine)
    spikes = [row["input_spikes_per_inference"] for row in result.to_records()]
    assert spikes == ([3, 0] if machine == "bishop" else [3])


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("machine", ["bishop", "loas"])  # loas prepares its weights, too
def test_currents_are_made_once_at_most_and_weights_read_once(
    machine: str, bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Currents of spikes are counted without being kept; those of larger values are made to be counted."""
    made: list[str] = []
    recompute, read = SampleTensors._recompute, Layer.codes

    def recomputed(self: SampleTensors, name: str) -> object:
        made.append(name)
        return recompute(self, name)

    def read_weights(self: Layer) -> object:
        made.append("weights")
        return read(self)

    monkeypatch.setattr(SampleTensors, "_recompute", recomputed)
    monkeypatch.setattr(Layer, "codes", read_weights)
    with trace_of(tmp_path / "t.h5", bits) as trace:
        current = trace.operators[0].output.name
        neurons = simulate(trace, machine).layers[1]
    assert sorted(made) == sorted([current, "weights"] if bits > 1 else ["weights"])
    assert neurons.sum_input_spikes_by_timestep == ([3, 2] if bits > 1 else [2, 2])


def test_currents_that_somebody_holds_are_counted_as_they_are(tmp_path: Path) -> None:
    with trace_of(tmp_path / "t.h5") as trace:
        (synapse, _), tensors = one_by_one(trace), SampleTensors(trace, 0)
        name = synapse.operators[0].output.name
        tensors.values(name)[0] = 0  # not what the spikes come to
        assert StageSample(synapse, tensors).non_zeros(name).tolist() == [0, 2]
        assert StageSample(synapse, SampleTensors(trace, 0)).non_zeros(name).tolist() == [2, 2]


def test_currents_that_leave_their_range_are_refused(tmp_path: Path) -> None:
    """Weights 1 and -3 on two spikes make currents of 1 and -3; the file then says that they have 2 bits."""
    path = tmp_path / "narrow.h5"
    graph = GraphBuilder(timesteps=2)
    spikes = graph.input("x", np.array([[0], [1]]).reshape(1, 2, 1, 1, 1))
    currents = graph.linear("in", spikes, np.array([[1], [-3]]), weight_bits=3)
    graph.neuron("out", currents, Neuron("if", 100, potential_bits=16))
    graph.write(path)
    with h5py.File(path, "r+") as file:
        file["tensors/1"].attrs["bits"] = np.int64(2)
    with pytest.raises(TraceError, match="operator in makes values -3 to 1 in timestep 1, but tensor in holds -2 to 1"):
        simulate(path, "bishop")


def test_weights_that_somebody_holds_are_not_read_again(tmp_path: Path) -> None:
    with trace_of(tmp_path / "t.h5") as trace:
        (synapse,) = (each for each in trace.operators if each.kind == "linear")
        first = synapse.weights()  # type: ignore[attr-defined]
        assert synapse.weights() is first  # type: ignore[attr-defined]
        assert not first.flags.writeable
        expected = first.tolist()
        del first
        assert synapse.weights().tolist() == expected  # type: ignore[attr-defined]
