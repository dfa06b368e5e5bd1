"""The registry of components."""

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
