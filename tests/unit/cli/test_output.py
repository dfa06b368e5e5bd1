"""Documents are complete or not there; standard output may be full, closed, or of few characters."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import termios
from functools import partial
from pathlib import Path

import pytest

from spikecycle.simulator.cli.output import (
    Output,
    ReaderGone,
    check_targets,
    check_writable,
    standard_output,
    write_document,
)
from spikecycle.simulator.errors import OutputError
from spikecycle.terminal import FEWEST, MOST, WITHOUT_TERMINAL, columns


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_document_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    write_document(str(target), "new")
    assert target.read_text() == "new"
    assert _names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("target", ["real.json", "none.json", "link.json", "."])
def test_nothing_is_written_through_a_link(tmp_path: Path, target: str) -> None:
    """To a file, to nothing, to itself, to a folder."""
    (tmp_path / "real.json").write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    for ask in (partial(check_writable, str(link)), partial(write_document, str(link), "new")):
        with pytest.raises(OutputError, match=r"link\.json: cannot be written: is a symbolic link"):
            ask()
    assert _names(tmp_path) == ["link.json", "real.json"]
    assert link.is_symlink() and (tmp_path / "real.json").read_text() == "old"


def test_a_loop_on_the_way_is_no_fault_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for ask in (check_writable, partial(write_document, text="new")):
        with pytest.raises(OutputError, match="cannot be written: Too many levels of symbolic links"):
            ask(str(tmp_path / "a" / "x.json"))


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660, 0o700])
def test_permissions_stay(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(mode)
    write_document(str(target), "new")
    assert target.read_text() == "new" and target.stat().st_mode & 0o777 == mode


def test_a_read_only_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o444)
    for ask in (check_writable, partial(write_document, text="new")):
        with pytest.raises(OutputError, match=r"a\.json: cannot be written: is read-only"):
            ask(str(target))
    assert target.read_text() == "old" and _names(tmp_path) == ["a.json"]


def test_a_shipped_file_is_never_overwritten(tmp_path: Path) -> None:
    from spikecycle import hwconfigs, traces

    samples, machines = Path(traces.__file__).parent / "samples", Path(hwconfigs.__file__).parent
    (tmp_path / "folder").symlink_to(samples)
    for shipped in (
        samples / "digits-8bit.h5", machines / "spike_array.yaml", Path(traces.__file__),
        tmp_path / "folder" / "digits-8bit.h5",
    ):  # fmt: skip
        with pytest.raises(OutputError, match="is a file of spikecycle itself"):
            check_writable(str(shipped))


def test_inputs_and_other_targets_are_the_same_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.h5").write_text("trace")
    os.link(tmp_path / "in.h5", tmp_path / "hard.json")
    for name in ("in.h5", "./in.h5", str(tmp_path / "in.h5"), "hard.json"):
        with pytest.raises(OutputError, match=r"would overwrite the input in\.h5"):
            check_targets({"--json": name}, ["in.h5"])
    with pytest.raises(OutputError, match=r"--picture \./a\.svg: would overwrite what --json writes"):
        check_targets({"--json": "a.svg", "--picture": "./a.svg"}, [])
    assert (tmp_path / "in.h5").read_text() == "trace"


def test_a_new_document_has_the_usual_permissions(tmp_path: Path) -> None:
    write_document(str(tmp_path / "a.json"), "new")
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_device_is_written_and_not_replaced() -> None:
    write_document("/dev/null", "text")
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_leaves_the_old_document_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a\.json: cannot be written: No space left on device"):
        write_document(str(target), "new")
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("none/a.json", "No such file"), ("file/a.json", "Not a directory"), ("folder", "is a directory")],
)
def test_a_place_that_cannot_hold_a_file(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    target = str(tmp_path / place)
    for ask in (partial(check_writable, target), partial(write_document, target, "x")):
        with pytest.raises(OutputError) as error:
            ask()
        assert str(error.value).startswith(target)
        assert reason.lower() in str(error.value).lower()
    assert _names(tmp_path) == ["file", "folder"]


def test_asking_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    for target in (None, "-", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "/dev/null"):
        check_writable(target)
    assert _names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_what_is_piped_is_as_wide_as_the_environment_says_and_has_no_blanks_at_line_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    Output(stream).show("x" * 41, "y  ")
    assert stream.getvalue() == "x" * 40 + "\nx\ny\n"


@pytest.mark.parametrize(
    ("said", "width"),
    [("120", 120), ("80", 80), ("3", FEWEST), ("0", WITHOUT_TERMINAL), ("", WITHOUT_TERMINAL), ("-5", WITHOUT_TERMINAL),
     ("wide", WITHOUT_TERMINAL), ("٣٠٠", WITHOUT_TERMINAL), ("9" * 5000, MOST)],
)  # fmt: skip
def test_without_a_terminal_the_environment_says_how_wide_tables_are(
    monkeypatch: pytest.MonkeyPatch, said: str, width: int
) -> None:
    for name in ("__stdin__", "__stdout__", "__stderr__"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setenv("COLUMNS", said)
    assert columns(io.StringIO()) == width
    monkeypatch.delenv("COLUMNS")
    assert columns(io.StringIO()) == columns(None) == WITHOUT_TERMINAL


def test_a_pager_gets_the_width_of_the_terminal_that_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """`spikecycle list | less`: standard output is a pipe, standard input the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 97, 0, 0))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    monkeypatch.setattr(sys, "__stderr__", None)
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "__stdin__", terminal)
        assert columns(io.StringIO()) == 97
    os.close(ours)


class _Broken(io.StringIO):
    """Standard output whose writes fail."""

    def __init__(self, failure: OSError) -> None:
        super().__init__()
        self.failure = failure

    def flush(self) -> None:
        raise self.failure


def test_a_full_standard_output_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="standard output: cannot be written: No space left"):
        Output(_Broken(OSError(28, "No space left on device"))).text("x")


def test_a_reader_that_went_away_is_no_error_of_ours() -> None:
    for show in ("text", "show"):
        with pytest.raises(ReaderGone):
            getattr(Output(_Broken(BrokenPipeError())), show)("x")


def test_characters_that_the_encoding_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    standard_output().text("5 µJ")
    assert raw.getvalue() == b"5 ?J"
