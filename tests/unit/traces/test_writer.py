"""The writer: sample by sample, all or nothing, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.traces import (
    LayerParameters,
    LayerShape,
    TraceError,
    TraceWriter,
    conv2d_layer,
    open_trace,
    write_trace,
)
from tests.unit.traces.builders import SAMPLES, TIMESTEPS, neuron, read_everything, two_layers, write_two_layers


def _append_all(writer: TraceWriter) -> None:
    layers = two_layers()
    for sample in range(SAMPLES):
        writer.append(
            [layer.inputs[sample] for layer in layers],
            [None if layer.outputs is None else layer.outputs[sample] for layer in layers],
            label=7 + sample,
        )


def _parameters() -> list[LayerParameters]:
    return [layer.parameters for layer in two_layers()]


def test_sample_by_sample_gives_the_bytes_of_all_at_once(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "stream.h5", _parameters(), TIMESTEPS, {"model": "test", "seed": 11}) as writer:
        _append_all(writer)
    assert (tmp_path / "stream.h5").read_bytes() == write_two_layers(tmp_path / "whole.h5").read_bytes()


def test_the_same_content_gives_the_same_bytes_at_another_time(tmp_path: Path) -> None:
    first = hashlib.sha256(write_two_layers(tmp_path / "first.h5").read_bytes()).hexdigest()
    time.sleep(1.1)  # HDF5 stores times in whole seconds
    assert hashlib.sha256(write_two_layers(tmp_path / "second.h5").read_bytes()).hexdigest() == first


def test_generators_are_taken_one_layer_at_a_time(tmp_path: Path) -> None:
    layers, drawn = two_layers(), []

    def inputs() -> Iterator[Any]:
        for layer in layers:
            drawn.append(layer.name)
            yield layer.inputs[0]

    def outputs() -> Iterator[Any]:
        yield None
        assert drawn == ["conv1", "dense1"]  # conv1 was stored before dense1 was asked for
        yield layers[1].outputs[0]

    with TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS) as writer:
        writer.append(inputs(), outputs())
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.samples == 1 and trace.labels is None and trace.provenance == {}
        assert np.array_equal(trace.layers[1].inputs(0), layers[1].inputs[0])


def test_the_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "t.h5"
    with TraceWriter(path, _parameters(), TIMESTEPS) as writer:
        _append_all(writer)
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["t.h5"]
    with open_trace(path) as trace:
        assert trace.samples == SAMPLES


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "t.h5"
    path.write_text("old")
    with pytest.raises(interruption), TraceWriter(path, _parameters(), TIMESTEPS) as writer:
        _append_all(writer)
        raise interruption
    assert [p.name for p in tmp_path.iterdir()] == ["t.h5"] and path.read_text() == "old"


def _one(layer: int, array: str, value: Any) -> dict[str, Any]:
    """The first sample, with one array replaced."""
    layers = two_layers()
    sample = {"inputs": [x.inputs[0] for x in layers], "outputs": [None, layers[1].outputs[0]]}
    sample[array][layer] = value
    return sample


ZEROS = np.zeros((TIMESTEPS, 2, 9, 7), np.int64)
BAD_SAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "shape": (_one(0, "inputs", ZEROS[1:]), r"sample 0: layer conv1: inputs: the shape must be \(5, 2, 9, 7\), .*"),
    "range": (_one(0, "inputs", ZEROS + 4), "sample 0: layer conv1: inputs: values must be 0 to 3, found 4 to 4"),
    "signed": (_one(0, "inputs", ZEROS - 1), "sample 0: layer conv1: inputs: values must be 0 to 3, found -1 to -1"),
    "float": (_one(0, "inputs", ZEROS * 1.0), "sample 0: layer conv1: inputs: values must be integers, found float64"),
    "no-outputs": (_one(1, "outputs", None), "sample 0: layer dense1: outputs must be given"),
    "outputs": (_one(0, "outputs", ZEROS), "sample 0: layer conv1: outputs must not be given"),
    "outputs-range": (
        _one(1, "outputs", np.full((5, 6, 1, 1), 2)),
        "sample 0: layer dense1: outputs: values must be 0 to 1, found 2 to 2",
    ),
    "few-layers": ({"inputs": [ZEROS]}, "sample 0: one array for each of 2 layers is needed"),
    "more-layers": (
        {"inputs": [x.inputs[0] for x in two_layers()] + [ZEROS], "outputs": _one(0, "inputs", ZEROS)["outputs"]},
        "sample 0: one array for each of 2 layers is needed",
    ),
    "label": ({**_one(0, "inputs", ZEROS), "label": 1.5}, "label must be an integer, found 1.5"),
}


@pytest.mark.parametrize("case", BAD_SAMPLES)
def test_a_bad_sample_is_refused_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    sample, message = BAD_SAMPLES[case]
    with (
        pytest.raises(TraceError, match=rf"t\.h5: {message}$") as error,
        TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS) as writer,
    ):
        writer.append(**sample)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_append_ends_the_writer(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS)
    with pytest.raises(TraceError):
        writer.append([])
    for call in (lambda: writer.append([]), writer.close):
        with pytest.raises(TraceError, match=r"t\.h5: the writer is closed$"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_what_the_caller_s_generator_raises_passes_unchanged(tmp_path: Path) -> None:
    def failing() -> Iterator[Any]:
        yield two_layers()[0].inputs[0]
        raise KeyError("a bug of the recorder")

    with (
        pytest.raises(KeyError, match="a bug of the recorder"),
        TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS) as writer,
    ):
        writer.append(failing(), [None, two_layers()[1].outputs[0]])
    assert list(tmp_path.iterdir()) == []


def test_labels_for_all_or_none(tmp_path: Path) -> None:
    sample = _one(0, "inputs", ZEROS)
    with (
        pytest.raises(TraceError, match="labels: either every sample has one or none has"),
        TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS) as writer,
    ):
        writer.append(**sample)
        writer.append(**sample, label=3)


def test_what_write_trace_refuses(tmp_path: Path) -> None:
    layers = two_layers()
    shorter = conv2d_layer("short", layers[0].inputs[:, 1:], layers[0].weights, 3, neuron(4), groups=2, input_bits=2)
    for arguments, message in (
        (([],), "at least one layer is needed, found none"),
        (([layers[1], shorter],), r"layer short: every layer must have \(N, T\) = \(3, 5\) .*, found \(3, 4\)"),
        (([layers[1], layers[1]],), "the names of layers must differ, found dense1, dense1"),
        ((layers, {}, [1, 2]), "labels: N = 3 are needed, found 2"),
        ((layers, {"a": object()}), "provenance: values must be .*, found object"),
        ((layers, {"a": ["\ud800"]}), "provenance: must be text that UTF-8 can express, found half a character, .*"),
        ((layers, {"a": float("nan")}), "provenance: Out of range float values.*"),
        ((layers, {"a": "x" * 60_000}), "provenance: at most 60000 bytes are allowed, found 60009"),
    ):
        with pytest.raises(TraceError, match=rf"t\.h5: {message}"):
            write_trace(tmp_path / "t.h5", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_no_samples(tmp_path: Path) -> None:
    with (
        pytest.raises(TraceError, match="at least one sample"),
        TraceWriter(tmp_path / "t.h5", _parameters(), TIMESTEPS),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_layout_of_the_file_is_the_documented_one(tmp_path: Path) -> None:
    """Chunks belong to one sample, hold whole timesteps, and everything that has a size is checksummed."""
    shape = LayerShape.linear(2**22, 1)  # 512 KiB of spikes in a timestep
    layer = LayerParameters("dense", shape, np.ones(shape.weight_shape, np.int8), 2, neuron(1))
    with TraceWriter(tmp_path / "t.h5", [layer], TIMESTEPS) as writer:
        for _ in range(2):
            writer.append([np.zeros((TIMESTEPS, *shape.input_shape), np.uint8)])
    with h5py.File(tmp_path / "t.h5") as file:
        inputs, weights = file["layers/0/inputs"], file["layers/0/weights"]
        assert inputs.chunks == (1, 2, 2**19) and weights.dtype == np.int8
        for dataset in (inputs, weights, file["layers/0/threshold"]):
            assert dataset.fletcher32 and dataset.shuffle and dataset.compression == "gzip"
            assert np.prod(dataset.chunks) * dataset.dtype.itemsize <= 2**20


def test_weights_keep_to_the_smallest_dtype(tmp_path: Path) -> None:
    for bits, dtype in ((2, np.int8), (8, np.int8), (9, np.int16), (16, np.int16), (17, np.int32), (32, np.int32)):
        shape = LayerShape.linear(3, 2)
        lowest = np.full(shape.weight_shape, -(2 ** (bits - 1)))
        with TraceWriter(tmp_path / "t.h5", [LayerParameters("d", shape, lowest, bits, neuron(2))], 1) as writer:
            writer.append([np.ones((1, 3, 1, 1), bool)])
        with h5py.File(tmp_path / "t.h5") as file:
            assert file["layers/0/weights"].dtype == dtype
        with open_trace(tmp_path / "t.h5") as trace:
            assert np.array_equal(trace.layers[0].weights(), lowest)


def test_reading_while_replacing_sees_the_old_file(tmp_path: Path) -> None:
    path = write_two_layers(tmp_path / "t.h5")
    with open_trace(path) as trace:
        write_trace(path, two_layers()[:1])
        assert len(read_everything(trace)) > 20  # the open trace still has both layers
    with open_trace(path) as trace:
        assert len(trace.layers) == 1
