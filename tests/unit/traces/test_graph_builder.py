"""GraphBuilder and NetworkWriter: what is written is what is read; what does not fit is refused and leaves no file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings

from spikecycle.traces import GraphBuilder, Neuron, Source, TensorSpec, TraceError, open_trace
from spikecycle.traces.tensors import ValueRange
from tests.networks import SAMPLES, TIMESTEPS, networks
from tests.reference.operators import run_network
from tests.unit.traces.test_format_document import everything
from tests.unit.traces.test_networks_refused import read_everything, small_network

LIF = Neuron("lif", 3, potential_bits=8, leak_numerator=1, leak_shift=1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks())
def test_what_is_read_is_what_was_built_and_what_its_twins_make(graph: GraphBuilder) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        graph.write(path, labels=range(SAMPLES), provenance={"seed": 3})
        with open_trace(path) as trace:
            assert (trace.version, trace.samples, trace.timesteps) == (2, SAMPLES, TIMESTEPS)
            assert trace.labels is not None and trace.labels.tolist() == [0, 1]
            assert trace.provenance == {"seed": 3}
            assert {name: tensor.spec for name, tensor in trace.tensors.items()} == graph.tensors
            assert [operator.name for operator in trace.operators] == [operator.name for operator in graph.operators]
            for read, built in zip(trace.operators, graph.operators, strict=True):
                assert (read.kind, read.inputs, read.output) == (built.kind, built.inputs, built.output)
                assert dict(read.attributes()) == dict(built.attributes())
                assert read.summary() == built.summary()
                arrays = built.arrays()
                assert read.arrays().keys() == arrays.keys()
                for name, array in read.arrays().items():
                    assert array.dtype == arrays[name].dtype and np.array_equal(array, arrays[name])
            for sample in range(SAMPLES):
                inputs: dict[str, Any] = {
                    name: tensor.values(sample).tolist()  # type: ignore[union-attr]
                    for name, tensor in trace.tensors.items()
                    if tensor.producer is None
                }
                twins = run_network(graph.operators, inputs, TIMESTEPS)
                for name, tensor in trace.tensors.items():
                    values = tensor.values(sample)
                    assert values is None or values.dtype == tensor.spec.dtype
                    assert values is None or values.tolist() == twins[name]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (small_network(tmp_path / name).read_bytes() for name in ("a.h5", "b.h5"))
    assert first == second


def test_metadata_carry_no_values_that_defaults_say(tmp_path: Path) -> None:
    with h5py.File(everything(tmp_path / "all.h5")) as file:
        members = {group.attrs["name"].decode(): set(group) for group in file["operators"].values()}
    assert members["b"] == {"threshold"}
    assert members["a"] == {"threshold", "leak_numerator", "start_potential"}
    assert members["conv2d"] == {"weights", "weight_scale"}


def test_samples_one_by_one_give_the_same_network(tmp_path: Path) -> None:
    spikes = np.random.default_rng(1).random((3, 4, 5)) < 0.5
    weights = np.arange(-5, 5).reshape(2, 5)
    graph = GraphBuilder(timesteps=4)
    graph.neuron("n", graph.linear("l", graph.input("x", spikes), weights, weight_bits=4), LIF)
    graph.write(tmp_path / "at-once.h5", labels=[1, 2, 3])
    streamed = GraphBuilder(timesteps=4)
    streamed.neuron("n", streamed.linear("l", streamed.input("x", shape=(5, 1, 1)), weights, weight_bits=4), LIF)
    with streamed.writer(tmp_path / "streamed.h5") as writer:
        for sample, label in zip(spikes, (1, 2, 3), strict=True):
            writer.append({"x": sample[:, :, None, None]}, label)
    assert (tmp_path / "at-once.h5").read_bytes() == (tmp_path / "streamed.h5").read_bytes()


def test_values_that_are_given_are_kept(tmp_path: Path) -> None:
    """A model's own recording is what `--verify` compares with, so it is not replaced by what would be computed."""
    graph = GraphBuilder(timesteps=1)
    graph.neuron("n", graph.input("x", shape=(2, 1, 1)), Neuron("if", 1, 2))
    with graph.writer(tmp_path / "t.h5") as writer:
        writer.append({"x": np.ones((1, 2, 1, 1), int), "n": np.zeros((1, 2, 1, 1), int)})
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.tensors["n"].values(0).ravel().tolist() == [0, 0]  # type: ignore[union-attr]


def test_bits_are_as_many_as_values_can_need(tmp_path: Path) -> None:
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", shape=(2, 1, 1))
    graph.linear("l", x, np.array([[3, 4], [-7, -1]]), weight_bits=4)  # -8 .. 7
    graph.linear("biased", x, np.array([[3, 5]]), weight_bits=4, bias=np.array([1]))  # 1 .. 9
    graph.add("sum", [x, x, x])  # 0 .. 3
    graph.pool("most", "l", "max", 1)
    graph.neuron("v", x, Neuron("readout", potential_bits=9))
    assert {name: (spec.bits, spec.signed) for name, spec in graph.tensors.items()} == {
        "x": (1, False), "l": (4, True), "biased": (4, False), "sum": (2, False), "most": (4, True), "v": (9, True),
    }  # fmt: skip


def graph_of_one() -> tuple[GraphBuilder, Source]:
    graph = GraphBuilder(timesteps=2)
    return graph, graph.input("x", np.zeros((1, 2, 3, 4, 4), int))


REFUSED: dict[str, tuple[Any, str]] = {
    "same-name": (
        lambda g, x: [g.add("a", [x, x]), g.add("a", [x, x])],
        "operator a: tensor a: the name is taken; names must differ",
    ),
    "name-of-the-input": (
        lambda g, x: g.add("x", [x, x]),
        "operator x: tensor x: the name is taken; names must differ",
    ),
    "no-such-tensor": (
        lambda g, x: g.add("a", [x, "y"]),
        "operator a: there is no tensor y yet; `delayed` announces one that is made later",
    ),
    "delayed-without-shape": (
        lambda g, x: g.delayed("y"),
        "tensor y: is not made yet, so its shape must be given",
    ),
    "shapes-do-not-meet": (
        lambda g, x: g.add("a", [x, g.pool("p", x, "sum", 2)]),
        "operator a: its inputs must have one shape, found x of (3, 4, 4) and p of (3, 2, 2)",
    ),
    "heights-do-not-meet": (
        lambda g, x: g.concatenate("a", [x, g.pool("p", x, "sum", 2)]),
        "operator a: its inputs must have one height and width, found x of (3, 4, 4) and p of (3, 2, 2)",
    ),
    "channels": (
        lambda g, x: g.conv2d("c", x, np.zeros((2, 2, 3, 3), int), weight_bits=4),
        "operator c: weights: the shape must be (2, 3, 3, 3), found (2, 2, 3, 3)",
    ),
    "linear-inputs": (
        lambda g, x: g.linear("l", x, np.zeros((2, 47), int), weight_bits=4),
        "operator l: its weights take 47 values, found tensor x of shape (3, 4, 4)",
    ),
    "conv1d-on-a-map": (
        lambda g, x: g.conv1d("c", x, np.zeros((2, 3, 3), int), weight_bits=4),
        "operator c: a conv1d layer has H = R = 1, vertical stride and dilation 1 and no vertical padding",
    ),
    "kernel-does-not-fit": (
        lambda g, x: g.conv2d("c", x, np.zeros((2, 3, 3, 3), int), weight_bits=4, dilation=2),
        "operator c: a 3x3 kernel with dilation (2, 2) does not fit a 4x4 map with padding (0, 0)",
    ),
    "weight-out-of-range": (
        lambda g, x: g.conv2d("c", x, np.full((2, 3, 3, 3), 8), weight_bits=4),
        "operator c: weights: values must be -8 to 7, found 8 to 8",
    ),
    "real-weights": (
        lambda g, x: g.conv2d("c", x, np.zeros((2, 3, 3, 3)), weight_bits=4),
        "operator c: weights: values must be integers, found float64",
    ),
    "weights-of-two-axes": (
        lambda g, x: g.conv2d("c", x, np.zeros((2, 3)), weight_bits=4),
        "operator c: weights: the shape must be (M, C/groups, R, S), found (2, 3)",
    ),
    "threshold-of-another-shape": (
        lambda g, x: g.neuron("n", x, Neuron("if", [1, 2], 8)),
        "operator n: threshold must have shape (1,), (3,) or (3, 4, 4), found (2,)",
    ),
    "window-does-not-fit": (
        lambda g, x: g.pool("p", x, "sum", 5),
        "operator p: a 5x5 window does not fit tensor x of shape (3, 4, 4) with padding (0, 0, 0, 0)",
    ),
    "padding-of-max": (
        lambda g, x: g.pool("p", x, "max", 2, padding=2),
        "operator p: padding must be less than the window (2, 2), found (2, 2, 2, 2)",
    ),
    "shift-of-max": (
        lambda g, x: g.pool("p", x, "max", 2, shift=1),
        "operator p: shift is of the mode average, found mode max",
    ),
    "unknown-mode": (
        lambda g, x: g.pool("p", x, "median", 2),
        "operator p: mode must be one of max, average, sum, found median",
    ),
    "heads": (
        lambda g, x: g.attention("a", x, x, heads=2),
        "operator a: heads (2) must divide the channels of x (3)",
    ),
    "matrices-do-not-meet": (
        lambda g, x: g.attention("a", x, x),
        "operator a: the left matrix 16x3 of x (3, 4, 4) does not meet the right one 16x3 of x (3, 4, 4)",
    ),
    "one-input": (lambda g, x: g.add("a", [x]), "operator a: kind add takes 2 to 256 inputs, found 1"),
    "no-shape": (lambda g, x: g.input("y"), "tensor y: either values or a shape must be given"),
    "other-timesteps": (
        lambda g, x: g.input("y", np.zeros((1, 3, 2), int)),
        "tensor y: the shape must be (N, 2, C, H, W), found (1, 3, 2, 1, 1)",
    ),
    "sum-too-large": (
        lambda g, x: g.attention(
            "a", g.input("y", shape=(3, 1, 1), bits=40), g.input("z", shape=(3, 1, 1), bits=40), transpose_right=True
        ),
        f"operator a: the output may reach {3 * (2**40 - 1) ** 2}; at most {2**62} is allowed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_at_once(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(TraceError) as error:
        build(*graph_of_one())
    assert str(error.value) == message


def test_a_promise_that_is_broken(tmp_path: Path) -> None:
    graph, x = graph_of_one()
    graph.add("a", [x, graph.delayed("later", (3, 4, 4))])
    path = tmp_path / "t.h5"
    with pytest.raises(TraceError, match=r"t\.h5: tensor later: is used a timestep later, but nobody makes it$"):
        graph.write(path)
    graph.add("later", [x, x])
    with pytest.raises(TraceError) as error:
        graph.write(path)
    assert str(error.value).endswith(
        "tensor later: was announced as (3, 4, 4) of 1 unsigned bits, but is (3, 4, 4) of 2 unsigned bits"
    )
    assert list(tmp_path.iterdir()) == []


WRITER_REFUSES: dict[str, tuple[Any, str]] = {
    "input-missing": (lambda w: w.append({}), "sample 0: tensor x: an input of the network must be given"),
    "no-such-tensor": (
        lambda w: w.append({"x": np.zeros((2, 3, 1, 1), int), "y": np.zeros(3)}),
        "sample 0: there is no tensor y, tensors are x, a",
    ),
    "shape": (
        lambda w: w.append({"x": np.zeros((3, 3, 1, 1), int)}),
        "sample 0: tensor x: the shape must be (2, 3, 1, 1), found (3, 3, 1, 1)",
    ),
    "range": (
        lambda w: w.append({"x": np.full((2, 3, 1, 1), 2)}),
        "sample 0: tensor x: values must be 0 to 1, found 2 to 2",
    ),
    "label-missing": (
        lambda w: [w.append({"x": np.zeros((2, 3, 1, 1), int)}), w.append({"x": np.zeros((2, 3, 1, 1), int)}, 1)],
        "labels: either every sample has one or none has",
    ),
    "no-samples": (lambda w: None, "at least one sample is needed, found none"),
}


@pytest.mark.parametrize("case", WRITER_REFUSES)
def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path, case: str) -> None:
    path = tmp_path / "t.h5"
    path.write_bytes(b"before")
    graph = GraphBuilder(timesteps=2)
    x = graph.input("x", shape=(3, 1, 1))
    graph.add("a", [x, x])
    do, message = WRITER_REFUSES[case]
    with pytest.raises(TraceError) as error, graph.writer(path) as writer:
        do(writer)
    assert str(error.value) == f"{path}: {message}"
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_samples_must_be_as_many_everywhere(tmp_path: Path) -> None:
    graph, x = graph_of_one()
    graph.input("y", np.zeros((2, 2, 3), int))
    graph.add("a", [x, x])
    with pytest.raises(
        TraceError, match=r"the number of samples must be the same everywhere, found \{'x': 1, 'y': 2\}$"
    ):
        graph.write(tmp_path / "t.h5")
    streamed = GraphBuilder(timesteps=2)
    streamed.add("a", [streamed.input("x", shape=(1, 1, 1))] * 2)
    with pytest.raises(TraceError, match=r"tensor x: has a shape but no values; give them to a `writer`$"):
        streamed.write(tmp_path / "t.h5")


def test_a_network_without_operators(tmp_path: Path) -> None:
    graph, _ = graph_of_one()
    with pytest.raises(TraceError, match=r"t\.h5: at least one operator is needed, found none$"):
        graph.write(tmp_path / "t.h5")


@pytest.mark.parametrize(
    ("bits", "signed", "dtype"),
    [(1, False, "uint8"), (8, False, "uint8"), (9, False, "uint16"), (17, False, "uint32"), (33, False, "uint64"),
     (62, False, "uint64"), (2, True, "int8"), (9, True, "int16"), (33, True, "int64"), (63, True, "int64")],
)  # fmt: skip
def test_every_width_is_stored_in_the_smallest_type(tmp_path: Path, bits: int, signed: bool, dtype: str) -> None:
    spec = TensorSpec("x", (2, 1, 1), bits, signed)
    values = np.array([spec.range.lowest, spec.range.highest], spec.dtype).reshape(1, 1, 2, 1, 1)
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", values, bits=bits, signed=signed)
    graph.pool("p", x, "max", 1)
    graph.write(tmp_path / "t.h5")
    with open_trace(tmp_path / "t.h5") as trace:
        for name in ("x", "p"):
            read = trace.tensors[name].values(0)
            assert read is not None and read.dtype == dtype and np.array_equal(read, values[0])
        assert read_everything(trace)


def test_a_range_of_minus_one_and_zero_takes_a_sign_and_a_bit() -> None:
    spec = TensorSpec.of_range("x", (1, 1, 1), ValueRange(-1, 0))
    assert (spec.bits, spec.signed, spec.range) == (2, True, ValueRange(-2, 1))
