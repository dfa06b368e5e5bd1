"""The table of stages: who is charged with CPU time, and how it is added up."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("stages")


def test_modules_are_added_up_to_stages_and_kernels_stay(stages: Any) -> None:
    spent = {
        "kernel count": 0.5,
        "traces/file_digest.py": 0.25,
        "traces/hdf5.py": 1.0,
        "simulator/dataflows/layer.py": 2.0,
        "simulator/dataflows/spike_array/fibers.py": 4.0,
        "simulator/pricing.py": 8.0,
        "others": 0.125,
    }
    assert stages.by_stage(spent) == {
        "engine, schedule, prices, result": 8.0,
        "Python and NumPy of the dataflow": 6.0,
        "opening and reading the trace, checksums": 1.0,
        "kernel count": 0.5,
        "SHA-256 of the file": 0.25,
        "others": 0.125,
    }


def test_a_run_is_charged_to_kernels_and_modules(stages: Any) -> None:
    """All of it is somebody's, and nobody outside the package is named."""
    spent = stages.measure("digits-8bit", "spike_array", 3)
    assert sum(spent.values()) > 0
    assert all(who == "others" or who.startswith("kernel ") or (stages.PACKAGE / Path(who)).exists() for who in spent)
