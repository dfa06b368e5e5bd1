"""Packages of the extra `explore`: one that is missing is told in a line that says how to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spikecycle import installing
from spikecycle.installing import how_to_install
from spikecycle.simulator import UsageError
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import to_frame
from spikecycle.simulator.explore.store import SweepFolder


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match=r"the package polars is needed .* pip install .*'\.\[explore\]'"):
        to_frame([{"a": 1}])


def test_how_to_install_depends_on_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a checkout the package is on no index under its name, and what runs there is no copy, nor becomes one;
    installed, there is no checkout."""
    root = Path(__file__).parents[3]
    command = how_to_install("explore")
    assert command == f"cd {root} && {sys.executable} -m pip install -c constraints.txt -e '.[explore]'"
    monkeypatch.setattr(installing, "CHECKOUT", tmp_path)
    assert how_to_install("explore") == "pip install 'spikecycle[explore]'"


def test_a_sweep_without_its_packages_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match="the package polars is needed"):
        SweepFolder(tmp_path / "sweep", {})
    assert not (tmp_path / "sweep").exists()


def test_what_is_installed_is_there() -> None:
    assert needs_extra("math").pi > 3
