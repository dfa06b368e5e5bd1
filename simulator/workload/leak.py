"""What the leak of a neuron is in logic: nothing, a shift, or a multiplication."""

from __future__ import annotations

from typing import Literal

from spikecycle.traces import Neuron


def leaks(neuron: Neuron) -> bool:
    """Whether an update computes a leak: a factor of 1 keeps the potential, a factor of 0 clears it."""
    return 0 < neuron.leak_numerator < 1 << neuron.leak_shift


def leak_action(neuron: Neuron) -> Literal["shift", "multiply"]:
    """What a leak is: a shift if its factor is a power of two, else a multiplication."""
    return "shift" if neuron.leak_numerator & (neuron.leak_numerator - 1) == 0 else "multiply"
