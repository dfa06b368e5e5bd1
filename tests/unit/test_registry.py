"""The registry of components."""

import subprocess
import sys

import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.registry import Registry


def _registry() -> Registry[int]:
    registry: Registry[int] = Registry("number", "spikecycle.simulator.report")
    registry.register("one", 1)
    registry.register("two", 2)
    return registry


def test_members_are_found_by_name_and_sorted() -> None:
    registry = _registry()
    assert registry.lookup("two") == 2
    assert registry.names() == ("one", "two")
    assert list(registry.items()) == [("one", 1), ("two", 2)]


def test_an_unknown_name_lists_what_there_is_and_guesses() -> None:
    with pytest.raises(UsageError, match=r"unknown number 'twoo', allowed: one, two; did you mean 'two'\?"):
        _registry().lookup("twoo")


def test_a_name_can_be_taken_once() -> None:
    with pytest.raises(ValueError, match="two numbers are called 'one'"):
        _registry().register("one", 3)


def test_a_member_that_is_looked_up_loads_no_other() -> None:
    """What a machine does not use costs a command no time."""
    code = """
import sys
from spikecycle.simulator.dataflows import DATAFLOWS
assert DATAFLOWS.lookup("spike_serial").name == "spike_serial"
names = ("systolic", "spike_array", "row_stationary", "dual_sparse")
others = {f"spikecycle.simulator.dataflows.{name}" for name in names}
assert not others & set(sys.modules), others & set(sys.modules)
assert "systolic" in DATAFLOWS.names()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
