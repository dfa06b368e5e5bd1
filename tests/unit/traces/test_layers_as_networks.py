"""A list of layers, version 1 of the file, opens as the network that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.traces import Neuron, Population, Source, Synapse, linear_layer, list_samples, open_trace, write_trace
from tests.unit.traces.builders import SAMPLES, neuron, write_two_layers


def test_two_layers_are_four_operators(tmp_path: Path) -> None:
    with open_trace(write_two_layers(tmp_path / "t.h5")) as trace:
        assert trace.version == 1 and trace.has_layers
        assert [(operator.name, operator.kind) for operator in trace.operators] == [
            ("conv1", "conv2d"), ("conv1.neuron", "neuron"), ("dense1", "linear"), ("dense1.neuron", "neuron"),
        ]  # fmt: skip
        assert {name: (tensor.producer, tensor.recorded) for name, tensor in trace.tensors.items()} == {
            "conv1.inputs": (None, True),
            "conv1.currents": ("conv1", False),
            "conv1.outputs": ("conv1.neuron", False),
            "dense1.inputs": (None, True),
            "dense1.currents": ("dense1", False),
            "dense1.outputs": ("dense1.neuron", True),
        }
        assert [operator.inputs for operator in trace.operators] == [
            (Source(name),) for name in ("conv1.inputs", "conv1.currents", "dense1.inputs", "dense1.currents")
        ]
        for layer, synapse, population in zip(trace.layers, trace.operators[::2], trace.operators[1::2], strict=True):
            assert isinstance(synapse, Synapse) and isinstance(population, Population)
            assert (synapse.shape, synapse.weight_bits) == (layer.shape, layer.weight_bits)
            assert np.array_equal(synapse.weights(), layer.weights())
            assert np.array_equal(synapse.bias(), layer.bias())
            assert np.array_equal(synapse.scales, layer.weight_scale)
            assert population.neuron is layer.neuron
            inputs, outputs = trace.tensors[f"{layer.name}.inputs"], trace.tensors[f"{layer.name}.outputs"]
            assert (inputs.spec.shape, inputs.spec.bits) == (layer.shape.input_shape, layer.input_bits)
            assert (outputs.spec.shape, outputs.spec.bits) == (layer.shape.output_shape, 1)
            for sample in range(SAMPLES):
                assert np.array_equal(inputs.values(sample), layer.inputs(sample))  # type: ignore[arg-type]
                recorded = outputs.values(sample)
                assert (recorded is None) == (layer.outputs(sample) is None)
                assert recorded is None or np.array_equal(recorded, layer.outputs(sample))  # type: ignore[arg-type]


def test_currents_hold_what_the_bits_allow(tmp_path: Path) -> None:
    """Nine 3-bit weights of -4 to 3 on 2-bit inputs: -108 to 81, 8 bits; with a bias of int32 it is 33 bits."""
    with open_trace(write_two_layers(tmp_path / "t.h5")) as trace:
        assert trace.tensors["conv1.currents"].spec.bits == 8
        assert trace.tensors["dense1.currents"].spec.bits == 33


def test_names_that_are_taken_get_a_number(tmp_path: Path) -> None:
    layers = [
        linear_layer(name, np.ones((1, 1, 2), int), np.ones((2, 2), int), 2, neuron(2))
        for name in ("a", "a.neuron", "a.inputs")
    ]
    write_trace(tmp_path / "t.h5", layers)
    with open_trace(tmp_path / "t.h5") as trace:
        names = [operator.name for operator in trace.operators]
        assert names == ["a", "a.neuron 2", "a.neuron", "a.neuron.neuron", "a.inputs", "a.inputs.neuron"]
        assert len(trace.tensors) == 9


def test_the_widest_sums_that_a_layer_may_have_still_open(tmp_path: Path) -> None:
    inputs = np.zeros((1, 1, 2**15), np.uint16)
    weights = np.zeros((1, 2**15), np.int32)
    bias = np.array([-(2**31)])
    layer = linear_layer("wide", inputs, weights, 32, Neuron("if", [1], 32), input_bits=16, bias=bias)
    write_trace(tmp_path / "t.h5", [layer])
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.tensors["wide.currents"].spec.bits == 63


@pytest.mark.parametrize("name", list_samples())
def test_shipped_traces_have_their_layers(name: str) -> None:
    with open_trace(name) as trace:
        assert trace.version == 1
        assert [layer.name for layer in trace.layers] == ["conv1", "conv2", "fc1", "fc2"]
        assert len(trace.operators) == 2 * len(trace.layers)
