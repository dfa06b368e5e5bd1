"""What a spike array is built of beside its buffers: logic by component, and the flags of the sparse update.

The sizes that logic grows with are those of the RTL (`tests/rtl`), whose modules the energy table's section `control`
prices. Lanes and banks are of one PE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikecycle.simulator.formats import WEIGHT_FORMATS, WeightFormat, missing_rate, weight_format
from spikecycle.simulator.machine.parts import LogicUnit, Memory, UnitKind
from spikecycle.simulator.machine.schema import AUTO
from spikecycle.simulator.units import BITS_PER_KIB

if TYPE_CHECKING:
    from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine

EVENT_BITS = 68
"""Of an event in the FIFOs: row of the fiber table, channel, row and column of 16 bits each, number of the bit."""
LAYER_REGISTER_BITS = 1028
"""What a PE is told of a layer: 4 rows of the fiber table of 117 bits, its part of the tile in 176, and threshold and
bias of 8 channels of 48 bits. A layer that needs more would keep it in memory."""
FLAGS = "flags"


def logic_units(machine: SpikeArrayMachine) -> tuple[LogicUnit, ...]:
    """The logic of the whole array."""
    parameters, buffers = machine.dataflow, machine.buffers
    pes, lanes, update_lanes = parameters.pes, parameters.lanes, parameters.update_lanes
    bits, banks = buffers.potentials.width_bits, buffers.potentials.banks
    buffer_bits = parameters.fiber_buffer_words * buffers.weights.width_bits
    searched_bits = parameters.decoder.mask_bits_per_cycle

    def unit(component: str, action: str, count: int, kind: UnitKind = "control", **sizes: int) -> LogicUnit:
        return LogicUnit(component, action, count=count, kind=kind, sizes=tuple(sizes.items()))

    return (
        # adders of the accumulators; multiplier and comparator of the update: as wide as a potential
        LogicUnit("accumulator", "add", bits, pes * lanes),
        LogicUnit("neuron", "multiply", bits, pes * update_lanes),
        LogicUnit("neuron", "compare", bits, pes * update_lanes),
        unit("dispatcher", "dispatcher", 1),
        unit("sequencer", "sequencer", 1),
        unit("fifo", "fifo", pes, "register", bits=parameters.fifo_depth * EVENT_BITS),
        unit("fetch", "fetch", pes, buffer_bits=buffer_bits),
        *(
            unit("decoder", decoder, pes, buffer_bits=buffer_bits + searched_bits, slots=slots, mask_bits=searched_bits)
            for decoder, slots in _decoders(machine).items()
        ),
        unit("locate", "locate", pes, lanes=lanes),
        unit("accumulator", "lanes", pes, lanes=lanes, crosspoints=lanes * banks),
        unit("accumulator", "bank", pes, banks=banks),
        unit("neuron", "neuron", pes, update_lanes=update_lanes),
        unit("sweep", "sweep", pes, update_lanes=update_lanes),
        unit("layer_registers", "layer_registers", pes, "register", bits=LAYER_REGISTER_BITS),
    )  # fmt: skip


def flags_memory(machine: SpikeArrayMachine) -> tuple[Memory, ...]:
    """One active flag per potential, in the banks of the potentials (update: sparse)."""
    if machine.dataflow.update == "dense":
        return ()
    potentials = machine.buffers.potentials
    words = potentials.capacity_bits // potentials.width_bits
    width = machine.dataflow.flags_per_cycle
    return (
        Memory(FLAGS, "sram", words / BITS_PER_KIB, width, potentials.banks, instances=machine.dataflow.pes),
    )  # fmt: skip


def decode_unit(chosen: WeightFormat) -> str:
    """The unit of the energy table that decodes a weight format."""
    return f"decode_{chosen.positions}"


def unmodelled(machine: SpikeArrayMachine) -> tuple[str, ...]:
    """What the array has, and no figures are known for."""
    words = machine.dataflow.fiber_buffer_words
    codes = sorted({chosen.codes for chosen in _formats(machine)} - {"plain"})
    return (
        "encoder (bit map of output spikes)",
        f"registers of fibers longer than {words} words and of layers with more than 8 channels per PE",
        *machine.dataflow.neuron_unit.unmodelled(),
        *({"codebook": "area of codebooks", "trits": "unpacking of trits"}[code] for code in codes),
    )


def _formats(machine: SpikeArrayMachine) -> tuple[WeightFormat, ...]:
    """The weight formats that the array is built for: its own and those of single operators; if it is yet to choose,
    all that it could have decoders for."""
    formats = machine.formats
    choices = [formats.weights, *(formats.weights_of(operator) for operator in formats.per_operator)]
    named = tuple(weight_format(choice) for choice in choices if choice.format != AUTO)
    if named:
        return named
    rates = {key: getattr(machine.dataflow.decoder, key) for key in type(machine.dataflow.decoder).model_fields}
    return tuple(each for _, each in WEIGHT_FORMATS.items() if missing_rate(each, rates) is None)


def _decoders(machine: SpikeArrayMachine) -> dict[str, int]:
    """Decoders of a PE, by unit of the energy table, and the weights that each takes a step at most."""
    parameters, decoder = machine.dataflow, machine.dataflow.decoder
    limits = {"coordinate": decoder.coordinates_per_cycle, "run": decoder.runs_per_cycle}
    return {
        decode_unit(chosen): min(parameters.lanes, limits.get(chosen.positions, parameters.lanes))
        for chosen in _formats(machine)
    }
