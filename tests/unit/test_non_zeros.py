"""Non-zero currents between stages: counted where the weights are, once, and equal to what the tensors hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.replay import SampleTensors
from spikecycle.traces import LayerArrays, LayerShape, Neuron, Trace, open_trace, write_trace


def trace_of(path: Path) -> Trace:
    """Two inputs, three neurons, T = 2, outputs recorded, currents not."""
    weights = np.array([[1, -1], [2, 0], [0, -3]]).reshape(3, 2, 1, 1)
    inputs = np.array([[[1, 1], [0, 1]]]).reshape(1, 2, 2, 1, 1)
    neuron = Neuron("if", np.full(3, 100), potential_bits=16)
    shape = LayerShape.linear(2, 3)
    outputs = np.zeros((1, 2, 3, 1, 1), np.uint8)
    write_trace(path, [LayerArrays("fc", shape, weights, 4, neuron, inputs, outputs=outputs)])
    return open_trace(path)


def test_currents_are_counted_by_timestep(tmp_path: Path) -> None:
    with trace_of(tmp_path / "t.h5") as trace:
        synapse, neurons = simulate(trace, "bishop").layers
    assert synapse.sum_input_spikes_by_timestep == [2, 1]
    # currents are 1 - 1, 2, -3 and then -1, 0, -3
    assert neurons.sum_input_spikes_by_timestep == [2, 2]
    assert neurons.input_density == 4 / 6


def test_the_stage_of_the_neurons_computes_no_currents_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    values = SampleTensors._recompute

    def counted(self: SampleTensors, name: str) -> object:
        asked.append(name)
        return values(self, name)

    monkeypatch.setattr(SampleTensors, "_recompute", counted)
    with trace_of(tmp_path / "t.h5") as trace:
        current = trace.operators[0].output.name
        simulate(trace, "bishop")
    assert asked == [current]


def test_weights_that_somebody_holds_are_not_read_again(tmp_path: Path) -> None:
    with trace_of(tmp_path / "t.h5") as trace:
        (synapse,) = (each for each in trace.operators if each.kind == "linear")
        first = synapse.weights()  # type: ignore[attr-defined]
        assert synapse.weights() is first  # type: ignore[attr-defined]
        assert not first.flags.writeable
        expected = first.tolist()
        del first
        assert synapse.weights().tolist() == expected  # type: ignore[attr-defined]
