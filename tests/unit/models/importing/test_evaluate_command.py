"""`spikecycle evaluate`: a network on a folder of recordings that it has not seen, by one command."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

from spikecycle.models import import_network
from spikecycle.models.data.evaluation_set import FolderOptions
from spikecycle.models.importing import evaluation
from spikecycle.models.importing.evaluation import confusion_table, evaluate_folder
from spikecycle.simulator import simulate
from spikecycle.traces import open_trace, sample_path
from tests.bad_input.inputs import Ended, run
from tests.unit.models.data.test_labelled_folder import SENSOR, folder, recording
from tests.unit.models.data.test_nmnist import write_part
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


def test_a_trace_is_evaluated_as_it_is(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    """The network that was recorded above takes the same recordings for the same classes, and others too."""
    seen, other = folder(tmp_path / "seen", {"left": 3, "middle": 2, "right": 4}), tmp_path / "other"
    evaluated(capsys, network, seen, "--out", str(tmp_path / "one.h5"), "--timesteps", "20")
    ended = evaluated(capsys, tmp_path / "one.h5", seen)
    assert (ended.status, ended.err) == (0, "")
    assert "accuracy: 55.56 % in integers (the trace says 55.56 % of its own samples)" in ended.out
    folder(other, {"left": 2, "middle": 6})
    ended = evaluated(capsys, tmp_path / "one.h5", other, "--out", str(tmp_path / "two.h5"), "--record", "3")
    assert "8 recordings of 2 classes" in ended.out and "accuracy: 100.00 % in integers" in ended.out
    table = [line.split() for line in ended.out.splitlines() if line.endswith("%")]
    assert table == [["left", "2", "0", "0", "100.0%"], ["middle", "0", "6", "0", "100.0%"]]
    with open_trace(tmp_path / "one.h5") as one, open_trace(tmp_path / "two.h5") as two:
        assert (two.samples, two.timesteps, two.provenance["measured_samples"]) == (3, 20, 8)
        assert [each.name for each in one.operators] == [each.name for each in two.operators]
        assert np.array_equal(one.operators[0].weights(), two.operators[0].weights())
        outputs = two.operators[-1].output.name
    ended = evaluated(capsys, tmp_path / "one.h5", other, "--weight-bits", "4")
    assert (ended.status, ended.out) == (2, "") and "one.h5: is a trace, whose network stays as it is; --w" in ended.err
    result = simulate(tmp_path / "two.h5", "spike_array", verify=True)
    assert result.verification is not None and outputs
    assert sum(each.mismatches for each in result.verification) == 0


def table_of(ended: Ended) -> list[list[str]]:
    return [line.split() for line in ended.out.splitlines() if line.endswith("%")]


def test_class_names_find_their_class_though_others_are_missing(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    """Column k of events is class k: "right" alone is class 2, and not the first that there is."""
    whole = folder(tmp_path / "whole", {"left": 1, "middle": 1, "right": 1})
    evaluated(capsys, network, whole, "--out", str(tmp_path / "named.h5"))
    right = tmp_path / "part"
    for index in range(2):
        recording(right / "right" / f"{index}.npy", 1)  # of the middle, so all are taken for "middle"
    ended = evaluated(capsys, tmp_path / "named.h5", right)
    assert table_of(ended) == [["right", "0", "2", "0", "0.0%"]] and "look: folders" not in ended.out
    recording(right / "wrong" / "0.npy", 1)
    ended = evaluated(capsys, tmp_path / "named.h5", right)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "part: class wrong is none that the network was trained with: left, middle, right" in ended.err


def test_names_that_are_numbers_are_those_classes_and_others_are_in_order_and_said_so(
    capsys: Capsys, tmp_path: Path, network: Path
) -> None:
    numbers, names = tmp_path / "numbers", tmp_path / "names"
    for index in range(2):
        recording(numbers / "1" / f"{index}.npy", 1)
        recording(names / "b" / f"{index}.npy", 1)
    ended = evaluated(capsys, network, numbers)
    assert table_of(ended) == [["1", "0", "2", "0", "100.0%"]] and "of 1 class;" in ended.out
    assert "accuracy: 100.00 % as it was" in ended.out
    ended = evaluated(capsys, network, names)
    assert table_of(ended) == [["b", "0", "2", "0", "0.0%"]]
    assert "look: folders as classes: b is class 0 (in their order, 1 for a network of 3, which is a gue" in ended.out
    ended = evaluated(capsys, network, names, "--class-names", "a, b,c")
    assert table_of(ended) == [["b", "0", "2", "0", "100.0%"]] and "look: folders" not in ended.out
    for told in ("a,b", "a,b,b", "a,b,b,c"):
        ended = evaluated(capsys, network, names, "--class-names", told)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert f"--class-names {told}: a network of 3 classes needs as many names" in ended.err


def test_a_live_module_is_evaluated_from_python(tmp_path: Path) -> None:
    """Its accuracy is that of the module itself on the same frames, and the table sums to the recordings."""
    torch.manual_seed(0)
    leaky = snn.Leaky(0.9, threshold=0.5, init_hidden=True)
    module = nn.Sequential(nn.Flatten(), nn.Linear(2 * SENSOR * SENSOR, 3, bias=False), leaky)
    network = import_network(module, torch.rand(2, 2, SENSOR, SENSOR))
    root = folder(tmp_path / "data", {"a": 4, "b": 3, "c": 5})
    found = evaluate_folder(network, root, FolderOptions(SENSOR, timesteps=12), weight_bits=16)
    leaky.reset_mem()
    frames = torch.from_numpy(found.samples.frames).float()
    votes = sum(module(frames[:, t]) for t in range(12))
    assert found.measured.accuracy_float == (votes.argmax(1).numpy() == found.samples.labels).mean()
    assert found.confusion.sum(axis=1).tolist() == [4, 3, 5]
    assert np.trace(found.confusion) / 12 == pytest.approx(found.measured.accuracy_integer)


def test_a_data_set_is_calibrated_on_its_train_part(capsys: Capsys, tmp_path: Path) -> None:
    """Recording i of digit d has one event at (d, i), for the neuron of class d; nothing else of the root is read."""
    weight = np.zeros((10, 2, 34, 34))
    for digit in range(10):
        weight[digit, 1, :, digit] = 1
    flat = nir.Flatten({"input": np.array([2, 34, 34])}, 0)
    graph = chain((2, 34, 34), f=flat, fc=nir.Linear(weight.reshape(10, -1)), n=integrate(10, 0.5))
    network = written(tmp_path / "net.nir", graph)
    for root, damaged in (("one", "Train"), ("other", "Test")):
        write_part(tmp_path / root / "Train", of_each=2)
        write_part(tmp_path / root / "Test", of_each=1)
        (tmp_path / root / damaged / "0" / "00000.bin").write_bytes(b"123")
    arguments = ("--data", "nmnist", "--timesteps", "2", "--out", tmp_path / "out.h5")
    ended = run(capsys, "evaluate", network, tmp_path / "one", *arguments, "--calibrate-on", tmp_path / "other")
    assert (ended.status, ended.err) == (0, "")
    assert "one: 10 recordings of 10 classes" in ended.out and "100.00 % in integers" in ended.out
    assert "Train" in run(capsys, "evaluate", network, tmp_path / "one", "--data", "nmnist", "--part", "all").err
    with open_trace(tmp_path / "out.h5") as trace:
        assert trace.labels is not None and trace.labels.tolist() == list(range(10))


def test_a_shipped_trace_is_found_by_its_name(capsys: Capsys, tmp_path: Path) -> None:
    root = folder(tmp_path / "data", {"3": 2, "7": 1}, pixels=16)
    ended = run(capsys, "evaluate", "digits-8bit", root, "--sensor", "16")
    assert (ended.status, ended.err) == (0, "") and "3 recordings of 2 classes" in ended.out
    assert [line[0] for line in table_of(ended)] == ["3", "7"]
    ended = evaluated(capsys, Path("digits-8bti"), root)
    assert (ended.status, ended.out) == (2, "")
    assert "digits-8bti: no such file, and no sample trace of that name; did you mean digits-8bit?" in ended.err


def test_what_is_no_network_to_evaluate_is_one_line(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    root = folder(tmp_path / "data", {"a": 2, "b": 2})
    (tmp_path / "net.pt").write_bytes(b"PK")
    (tmp_path / "text.h5").write_text("text")
    for given, words in (
        (tmp_path / "net.pt", "net.pt: is no NIR file and no trace; parameters do not say what a network does"),
        (tmp_path / "text.h5", "text.h5: is not an HDF5 file, so not a NIR file or a trace"),
        (tmp_path / "none.h5", "none.h5"),
        (sample_path("digits-8bit"), "frames of shape (2, 8, 8), for a network that takes (2, 16, 16)"),
        (tmp_path, "results.parquet: is not there"),
    ):
        ended = evaluated(capsys, given, root, *(["--resolution", "8"] if given == sample_path("digits-8bit") else []))
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
        assert words in ended.err


def test_mistakes_are_one_line(capsys: Capsys, tmp_path: Path, network: Path) -> None:
    root = folder(tmp_path / "data", {"a": 2, "b": 2})
    many = folder(tmp_path / "many", dict.fromkeys("abcd", 1))
    parts = tmp_path / "parts"
    folder(parts / "Train", {"a": 1, "b": 1})
    folder(parts / "test", {"a": 1, "b": 1})
    (tmp_path / "out.h5").write_text("mine")
    for arguments, words in (
        ([network, tmp_path / "none", "--sensor", "8"], "none: is no folder"),
        ([network, parts, "--sensor", "8"], "parts: has parts of its own, Train and test; name one of them"),
        ([network, root, "--sensor", "8", "--network", "w4"], "is no folder of a study, which --network and --seed"),
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


def test_more_recordings_than_memory_are_one_line_and_nothing_is_written(
    capsys: Capsys, tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 recordings of 10 x 2 x 8 x 8 counts: 5120 values, as floats 4 bytes each and a quarter more: 25,600 bytes."""
    root = folder(tmp_path / "data", {"a": 2, "b": 2})
    monkeypatch.setattr(evaluation, "default_limit_bytes", lambda: 25_599)
    ended = evaluated(capsys, network, root, "--out", str(tmp_path / "out.h5"))
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "data: 4 recordings as frames of (10, 2, 8, 8) need 0.0 GB more to be evaluated" in ended.err
    assert not (tmp_path / "out.h5").exists()
    monkeypatch.setattr(evaluation, "default_limit_bytes", lambda: 25_600)
    assert evaluated(capsys, network, root).status == 0
