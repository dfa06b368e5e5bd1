"""Packages of the extra `explore`: one that is missing is told in a line that says how to get it."""

from __future__ import annotations

import sys

import pytest

from spikecycle.simulator import UsageError
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import to_frame


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match=r"the package polars is needed .* pip install 'spikecycle\[explore\]'"):
        to_frame([{"a": 1}])


def test_what_is_installed_is_there() -> None:
    assert needs_extra("math").pi > 3
