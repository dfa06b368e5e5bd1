"""What the neuron unit of an array can do beside leak, threshold and a reset before the leak: keys of a machine file.

- *Reset in the next timestep* (snnTorch's default): v = leak(v) - threshold, or reset_value, where there was a spike.
  A unit that leaks as it stores needs no bit that remembers the spike: the reset is taken behind the leak in place of
  before it, by the same subtractor. It has a multiplexer more for every bit of a lane's potential, and takes no cycle.
- *Start potentials*: something that is not 0 where a sample begins. One for all neurons or per channel lies in
  registers beside threshold and bias; those per neuron come from DRAM in every sample.
- *Leaks per channel* (snnTorch's learned beta as a vector): the factors lie in registers beside the thresholds, and the
  multiplier that a lane has takes them from there. Factors that differ within a channel would need a memory of their
  own, and no array has it.
- *Potentials as outputs*, of neurons that never fire (readouts): what is compared elsewhere is written out instead.

Multiplexers and registers are not in the area of any machine; the accesses, moves and cycles are in its counts. An
array that has none of them refuses such neurons and names the key.
"""

from __future__ import annotations

from spikecycle.simulator.machine.schema import DataflowParameters, Section
from spikecycle.traces import Neuron

NEURON_DEMANDS = frozenset(
    {"a reset in the next timestep", "a start potential", "a leak per neuron", "a neuron that does not fire"}
)
"""What of `Population.demands` the keys stand for."""
SECTION = "dataflow.neuron_unit"


class NeuronUnit(Section):
    """The section `neuron_unit` of an array's parameters."""

    late_reset: bool = False
    """Whether a reset can be taken behind the leak, in the timestep after the spike."""
    start_potentials: bool = False
    """Whether potentials can begin a sample with something that is not 0."""
    leaks_per_channel: bool = False
    """Whether every output channel can have a leak of its own."""
    potential_outputs: bool = False
    """Whether potentials can be written out in place of spikes."""

    def refusal(self, neuron: Neuron) -> str:
        """See `DataflowParameters.refusal`."""
        leak = neuron.leak_numerator
        if leak.ndim > 1 and leak[0].size > 1:
            return "its neurons have leaks that differ within a channel, which no neuron unit of an array has"
        needs = {
            "late_reset": (neuron.reset_timing == "next", "reset in the next timestep"),
            "start_potentials": (bool(neuron.start_potential.any()), "start with a potential that is not 0"),
            "leaks_per_channel": (leak.size > 1, "have leaks that differ between channels"),
            "potential_outputs": (not neuron.fires, "do not fire, their potentials are what comes out"),
        }
        for key, (is_needed, what) in needs.items():
            if is_needed and not getattr(self, key):
                return f"its neurons {what}, which needs {SECTION}.{key}: true"
        return ""


class NeuronUnitParameters(DataflowParameters):
    """Parameters of a dataflow whose machines say what their neuron unit can do."""

    neuron_unit: NeuronUnit = NeuronUnit()
    """What neurons may do beside leak, threshold and a reset before the leak."""

    def refusal(self, neuron: Neuron) -> str:
        """That of the unit."""
        return self.neuron_unit.refusal(neuron)


def starts_per_neuron(neuron: Neuron) -> bool:
    """Whether the neurons of a channel start with potentials of their own."""
    start = neuron.start_potential
    return start.ndim > 1 and start[0].size > 1 and bool(start.any())


def potential_words(values: int, bits: int, width_bits: int) -> int:
    """Words of `width_bits` that so many potentials of `bits` fill: whole potentials per word, or whole words per
    potential where it is wider."""
    if bits > width_bits:
        return values * -(-bits // width_bits)
    return -(-values // (width_bits // bits))
