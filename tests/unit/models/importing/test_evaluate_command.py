"""`spikecycle evaluate`: a network on a folder of recordings that it has not seen, by one command."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from spikecycle.models.importing.evaluation import confusion_table
from spikecycle.traces import open_trace
from tests.bad_input.inputs import Ended, run
from tests.unit.models.data.test_labelled_folder import SENSOR, folder
from tests.unit.models.importing.graphs import chain, integrate, written
from tests.unit.models.importing.test_import_command import installed  # noqa: F401 (the command as it is installed)

pytestmark = pytest.mark.train
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Class k is told by events in column k of 8, three classes; but column 2 counts for class 1, too much."""
    weight = np.zeros((3, 2, SENSOR, SENSOR))
    for label in range(3):
        weight[label, :, :, label] = 1
    weight[1, :, :, 2] = 2
    flat = nir.Flatten({"input": np.array([2, SENSOR, SENSOR])}, 0)
    return written(tmp_path / "net.nir", chain((2, SENSOR, SENSOR), f=flat, fc=nir.Linear(weight.reshape(3, -1)),
                                               n=integrate(3, 1.5)))  # fmt: skip


def evaluated(capsys: Capsys, network: Path, root: Path, *arguments: str) -> Ended:
    return run(capsys, "evaluate", network, root, "--sensor", str(SENSOR), *arguments)


def test_accuracy_confusion_and_trace(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    root = folder(tmp_path / "held out", {"left": 3, "middle": 2, "right": 4})
    ended = evaluated(capsys, network, root, "--out", str(tmp_path / "out.h5"), "--record", "5", "--timesteps", "20")
    assert (ended.status, ended.err) == (0, "")
    assert f"{root}: 9 recordings of 3 classes" in ended.out and "accuracy: 55.56 % as it was" in ended.out
    table = [line.split() for line in ended.out.splitlines() if line.endswith("%")]
    assert table == [
        ["left", "3", "0", "0", "100.0%"], ["middle", "0", "2", "0", "100.0%"], ["right", "0", "4", "0", "0.0%"],
    ]  # fmt: skip
    with open_trace(tmp_path / "out.h5") as trace:
        assert (trace.samples, trace.timesteps) == (5, 20)
        assert trace.labels is not None and trace.labels.tolist() == [0, 0, 0, 1, 1]


def test_mistakes_are_one_line(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    root = folder(tmp_path / "data", {"a": 2, "b": 2})
    many = folder(tmp_path / "many", dict.fromkeys("abcd", 1))
    (tmp_path / "out.h5").write_text("mine")
    for arguments, words in (
        ([network, tmp_path / "none", "--sensor", "8"], "none: is no folder"),
        ([network, many, "--sensor", "8"], "many: 4 classes, for a network of 3"),
        ([network, root, "--sensor", "16"], "frames of shape (2, 16, 16), for a network that takes (2, 8, 8)"),
        ([network, root, "--sensor", "8", "--resolution", "3"], "resolution 3 does not divide the 8 of the sensor"),
        ([network, root, "--sensor", "8", "--out", tmp_path / "out.h5"], "is there already; name another, or replace"),
    ):
        ended = run(capsys, "evaluate", *arguments)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert words in ended.err
    assert (tmp_path / "out.h5").read_text() == "mine"


def test_a_large_table_is_told_by_its_largest_confusions() -> None:
    confusion = np.diag(np.full(60, 5))
    confusion[3, 7], confusion[9, 1] = 4, 2
    names = [f"c{number}" for number in range(60)]
    assert confusion_table(names, confusion) == ["c3 taken for c7: 4", "c9 taken for c1: 2"]
