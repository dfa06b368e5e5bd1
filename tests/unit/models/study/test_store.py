"""The folder of a study: what was cut short, or changed since, is not there; nobody else's folder is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.records import Failure, FloatRecord
from spikecycle.models.study.store import FAILURES, FLOATS, Store
from spikecycle.simulator import OutputError

WEIGHTS = ".safetensors"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.opened(tmp_path / "out", "mine")


def _written(store: Store) -> FloatRecord:
    store.place(FLOATS, "k", WEIGHTS).write_bytes(b"some weights")
    record = FloatRecord(accuracy=0.1 + 0.2)
    store.write(FLOATS, "k", record, (WEIGHTS,))
    return record


def test_a_record_comes_back_to_the_bit_and_ends_a_failure(store: Store) -> None:
    store.write(FAILURES, "k", Failure(what="a", reason="b"))
    record = _written(store)
    assert store.read(FLOATS, "k", FloatRecord) == record
    assert store.read(FAILURES, "k", Failure) is None
    assert store.read(FLOATS, "other", FloatRecord) is None


@pytest.mark.parametrize(
    "damage", ["record cut", "record changed", "file changed", "file gone", "no JSON", "other JSON"]
)
def test_what_is_damaged_is_not_there(store: Store, damage: str) -> None:
    _written(store)
    record, weights = store.place(FLOATS, "k", ".json"), store.place(FLOATS, "k", WEIGHTS)
    text = record.read_text()
    match damage:
        case "record cut":
            record.write_text(text[: len(text) // 2])
        case "record changed":
            record.write_text(text.replace("0.3", "0.4"))
        case "file changed":
            weights.write_bytes(b"some weightz")
        case "file gone":
            weights.unlink()
        case "no JSON":
            record.write_bytes(b"\xff\x00")
        case "other JSON":
            record.write_text(json.dumps([1, 2]))
    assert store.read(FLOATS, "k", FloatRecord) is None
    again = _written(store)
    assert store.read(FLOATS, "k", FloatRecord) == again


def test_the_folder_of_another_study_is_refused(store: Store) -> None:
    Store.opened(store.folder, "mine")
    with pytest.raises(ModelsError, match=r"out: belongs to the study mine; name another folder for yours with --out"):
        Store.opened(store.folder, "yours")


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ModelsError, match="holds other things than a study"):
        Store.opened(tmp_path, "mine")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelsError, match=r"file/out: cannot be the folder of a study: Not a directory"):
        Store.opened(tmp_path / "file" / "out", "mine")


def test_two_runs_at_once_are_refused(store: Store) -> None:
    with store.locked(), pytest.raises(ModelsError, match="another run of this study is at work"), store.locked():
        pass
    with store.locked():
        pass


def test_a_folder_in_which_the_first_write_failed_is_its_own_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("spikecycle.models.study.store.write_file", full)
        with pytest.raises(OutputError):
            Store.opened(tmp_path / "out", "mine")
    (tmp_path / "out" / ".spikecycle-0123.tmp").write_text("cut")
    opened = Store.opened(tmp_path / "out", "mine")
    (tmp_path / "out" / FLOATS / ".spikecycle-4567.tmp").write_text("cut")
    with opened.locked():
        assert not list((tmp_path / "out").rglob("*.tmp"))
