"""Where measured data from elsewhere lie: a folder that is no part of the project, named by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "SPIKECYCLE_REFERENCE_DATA"


def reference_file(name: str) -> Path:
    """The file of that name; skips the test where the folder or the file is not there."""
    folder = os.environ.get(VARIABLE)
    if not folder or not (path := Path(folder) / name).is_file():
        pytest.skip(f"{name} is needed: set {VARIABLE} to the folder that holds it")
    return path
