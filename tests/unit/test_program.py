"""What the environment and the working directory may say to the program and to the processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikecycle.simulator.bench.process import BenchProcess

STARTS_OTHERS = """
import multiprocessing, os, subprocess, sys
from spikecycle import program

def main() -> None:
    program._settle(os.environ)
    child = multiprocessing.get_context("spawn").Process(target=print, args=("spawned",))
    child.start()
    child.join()
    subprocess.run([sys.executable, "-c", "import json; print('run', json.loads('1'))"], check=True)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with modules in it that are named as those of Python, and leave a mark where they are run."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in ("json", "numpy", "pickle", "random", "socket", "tempfile", "yaml"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\n")
    return folder


def test_processes_run_no_modules_of_the_working_directory(tmp_path: Path, foreign: Path) -> None:
    """`python -m` and `python -c`, as multiprocessing and Dask start theirs, look there first."""
    script = tmp_path / "script.py"
    script.write_text(STARTS_OTHERS)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=foreign, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["spawned", "run", "1"] and not (tmp_path / "mark").exists()


def test_what_is_measured_runs_none_either(tmp_path: Path, foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(foreign)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with BenchProcess("spikecycle.simulator.bench.worker", {"trace": "none.h5", "machine": "mint"}) as process:
        assert "none.h5: " in process.problem
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLUMNS", "99999999999999999999"), ("COLUMNS", "-1"), ("COLUMNS", "abc"), ("COLUMNS", "0"), ("LINES", "²"),
        ("TERMINAL_WIDTH", "abc"), ("POLARS_MAX_THREADS", "0"), ("_SPIKECYCLE_COMPLETE", "bash_source"),
    ],
)  # fmt: skip
def test_nonsense_in_the_environment_ends_nothing(name: str, value: str) -> None:
    script = "import sys; sys.argv[1:] = ['simulate', '--help']; from spikecycle.program import run; sys.exit(run())"
    environment = {**os.environ, name: value}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "Replay a trace" in done.stdout


def test_the_width_that_is_asked_for_is_taken() -> None:
    command = [sys.executable, "-m", "spikecycle", "simulate", "--help"]
    for columns in (60, 110):
        environment = {**os.environ, "COLUMNS": str(columns)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert max(map(len, done.stdout.splitlines())) == columns


LEAVES = """
import atexit, sys, threading, time
from spikecycle import program

how = sys.argv.pop(1)
program.run = lambda: 7
atexit.register(lambda: print("said at the end"))
if how == "thread":
    threading.Thread(target=lambda: (time.sleep(0.1), print("worked"))).start()
sys.stdout.write("buffered ")
program.run_and_leave()
"""


@pytest.mark.parametrize(("how", "said"), [("alone", ""), ("thread", "worked\n")])
def test_leaving_at_once_leaves_nothing_undone(how: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", LEAVES, how], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, f"buffered {said}said at the end\n", "")
