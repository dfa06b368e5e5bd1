"""What is written is what is read, exactly, for every shape, width and option."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.traces import LayerArrays, LayerShape, Neuron, conv2d_layer, linear_layer, open_trace, write_trace
from tests.unit.traces.builders import SAMPLES, TIMESTEPS, neuron, read_everything, two_layers, write_two_layers

INTEGER_DTYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64)


@st.composite
def shapes(draw: st.DrawFn) -> LayerShape:
    if draw(st.booleans()):
        return LayerShape.linear(draw(st.integers(1, 20)), draw(st.integers(1, 9)))
    groups = draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    padding = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    return LayerShape(
        "conv2d",
        C=groups * draw(st.integers(1, 3)),
        H=height,
        W=width,
        M=groups * draw(st.integers(1, 3)),
        R=draw(st.integers(1, height + 2 * padding[0])),
        S=draw(st.integers(1, width + 2 * padding[1])),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        padding=padding,
        groups=groups,
    )


@st.composite
def neurons(draw: st.DrawFn, channels: int) -> Neuron:
    bits = draw(st.integers(2, 32))
    highest = 2 ** (bits - 1) - 1
    threshold = np.array(draw(st.lists(st.integers(1, highest), min_size=channels, max_size=channels)))
    kind = draw(st.sampled_from(["lif", "if"]))
    shift = draw(st.integers(0, 16))
    numerator = 1 << shift if kind == "if" else draw(st.integers(0, 1 << shift))
    reset_value = draw(st.integers(-highest - 1, int(threshold.min()) - 1))
    return Neuron(kind, threshold, bits, numerator, shift, draw(st.sampled_from(["hard", "soft"])), reset_value)


@st.composite
def layers(draw: st.DrawFn, name: str, samples: int, timesteps: int) -> LayerArrays:
    shape = draw(shapes())
    weight_bits, input_bits = draw(st.integers(2, 32)), draw(st.integers(1, 16))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    half = 1 << (weight_bits - 1)
    dtype: Any = draw(st.sampled_from([d for d in INTEGER_DTYPES if np.iinfo(d).max >= (1 << input_bits) - 1]))
    with_outputs, with_bias, scale_per_channel = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    return LayerArrays(
        name,
        shape,
        random.integers(-half, half, shape.weight_shape),
        weight_bits,
        draw(neurons(shape.M)),
        random.integers(0, 1 << input_bits, (samples, timesteps, *shape.input_shape)).astype(dtype),
        input_bits,
        random.integers(0, 2, (samples, timesteps, *shape.output_shape)).astype(bool) if with_outputs else None,
        random.random(shape.M) + 0.1 if scale_per_channel else 0.5,
        random.integers(-(2**31), 2**31, shape.M) if with_bias else None,
    )


@st.composite
def networks(draw: st.DrawFn) -> list[LayerArrays]:
    samples, timesteps = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    return [draw(layers(f"layer {i}", samples, timesteps)) for i in range(draw(st.integers(1, 3)))]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(networks(), st.booleans())
def test_what_is_read_is_what_was_written(network: list[LayerArrays], with_labels: bool) -> None:
    labels = list(range(network[0].samples)) if with_labels else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.h5"
        write_trace(path, network, {"seed": 3}, labels)
        with open_trace(path) as trace:
            assert (trace.labels is None) if labels is None else (trace.labels.tolist() == labels)
            assert len(trace.layers) == len(network)
            for layer, written in zip(trace.layers, network, strict=True):
                assert (layer.samples, layer.timesteps) == (written.samples, written.timesteps)
                assert (layer.name, layer.shape) == (written.name, written.shape)
                assert (layer.input_bits, layer.weight_bits) == (written.input_bits, written.weight_bits)
                assert repr(layer.neuron) == repr(written.neuron)
                assert np.array_equal(layer.weights(), written.weights)
                assert np.array_equal(layer.weight_scale, np.atleast_1d(written.weight_scale))
                assert np.array_equal(layer.bias(), np.zeros(layer.shape.M) if written.bias is None else written.bias)
                for sample in range(layer.samples):
                    assert np.array_equal(layer.inputs(sample), written.inputs[sample])
                    outputs = layer.outputs(sample)
                    assert layer.has_outputs == (written.outputs is not None) == (outputs is not None)
                    assert written.outputs is None or np.array_equal(outputs, written.outputs[sample])


def test_dtypes_and_metadata_are_those_of_the_interface(tmp_path: Path) -> None:
    with open_trace(write_two_layers(tmp_path / "small.h5")) as trace:
        assert (trace.name, trace.path) == ("small", tmp_path / "small.h5")
        assert (trace.samples, trace.timesteps) == (SAMPLES, TIMESTEPS)
        assert trace.provenance == {"model": "test", "seed": 11}
        assert trace.labels is not None and trace.labels.dtype == np.int64 and trace.labels.tolist() == [7, 8, 9]
        conv1, dense1 = trace.layers
        assert conv1.inputs(0).dtype == np.uint8 and dense1.inputs(0).dtype == np.uint8
        assert dense1.outputs(0).dtype == np.uint8 and conv1.outputs(0) is None
        assert conv1.weights().dtype == np.int32 and not conv1.weights().flags.writeable
        assert conv1.bias().dtype == np.int32 and conv1.bias().tolist() == [0, 0, 0, 0]
        assert conv1.weight_scale.dtype == np.float64 and dense1.weight_scale.shape == (1,)


@pytest.mark.parametrize(("bits", "dtype"), [(1, np.uint8), (8, np.uint8), (9, np.uint16), (16, np.uint16)])
def test_inputs_take_the_smallest_unsigned_dtype(tmp_path: Path, bits: int, dtype: type) -> None:
    inputs = np.full((1, 1, 3), 2**bits - 1)
    layer = linear_layer("dense", inputs, np.ones((2, 3), int), 2, neuron(2), input_bits=bits)
    write_trace(tmp_path / "t.h5", [layer])
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.layers[0].inputs(0).dtype == dtype
        assert (trace.layers[0].inputs(0) == 2**bits - 1).all()


def test_a_trace_outlives_nothing_but_its_metadata(tmp_path: Path) -> None:
    with open_trace(write_two_layers(tmp_path / "small.h5")) as trace:
        before = read_everything(trace)
    assert before[0] == trace.samples and trace.layers[0].name == "conv1"


def test_names_and_provenance_may_be_in_any_script(tmp_path: Path) -> None:
    layer = two_layers()[0]
    named = conv2d_layer("Faltung ß 畳み込み", layer.inputs, layer.weights, 3, layer.neuron, groups=2, input_bits=2)
    write_trace(
        tmp_path / "名前 .h5", [named], {"Datensatz": "Ziffern é", "accuracy": np.float32(0.5), "seeds": [1, 2]}
    )
    with open_trace(tmp_path / "名前 .h5") as trace:
        assert trace.layers[0].name == "Faltung ß 畳み込み"
        assert trace.provenance == {"Datensatz": "Ziffern é", "accuracy": 0.5, "seeds": [1, 2]}
