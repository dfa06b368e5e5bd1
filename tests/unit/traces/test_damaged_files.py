"""Values that only reading shows, files that are no traces, and damage anywhere in a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from spikecycle.traces import TraceError, open_trace
from tests.unit.traces.builders import damage, read_everything, write_two_layers

Change = Callable[[h5py.File], None]


def _weights(value: int) -> Change:
    return lambda file: file["layers/0/weights"].__setitem__((1, 0, 2, 2), value)


WHEN_READ: dict[str, tuple[Change, str]] = {
    "code-too-large": (_weights(4), "layer conv1: weights: values must be -4 to 3, found -4 to 4"),
    "code-too-small": (_weights(-5), "layer conv1: weights: values must be -4 to 3, found -5 to 3"),
    "input-too-large": (
        lambda f: f["layers/0/inputs"].__setitem__((0, 0, 0, 0, 0), 4),
        "layer conv1: inputs: values must be 0 to 3, found 0 to 4",
    ),
    "spare-input-bit": (
        lambda f: f["layers/1/inputs"].__setitem__((0, 3, 1), 0b0010_0000),
        "layer dense1: inputs: a spare bit after the last position is set; allowed is 0",
    ),
    "spare-output-bit": (
        lambda f: f["layers/1/outputs"].__setitem__((0, 0, 0), 0b1000_0000),
        "layer dense1: outputs: a spare bit after the last position is set; allowed is 0",
    ),
}


@pytest.mark.parametrize("case", WHEN_READ)
def test_values_out_of_range_are_refused_when_they_are_read(tmp_path: Path, case: str) -> None:
    change, message = WHEN_READ[case]
    path = damage(tmp_path / "bad.h5", change)
    with open_trace(path) as trace, pytest.raises(TraceError) as error:
        read_everything(trace)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("sample", [-1, 3])
def test_a_sample_that_is_not_there(tmp_path: Path, sample: int) -> None:
    with open_trace(write_two_layers(tmp_path / "t.h5")) as trace:
        for read in (trace.layers[1].inputs, trace.layers[1].outputs):
            with pytest.raises(TraceError, match=rf"t\.h5: layer dense1: sample must be 0 to 2, found {sample}$"):
                read(sample)


def test_a_closed_trace_says_so(tmp_path: Path) -> None:
    with open_trace(write_two_layers(tmp_path / "t.h5")) as trace:
        layer = trace.layers[1]
    for read in (layer.weights, layer.bias, lambda: layer.inputs(0), lambda: layer.outputs(0)):
        with pytest.raises(TraceError, match=r"t\.h5: layer dense1: the trace is closed$"):
            read()


def test_files_that_are_no_files(tmp_path: Path) -> None:
    text_file, pipe = tmp_path / "notes.txt", tmp_path / "pipe"
    text_file.write_text("not HDF5")
    os.mkfifo(pipe)
    for path, message in (
        (tmp_path / "missing.h5", "No such file or directory"),
        (tmp_path / "folder.h5" / "missing.h5", "No such file or directory"),
        (tmp_path, "is a directory"),
        (text_file, "is not an HDF5 file, so not a trace"),
        (pipe, "is not a regular file"),
    ):
        with pytest.raises(TraceError) as error:
            open_trace(path)
        assert str(error.value) == f"{path}: {message}"


def test_an_empty_file_and_a_line_break_in_the_name(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.h5"
    path.touch()
    with pytest.raises(TraceError) as error:
        open_trace(path)
    assert str(error.value).endswith(r"two\nlines.h5: is not an HDF5 file, so not a trace")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_two_layers(tmp_path / "t.h5")
    path.chmod(0)
    with pytest.raises(TraceError, match=r"t\.h5: Permission denied$"):
        open_trace(path)


def test_a_file_that_fails_to_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_two_layers(tmp_path / "t.h5")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("spikecycle.files.os.open", refuse)
    with pytest.raises(TraceError, match=r"t\.h5: Permission denied$"):
        open_trace(path)


def _outcome(path: Path, content: bytes, expected: list[Any]) -> str:
    path.write_bytes(content)
    try:
        with open_trace(path) as trace:
            return "same" if read_everything(trace) == expected else "different"
    except TraceError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return "refused"


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = write_two_layers(tmp_path / "whole.h5").read_bytes()
    for length in range(0, len(whole), 97):
        assert _outcome(tmp_path / "cut.h5", whole[:length], []) == "refused", length


def test_a_flipped_bit_is_refused_or_meaningless_wherever_it_is(tmp_path: Path) -> None:
    """Everything that our writer stores is under a checksum: damage never passes for a trace."""
    path = write_two_layers(tmp_path / "whole.h5")
    with open_trace(path) as trace:
        expected = read_everything(trace)
    whole = path.read_bytes()
    outcomes = []
    for position in range(0, len(whole), 31):
        content = bytearray(whole)
        content[position] ^= 1 << (position % 8)
        outcomes.append(_outcome(tmp_path / "flipped.h5", bytes(content), expected))
    assert set(outcomes) <= {"refused", "same"}
    assert outcomes.count("refused") > len(outcomes) // 2
