"""What the spike array counts: MICROARCHITECTURE.md, section 7."""

from __future__ import annotations

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.formats import weight_format
from spikecycle.simulator.workload import leak_action


def event_bits(task: LayerTask) -> int:
    """Bits of a broadcast event: channel, row, column, and the number of the value's bit."""
    choices = (task.shape.C, task.shape.H, task.shape.W, task.input_bits)
    return max(1, sum((number - 1).bit_length() for number in choices))


def counters(machine: SpikeArrayMachine, task: LayerTask) -> tuple[Counter, ...]:
    """The declared counters, in the order of reports; those of the codebook only where there is one."""
    bits = machine.buffers.potentials.width_bits
    event = event_bits(task)
    wire = machine.dataflow.broadcast_um

    def words(buffer: str, operand: str, action: str, when: str) -> Counter:
        return Counter(f"{buffer}.{action}", buffer, operand, action, "sram", "words", when)

    codebook = (
        Counter(
            "codebook.write", "decoder", "weights", "register_write", "logic", "values",
            "a value of the codebook is loaded", bits=task.weight_bits,
        ),
        Counter(
            "codebook.read", "decoder", "weights", "register_read", "logic", "values",
            "a stored value is looked up in the codebook", bits=task.weight_bits,
        ),
    )  # fmt: skip
    has_codebook = weight_format(machine.formats.weights_of(task.name)).codes == "codebook"
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
            "a neuron is updated: its potential is compared with the threshold", bits=bits,
        ),
        Counter(
            "neuron.leak", "neuron", "potentials", leak_action(task.neuron), "logic", "operations",
            "a potential leaks: it is shifted if the factor is a power of two, else multiplied", bits=bits,
        ),
        Counter(
            "neuron.bias", "neuron", "potentials", "add", "logic", "operations",
            "a bias is added to a potential", bits=bits,
        ),
        words("potentials", "potentials", "read", "a potential is read, to accumulate or to update"),
        words("potentials", "potentials", "write", "a potential is written, by an accumulate or an update"),
        words("outputs", "outputs", "write", "encoded output spikes are written"),
        words("outputs", "outputs", "read", "encoded output spikes are stored"),
        *(codebook if has_codebook else ()),
    )  # fmt: skip
