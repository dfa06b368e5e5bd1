"""What the neuron unit of an array can do beside leak, threshold and a reset before the leak: keys of a machine file.

- *Reset in the next timestep* (snnTorch's default): v = leak(v) - threshold, or reset_value, where there was a spike.
  A unit that leaks as it stores needs no bit that remembers the spike: the reset is taken behind the leak in place of
  before it, by the same subtractor. It has a multiplexer more for every bit of a lane's potential, and takes no cycle.
- *Start potentials*: something that is not 0 where a sample begins. One for all neurons or per channel lies in
  registers beside threshold and bias; those per neuron come from DRAM in every sample.
- *Leaks per channel* (snnTorch's learned beta as a vector): the factors lie in registers beside the thresholds, and the
  multiplier that a lane has takes them from there.
- *Potentials as outputs*, of neurons that never fire (readouts): what is compared elsewhere is written out instead.
- *Two states* (snnTorch's Synaptic, CUBA LIF): a synaptic current beside the potential. Both lie where potentials lie,
  each in a word of its own: twice the room, a read and a write more per update. A lane has one adder and multiplier,
  and takes the current first, then the potential: an update takes twice as long, and no arithmetic is added.
- *Parameters per neuron*: thresholds and leaks that differ within a channel are too many for registers. Each neuron has
  its own beside its states (or behind them in DRAM), and every update reads them.
- *Pools of currents* (the max pool ahead of the neurons of snnTorch's tutorials): sums of a timestep are kept until
  those of a window are there, and compared one by one by the comparator that a lane has.

Multiplexers and registers are not in the area of any machine; the accesses, moves and cycles are in its counts. An
array that has none of them refuses such neurons and names the key.
"""

from __future__ import annotations

from spikecycle.simulator.machine.schema import DataflowParameters, Section
from spikecycle.traces import Neuron
from spikecycle.traces.operators.extras import NEURON_PARAMETERS, SYNAPTIC_CURRENTS

NEURON_DEMANDS = frozenset(
    {
        "a reset in the next timestep", "a start potential", "a leak per neuron", "a neuron that does not fire",
        "a neuron of two states", "a threshold per neuron",
    }
)  # fmt: skip
"""What of `Population.demands` the keys stand for."""
NEURON_EXTRAS = NEURON_PARAMETERS | {SYNAPTIC_CURRENTS}
"""What of `Population.extras` an array with a neuron unit charges for: see above."""
SECTION = "dataflow.neuron_unit"
POOLS_REFUSED = f"its neurons take the largest of several currents, which needs {SECTION}.pools_currents: true"


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
    two_states: bool = False
    """Whether neurons can have a synaptic current beside their potential."""
    parameters_per_neuron: bool = False
    """Whether thresholds and leaks can differ within an output channel."""
    pools_currents: bool = False
    """Whether neurons can take the largest current of a window (max pooling ahead of them)."""

    def refusal(self, neuron: Neuron) -> str:
        """See `DataflowParameters.refusal`."""
        by_channel = any(
            getattr(neuron, name).size > 1 and neuron.variations[name] != "neuron"
            for name in ("leak_numerator", "current_leak_numerator")
        )
        needs = {
            "late_reset": (neuron.reset_timing == "next", "reset in the next timestep"),
            "start_potentials": (bool(neuron.start_potential.any()), "start with a potential that is not 0"),
            "leaks_per_channel": (by_channel, "have leaks that differ between channels"),
            "potential_outputs": (not neuron.fires, "do not fire, their potentials are what comes out"),
            "two_states": (neuron.has_current, "have a synaptic current beside the potential"),
            "parameters_per_neuron": (
                own_parameter_bits(neuron) > 0, "have thresholds or leaks that differ within a channel"
            ),
        }  # fmt: skip
        for key, (is_needed, what) in needs.items():
            if is_needed and not getattr(self, key):
                return f"its neurons {what}, which needs {SECTION}.{key}: true"
        return ""

    def unmodelled(self) -> tuple[str, ...]:
        """What of it no figures are known for."""
        has_any = any(getattr(self, key) for key in type(self).model_fields)
        return (f"multiplexers and registers of {SECTION}",) if has_any else ()


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


def own_parameter_bits(neuron: Neuron) -> int:
    """Bits of the thresholds and leaks that every neuron has for itself: those that differ within a channel. 0 if none
    do."""
    bits = {
        "threshold": neuron.potential_bits - 1,  # at least 1, at most the largest potential
        "leak_numerator": neuron.leak_shift + 1,
        "current_leak_numerator": neuron.current_leak_shift + 1,
    }
    return sum(bits[name] for name, found in neuron.variations.items() if found == "neuron")


def potential_words(values: int, bits: int, width_bits: int) -> int:
    """Words of `width_bits` that so many potentials of `bits` fill: whole potentials per word, or whole words per
    potential where it is wider."""
    if bits > width_bits:
        return values * -(-bits // width_bits)
    return -(-values // (width_bits // bits))
