"""What commands load before they do anything: a person waits for it each time, and no load of the computer hides it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.inputs import small_trace

LOADED = """
import json, sys
from spikecycle.program import run
status = run()
sys.stdout.write("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(status)
"""
OTHERS = {
    "matplotlib",
    "pandas",
    "polars",
    "torch",
    "optuna",
    "distributed",
    "scipy.linalg",
    "scipy.special",
    "sklearn",
}
OF_HELP = {"markdown_it", "pygments", "rich.markdown", "typer.rich_utils"}
SIMULATING = {"numba", "spikecycle.simulator.engine", "spikecycle.simulator.compiling"}
READING = {"numpy", "h5py", "yaml", "spikecycle.traces", "spikecycle.simulator.machine.loader"}
COMMANDS = "spikecycle.simulator.cli."


def loaded(*arguments: str | Path) -> set[str]:
    """Modules that the program has loaded when it is done."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, arguments)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def commands(modules: set[str]) -> set[str]:
    """The modules of commands among them."""
    return {name.removeprefix(COMMANDS) for name in modules if name.startswith(COMMANDS) and name.endswith("_command")}


def test_simulating_loads_no_other_command_and_nothing_of_their_documents(tmp_path: Path) -> None:
    modules = loaded("simulate", small_trace(tmp_path))
    assert commands(modules) == {"simulate_command", "report_command"}  # which writes pages for several
    documents = {"spikecycle.simulator.comparison", "spikecycle.simulator.description"}
    assert modules.isdisjoint({*OTHERS, *OF_HELP, *documents, "rich.progress"}), modules & {
        *OTHERS,
        *OF_HELP,
        *documents,
        "rich.progress",
    }
    assert not [name for name in modules if name.startswith("spikecycle.simulator.explore.")]
    assert not [name for name in modules if name.startswith("spikecycle.simulator.report.page")]
    assert SIMULATING & modules == SIMULATING  # else there was nothing to try


@pytest.mark.parametrize("arguments", [("list",), ("check", "spike_array"), ("check", "digits-8bit")])
def test_what_only_reads_needs_no_compiler(arguments: tuple[str, ...]) -> None:
    modules = loaded(*arguments)
    assert commands(modules) == {f"{arguments[0]}_command"}
    assert modules & {*OTHERS, *OF_HELP, *SIMULATING} == set()


@pytest.mark.parametrize("arguments", [("--version",), ("simulate", "--help")])
def test_what_the_command_line_says_of_itself_reads_nothing(arguments: tuple[str, ...]) -> None:
    modules = loaded(*arguments)
    assert modules & {*OTHERS, *SIMULATING, *READING} == set()
    assert len(commands(modules)) <= 2
