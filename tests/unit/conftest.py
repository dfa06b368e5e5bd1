"""Fixtures of many unit tests."""

from __future__ import annotations

import pytest

from spikecycle.simulator import stage_run, verification


@pytest.fixture
def all_threads_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """In runs that are so small that one thread would do them alone."""
    for user in (stage_run, verification):
        monkeypatch.setattr(user, "LONG_WORK", 0)
