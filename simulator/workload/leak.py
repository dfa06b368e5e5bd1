"""The logic that a neuron's leak needs: none, a shift, or a multiplication."""

from __future__ import annotations

from typing import Literal

import numpy as np

from spikecycle.traces import Neuron


def leaks(neuron: Neuron) -> bool:
    """Whether updates compute a leak: a factor of 1 keeps the potential, a factor of 0 clears it."""
    numerators = np.atleast_1d(neuron.leak_numerator)
    return bool(((numerators > 0) & (numerators < 1 << neuron.leak_shift)).any())


def leak_action(neuron: Neuron) -> Literal["shift", "multiply"]:
    """What a leak is: a shift if its factor (that of every neuron) is a power of two or 0, else a multiplication."""
    numerators = np.atleast_1d(neuron.leak_numerator)
    return "multiply" if (numerators & (numerators - 1)).any() else "shift"
