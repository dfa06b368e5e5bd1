"""What a neuron has in the potentials buffer of its PE: MICROARCHITECTURE.md, section 5, "Words of a neuron"."""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.simulator.dataflows.neuron_unit import own_parameter_bits
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.machine.schema import Buffer
from spikecycle.traces import Neuron


@dataclass(frozen=True)
class NeuronWords:
    """Words of each neuron of a layer.

    states: those that an update reads and writes; events accumulate in the first. parameters: those that it reads, for
    thresholds and leaks of its own, of `parameter_bits` together.
    """

    states: int
    parameters: int
    parameter_bits: int

    @classmethod
    def of(cls, machine: SpikeArrayMachine, neuron: Neuron) -> NeuronWords:
        """The words of a layer's neurons on a machine."""
        bits = own_parameter_bits(neuron)
        return cls(neuron.states, -(-bits // machine.buffers.potentials.width_bits), bits)

    @property
    def read(self) -> int:
        """Words that an update reads: all."""
        return self.states + self.parameters

    def cycles(self, cycles_per_access: int) -> int:
        """Cycles that an update of a neuron, or of a group, takes its banks. cycles_per_access: of a read and a write
        of a word; a read alone takes one."""
        return self.states * cycles_per_access + self.parameters

    def held(self, potentials: Buffer) -> int:
        """Neurons that a PE's buffer has room for: it is cut in a part for each word of a neuron, of whole rows of
        banks, so that all words of a neuron lie in one bank."""
        words = potentials.capacity_bits // potentials.width_bits
        return words if self.read == 1 else words // (self.read * potentials.banks) * potentials.banks
