"""What the spike array counts: MICROARCHITECTURE.md, section 7."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from spikecycle.simulator.activity import Counter, Resource
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.parts import FLAGS, decode_unit
from spikecycle.simulator.formats import weight_format
from spikecycle.simulator.workload import current_leak_action, leak_action


def counts_that_follow(
    machine: SpikeArrayMachine, counts: Mapping[str, int], updated_states: int, swept_words: int, started_flags: int
) -> dict[str, int]:
    """Potentials on wires, flags written, and events of the units of control, all from what the array counts.

    updated_states: of all updates. swept_words: that they read. started_flags: groups of flags that were written with
    start potentials.
    """
    accumulates = counts["accumulator.add"]
    located = accumulates + counts["decoder.dropped"]
    sparse = machine.dataflow.update == "sparse"
    return {
        "bank_wire.move": counts["potentials.read"] + counts["potentials.write"],
        f"{FLAGS}.write": accumulates + counts.get(f"{FLAGS}.read", 0) + started_flags if sparse else 0,
        "dispatcher.control": counts["dispatcher.broadcast"],
        "fetch.control": counts["fifo.pop"],
        "decoder.fiber": counts["decoder.fibers"],
        "decoder.weight": located + counts["decoder.gated"],
        "locate.weight": located,
        "accumulator.lane": accumulates,
        "accumulator.bank": accumulates,
        "neuron.control": updated_states,
        "sweep.update": swept_words,
    }


def event_bits(task: LayerTask) -> int:
    """Bits of a broadcast event: channel, row, column, and the number of the value's bit."""
    choices = (task.shape.C, task.shape.H, task.shape.W, task.input_bits)
    return max(1, sum((number - 1).bit_length() for number in choices))


def counters(machine: SpikeArrayMachine, task: LayerTask) -> tuple[Counter, ...]:
    """The declared counters, in the order of reports; those of a codebook, synaptic current or pool only where there
    is one."""
    chosen, parameters, neuron = weight_format(machine.formats.weights_of(task.name)), machine.dataflow, task.neuron
    return _counters(
        _Counted(
            decoder=decode_unit(chosen),
            potential_bits=machine.buffers.potentials.width_bits,
            event_bits=event_bits(task),
            codebook_bits=task.weight_bits if chosen.codes == "codebook" else None,
            leak=leak_action(neuron),
            current_leak=current_leak_action(neuron) if neuron.has_current else None,
            integrates=NeuronWords.of(machine, task).additions > 0,
            is_pooled=task.is_pooled,
            is_sparse=parameters.update == "sparse",
            in_rows=parameters.potential_access == "row",
            words_per_access=machine.potentials_per_access,
            broadcast_um=parameters.broadcast_um,
            bank_um=parameters.bank_um,
        )
    )


class _Counted(NamedTuple):
    """All that counters follow from. codebook_bits: of a value, None without a codebook. leak, current_leak: actions,
    the latter None without a current."""

    decoder: str
    potential_bits: int
    event_bits: int
    codebook_bits: int | None
    leak: str
    current_leak: str | None
    integrates: bool
    is_pooled: bool
    is_sparse: bool
    in_rows: bool
    words_per_access: int
    broadcast_um: int
    bank_um: int


@lru_cache(maxsize=64)
def _counters(of: _Counted) -> tuple[Counter, ...]:
    bits, event, wire, decoder = of.potential_bits, of.event_bits, of.broadcast_um, of.decoder
    potentials = "a row of potentials is" if of.in_rows else "a potential is"

    def words(buffer: str, operand: str, action: str, when: str) -> Counter:
        return Counter(f"{buffer}.{action}", buffer, operand, action, "sram", "words", when)

    codebook = (
        Counter(
            "codebook.write", "decoder", "weights", "register_write", "logic", "values",
            "a value of the codebook is loaded", bits=of.codebook_bits or 0,
        ),
        Counter(
            "codebook.read", "decoder", "weights", "register_read", "logic", "values",
            "a stored value is looked up in the codebook", bits=of.codebook_bits or 0,
        ),
    )  # fmt: skip
    current_leak = (
        Counter(
            "neuron.current_leak", "neuron", "potentials", of.current_leak or "", "logic", "operations",
            "a synaptic current leaks: it is shifted if the factor is a power of two, else multiplied", bits=bits,
        ),
    )  # fmt: skip
    integrate = (
        Counter(
            "neuron.integrate", "neuron", "potentials", "add", "logic", "operations",
            "a synaptic current, or the largest sum of a window, is added to a state", bits=bits,
        ),
    )  # fmt: skip
    pool = (
        Counter(
            "neuron.pool", "neuron", "potentials", "compare", "logic", "operations",
            "a sum of a window is compared with the largest before it", bits=bits,
        ),
    )  # fmt: skip

    def flags(action: str, when: str) -> Counter:
        resource: Resource = "sram" if of.is_sparse else "none"
        return Counter(f"{FLAGS}.{action}", FLAGS, "potentials", action, resource, "words", when)

    def control(name: str, operand: str, action: str, when: str) -> Counter:
        return Counter(name, name.split(".")[0], operand, action, "control", "events", when)

    return (
        words("spikes", "spikes", "write", "encoded input spikes are loaded"),
        words("spikes", "spikes", "read", "the dispatcher scans encoded input spikes"),
        words("weights", "weights", "write", "weight fibers are loaded"),
        words("weights", "weights", "read", "a PE fetches a fiber"),
        words("directory", "weights", "write", "the directory is loaded"),
        words("directory", "weights", "read", "a PE looks up a fiber"),
        Counter(
            "dispatcher.broadcast", "dispatcher", "spikes", "move", "wire", "events", "an event is sent to all PEs",
            bits=event, length_um=wire,
        ),
        Counter(
            "fifo.push", "fifo", "spikes", "register_write", "logic", "events", "an event enters the FIFO of a PE",
            bits=event,
        ),
        Counter(
            "fifo.pop", "fifo", "spikes", "register_read", "logic", "events", "an event leaves the FIFO of a PE",
            bits=event,
        ),
        Counter(
            "decoder.gated", "accumulator", "weights", "gated", "logic", "weights",
            "a zero weight takes its slot, but nothing is added", bits=bits,
        ),
        Counter(
            "decoder.dropped", "decoder", "weights", "drop", "none", "weights",
            "a non-zero weight is decoded whose output lies outside the PE's part of the tile",
        ),
        Counter(
            "accumulator.add", "accumulator", "potentials", "add", "logic", "operations",
            "a weight is added to a membrane potential", bits=bits,
        ),
        Counter(
            "neuron.compare", "neuron", "potentials", "compare", "logic", "operations",
            "a potential that may fire is compared with the threshold in its update", bits=bits,
        ),
        Counter(
            "neuron.leak", "neuron", "potentials", of.leak, "logic", "operations",
            "a potential leaks: it is shifted if the factor is a power of two, else multiplied", bits=bits,
        ),
        Counter(
            "neuron.bias", "neuron", "potentials", "add", "logic", "operations",
            f"a bias is added to a {'potential' if of.current_leak is None else 'synaptic current'}", bits=bits,
        ),
        *(() if of.current_leak is None else current_leak),
        *(integrate if of.integrates else ()),
        *(pool if of.is_pooled else ()),
        words("potentials", "potentials", "read", f"{potentials} read, to accumulate or to update"),
        words("potentials", "potentials", "write", f"{potentials} written, by an accumulate, an update or a start"),
        words("outputs", "outputs", "write", "encoded output spikes, or potentials of a readout, are written"),
        words("outputs", "outputs", "read", "encoded output spikes, or potentials of a readout, are stored"),
        *(() if of.codebook_bits is None else codebook),
        Counter(
            "decoder.fibers", "decoder", "weights", "decode", "none", "fibers", "a PE fetches a fiber that is not empty"
        ),
        flags("read", "a group of active flags is scanned (update: sparse)"),
        Counter(
            "bank_wire.move", "bank_wire", "potentials", "move", "wire", "words",
            "a potential goes between a bank and a lane", bits=bits * of.words_per_access,
            length_um=of.bank_um,
        ),
        flags("write", "an accumulate or a start sets flags, or a scanned group is written back (update: sparse)"),
        control("dispatcher.control", "spikes", "dispatcher.event", "the dispatcher finds and splits an event"),
        control("fetch.control", "weights", "fetch.event", "a PE works out where the fiber of an event lies"),
        control("decoder.fiber", "weights", f"{decoder}.fiber", "the decoder takes up a fiber"),
        control("decoder.weight", "weights", f"{decoder}.weight", "the decoder delivers a weight, or a gated zero"),
        control("locate.weight", "weights", "locate.weight", "a weight's output position is worked out"),
        control("accumulator.lane", "potentials", "lanes.accumulate", "a weight goes through a lane to a bank"),
        control("accumulator.bank", "potentials", "bank.accumulate", "a bank's operands are held and forwarded"),
        control("neuron.control", "potentials", "neuron.update", "a state is updated: reset, saturation, selection"),
        control("sweep.update", "potentials", "sweep.update", "a word of a neuron is addressed in the sweep"),
    )  # fmt: skip
