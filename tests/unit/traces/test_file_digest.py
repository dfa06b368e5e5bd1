"""The fingerprint of a file: the same whoever computes it, and no thread is left behind."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest

from spikecycle.traces import TraceError, hdf5, open_trace
from spikecycle.traces.file_digest import HASHED_BESIDE_BYTES, HASHED_BYTES, FileDigest


def threads_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("SHA-256")]


@pytest.mark.parametrize("is_begun", [False, True])
@pytest.mark.parametrize("size", [0, 1, HASHED_BYTES, HASHED_BYTES + 1, HASHED_BESIDE_BYTES, 5 * HASHED_BYTES - 1])
def test_it_is_that_of_all_bytes(tmp_path: Path, size: int, is_begun: bool) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    path = tmp_path / "file"
    path.write_bytes(content[:size])
    digest = FileDigest(path)
    if is_begun:
        digest.begin()
    assert digest.sha256 == hashlib.sha256(content[:size]).hexdigest()
    path.unlink()
    assert digest.sha256 == hashlib.sha256(content[:size]).hexdigest(), "read once"
    assert not threads_left()


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_file_that_is_gone_is_an_error_of_who_asks(tmp_path: Path, is_begun: bool) -> None:
    digest = FileDigest(tmp_path / "file")
    if is_begun:
        digest.begin()
    with pytest.raises(FileNotFoundError):
        _ = digest.sha256


def test_what_is_given_up_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc" * HASHED_BYTES)
    digest = FileDigest(path)
    digest.begin()
    digest.give_up()
    assert not threads_left()
    assert digest.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_many_threads_may_begin_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None waits for a thread that another has made and not started, and the file is read once."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    computed: list[object] = []
    compute = FileDigest._computed
    monkeypatch.setattr(FileDigest, "_computed", lambda *given: computed.append(given[0]) or compute(*given))
    digests = [FileDigest(path) for _ in range(20)]

    def ask(digest: FileDigest) -> str:
        digest.begin()
        return digest.sha256

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # Python hands its lock on all the time, not every 5 ms
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, [digest for digest in digests for _ in range(8)]))
    finally:
        sys.setswitchinterval(before)
    assert set(found) == {hashlib.sha256(b"abc").hexdigest()}
    assert len(computed) == len(digests)


def test_it_is_begun_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    computed: list[object] = []
    compute = FileDigest._computed

    def counted(self: FileDigest, *given_up: threading.Event) -> str | None:
        computed.append(self)
        return compute(self, *given_up)

    monkeypatch.setattr(FileDigest, "_computed", counted)
    digest = FileDigest(path)
    digest.begin()
    digest.begin()
    assert digest.sha256 == hashlib.sha256(b"abc").hexdigest()
    digest.begin()
    assert len(computed) == 1
    assert not threads_left()


@pytest.fixture
def may_end(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No fingerprint is computed until it is set."""
    event = threading.Event()
    compute = FileDigest._computed

    def waiting(self: FileDigest, *given_up: threading.Event) -> str | None:
        assert event.wait(20)
        return compute(self, *given_up)

    monkeypatch.setattr(FileDigest, "_computed", waiting)
    return event


def test_the_end_is_told_by_the_thread_that_computes_and_at_once_where_there_is_none(
    tmp_path: Path, may_end: threading.Event
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    told: list[str] = []
    digest = FileDigest(path)
    digest.when_ended(lambda: told.append(threading.current_thread().name))
    assert told == [threading.current_thread().name]
    digest.begin()
    digest.when_ended(lambda: told.append(threading.current_thread().name))
    assert len(told) == 1
    may_end.set()
    assert digest.sha256
    assert told[1:] == ["SHA-256 of file"]
    digest.when_ended(lambda: told.append("at once"))
    assert told[2:] == ["at once"]


def test_the_end_is_told_although_the_file_is_gone(tmp_path: Path) -> None:
    told = threading.Event()
    digest = FileDigest(tmp_path / "file")
    digest.begin()
    digest.when_ended(told.set)
    assert told.wait(20)


def test_a_trace_leaves_no_thread_behind(tmp_path: Path) -> None:
    with open_trace("digits-8bit", begin_hash=True) as trace:
        assert trace.sha256 == hashlib.sha256(trace.path.read_bytes()).hexdigest()
    with open_trace("digits-8bit", begin_hash=True):
        pass
    with open_trace("digits-8bit") as trace:
        trace.begin_hash()
    assert not threads_left()
    with h5py.File(tmp_path / "no-trace.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(TraceError, match="not a trace"):
        open_trace(tmp_path / "no-trace.h5", begin_hash=True)
    assert not threads_left()


@pytest.mark.parametrize("content", [b"", b"no HDF5 file"])
def test_what_is_no_hdf5_file_leaves_no_thread_behind(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "trace.h5").write_bytes(content)
    with pytest.raises(TraceError, match=r"trace\.h5: is not an HDF5 file, so not a trace"):
        open_trace(tmp_path / "trace.h5", begin_hash=True)
    assert not threads_left()


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(TraceError, match=r"pipe\.h5: is not a regular file"):
        open_trace(tmp_path / "pipe.h5", begin_hash=True)
    assert not threads_left()


@pytest.mark.parametrize("name", ["a\0b.h5", "\ud800.h5"])
def test_names_that_no_file_can_have_are_told_once(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TraceError):
        open_trace(tmp_path / name, begin_hash=True)
    assert not threads_left()
    assert capfd.readouterr().err == ""


def test_a_file_is_hashed_from_before_hdf5_opens_it(may_end: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = hdf5.open_file
    hashing: list[list[str]] = []

    def opened(path: Path, what: str) -> h5py.File:
        hashing.append(threads_left())
        return open_file(path, what)

    monkeypatch.setattr(hdf5, "open_file", opened)
    with open_trace("digits-8bit", begin_hash=True):
        may_end.set()
    assert hashing == [["SHA-256 of digits-8bit.h5"]]
