"""How the program ends when it is interrupted, when nobody reads, and when there is too much to say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import cli
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.explore import worker_process
from spikecycle.wording import printable
from tests.bad_input.inputs import run, small_trace

Capsys = pytest.CaptureFixture[str]
INTERRUPTED = "spikecycle: interrupted; every file is complete or not there, run it again\n"


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let the program do something else than its arguments say."""
    return lambda action: monkeypatch.setattr(cli, "_run", lambda arguments: action())


def test_an_interrupt_is_told(capsys: Capsys, does: Callable[..., None]) -> None:
    does(lambda: signal.raise_signal(signal.SIGINT))
    ended = run(capsys)
    assert (ended.status, ended.out, ended.err) == (130, "", INTERRUPTED)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_somebody_swallows_is_none_that_went_well(capsys: Capsys, does: Callable[..., None]) -> None:
    """Compilers and callbacks of C do."""

    def swallow() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return 0
        return 1

    does(swallow)
    assert (run(capsys).status, capsys.readouterr().err) == (130, "")


def test_an_interrupt_that_python_turns_into_another_error_is_told(capsys: Capsys, does: Callable[..., None]) -> None:
    """As it does in the middle of a class, up to Python 3.11, and of the start of a thread."""

    def turn() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as interrupt:
            raise RuntimeError("Error calling __set_name__") from interrupt

    does(turn)
    ended = run(capsys)
    assert (ended.status, ended.out, ended.err) == (130, "", INTERRUPTED)


def test_what_the_parser_makes_of_an_interrupt(capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("spikecycle.simulator.engine.simulate", interrupt)
    ended = run(capsys, "simulate", small_trace(tmp_path), "--json", tmp_path / "out.json")
    assert (ended.status, ended.out, ended.err) == (130, "", INTERRUPTED)
    assert [path.name for path in tmp_path.iterdir()] == ["small.h5"]


@pytest.mark.parametrize("command", ["sweep", "search"])
def test_what_keeps_points_says_where_they_are_and_how_to_go_on(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("spikecycle.simulator.explore.sweep.run_sweep", interrupt)
    monkeypatch.setattr("spikecycle.simulator.explore.search.search", interrupt)
    out = tmp_path / "points"
    ended = run(capsys, command, small_trace(tmp_path), "--set", "dataflow.pes=1,2", "--out", out)
    told = f"spikecycle: interrupted; {out} keeps every point that is finished: run the same again to go on\n"
    assert (ended.status, ended.out, ended.err) == (130, "", told)


def test_processes_are_born_deaf_to_an_interrupt_and_this_one_hears_it_later() -> None:
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    heard = 0
    try:
        with worker_process.interrupts_put_off():
            born = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        heard += 1
    assert (born.stdout, heard) == ("True\n", 1)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_in_another_thread_it_runs_too(does: Callable[..., None]) -> None:
    does(lambda: 0)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(cli.main([])))
    thread.start()
    thread.join()
    assert statuses == [0]


WHENEVER = """
import atexit, signal, sys

moment = sys.argv.pop(1)

class Interrupting:
    def find_spec(self, name, *others):
        if name == moment:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
if moment == "exit":
    atexit.register(signal.raise_signal, signal.SIGINT)
from spikecycle.program import run
sys.exit(run())
"""


@pytest.mark.parametrize(
    ("moment", "status", "told"),
    [
        ("spikecycle.simulator.cli", 130, "spikecycle: interrupted before it began; run it again\n"),
        ("spikecycle.simulator.errors", 130, "spikecycle: interrupted before it began; run it again\n"),
        ("spikecycle.simulator.cli.app", 130, INTERRUPTED),
        ("exit", 0, ""),
    ],
)
def test_an_interrupt_at_the_beginning_and_at_the_end(moment: str, status: int, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", WHENEVER, moment, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, told)


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["list"], ["simulate", "digits-8bit"]])
def test_a_closed_pipe_is_no_error(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "spikecycle", *arguments], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["check", "digits-8bit"]])
def test_a_full_standard_output_is_told(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-m", "spikecycle", *arguments], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"No space left on device" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_errors_that_cannot_be_told_have_their_status(stream: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spikecycle", "check", str(tmp_path / "none.h5")]
    redirection = "2>/dev/full" if stream == "full" else "2>&-"
    done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *command], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, b"")


def test_there_is_no_more_than_a_screen(capsys: Capsys, does: Callable[..., None]) -> None:
    def fail() -> None:
        long = {1: "x" * 5_000_000}
        raise MachineError("\n".join(f"m.yaml: key{n}: {long.get(n, '')} wrong, found {n}" for n in range(99)))

    does(fail)
    ended = run(capsys)
    lines = ended.err.splitlines()
    assert ended.status == 2 and len(lines) == 51 and lines[-1] == "spikecycle: and 49 more of the kind"
    assert 1990 < len(lines[1]) <= 2000 and lines[1].startswith("spikecycle: m.yaml: key1: xxx")
    assert lines[1].endswith("wrong, found 1") and " ... " in lines[1]


def test_a_panic_of_compiled_code_is_told_as_a_fault_of_the_program(capsys: Capsys, does: Callable[..., None]) -> None:
    """Those of Polars are no Exception, so that hardly anything catches them."""

    class PanicException(BaseException):
        pass

    def panic() -> None:
        raise PanicException("called `Option::unwrap()`")

    does(panic)
    ended = run(capsys)
    assert ended.status == 70 and ended.err.startswith("spikecycle: internal error: PanicException: called")


@pytest.mark.parametrize("bad", ["\x1b[31m", "\x07", "\x9b2J", "\u202e", "\r", "\x00"])
def test_nothing_that_a_terminal_takes_for_a_command(capsys: Capsys, does: Callable[..., None], bad: str) -> None:
    def fail() -> None:
        raise MachineError(f"a{bad}b.yaml: wrong µ ж 日")

    does(fail)
    ended = run(capsys)
    assert bad not in ended.err and "b.yaml: wrong µ ж 日" in ended.err


def test_names_of_files_in_tables_are_printable(capsys: Capsys, tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[31m\u202ename.h5"
    small_trace(tmp_path).rename(path)
    for command in ("simulate", "check", "formats"):
        ended = run(capsys, command, path)
        assert ended.status == 0 and "\x1b" not in ended.out and "\u202e" not in ended.out


def test_printable_text_stays() -> None:
    assert printable("a\tb\nc é 日 \\x1b") == "a\tb\nc é 日 \\x1b"
    assert printable("\x1b\u202e\ud800") == "\\x1b\\u202e\\ud800"
