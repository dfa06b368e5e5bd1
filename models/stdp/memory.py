"""What a fully connected STDP network keeps in memory, and the largest one within a budget.

Sources: Diehl, Cook, "Unsupervised learning of digit recognition using spike-timing-dependent plasticity", Frontiers in
Computational Neuroscience 9:99 (2015): as many inhibitory as excitatory neurons, each of which inhibits all excitatory
ones but its own. Putra, Shafique, "FSpiNN: An Optimization Framework for Memory-Efficient and Energy-Efficient Spiking
Neural Networks", IEEE TCAD 39 (2020) (arXiv 2007.08860): excitatory neurons inhibit each other directly, with one
strength for all, and weights are fixed-point numbers, so that memory decides how many neurons there can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spikecycle.models.errors import ModelsError

FLOAT_BITS = 32
"""Of weights and state of a network that is not quantized."""

Inhibition = Literal["layer", "direct"]
"""`layer`: through inhibitory neurons, with weights of their own; `direct`: by one strength that all share."""


@dataclass(frozen=True)
class StdpMemory:
    """A network of that size. weight_bits: of every weight; state_bits: of every other number that a neuron has.

    State of a neuron: its potential and, where it learns, the adaptation of its threshold. An input has a trace of its
    last spikes, which learning reads.
    """

    inputs: int
    neurons: int
    weight_bits: int
    state_bits: int = 16
    inhibition: Inhibition = "direct"

    @property
    def weights(self) -> int:
        """All that are stored: from inputs, and those of the inhibition."""
        learned = self.inputs * self.neurons
        if self.inhibition == "direct":
            return learned + 1
        return learned + self.neurons + self.neurons * (self.neurons - 1)

    @property
    def states(self) -> int:
        """Numbers besides weights: two of each excitatory neuron, one of each inhibitory one, one of each input."""
        inhibitory = self.neurons if self.inhibition == "layer" else 0
        return 2 * self.neurons + inhibitory + self.inputs

    @property
    def bits(self) -> int:
        """All of them."""
        return self.weights * self.weight_bits + self.states * self.state_bits


def largest_within(
    budget_bits: int, inputs: int, weight_bits: int, state_bits: int = 16, inhibition: Inhibition = "direct"
) -> StdpMemory:
    """The network with the most neurons that takes at most so many bits; ModelsError where not one neuron fits."""

    def network(neurons: int) -> StdpMemory:
        return StdpMemory(inputs, neurons, weight_bits, state_bits, inhibition)

    if network(1).bits > budget_bits:
        raise ModelsError(f"a budget of {budget_bits} bits: a single neuron takes {network(1).bits}")
    low, high = 1, 2
    while network(high).bits <= budget_bits:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if network(middle).bits <= budget_bits else (low, middle)
    return network(low)
