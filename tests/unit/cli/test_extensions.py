"""Commands of other packages: a package is put on the path as an installer would, and the command line finds it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bad_input.inputs import run

Capsys = pytest.CaptureFixture[str]
MODULE = '''
"""A package that adds commands."""
from typing import Annotated

import typer

from spikecycle.simulator import SimulatorError

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: spikecycle greet you")
def greet(name: Annotated[str, typer.Argument()], status: Annotated[int, typer.Option("--status")] = 0) -> None:
    """Greet somebody."""
    if name == "nobody":
        raise SimulatorError("nobody: cannot be greeted")
    print(f"hello {name}")
    raise typer.Exit(status)


several = typer.Typer(add_completion=False)
several.command("one")(lambda: print("one"))
several.command("two")(lambda: print("two"))
'''
ENTRY_POINTS = """
[spikecycle.commands]
greet = greeting:app
both = greeting:several
simulate = greeting:app
broken = not_there_at_all:app
nothing = greeting:MISSING
wrong = greeting:typer
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting.py").write_text(MODULE)
    metadata = tmp_path / "greeting_commands-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting-commands\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "greeting", raising=False)


def test_an_added_command_runs_with_its_arguments_and_its_status(capsys: Capsys) -> None:
    assert run(capsys, "greet", "you")[:2] == (0, "hello you\n")
    assert run(capsys, "greet", "you", "--status", "1").status == 1
    assert run(capsys, "both", "two")[:2] == (0, "two\n")


def test_it_is_in_the_help_and_helps(capsys: Capsys) -> None:
    listed = run(capsys, "-h").out
    assert "Greet somebody." in listed and "Cannot be loaded: ModuleNotFoundError" in listed
    assert listed.index("copy") < listed.index("both") < listed.index("greet"), "the simulator's own come first"
    ended = run(capsys, "greet", "-h")
    assert ended.status == 0
    assert "Usage: spikecycle greet" in ended.out and "Example: spikecycle greet you" in ended.out


def test_a_mistyped_name_is_corrected(capsys: Capsys) -> None:
    ended = run(capsys, "great")
    assert (ended.status, ended.out) == (2, "")
    assert "Did you mean 'greet'?" in ended.err


def test_bad_input_is_one_line(capsys: Capsys) -> None:
    ended = run(capsys, "greet", "nobody")
    assert (ended.status, ended.out, ended.err) == (2, "", "spikecycle: nobody: cannot be greeted\n")
    assert "Missing argument 'name'" in run(capsys, "greet").err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("broken", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("nothing", "AttributeError: module 'greeting' has no attribute 'MISSING'"),
        ("wrong", "greeting:typer is no typer.Typer"),
    ],
)
def test_a_command_that_cannot_be_loaded_says_so(capsys: Capsys, command: str, reason: str) -> None:
    ended = run(capsys, command, "file.yaml", "--option", "1")
    package = "greeting-commands"
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"spikecycle: the command {command} of the package {package} cannot be loaded: {reason}\n"


def test_the_simulators_own_commands_are_not_replaced_and_ask_nobody(capsys: Capsys) -> None:
    ended = run(capsys, "simulate", "--help")
    assert "Replay a trace on a machine" in ended.out
    assert "greeting" not in sys.modules
