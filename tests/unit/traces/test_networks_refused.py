"""Networks that contradict themselves or were damaged are refused: by name, in one line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.traces import GraphBuilder, Neuron, Trace, TraceError, open_trace

Change = Callable[[h5py.File], Any]
CHANGED = r"the values do not have the checksum [0-9a-f]{16}\.\.\., they were changed or damaged"

# Tensors of the small network: 0 x, 1 conv, 2 back, 3 spikes, 4 sum. Operators: 0 conv, 1 back, 2 spikes, 3 sum.


def small_network(path: Path) -> Path:
    """A convolution, a convolution of what came out a timestep earlier, neurons, and a sum; 2 samples, labels."""
    random = np.random.default_rng(5)
    graph = GraphBuilder(timesteps=3)
    x = graph.input("x", random.integers(0, 4, (2, 3, 2, 4, 5)), bits=2)
    conv = graph.conv2d(
        "conv", x, random.integers(-4, 4, (2, 2, 3, 3)), weight_bits=3, padding=1, bias=np.array([1, 2])
    )
    back = graph.delayed("spikes", (2, 4, 5))
    again = graph.conv2d("back", back, random.integers(-4, 4, (2, 2, 1, 1)), weight_bits=3)
    spikes = graph.neuron("spikes", [conv, again], Neuron("lif", [4, 5], 8, leak_numerator=1, leak_shift=1))
    graph.add("sum", [spikes, x])
    graph.write(path, labels=[3, 4], provenance={"model": "small"})
    return path


def rewritten(place: str, name: str, value: Any) -> Change:
    """Give a dataset another element, and the checksum that belongs to it."""

    def change(file: h5py.File) -> None:
        dataset = file[place]
        dataset[(0,) * dataset.ndim] = value
        if name:
            dataset.attrs[name] = np.bytes_(hashlib.sha256(np.ascontiguousarray(dataset[()])).hexdigest())

    return change


def attribute(place: str, name: str, value: Any) -> Change:
    """Give an attribute another value; None removes it."""

    def change(file: h5py.File) -> None:
        if value is None:
            del file[place].attrs[name]
        else:
            file[place].attrs[name] = np.bytes_(value) if isinstance(value, str) else value

    return change


def member(place: str, array: Any = None) -> Change:
    """Replace a member by an array, or remove it."""

    def change(file: h5py.File) -> None:
        if place in file:
            del file[place]
        if array is not None:
            file[place] = array
            file[place].attrs["sha256"] = np.bytes_(hashlib.sha256(array).hexdigest())

    return change


AT_OPEN: dict[str, tuple[Change, str]] = {
    "version-3": (
        attribute("/", "version", 3),
        "has version 3 of the trace format; this spikecycle reads up to 2: update it",
    ),
    "cycle": (
        attribute("operators/1", "delays", [0]),
        "operators spikes, back wait for each other: a cycle needs an input with delay 1",
    ),
    "own-output": (
        attribute("operators/3", "inputs", [4, 0]),
        "operators sum wait for each other: a cycle needs an input with delay 1",
    ),
    "nobody-makes-it": (
        lambda f: [f["tensors/0"].__delitem__("values"), f["tensors/0"].__delitem__("sha256")],
        "tensor x: no operator makes it, and it is not recorded",
    ),
    "two-make-it": (
        attribute("operators/3", "output", 3),
        "operator sum: its output, tensor spikes, is made by operator spikes already",
    ),
    "same-operator-name": (
        attribute("operators/3", "name", "conv"),
        "operator conv: the name is taken by an earlier operator; names must differ",
    ),
    "same-tensor-name": (
        attribute("tensors/4", "name", "x"),
        "tensor x: the name is taken by an earlier tensor; names must differ",
    ),
    "output-shape": (
        attribute("operators/0", "padding", [0, 0, 0, 0]),
        r"operator conv: its output has shape \(2, 2, 3\), found tensor conv of shape \(2, 4, 5\)",
    ),
    "inputs-of-one-shape": (
        attribute("tensors/1", "shape", [2, 5, 4]),
        r"operator spikes: its inputs must have one shape, found conv of \(2, 5, 4\) and back of \(2, 4, 5\)|"
        r"operator conv: its output has shape \(2, 4, 5\), found tensor conv of shape \(2, 5, 4\)",
    ),
    "weights-do-not-meet": (
        lambda f: attribute("operators/0", "groups", 2)(f),
        r"operator conv: weights: the shape must be \(2, 1, 3, 3\), found \(2, 2, 3, 3\)",
    ),
    "neurons-have-another-shape": (
        member("operators/2/threshold", np.array([4, 5, 6], np.int32)),
        r"operator spikes: threshold: the shape must be \(1,\) or \(2,\) or \(2, 4, 5\), found \(3,\)",
    ),
    "spikes-of-two-bits": (
        lambda f: [attribute("tensors/3", "bits", 2)(f), member("tensors/3/values")(f), member("tensors/3/sha256")(f)],
        "operator spikes: its output has 1 unsigned bits, found tensor spikes of 2 unsigned bits",
    ),
    "no-such-tensor": (
        attribute("operators/3", "inputs", [2, 9]),
        r"operator sum: inputs\[1\]: there is no tensor 9; tensors are 0 to 4",
    ),
    "no-such-output": (
        attribute("operators/3", "output", -1),
        "operator sum: output: there is no tensor -1; tensors are 0 to 4",
    ),
    "delay-2": (attribute("operators/1", "delays", [2]), "operator back: delay must be 0 to 1, found 2"),
    "too-few-delays": (
        attribute("operators/3", "delays", [0]),
        r"operator sum: delays: must be 2 integers, found int64 of shape \(1,\)",
    ),
    "too-few-inputs": (
        lambda f: [attribute("operators/3", "inputs", [2])(f), attribute("operators/3", "delays", [0])(f)],
        "operator sum: kind add takes 2 to 256 inputs, found 1",
    ),
    "no-inputs": (
        attribute("operators/3", "inputs", np.zeros(0, int)),
        r"operator sum: inputs: must be 1 to 256 integers, found shape \(0,\)",
    ),
    "unknown-kind": (
        attribute("operators/3", "kind", "softmax"),
        "operator sum: kind must be one of add, attention, concatenate, conv1d, .*, pool, found softmax",
    ),
    "unknown-attribute": (
        attribute("operators/0", "dilatation", [1, 1]),
        "operator conv: unknown attribute 'dilatation'; known are delays, dilation, .*",
    ),
    "missing-attribute": (
        attribute("operators/0", "dilation", None),
        "operator conv: attribute 'dilation' is missing",
    ),
    "missing-weights": (member("operators/0/weights"), "operator conv: member 'weights' is missing"),
    "unknown-member": (
        member("operators/3/weights", np.zeros(3)),
        "operator sum: unknown member 'weights'; known are.*",
    ),
    "missing-name": (attribute("operators/1", "name", None), "operator 1: attribute 'name' is missing"),
    "checksum-missing": (
        attribute("operators/0/weights", "sha256", None),
        "operator conv: weights: attribute 'sha256' is missing",
    ),
    "checksums-missing": (member("tensors/0/sha256"), "tensor x: member 'sha256' is missing"),
    "threshold-changed": (
        rewritten("operators/2/threshold", "", 3),
        f"operator spikes: threshold: {CHANGED}",
    ),
    "threshold-impossible": (
        rewritten("operators/2/threshold", "sha256", 128),
        "operator spikes: threshold must lie in 1 to 127, the range of 8 potential_bits, found 5 to 128",
    ),
    "provenance-changed": (
        attribute("/", "provenance", '{"model": "large"}'),
        f"provenance: {CHANGED}",
    ),
    "labels-changed": (
        rewritten("labels", "", 9),
        f"labels: {CHANGED}",
    ),
    "sum-too-large": (
        lambda f: [
            attribute("tensors/0", "bits", 60)(f),
            member("tensors/0/values", np.zeros((2, 3, 2, 4, 5), np.uint64))(f),
            f["tensors/0/values"].attrs.__delitem__("sha256"),
        ],
        "operator conv: the output may reach [0-9]+; at most 4611686018427387904 is allowed",
    ),
    "values-of-another-type": (
        attribute("tensors/0", "bits", 9),
        "tensor x: values: the dtype must be uint16, found uint8",
    ),
    "too-many-samples": (
        lambda f: [attribute("/", "N", 3)(f), member("labels")(f)],
        r"tensor x: values: the shape must be \(3, 3, 2, 4, 5\), found \(2, 3, 2, 4, 5\)",
    ),
    "huge-tensor": (
        lambda f: [attribute("tensors/1", "shape", [2**20, 2**10, 1])(f)],
        "tensor conv: at most 1073741824 values of one sample are allowed, found 3221225472",
    ),
    "no-operators": (
        lambda f: [f.__delitem__("operators"), f.create_group("operators")],
        "operators: 1 to 4096 groups are allowed, found 0",
    ),
    "operators-misnumbered": (
        lambda f: f.move("operators/3", "operators/7"),
        "operators: unknown group '7'; known are 0, 1, 2, 3",
    ),
    "external-operator": (
        lambda f: [
            f.__delitem__("operators/3"),
            f["operators"].__setitem__("3", h5py.ExternalLink("/etc/passwd", "/")),
        ],
        "operators: 3: is a soft or external link; allowed are only objects in this file",
    ),
    "soft-linked-weights": (
        lambda f: [
            f.__delitem__("operators/0/weights"),
            f["operators/0"].__setitem__("weights", h5py.SoftLink("/labels")),
        ],
        "operator conv: weights: is a soft or external link; allowed are only objects in this file",
    ),
    "name-of-two-lines": (
        attribute("operators/3", "name", "two\nlines"),
        "operator 3: name must be 1 to 120 printable characters, found 'two.*lines'",
    ),
}


@pytest.mark.parametrize("case", AT_OPEN)
def test_what_metadata_tell_is_refused_at_open(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    change, message = AT_OPEN[case]
    path = small_network(Path("bad.h5"))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(TraceError) as error:
        open_trace(path)
    assert re.fullmatch(f"bad.h5: (?:{message})", str(error.value)), str(error.value)


WHEN_READ: dict[str, tuple[Change, str]] = {
    "weights-changed": (
        rewritten("operators/0/weights", "", 3),
        f"operator conv: weights: {CHANGED}",
    ),
    "code-too-large": (
        rewritten("operators/0/weights", "sha256", 4),
        "operator conv: weights: values must be -4 to 3, found -4 to 4",
    ),
    "bias-changed": (
        rewritten("operators/0/bias", "", 3),
        f"operator conv: bias: {CHANGED}",
    ),
    "spikes-changed": (
        lambda f: f["tensors/3/values"].__setitem__((1, 2, 0), f["tensors/3/values"][1, 2, 0] ^ 1),
        f"tensor spikes: values of sample 1: {CHANGED}",
    ),
    "value-too-large": (
        lambda f: [f["tensors/0/values"].__setitem__((0, 0, 0, 0, 0), 4), with_checksum(f, 0, 0)],
        "tensor x: values of sample 0: values must be 0 to 3, found 0 to 4",
    ),
}


def with_checksum(file: h5py.File, tensor: int, sample: int) -> None:
    """The checksum that belongs to a sample."""
    digest = hashlib.sha256(np.ascontiguousarray(file[f"tensors/{tensor}/values"][sample])).digest()
    file[f"tensors/{tensor}/sha256"][sample] = np.frombuffer(digest, np.uint8)


def read_everything(trace: Trace) -> list[Any]:
    """All content of a network as plain comparable values."""
    labels = None if trace.labels is None else trace.labels.tolist()
    content: list[Any] = [trace.samples, trace.timesteps, trace.provenance, labels]
    for operator in trace.operators:
        content += [operator.name, operator.kind, operator.inputs, operator.output, dict(operator.attributes())]
        content += [{name: array.tolist() for name, array in operator.arrays().items()}]
    for tensor in trace.tensors.values():
        content += [tensor.spec, tensor.producer]
        for sample in range(trace.samples):
            values = tensor.values(sample)
            content.append(None if values is None else values.tolist())
    return content


@pytest.mark.parametrize("case", WHEN_READ)
def test_what_only_reading_shows_is_refused_then(tmp_path: Path, case: str) -> None:
    change, message = WHEN_READ[case]
    path = small_network(tmp_path / "bad.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with open_trace(path) as trace, pytest.raises(TraceError) as error:
        read_everything(trace)
    assert re.fullmatch(f"{re.escape(str(path))}: {message}", str(error.value)), str(error.value)


def test_a_closed_network_says_so(tmp_path: Path) -> None:
    with open_trace(small_network(tmp_path / "t.h5")) as trace:
        pass
    for read in (lambda: trace.operators[0].arrays(), lambda: trace.tensors["x"].values(0)):
        with pytest.raises(TraceError, match=r"t\.h5: (operator conv|tensor x): the trace is closed$"):
            read()


def test_a_sample_that_is_not_there(tmp_path: Path) -> None:
    with open_trace(small_network(tmp_path / "t.h5")) as trace:
        for sample in (-1, 2):
            with pytest.raises(TraceError, match=rf"tensor x: sample must be 0 to 1, found {sample}$"):
                trace.tensors["x"].values(sample)


def test_a_network_is_no_list_of_layers(tmp_path: Path) -> None:
    with open_trace(small_network(tmp_path / "t.h5")) as trace:
        assert not trace.has_layers
        with pytest.raises(
            TraceError, match=r"t\.h5: holds a network of operators \(version 2\), not a list of layers$"
        ):
            _ = trace.layers


def _outcome(path: Path, content: bytes, expected: list[Any]) -> str:
    path.write_bytes(content)
    try:
        with open_trace(path) as trace:
            return "same" if read_everything(trace) == expected else "different"
    except TraceError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return "refused"


def test_damage_anywhere_is_refused_or_meaningless(tmp_path: Path) -> None:
    path = small_network(tmp_path / "whole.h5")
    with open_trace(path) as trace:
        expected = read_everything(trace)
    whole = path.read_bytes()
    for length in range(0, len(whole), 1301):
        assert _outcome(tmp_path / "cut.h5", whole[:length], []) == "refused", length
    outcomes = []
    for position in range(7, len(whole), 211):
        content = bytearray(whole)
        content[position] ^= 1 << (position % 8)
        outcomes.append(_outcome(tmp_path / "flipped.h5", bytes(content), expected))
    assert set(outcomes) <= {"refused", "same"}
    assert outcomes.count("refused") > len(outcomes) // 4
