"""The logic that a neuron's leaks need: none, a shift, or a multiplication."""

from __future__ import annotations

from typing import Literal

import numpy as np

from spikecycle.simulator.array_types import Int32
from spikecycle.traces import Neuron

LeakAction = Literal["shift", "multiply"]


def leaks(neuron: Neuron) -> bool:
    """Whether updates compute a leak: a factor of 1 keeps the potential, a factor of 0 clears it."""
    return _is_computed(neuron.leak_numerator, neuron.leak_shift)


def current_leaks(neuron: Neuron) -> bool:
    """The same of the synaptic current; False where there is none."""
    return _is_computed(neuron.current_leak_numerator, neuron.current_leak_shift)


def leak_action(neuron: Neuron) -> LeakAction:
    """What a leak is: a shift if its factor (that of every neuron) is a power of two or 0, else a multiplication."""
    return _action(neuron.leak_numerator)


def current_leak_action(neuron: Neuron) -> LeakAction:
    """The same of the synaptic current."""
    return _action(neuron.current_leak_numerator)


def _is_computed(numerators: Int32, shift: int) -> bool:
    numerators = np.atleast_1d(numerators)
    return bool(((numerators > 0) & (numerators < 1 << shift)).any())


def _action(numerators: Int32) -> LeakAction:
    numerators = np.atleast_1d(numerators)
    return "multiply" if (numerators & (numerators - 1)).any() else "shift"
