"""What a measurement says of populations and channels that do nothing, or all at once; spikes worked out by hand.

Neurons without leak that are reset to 0; input k fires in every timestep, or never.
"""

from __future__ import annotations

import nir
import numpy as np
import pytest

from spikecycle.models import import_network
from tests.unit.models.importing.graphs import chain, integrate

pytestmark = pytest.mark.train
TIMESTEPS = 12


def remarks(weight: list[list[float]], threshold: float, firing: list[int], bits: int = 16) -> tuple[str, ...]:
    array = np.array(weight, dtype=np.float32)
    outputs, inputs = array.shape
    samples = np.zeros((2, TIMESTEPS, inputs), np.uint8)
    samples[:, :, firing] = 1
    network = import_network(chain((inputs,), fc=nir.Linear(array), n=integrate(outputs, threshold)))
    network.calibrate(samples)
    network.quantize(bits)
    return network.measure(samples).remarks


def test_silent_saturated_and_dead() -> None:
    assert remarks([[1.0], [1.0]], 1e3, [0]) == (
        "n never fires on these samples: are inputs, thresholds and dt right?",
    )
    assert remarks([[1.0], [1.0]], 0.9, [0]) == ("n is saturated: 1.00 spikes for each neuron and timestep",)
    # Every second timestep, every timestep, never: a half of all, so only channels are named.
    assert remarks([[0.6], [1.0], [0.0]], 0.9, [0]) == (
        "1 of 3 channels (1) of n are saturated: they fire in nearly every timestep",
        "1 of 3 channels (2) of n never fire on these samples",
    )
    assert remarks([[0.6], [0.6]], 0.9, [0]) == ()


def test_what_is_so_in_integers_only() -> None:
    """2 bits are -1, 0 and 1. Weights 1 and 0.2 have the scale that leaves 1 and 0, whose second input is lost. Weights
    1 and 0.6 have the scale 0.8, in which the threshold 0.7 is the code 1 that each spike brings."""
    assert remarks([[1.0, 0.2], [0.2, 1.0]], 0.5, [1], bits=2) == (
        "1 of 2 channels (1) of n are saturated: they fire in nearly every timestep",
        "1 of 2 channels (0) of n fire no more in integers",
    )
    assert remarks([[1.0, 0.2]], 0.5, [1], bits=2)[0] == (
        "n never fires in integers, though it did before: more weight bits may help"
    )
    assert remarks([[1.0, 0.6]], 0.7, [1], bits=2) == ("1 of 1 channels (0) of n are saturated in integers only",)
