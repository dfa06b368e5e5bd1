"""Networks (version 2 traces) that are impossible or damaged: one line that names the file, status 2, no traceback."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.bad_input.conftest import Folder
from tests.bad_input.inputs import refused, run
from tests.unit.traces.test_networks_refused import small_network

Capsys = pytest.CaptureFixture[str]
COMMANDS = ("simulate", "check")


def _set(place: str, name: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[place].attrs.__setitem__(name, value)


SPOILT: dict[str, tuple[Callable[[h5py.File], Any], list[str]]] = {
    "version 3": (_set("/", "version", np.int64(3)), ["version 3", "update it"]),
    "cycle without delay": (_set("operators/1", "delays", [0]), ["spikes", "back", "wait for each other", "delay 1"]),
    "tensor of nobody": (
        lambda file: [file["tensors/0"].__delitem__(name) for name in ("values", "sha256")],
        ["tensor x", "no operator makes it"],
    ),
    "shapes that do not meet": (_set("operators/0", "padding", [1, 0, 1, 1]), ["operator conv", "(2, 3, 5)"]),
    "two of one name": (_set("operators/3", "name", np.bytes_("conv")), ["operator conv", "names must differ"]),
    "changed threshold": (
        lambda file: file["operators/2/threshold"].__setitem__(0, 1),
        ["operator spikes", "threshold", "checksum"],
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_impossible_networks(capsys: Capsys, folder: Folder, case: str) -> None:
    path = small_network(folder.path / "small.h5")
    spoil, words = SPOILT[case]
    with h5py.File(path, "r+") as file:
        spoil(file)
    folder.mark()
    for command in COMMANDS:
        refused(run(capsys, command, path), path, *words)


def test_changed_values_are_named_by_check(capsys: Capsys, folder: Folder) -> None:
    path = small_network(folder.path / "small.h5")
    assert run(capsys, "check", path).status == 0
    with h5py.File(path, "r+") as file:
        file["operators/0/weights"][0, 0, 0, 0] ^= 1
    folder.mark()
    refused(run(capsys, "check", path), path, "operator conv", "weights", "checksum", "changed or damaged")


def test_check_describes_a_network(capsys: Capsys, folder: Folder) -> None:
    path = small_network(folder.path / "small.h5")
    folder.mark()
    ended = run(capsys, "check", path)
    assert ended.status == 0 and ended.err == ""
    assert "version 2, 4 operators, 5 tensors, 2 samples of 3 timesteps, labels" in ended.out
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["back", "conv2d", "spikes", "(t-1)", "back"] in lines
    assert ["spikes", "neuron", "conv,", "back", "spikes"] in lines
    assert any(line[:4] == ["x", "2x4x5", "2", "(input)"] for line in lines)


def test_any_damaged_byte_is_refused_or_harmless(capsys: Capsys, folder: Folder) -> None:
    whole = small_network(folder.path / "small.h5").read_bytes()
    folder.mark()
    rng = random.Random(5)
    statuses = []
    damaged = Path("damaged.h5")
    for _ in range(60):
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
