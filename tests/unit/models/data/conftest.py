"""Where the real recordings lie that some tests measure against."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def real_nmnist() -> Path:
    """Some of the real N-MNIST, in SPIKECYCLE_DATA or in shared/data beside the checkout."""
    beside = CHECKOUT.parent / "shared" / "data"
    folder = Path(os.environ.get("SPIKECYCLE_DATA", beside)) / "N-MNIST-1000"
    if not folder.is_dir():
        pytest.skip(f"no N-MNIST recordings in {folder}; SPIKECYCLE_DATA names the folder above them")
    return folder
