"""Float networks of a study in their files: run again as they were, and what is wrong with such a file is one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from spikecycle.models.data.evaluation_set import FolderOptions
from spikecycle.models.data.frames import FrameSet
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.evaluation import evaluate_float
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.study.float_network import METADATA, FloatFacts, float_of, open_float, save_float
from spikecycle.models.study.store import FLOATS, NETWORKS, FloatRecord, NetworkRecord, Store
from tests.bad_input.inputs import run
from tests.unit.models.data.test_labelled_folder import folder
from tests.unit.models.importing.test_import_command import installed  # noqa: F401 (the command as it is installed)
from tests.unit.models.networks.lively import CASES, CLASSES, frames_for, lively

pytestmark = pytest.mark.train
PX, TIMESTEPS = 16, 5
FACTS = FloatFacts(
    network="digits", options=CASES["digits"][0], input_shape=(2, PX, PX), timesteps=TIMESTEPS, classes=CLASSES,
    input_bits=2, seed=7,
)  # fmt: skip


def by_hand(made: FloatNetwork, frames: np.ndarray) -> np.ndarray:
    """The class whose two voters fire most, the lowest of equal ones."""
    with torch.no_grad():
        spikes = made.eval()(torch.from_numpy(frames).transpose(0, 1).float())
    return spikes.sum(0).reshape(len(frames), CLASSES, 2).sum(2).numpy().argmax(1)


def test_a_saved_network_finds_what_it_found(tmp_path: Path) -> None:
    frames = frames_for("digits", 30)
    expected = by_hand(lively("digits"), frames)
    assert len(set(expected.tolist())) > 1
    save_float(tmp_path / "f.safetensors", lively("digits"), FACTS)
    saved = open_float(tmp_path / "f.safetensors")
    assert saved.facts == FACTS and saved.accuracy is None
    assert saved.predictions(FrameSet(frames, np.zeros(30, np.int64))).tolist() == expected.tolist()


def test_it_is_evaluated_on_a_folder_by_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    root = folder(tmp_path / "data", {"0": 3, "1": 4, "2": 2}, pixels=PX)
    store = Store.opened(tmp_path / "study", "any")
    place = store.place(FLOATS, "0f", ".safetensors")
    save_float(place, lively("digits"), FACTS)
    store.write(FLOATS, "0f", FloatRecord(accuracy=0.625), (".safetensors",))
    found = evaluate_float(open_float(place), root, FolderOptions(PX, timesteps=TIMESTEPS))
    expected = by_hand(lively("digits"), found.samples.frames)
    assert found.correct.tolist() == (expected == [0, 0, 0, 1, 1, 1, 1, 2, 2]).tolist()
    ended = run(capsys, "evaluate", place, root, "--sensor", str(PX))
    assert (ended.status, ended.err) == (0, "")
    share = 100 * found.correct.mean()
    assert f"accuracy: {share:.2f} % in floating point (62.50 % of the study's test samples)\n" in ended.out
    rows = [line.split() for line in ended.out.splitlines() if line.endswith("%")]
    for label, (name, *counts, _) in enumerate(rows):
        at = slice((0, 3, 7)[label], (3, 7, 9)[label])
        assert (name, list(map(int, counts))) == (str(label), np.bincount(expected[at], minlength=CLASSES).tolist())
    for arguments in (["--out", tmp_path / "x.h5"], ["--weight-bits", "4"], ["--classes", "4"]):
        ended = run(capsys, "evaluate", place, root, "--sensor", str(PX), *arguments)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert f"is a float network, of which there is no trace; {arguments[0]} is for what became of it" in ended.err
    assert not (tmp_path / "x.h5").exists()


def record(float_key: str) -> NetworkRecord:
    return NetworkRecord(
        accuracy_float=0.5, accuracy_fake_quantized=0.5, accuracy_integer=0.5, correct="10", test_samples=2,
        pruned_share=0.0, float_key=float_key,
    )  # fmt: skip


def test_a_trace_of_a_study_leads_to_what_it_was_made_of(tmp_path: Path) -> None:
    store = Store.opened(tmp_path / "study", "any")
    for key, float_key in (("aa", "0f"), ("bb", ""), ("cc", "1f")):
        store.place(NETWORKS, key, ".h5").write_bytes(key.encode())
        store.write(NETWORKS, key, record(float_key), (".h5",))
    place = store.place(FLOATS, "0f", ".safetensors")
    save_float(place, lively("digits"), FACTS)
    store.write(FLOATS, "0f", FloatRecord(accuracy=0.5), (".safetensors",))
    assert float_of(store.place(NETWORKS, "aa", ".h5")) == place
    assert float_of(store.place(NETWORKS, "bb", ".h5")) is None  # of an earlier version
    assert float_of(tmp_path / "aa.h5") is None
    with pytest.raises(ModelsError, match=r"1f\.safetensors: is gone or damaged; run the study again"):
        float_of(store.place(NETWORKS, "cc", ".h5"))
    place.write_bytes(place.read_bytes()[:-4])
    with pytest.raises(ModelsError, match=r"0f\.safetensors: is gone or damaged"):
        float_of(store.place(NETWORKS, "aa", ".h5"))


def test_a_record_without_the_float_network_keeps_its_checksum(tmp_path: Path) -> None:
    """Records of earlier versions have no such key, and stay readable."""
    store = Store.opened(tmp_path / "study", "any")
    store.write(NETWORKS, "aa", record(""))
    path = store.place(NETWORKS, "aa", ".json")
    content = json.loads(path.read_text())
    assert content["record"].pop("float_key") == ""
    from spikecycle.models.study import store as module

    content["sha256"] = module._digest(NETWORKS, "aa", content["record"], content["files"])
    path.write_text(json.dumps(content))
    assert store.read(NETWORKS, "aa", NetworkRecord) == record("")


def told(**changed: object) -> str:
    return json.dumps({**json.loads(FACTS.model_dump_json(exclude_none=True)), **changed})


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "holds parameters, which do not say what a network does"),
        ({METADATA: "{"}, "what it says of its network is damaged: JSON: "),
        ({METADATA: told(timesteps=0)}, "what it says of its network is damaged: timesteps: "),
        ({METADATA: told(more=1)}, "what it says of its network is damaged: more: not known"),
        ({METADATA: told(network="nothing")}, "no network named nothing"),
        ({METADATA: told(options={"dropout": 0.5})}, "network digits has no option dropout"),
        ({METADATA: told(options={"width": 64.0})}, "network digits: layer conv2: more weights than are allowed"),
        ({METADATA: told(input_shape=[2, 999, 999])}, "network digits: layer fc1: more weights than are allowed"),
        ({METADATA: told(input_shape=[2, 16384, 16384])}, "x 16384: layer fc1: C must be 1 to 16777216, found 1073"),
        ({METADATA: told(network="tcja", timesteps=2**20, input_shape=[2, 64, 64], options={})}, "more weights than"),
        ({METADATA: told(classes=5)}, "is the checkpoint of another network: tensor"),
    ],
)
def test_what_is_wrong_with_such_a_file_is_one_line(metadata: dict[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in lively("digits").state_dict().items()}, path, metadata)
    with pytest.raises(ModelsError) as error:
        open_float(path)
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_such_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0")
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "floats").mkdir()
    save_file({"a": torch.zeros(2)}, tmp_path / "floats" / "0a.safetensors")
    for name, words in (
        ("cut.safetensors", "is no safetensors file"),
        ("pipe.safetensors", "is no file"),
        ("none.safetensors", "is no file"),
        ("floats/0a.safetensors", "was written by an earlier version, and does not say of which network it is; run"),
    ):
        with pytest.raises(ModelsError) as error:
            open_float(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: {words}")
