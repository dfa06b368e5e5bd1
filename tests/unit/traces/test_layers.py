"""Shapes, neurons and layers are valid when constructed, or not constructed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.traces import LayerArrays, LayerShape, Neuron, TraceError, conv2d_layer, linear_layer
from tests.unit.traces.builders import neuron

CONV: dict[str, Any] = {"C": 4, "H": 9, "W": 7, "M": 6, "R": 3, "S": 2, "stride": (2, 3), "padding": (1, 0)}


def test_sizes_that_follow_from_a_shape() -> None:
    shape = LayerShape("conv2d", **CONV, groups=2)
    assert (shape.P, shape.Q) == (5, 2)
    assert (shape.input_shape, shape.output_shape) == ((4, 9, 7), (6, 5, 2))
    assert (shape.weight_shape, shape.fan_in) == ((6, 2, 3, 2), 12)
    assert (shape.input_count, shape.output_count, shape.dense_sops_per_timestep) == (252, 60, 720)
    dense = LayerShape.linear(5, 3)
    assert (dense.weight_shape, dense.output_shape, dense.dense_sops_per_timestep) == ((3, 5, 1, 1), (3, 1, 1), 15)


def test_a_shape_takes_the_integers_of_numpy() -> None:
    shape = LayerShape("conv2d", **(CONV | {"C": np.int64(4), "stride": [np.int32(2), 3]}))
    assert shape == LayerShape("conv2d", **CONV) and type(shape.C) is int and shape.stride == (2, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"C": 0}, "C must be 1 to 16777216, found 0"),
        ({"H": 2.5}, "H must be an integer, found 2.5"),
        ({"W": float("nan")}, "W must be an integer, found nan"),
        ({"stride": 2}, r"stride must be a pair \(vertical, horizontal\), found 2"),
        ({"stride": (2, 0)}, r"stride\[1\] must be 1 to 16777216, found 0"),
        ({"padding": (-1, 0)}, r"padding\[0\] must be 0 to 16777216, found -1"),
        ({"groups": 3}, r"groups \(3\) must divide C \(4\) and M \(6\)"),
        ({"S": 8}, r"a 3x8 kernel does not fit a 9x7 map with padding \(1, 0\)"),
        ({"operator": "conv3d"}, "operator must be one of conv1d, conv2d, linear, found conv3d"),
        ({"operator": "conv1d"}, "a conv1d layer has H = R = 1, .*"),
        ({"operator": "linear"}, "a linear layer has H = W = R = S = groups = 1, .*"),
    ],
)
def test_impossible_shapes(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=f"^{message}$"):
        LayerShape(**({"operator": "conv2d"} | CONV | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "alif"}, "neuron must be one of lif, if, synaptic, readout, found alif"),
        ({"reset": "zero"}, "reset must be one of hard, soft, found zero"),
        ({"potential_bits": 1}, "potential_bits must be 2 to 32, found 1"),
        ({"potential_bits": 8.0}, "potential_bits must be an integer, found 8.0"),
        ({"leak_shift": 17}, "leak_shift must be 0 to 16, found 17"),
        ({"leak_numerator": -1}, "leak_numerator must be 0 to 65536, found -1"),
        ({"leak_numerator": 17}, r"the leak must lie in 0 to 1, found leak_numerator 17 / 2\*\*4"),
        ({"kind": "if"}, "an `if` neuron has no leak: .* = 16, found 15"),
        ({"threshold": np.array([20.0])}, r"threshold must be integers, .*, found float64 of shape \(1,\)"),
        ({"threshold": np.array([], int)}, "a `lif` neuron fires: a threshold must be given"),
        ({"threshold": np.array([[3]])}, r"threshold must be integers, .*, found int64 of shape \(1, 1\)"),
        ({"threshold": np.array([1, 0])}, "threshold must lie in 1 to 127, .* 8 potential_bits, found 0 to 1"),
        ({"threshold": np.array([1, 128])}, "threshold must lie in 1 to 127, .* 8 potential_bits, found 1 to 128"),
        ({"reset_value": 20}, "reset_value must be -128 to 19, below every threshold, found 20"),
        ({"reset_value": -129}, "reset_value must be -128 to 19, below every threshold, found -129"),
        ({"reset_timing": "later"}, "reset_timing must be one of same, next, found later"),
        ({"leak_numerator": ()}, "leak_numerator must be given, found none"),
        ({"leak_numerator": [15, 17]}, r"the leak must lie in 0 to 1, found leak_numerator 17 / 2\*\*4"),
        ({"start_potential": 20}, "start_potential must be -128 to 19, below every threshold, found 20 to 20"),
        ({"start_potential": [0, -129]}, "start_potential must be -128 to 19, below .*, found -129 to 0"),
        ({"kind": "synaptic"}, "a `synaptic` neuron has a synaptic current: current_leak_numerator must be given"),
        ({"current_leak_numerator": 1}, "a `lif` neuron has no synaptic current, found a current_leak_numerator"),
        ({"current_bits": 8}, "current_bits and current_leak_shift are of a synaptic current, which is not there"),
        ({"kind": "synaptic", "current_leak_numerator": 1}, "current_bits must be 2 to 32, found 0"),
        (
            {"kind": "synaptic", "current_leak_numerator": 3, "current_leak_shift": 1, "current_bits": 8},
            r"the leak of the current must lie in 0 to 1, found current_leak_numerator 3 / 2\*\*1",
        ),
        ({"kind": "readout"}, "a `readout` neuron never fires: it has no threshold and no reset"),
        ({"kind": "readout", "threshold": (), "reset": "soft"}, "a `readout` neuron never fires: .*"),
        ({"kind": "readout", "threshold": (), "start_potential": 128}, "start_potential must be -128 to 127, found .*"),
    ],
)
def test_impossible_neurons(changes: dict[str, Any], message: str) -> None:
    values = {"kind": "lif", "threshold": np.array([20]), "potential_bits": 8, "leak_numerator": 15, "leak_shift": 4}
    Neuron(**values)  # is possible
    with pytest.raises(TraceError, match=f"^{message}$"):
        Neuron(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"leak_numerator": [15, 1, 1]}, r"leaks of shape \(3,\)"),
        ({"start_potential": 1}, "a start potential"),
        ({"reset_timing": "next"}, "reset_timing next"),
        (
            {"kind": "synaptic", "current_leak_numerator": 1, "current_bits": 8},
            "a synaptic neuron",
        ),
    ],
)
def test_what_a_list_of_layers_cannot_say_is_refused(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"kind": "lif", "threshold": [20] * 3, "potential_bits": 8, "leak_shift": 4}
    layer = {"inputs": np.ones((1, 2, 2), int), "weights": np.ones((3, 2), int), "weight_bits": 2}
    linear_layer("fc", **layer, neuron=Neuron(**values))  # is possible
    wanted = rf"^layer fc: {message} needs a network of operators \(GraphBuilder\); a list of layers has none$"
    with pytest.raises(TraceError, match=wanted):
        linear_layer("fc", **layer, neuron=Neuron(**(values | changes)))


def test_unequal_padding_and_dilation_need_a_network() -> None:
    inputs, weights = np.ones((1, 2, 1, 4, 4), int), np.ones((3, 1, 2, 2), int)
    with pytest.raises(TraceError, match=r"^layer c: padding \(1, 0, 0, 0\) needs a network of operators"):
        conv2d_layer("c", inputs, weights, 2, neuron(3), padding=(1, 0, 0, 0))  # type: ignore[arg-type]


def test_sizes_with_dilation_and_unequal_padding() -> None:
    """Rows: 9 + 1 + 2, taps 0, 2, 4: 8 windows, every second one; columns: 7 + 3, taps 0 and 3: 7, every third."""
    shape = LayerShape("conv2d", **(CONV | {"padding": (1, 2, 3, 0), "dilation": (2, 3)}))
    assert (shape.P, shape.Q) == (4, 3)
    assert (shape.padding_top, shape.padding_left) == (1, 3)
    assert shape.short_padding == shape.sides == (1, 2, 3, 0)
    assert LayerShape("conv2d", **CONV).short_padding == (1, 0)
    assert LayerShape("conv2d", **CONV) == LayerShape("conv2d", **(CONV | {"padding": (1, 1, 0, 0)}))


def test_a_summary_says_what_is_unusual() -> None:
    assert Neuron("if", 3, 8).summary() == "IF, threshold 3, hard reset to 0, 8-bit potentials"
    assert Neuron(
        "synaptic", [3, 5], 8, leak_numerator=7, leak_shift=3, reset="soft", reset_timing="next", start_potential=1,
        current_leak_numerator=1, current_leak_shift=1, current_bits=6,
    ).summary() == (
        "synaptic, leak 7/8, 6-bit synaptic currents with leak 1/2, threshold 3 to 5, soft reset in the next timestep, "
        "starts at 1, 8-bit potentials"
    )  # fmt: skip


def test_a_neuron_keeps_its_own_thresholds() -> None:
    mine = np.full(3, 20)
    lif = neuron(3, threshold=mine)
    mine[:] = 1
    assert lif.threshold.tolist() == [20, 20, 20] and lif.threshold.dtype == np.int32
    assert not lif.threshold.flags.writeable


INPUTS, WEIGHTS = np.ones((2, 3, 4, 9, 7), np.uint8), np.ones((6, 2, 3, 2), int)


def test_a_convolution_infers_its_shape() -> None:
    layer = conv2d_layer("c", INPUTS, WEIGHTS, 8, neuron(6), stride=(2, 3), padding=(1, 0), groups=2,
                         outputs=np.zeros((2, 3, 6, 5, 2), bool))  # fmt: skip
    assert layer.shape == LayerShape("conv2d", **CONV, groups=2)
    assert (layer.samples, layer.timesteps, layer.input_bits) == (2, 3, 1)


def test_a_linear_layer_takes_vectors() -> None:
    layer = linear_layer(
        "d", np.ones((2, 3, 5), bool), np.ones((4, 5), int), 8, neuron(4), outputs=np.ones((2, 3, 4)) > 0
    )
    assert layer.shape == LayerShape.linear(5, 4)
    assert layer.inputs.shape == (2, 3, 5, 1, 1) and layer.outputs is not None
    assert layer.outputs.shape == (2, 3, 4, 1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name must be 1 to 120 printable characters, found ''"),
        ({"name": "a\nb"}, r"name must be 1 to 120 printable characters, found 'a\\nb'"),
        ({"inputs": INPUTS[0]}, r"a conv2d layer takes inputs \(N, T, C, H, W\) .*, found \(3, 4, 9, 7\) and .*"),
        ({"inputs": INPUTS + 1}, "inputs: values must be 0 to 1, found 2 to 2"),
        ({"inputs": INPUTS * 1.0}, "inputs: values must be integers, found float64"),
        ({"input_bits": 17}, "input_bits must be 1 to 16, found 17"),
        ({"inputs": INPUTS[:0]}, "inputs: at least one sample and one timestep are needed, found .*"),
        ({"inputs": INPUTS[:, :0]}, "inputs: at least one sample and one timestep are needed, found .*"),
        ({"weights": WEIGHTS * 128}, "weights: values must be -128 to 127, found 128 to 128"),
        ({"weights": WEIGHTS[:, :1]}, r"weights: the shape must be \(6, 2, 3, 2\), found \(6, 1, 3, 2\)"),
        ({"weights": WEIGHTS / 3}, "weights: values must be integers, found float64"),
        ({"weight_bits": 1}, "weight_bits must be 2 to 32, found 1"),
        ({"neuron": neuron(5)}, "threshold must have M = 6 entries, found 5"),
        ({"outputs": np.zeros((2, 3, 6, 5, 3), int)}, r"outputs: the shape must be \(3, 6, 5, 2\), found .*"),
        ({"outputs": np.zeros((2, 2, 6, 5, 2), int)}, r"outputs: the shape must begin with \(N, T\) = \(2, 3\), .*"),
        ({"outputs": np.full((2, 3, 6, 5, 2), -1)}, "outputs: values must be 0 to 1, found -1 to -1"),
        ({"weight_scale": 0}, "weight_scale must be finite and above 0, found 0.0"),
        ({"weight_scale": np.ones(5)}, r"weight_scale must have shape \(1,\) or \(6,\), found \(5,\)"),
        ({"weight_scale": "big"}, "could not convert string to float: 'big'"),
        ({"bias": np.ones(5, int)}, r"bias: the shape must be \(6,\), found \(5,\)"),
        ({"bias": np.full(6, 2**31)}, "bias: values must be -2147483648 to 2147483647, found .*"),
    ],
)
def test_impossible_layers(changes: dict[str, Any], message: str) -> None:
    arguments = {
        "name": "conv1", "inputs": INPUTS, "weights": WEIGHTS, "weight_bits": 8, "neuron": neuron(6),
        "stride": (2, 3), "padding": (1, 0), "groups": 2,
    }  # fmt: skip
    conv2d_layer(**arguments)  # is possible
    with pytest.raises(TraceError, match=f"^layer .*: {message}$") as error:
        conv2d_layer(**(arguments | changes))
    assert "\n" not in str(error.value)


def test_arrays_without_an_axis_for_samples() -> None:
    with pytest.raises(TraceError, match=r"^layer c: inputs: the shape must be \(N, T, C, H, W\), found \(3, 5\)$"):
        LayerArrays("c", LayerShape.linear(5, 4), np.ones((4, 5, 1, 1), int), 8, neuron(4), np.ones((3, 5), int))


def test_a_linear_layer_of_other_dimensions() -> None:
    with pytest.raises(
        TraceError, match=r"^layer d: a linear layer takes inputs \(N, T, C\).*found \(2, 5\), \(4, 5\)"
    ):
        linear_layer("d", np.ones((2, 5), int), np.ones((4, 5), int), 8, neuron(4))
