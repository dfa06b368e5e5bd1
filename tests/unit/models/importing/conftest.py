"""Random numbers that are the same whichever tests ran before."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of this test alone."""
    return np.random.default_rng(11)
