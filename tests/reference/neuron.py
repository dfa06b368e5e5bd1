"""Twin of the neurons of `spikecycle.traces`: one neuron, one timestep after the other, in plain Python integers."""

from __future__ import annotations

from typing import Any

from spikecycle.traces import Neuron


def parameter(values: Any, m: int, p: int, q: int) -> int:
    """A neuron's own value of a parameter: one for all, one per channel, or one per neuron."""
    values = values.tolist()
    own = values[m] if len(values) > 1 else values[0]
    return own[p][q] if isinstance(own, list) else own


class Cell:
    """Neuron (m, p, q) of a population. occurred: what happened that is worth a test."""

    def __init__(self, neuron: Neuron, m: int, p: int, q: int, occurred: set[str]) -> None:
        self.neuron = neuron
        self.occurred = occurred
        self.threshold = parameter(neuron.threshold, m, p, q) if neuron.kind != "readout" else None
        self.leak = parameter(neuron.leak_numerator, m, p, q)
        has_current = neuron.kind == "synaptic" or len(neuron.current_leak_numerator) > 0
        self.current_leak = parameter(neuron.current_leak_numerator, m, p, q) if has_current else None
        self.potential = parameter(neuron.start_potential, m, p, q)
        self.current = 0
        self.fired_before = False

    def step(self, received: int) -> int:
        """What comes out in one timestep: a spike, or the potential of a readout."""
        neuron = self.neuron
        if self.current_leak is not None:
            remaining = self.current * self.current_leak // 2**neuron.current_leak_shift
            self.current = self.saturate(remaining + received, neuron.current_bits, "current")
            received = self.current
        leaked = self.potential * self.leak // 2**neuron.leak_shift
        if self.potential < 0 and self.potential * self.leak % 2**neuron.leak_shift:
            self.occurred.add("a negative potential leaks and is rounded down")
        late = neuron.reset_timing == "next"
        if late and self.fired_before:
            leaked = leaked - self.threshold if neuron.reset == "soft" else neuron.reset_value
            self.occurred.add(f"late {neuron.reset} reset")
        self.potential = self.saturate(leaked + received, neuron.potential_bits, "potential")
        if self.threshold is None:
            return self.potential
        fires = self.potential >= self.threshold
        self.fired_before = fires
        if fires and not late:
            after = self.potential - self.threshold if neuron.reset == "soft" else neuron.reset_value
            self.occurred.add(f"{neuron.reset} reset to {'0' if after == 0 else 'not 0'}")
            self.potential = after
        return int(fires)

    def is_at_rest(self) -> bool:
        """Whether nothing is stored."""
        return self.potential == 0 and self.current == 0

    def saturate(self, value: int, bits: int, what: str) -> int:
        """Clip to signed bits."""
        highest = 2 ** (bits - 1) - 1
        if value > highest:
            self.occurred.add(f"{what} saturates at the top")
            return highest
        if value < -highest - 1:
            self.occurred.add(f"{what} saturates at the bottom")
            return -highest - 1
        return value
