"""Damaged, foreign and impossible traces: one line that names the file, status 2, no traceback."""

from __future__ import annotations

import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.bad_input.conftest import Folder
from tests.bad_input.inputs import refused, run, small_trace

Capsys = pytest.CaptureFixture[str]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
COMMANDS = ("simulate", "formats", "check")


@pytest.mark.parametrize("kept", [1, 8, 100, 0.3, 0.6, 0.9, -1])
def test_truncated(capsys: Capsys, folder: Folder, kept: float) -> None:
    path = small_trace(folder.path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, path), path)


@pytest.mark.parametrize(
    "content", [b"", PNG, b"just text\n", bytes(range(256)) * 9], ids=["empty", "png", "text", "junk"]
)
def test_not_hdf5(capsys: Capsys, folder: Folder, content: bytes) -> None:
    path = folder.path / "foreign.h5"
    path.write_bytes(content)
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, path), path, "not an HDF5 file")


def test_somebody_elses_hdf5(capsys: Capsys, folder: Folder) -> None:
    with h5py.File(folder.path / "foreign.h5", "w") as file:
        file["weights"] = np.zeros(3)
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, "foreign.h5"), "foreign.h5", "not a trace")


def test_a_directory(capsys: Capsys, folder: Folder) -> None:
    (folder.path / "traces.h5").mkdir()
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, "traces.h5"), "traces.h5", "is a directory")


def test_no_such_file(capsys: Capsys, folder: Folder) -> None:
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, "none.h5"), "none.h5", "No such file")


def test_no_such_sample_but_a_similar_one(capsys: Capsys, folder: Folder) -> None:
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, "digits-8bti"), "digits-8bti", "did you mean", "digits-8bit")


def _spoil_version(file: h5py.File) -> None:
    file.attrs["version"] = np.int64(99)


def _spoil_weights(file: h5py.File) -> None:
    file["layers/1"].attrs["weight_bits"] = np.int64(4)


def _spoil_bits(file: h5py.File) -> None:
    file["layers/0"].attrs["weight_bits"] = np.int64(-8)


def _spoil_shape(file: h5py.File) -> None:
    file["layers/0"].attrs["C"] = np.int64(-2)


def _spoil_scale(file: h5py.File) -> None:
    file["layers/1/weight_scale"][:] = np.nan


def _spoil_layer(file: h5py.File) -> None:
    del file["layers/1/inputs"]


def _spoil_threshold(file: h5py.File) -> None:
    file["layers/0/threshold"][:] = 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_spoil_version, ["version 99", "update it"]),
        (_spoil_weights, ["layer dense1", "weights", "-8 to 7"]),
        (_spoil_bits, ["layer conv1", "weight_bits", "found -8"]),
        (_spoil_shape, ["layer conv1", "C must be", "found -2"]),
        (_spoil_scale, ["layer dense1", "weight_scale", "finite", "nan"]),
        (_spoil_layer, ["layer dense1", "inputs"]),
        (_spoil_threshold, ["layer conv1", "threshold"]),
    ],
    ids=["future version", "codes outside bits", "negative bits", "negative size", "nan", "missing", "threshold"],
)
def test_impossible_content(capsys: Capsys, folder: Folder, spoil: object, words: list[str]) -> None:
    path = small_trace(folder.path)
    with h5py.File(path, "r+") as file:
        assert callable(spoil)
        spoil(file)
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, path), path, *words)


@pytest.mark.parametrize("samples", ["3", "0,7", "2-3"])
def test_samples_out_of_range(capsys: Capsys, folder: Folder, samples: str) -> None:
    path = small_trace(folder.path)
    folder.mark()
    for command in ("simulate", "formats"):
        refused(run(capsys, command, path, "--samples", samples), path, "0 to 2")


def test_any_damaged_byte_is_refused_or_harmless(capsys: Capsys, folder: Folder) -> None:
    path = small_trace(folder.path)
    whole = path.read_bytes()
    folder.mark()
    rng = random.Random(5)
    statuses = []
    damaged = Path("damaged.h5")
    for _ in range(150):
        spoilt = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        damaged.write_bytes(spoilt)
        ended = run(capsys, "check", damaged)
        statuses.append(ended.status)
        if ended.status:
            refused(ended, damaged)
    damaged.unlink()
    assert 2 in statuses
