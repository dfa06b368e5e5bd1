"""Whatever metadata tell is refused when the file is opened, in one line that names file, layer and field."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.traces import TraceError, open_trace
from tests.unit.traces.builders import damage

Change = Callable[[h5py.File], None]


def attribute(path: str, name: str, value: Any) -> Change:
    return lambda file: file[path].attrs.__setitem__(name, value)


def no_attribute(path: str, name: str) -> Change:
    return lambda file: file[path].attrs.__delitem__(name)


def member(path: str, value: Any = None, **options: Any) -> Change:
    def change(file: h5py.File) -> None:
        if path in file:
            del file[path]
        if value is not None:
            file.create_dataset(path, data=value, **options)

    return change


def text(value: str) -> np.bytes_:
    return np.bytes_(value)


HUGE_SUM = {"C": 2**24, "M": 1, "weight_bits": 32, "input_bits": 16}

# What is done to a good file, and the rest of the line after "<file>: ".
AT_OPEN: dict[str, tuple[Change, str]] = {
    "foreign": (no_attribute("/", "format"), "is an HDF5 file but not a trace: attribute 'format' is missing"),
    "other-format": (
        attribute("/", "format", text("nir")),
        "is not a trace: attribute 'format' must be 'spikecycle-trace', found 'nir'",
    ),
    "future": (
        attribute("/", "version", 3),
        "has version 3 of the trace format; this spikecycle reads up to 2: update it",
    ),
    "version-0": (attribute("/", "version", 0), r"version must be 1 to \d+, found 0"),
    "version-text": (attribute("/", "version", text("1")), "version: must be an integer, found .*S1.*"),
    "version-missing": (no_attribute("/", "version"), "version: .*"),
    "root-attribute-missing": (no_attribute("/", "T"), "attribute 'T' is missing"),
    "root-attribute-unknown": (
        attribute("/", "autor", 1),
        "unknown attribute 'autor'; known are N, T, format, provenance, version",
    ),
    "root-member-unknown": (member("/extra", [1]), "unknown member 'extra'; known are labels, layers"),
    "format-unprintable": (
        attribute("/", "format", text("a\x1b[2J\nb" + "c" * 100)),
        r"is not a trace: attribute 'format' must be '.*', found 'a\\x1b\[2J\\nbc+\.\.\.'",
    ),
    "N-nan": (attribute("/", "N", np.nan), "N: must be an integer, found nan"),
    "N-negative": (attribute("/", "N", -3), r"N must be 1 to \d+, found -3"),
    "N-vector": (attribute("/", "N", [3, 3]), r"N: must be an integer, found int64 of shape \(2,\)"),
    "N-contradicts": (
        attribute("/", "N", 4),
        r"labels: the shape must be \(4,\), found \(3,\)",
    ),
    "T-contradicts": (
        attribute("/", "T", 6),
        r"layer conv1: inputs: the shape must be \(3, 6, 2, 9, 7\), found \(3, 5, 2, 9, 7\)",
    ),
    "provenance-broken": (attribute("/", "provenance", text("{oops")), "provenance: Expecting property name.*"),
    "provenance-list": (attribute("/", "provenance", text("[1]")), r"provenance: must be a JSON object, found \[1\]"),
    "provenance-nan": (attribute("/", "provenance", text('{"a": NaN}')), "provenance: NaN is not allowed in JSON"),
    "provenance-half-character": (
        attribute("/", "provenance", text('{"a": {"\\ud800": 1}}')),
        r"provenance: must be text that UTF-8 can express, found half a character, \\ud800",
    ),
    "provenance-deep": (
        attribute("/", "provenance", text("[" * 50_000)),
        "provenance: (the JSON is nested too deeply|Expecting value.*)",
    ),
    "text-too-long": (
        attribute("layers/0", "operator", text("c" * 1025)),
        "layer conv1: operator: at most 1024 bytes are allowed, found 1025",
    ),
    "labels-float": (member("labels", [1.0, 2.0, 3.0]), "labels: the dtype must be int64, found float64"),
    "no-layers": (lambda f: [f["layers"].__delitem__(n) for n in "01"], "layers: at least one layer is needed, .*"),
    "layers-missing": (lambda f: f.__delitem__("layers"), "member 'layers' is missing"),
    "layers-dataset": (member("layers", [1]), "layers must be an HDF5 group, found a dataset"),
    "layers-gap": (lambda f: f["layers"].move("1", "2"), "unknown layer '2'; known are 0, 1"),
    "layer-names-equal": (
        attribute("layers/1", "name", text("conv1")),
        "layer 1: name conv1 is taken by an earlier layer; names must differ",
    ),
    "layer-name-lines": (attribute("layers/1", "name", text("a\nb")), r"layer 1: name must be .*, found 'a\\nb'"),
    "layer-attribute-unknown": (attribute("layers/0", "strides", 1), "layer 0: unknown attribute 'strides'; .*"),
    "layer-attribute-missing": (no_attribute("layers/0", "C"), "layer 0: attribute 'C' is missing"),
    "layer-member-unknown": (
        member("layers/0/output", [1]),
        "layer conv1: unknown member 'output'; known are bias, .*",
    ),
    "layer-member-missing": (member("layers/0/threshold"), "layer conv1: member 'threshold' is missing"),
    "operator": (
        attribute("layers/0", "operator", text("conv3d")),
        "layer conv1: operator must be one of conv2d, linear, found conv3d",
    ),
    "text-variable-length": (
        attribute("layers/0", "operator", "conv2d"),
        "layer conv1: operator: must be text of fixed length .*, found text of variable length",
    ),
    "text-not-utf8": (attribute("layers/0", "operator", np.bytes_(b"\xff")), "layer conv1: operator: 'utf-8' codec.*"),
    "size-nan": (attribute("layers/0", "C", np.nan), "layer conv1: C: must be an integer, found nan"),
    "size-negative": (attribute("layers/0", "H", -1), r"layer conv1: H must be 1 to \d+, found -1"),
    "size-huge": (attribute("layers/0", "H", 2**40), r"layer conv1: H must be 1 to \d+, found 1099511627776"),
    "size-over-memory": (
        lambda f: [f["layers/0"].attrs.__setitem__(letter, 2**20) for letter in "HW"],
        r"layer conv1: inputs of one sample: at most 1073741824 values are allowed, found \d+",
    ),
    "size-contradicts": (
        attribute("layers/0", "H", 8),
        r"layer conv1: inputs: the shape must be \(3, 5, 2, 8, 7\), found \(3, 5, 2, 9, 7\)",
    ),
    "kernel-too-large": (attribute("layers/0", "R", 12), "layer conv1: a 12x3 kernel does not fit a 9x7 map .*"),
    "stride-one": (attribute("layers/0", "stride", [1]), r"layer conv1: stride: must be two integers .*"),
    "stride-zero": (attribute("layers/0", "stride", [1, 0]), r"layer conv1: stride\[1\] must be 1 to .*, found 0"),
    "padding-negative": (attribute("layers/0", "padding", [-1, 0]), r"layer conv1: padding\[0\] must be 0 to .*"),
    "groups": (attribute("layers/0", "groups", 3), r"layer conv1: groups \(3\) must divide C \(2\) and M \(4\)"),
    "linear-with-map": (
        attribute("layers/0", "operator", text("linear")),
        "layer conv1: a linear layer has H = W = .*",
    ),
    "input-bits": (attribute("layers/0", "input_bits", 17), "layer conv1: input_bits must be 1 to 16, found 17"),
    "input-bits-dtype": (attribute("layers/0", "input_bits", 9), "layer conv1: inputs: the dtype must be uint16, .*"),
    "weight-bits": (attribute("layers/0", "weight_bits", 1), "layer conv1: weight_bits must be 2 to 32, found 1"),
    "sum-overflows": (
        lambda f: [
            *(f["layers/1"].attrs.__setitem__(name, value) for name, value in HUGE_SUM.items()),
            member("layers/1/threshold", np.array([3], np.int32))(f),
        ],
        r"layer dense1: C/groups x R x S x 2\*\*\(weight_bits - 1 \+ input_bits\) must be at most \d+, found \d+",
    ),
    "neuron": (attribute("layers/0", "neuron", text("alif")), "layer conv1: neuron must be one of lif, if, found alif"),
    "reset": (attribute("layers/0", "reset", text("none")), "layer conv1: reset must be one of hard, soft, found none"),
    "reset-value": (attribute("layers/0", "reset_value", 20), "layer conv1: reset_value must be -32768 to 19, .*"),
    "potential-bits": (attribute("layers/0", "potential_bits", 33), "layer conv1: potential_bits must be 2 to 32, .*"),
    "leak-above-1": (
        attribute("layers/0", "leak_numerator", 17),
        r"layer conv1: the leak must lie in 0 to 1, found .*",
    ),
    "leak-of-if": (attribute("layers/0", "neuron", text("if")), "layer conv1: an `if` neuron has no leak: .*"),
    "threshold-zero": (
        member("layers/0/threshold", np.zeros(4, np.int32)),
        "layer conv1: threshold must lie in 1 to 32767, the range of 16 potential_bits, found 0 to 0",
    ),
    "threshold-shape": (
        member("layers/0/threshold", np.ones(5, np.int32)),
        r"layer conv1: threshold: the shape must be \(4,\), found \(5,\)",
    ),
    "threshold-float": (
        member("layers/0/threshold", np.ones(4)),
        "layer conv1: threshold: the dtype must be int32, found float64",
    ),
    "scale-nan": (
        member("layers/0/weight_scale", [1.0, 2.0, np.nan, 4.0]),
        "layer conv1: weight_scale must be finite and above 0, found nan",
    ),
    "scale-zero": (
        member("layers/0/weight_scale", [0.0]),
        "layer conv1: weight_scale must be finite and above 0, found 0.0",
    ),
    "scale-shape": (
        member("layers/0/weight_scale", [1.0, 2.0]),
        r"layer conv1: weight_scale: the shape must be \(1,\) or \(4,\), found \(2,\)",
    ),
    "bias-shape": (member("layers/1/bias", np.ones(5, np.int32)), r"layer dense1: bias: the shape must be \(6,\), .*"),
    "weights-dtype": (
        member("layers/0/weights", np.ones((4, 1, 3, 3), np.uint8)),
        "layer conv1: weights: the dtype must be int8 or int16 or int32, found uint8",
    ),
    "weights-object": (
        lambda f: [
            member("layers/0/weights")(f),
            f["layers/0"].create_dataset("weights", (4, 1, 3, 3), h5py.string_dtype()),
        ],
        "layer conv1: weights: the dtype must be int8 or int16 or int32, found object",
    ),
    "weights-shape": (
        member("layers/0/weights", np.ones((4, 2, 3, 3), np.int8)),
        r"layer conv1: weights: the shape must be \(4, 1, 3, 3\), found \(4, 2, 3, 3\)",
    ),
    "inputs-group": (
        lambda f: [member("layers/0/inputs")(f), f.create_group("layers/0/inputs")],
        "layer conv1: inputs: must be an HDF5 dataset, found a group",
    ),
    "inputs-of-other-T": (
        member("layers/1/inputs", np.zeros((3, 4, 2), np.uint8)),
        r"layer dense1: inputs: the shape must be \(3, 5, 2\), found \(3, 4, 2\)",
    ),
    "outputs-of-other-N": (
        member("layers/1/outputs", np.zeros((2, 5, 1), np.uint8)),
        r"layer dense1: outputs: the shape must be \(3, 5, 1\), found \(2, 5, 1\)",
    ),
    "filter-unknown": (
        member("layers/1/bias", np.ones(6, np.int32), compression="lzf"),
        "layer dense1: bias: filters must be among gzip, shuffle, fletcher32, found number 32000",
    ),
    "chunk-huge": (
        lambda f: [
            member("layers/1/inputs")(f),
            f["layers/1"].create_dataset("inputs", (3, 5, 2), "u1", maxshape=(None,) * 3, chunks=(2**10, 2**10, 2**9)),
        ],
        "layer dense1: inputs: a chunk must be at most 134217728 bytes, found 536870912",
    ),
    "soft-link": (
        lambda f: [member("layers/1/bias")(f), f["layers/1"].__setitem__("bias", h5py.SoftLink("/labels"))],
        "layer dense1: bias: is a soft or external link; allowed are only objects in this file",
    ),
    "dangling-link": (
        lambda f: [member("layers/1/outputs")(f), f["layers/1"].__setitem__("outputs", h5py.SoftLink("/nowhere"))],
        "layer dense1: outputs: is a soft or external link; allowed are only objects in this file",
    ),
    "external-link": (
        lambda f: [f.__delitem__("labels"), f.__setitem__("labels", h5py.ExternalLink("/etc/passwd", "/"))],
        "labels: is a soft or external link; allowed are only objects in this file",
    ),
    "external-values": (
        member("labels", np.zeros(3, np.int64), external=[("elsewhere.bin", 0, 24)]),
        "labels: the values lie in another file; allowed are only values in this file",
    ),
    "virtual-values": (
        lambda f: [f.__delitem__("labels"), f.create_virtual_dataset("labels", h5py.VirtualLayout((3,), np.int64))],
        "labels: the values lie in another file; allowed are only values in this file",
    ),
}


@pytest.mark.parametrize("case", AT_OPEN)
def test_what_metadata_tell_is_refused_at_open(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    change, message = AT_OPEN[case]
    path = damage(Path("bad.h5"), change)
    with pytest.raises(TraceError) as error:
        open_trace(path)
    assert re.fullmatch(f"bad.h5: {message}", str(error.value)), str(error.value)
