"""What a neuron has in the potentials buffer of its PE: MICROARCHITECTURE.md, section 5, "Words of a neuron"."""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.neuron_unit import own_parameter_bits
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine


@dataclass(frozen=True)
class NeuronWords:
    """Words of each neuron of a layer.

    states: those that an update reads and writes; events accumulate in the first, or, with a pool of currents, in words
    of their own (sums_apart). parameters: those that it reads, for thresholds and leaks of its own, of `parameter_bits`
    together.
    """

    states: int
    parameters: int
    parameter_bits: int
    sums_apart: bool

    @classmethod
    def of(cls, machine: SpikeArrayMachine, task: LayerTask) -> NeuronWords:
        """The words of a layer's neurons on a machine."""
        bits = own_parameter_bits(task.neuron)
        return cls(task.neuron.states, -(-bits // machine.buffers.potentials.width_bits), bits, task.is_pooled)

    @property
    def read(self) -> int:
        """Words that an update reads: all."""
        return self.states + self.parameters

    @property
    def additions(self) -> int:
        """Additions of an update: of what arrived, where events do not add it up in a state, and of a synaptic
        current."""
        return self.states - 1 + int(self.sums_apart)

    def cycles(self, cycles_per_access: int) -> int:
        """Cycles that an update of a neuron, or of a group, takes its banks. cycles_per_access: of a read and a write
        of a word; a read alone takes one."""
        return self.states * cycles_per_access + self.parameters

    def taken(self, banks: int, sums: int, neurons: int) -> int:
        """Words of a PE's buffer for so many sums and neurons: a part for each word of a neuron, and one for sums that
        lie apart, of whole rows of banks, so that all words of a neuron lie in one bank."""
        if self.read == 1 and not self.sums_apart:
            return neurons
        rows = self.read * -(-neurons // banks) + (-(-sums // banks) if self.sums_apart else 0)
        return rows * banks
