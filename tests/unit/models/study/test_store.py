"""The folder of a study: what was cut short, or changed since, is not there; nobody else's folder is touched."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from spikecycle.models.errors import ModelsError
from spikecycle.models.study.store import (
    FAILURES,
    FLOATS,
    NETWORKS,
    Failure,
    FloatRecord,
    Store,
    canonical,
    check_owner,
    text_digest,
)
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
    assert not list(store.damaged())
    told = {
        "record cut": ("k.json", "is no record of a study: cut short, or damaged"),
        "record changed": ("k.json", "damaged or changed: it does not have its checksum"),
        "file changed": ("k.safetensors", "damaged or changed: it does not have the checksum in k.json"),
        "file gone": ("k.safetensors", "cannot be read, and k.json speaks of it: No such file or directory"),
        "no JSON": ("k.json", "is no record of a study: cut short, or damaged"),
        "other JSON": ("k.json", "is no record of a study: cut short, or damaged"),
    }
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
    assert [(found.path.name, found.reason) for found in store.damaged()] == [told[damage]]
    again = _written(store)
    assert store.read(FLOATS, "k", FloatRecord) == again


def test_a_record_in_the_place_of_another_is_not_there(store: Store) -> None:
    """Each is whole, but no longer what its name says."""
    for key, accuracy in (("one", 0.25), ("two", 0.75)):
        store.place(FLOATS, key, WEIGHTS).write_bytes(b"the same weights")
        store.write(FLOATS, key, FloatRecord(accuracy=accuracy), (WEIGHTS,))
    one, two = store.place(FLOATS, "one", ".json"), store.place(FLOATS, "two", ".json")
    one_text, two_text = one.read_text(), two.read_text()
    one.write_text(two_text)
    two.write_text(one_text)
    assert store.read(FLOATS, "one", FloatRecord) is None and store.read(FLOATS, "two", FloatRecord) is None
    assert [(found.path, found.reason) for found in store.damaged()] == [
        (one, "is the record of another: of floats/two"), (two, "is the record of another: of floats/one")
    ]  # fmt: skip
    store.place(NETWORKS, "one", WEIGHTS).write_bytes(b"the same weights")
    store.place(NETWORKS, "one", ".json").write_text(one_text)
    assert store.read(NETWORKS, "one", FloatRecord) is None
    one.write_text(one_text)
    assert [(found.path, found.reason) for found in store.damaged()] == [
        (two, "is the record of another: of floats/one"),
        (store.place(NETWORKS, "one", ".json"), "is the record of another: of floats/one"),
    ]
    assert store.read(FLOATS, "one", FloatRecord) == FloatRecord(accuracy=0.25)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"record":' * 100_000, "1" * 5000, '{"sha256": 1e999}', "NaN", '"x"'])
def test_json_that_no_study_wrote_is_not_there(store: Store, text: str) -> None:
    for place in (store.place(FLOATS, "k", ".json"), store.folder / "study.json"):
        place.write_text(text)
    assert store.read(FLOATS, "k", FloatRecord) is None
    with pytest.raises(ModelsError, match="belongs to the study unknown"):
        Store.opened(store.folder, "mine")


def test_a_record_of_files_elsewhere_is_not_there(store: Store, tmp_path: Path) -> None:
    """Its hash is right: whoever writes a record can compute that."""
    (tmp_path / "elsewhere").write_bytes(b"x")
    for suffix in ("/../../../elsewhere", "", ".", ".A", ".x/y"):
        digests = {suffix: hashlib.sha256(b"x").hexdigest()}
        body = FloatRecord(accuracy=0.5).model_dump(mode="json")
        digest = text_digest(canonical([FLOATS, "k", body, digests]))
        store.place(FLOATS, "k", ".json").write_text(
            json.dumps({"sha256": digest, "files": digests, "record": body}) + "\n"
        )
        assert store.read(FLOATS, "k", FloatRecord) is None


LINKS = (
    "study.json", ".lock", "floats", "networks", "simulations", "failures", "results.parquet", "layers.parquet",
    "claims.png", "floats/k.json", "floats/k.safetensors", "networks/k.h5", "simulations/k.json", "failures/k.json",
    "networks/.spikecycle-00.tmp", "anything/deep/down",
)  # fmt: skip


@pytest.mark.parametrize("place", LINKS)
@pytest.mark.parametrize("target", ["file", "folder", "nothing"])
def test_a_folder_with_a_link_in_it_is_refused_and_what_it_leads_to_stays(
    tmp_path: Path, place: str, target: str
) -> None:
    """Somebody sends such a folder, packed; whoever unpacks it and goes on with the study must not lose anything."""
    victims = tmp_path / "home"
    victims.mkdir()
    (victims / "file").write_text("years of work")
    (victims / "folder").mkdir()
    (victims / "folder" / "k.json").write_text("more of it")
    folder = tmp_path / "out"
    Store.opened(folder, "mine")
    link = folder / place
    if link.is_dir():
        link.rmdir()
    link.unlink(missing_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(victims / target)
    with pytest.raises(ModelsError, match=f"{link}: is a symbolic link, which no study makes"):
        Store.opened(folder, "mine")
    with pytest.raises(ModelsError, match="is a symbolic link"):
        check_owner(folder, "mine")
    assert sorted(path.name for path in victims.iterdir()) == ["file", "folder"]
    assert (victims / "file").read_text() == "years of work"
    assert [path.read_text() for path in (victims / "folder").iterdir()] == ["more of it"]


def test_even_a_link_that_is_put_there_later_is_neither_read_nor_written_through(store: Store, tmp_path: Path) -> None:
    record = _written(store)
    victim = tmp_path / "file"
    content = store.place(FLOATS, "k", ".json").read_text()
    victim.write_text(content)
    for suffix in (".json", WEIGHTS):
        place = store.place(FLOATS, "k", suffix)
        kept = place.read_bytes()
        place.unlink()
        place.symlink_to(victim)
        assert store.read(FLOATS, "k", FloatRecord) is None
        with pytest.raises((OutputError, OSError), match="symbolic link"):
            store.write(FLOATS, "k", record, (WEIGHTS,))
        place.unlink()
        place.write_bytes(kept)
    (store.folder / ".lock").unlink(missing_ok=True)
    (store.folder / ".lock").symlink_to(victim)
    with pytest.raises(ModelsError, match=r"\.lock: cannot be opened"), store.locked():
        pass
    assert victim.read_text() == content


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(store: Store) -> None:
    os.mkfifo(store.place(FLOATS, "k", ".json"))
    assert store.read(FLOATS, "k", FloatRecord) is None
    with pytest.raises(ModelsError, match=r"k\.json: is neither a file nor a folder"):
        Store.opened(store.folder, "mine")


def test_a_folder_that_is_reached_by_a_link_is_as_good(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "out").symlink_to("scratch")
    store = Store.opened(tmp_path / "out", "mine")
    record = _written(store)
    assert store.read(FLOATS, "k", FloatRecord) == record


def test_the_folder_of_another_study_is_refused(store: Store) -> None:
    Store.opened(store.folder, "mine")
    with pytest.raises(ModelsError, match=r"out: belongs to the study mine; name another folder for yours with --out"):
        Store.opened(store.folder, "yours")


def test_the_name_of_another_study_is_told_without_what_a_terminal_takes_for_a_command(store: Store) -> None:
    (store.folder / "study.json").write_text(json.dumps({"study": "a\x1b[2Jb\n\x7f"}))
    with pytest.raises(ModelsError, match=r"belongs to the study a\\x1b\[2Jb\\n\\x7f;"):
        Store.opened(store.folder, "mine")


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


def test_a_file_system_without_locks_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("spikecycle.models.study.store.fcntl.flock", refuse)
    with pytest.raises(ModelsError, match=r"cannot be locked \(No locks available\)"), store.locked():
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
    (tmp_path / "out" / ".spikecycle-89ab.tmp").mkdir()
    (tmp_path / "out" / ".spikecycle-89ab.tmp" / ".spikecycle-cdef.tmp").write_text("cut")
    with opened.locked():
        assert not list((tmp_path / "out").rglob("*.tmp"))
