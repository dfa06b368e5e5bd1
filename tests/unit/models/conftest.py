"""The digits, turned into events once for all tests; torch on one thread, as the pipeline has it."""

from __future__ import annotations

import pytest

from spikecycle.models.data.frames import DataSplit
from spikecycle.models.data.registry import load_data
from spikecycle.models.pipeline import set_determinism


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads that wait for one another on a busy machine turn seconds into minutes."""
    set_determinism()


@pytest.fixture(scope="session")
def digits() -> DataSplit:
    """All of them; seconds."""
    return load_data("digits")
