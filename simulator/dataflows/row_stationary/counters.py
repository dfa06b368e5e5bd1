"""What the row-stationary array counts: MICROARCHITECTURE.md, section 8."""

from __future__ import annotations

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows.base import LayerTask
from spikecycle.simulator.dataflows.row_stationary.lowering import lower_layer
from spikecycle.simulator.dataflows.row_stationary.machine import RowStationaryMachine
from spikecycle.simulator.workload import leak_action


def counters(machine: RowStationaryMachine, task: LayerTask) -> tuple[Counter, ...]:
    """The declared counters, in the order of `records.Count`."""
    layer = lower_layer(machine, task)
    neuron = max(layer.psum_bits, layer.potential_bits)
    wires, parameters = machine.dataflow.wires, machine.dataflow
    # the mean way of what goes to or comes from one array row, or one PE of it; weights go to all PEs of a branch
    trunk, branch = parameters.rows * wires.pe_pitch_um // 2, parameters.columns * wires.pe_pitch_um // 2
    whole_branch = parameters.columns * wires.pe_pitch_um

    def words(part: str, operand: str, action: str, when: str) -> Counter:
        return Counter(f"global_buffer.{part}.{action}", "global_buffer", operand, action, "sram", "words", when)

    def entries(pad: str, operand: str, action: str, when: str) -> Counter:
        return Counter(f"{pad}.{action}", pad, operand, action, "sram", "entries", when)

    def logic(name: str, operand: str, action: str, bits: int, when: str) -> Counter:
        return Counter(name, name.split(".")[0], operand, action, "logic", "operations", when, bits=bits)

    def wire(name: str, operand: str, length_um: int, when: str) -> Counter:
        return Counter(f"{name}.{operand}", name, operand, "move", "wire", "bits", when, length_um=length_um)

    return (
        words("spikes", "spikes", "write", "input rows are loaded"),
        words("spikes", "spikes", "read", "input rows are delivered to PEs"),
        Counter(
            "global_buffer.spikes.gated", "global_buffer", "spikes", "gated", "none", "words",
            "words of input rows whose weights are all zero: they take their slot, but are not read",
        ),
        words("psums", "potentials", "write", "partial sums leave the array"),
        words("psums", "potentials", "read", "partial sums enter the chains again, or are added to potentials"),
        words("potentials", "potentials", "write", "potentials are kept for the next time group"),
        words("potentials", "potentials", "read", "potentials of the time group before are taken up"),
        words("outputs", "outputs", "write", "output spikes are written"),
        words("outputs", "outputs", "read", "output spikes are stored"),
        words("weights", "weights", "write", "encoded weights are loaded, if they do not bypass the buffer"),
        words("weights", "weights", "read", "encoded weights go to the pads, if they do not bypass the buffer"),
        entries("input_pad", "spikes", "write", "an input enters the pad of a PE"),
        entries("input_pad", "spikes", "read", "an input is read for a window"),
        entries("weight_pad", "weights", "write", "a weight, or mask bits, enter the pad of a PE"),
        entries("weight_pad", "weights", "read", "a weight, or mask bits, are read for an input"),
        Counter(
            "weight_pad.gated", "weight_pad", "weights", "gated", "none", "weights",
            "a cycle is spent on a weight that is not read",
        ),
        entries("psum_pad", "potentials", "write", "a partial sum is written by an accumulate"),
        entries("psum_pad", "potentials", "read", "a partial sum is read by an accumulate, or handed to the chain"),
        logic("accumulator.add", "potentials", "add", layer.psum_bits, "a weight or product is added to a partial sum"),
        logic(
            "accumulator.multiply", "potentials", "multiply", max(layer.weight_bits, layer.input_bits),
            "a weight is multiplied by an input of more than 1 bit",
        ),
        logic("accumulator.gated", "potentials", "gated", layer.psum_bits, "a cycle is spent on a zero: no addition"),
        logic("chain.add", "potentials", "add", layer.psum_bits, "a PE adds its partial sum to the one from below"),
        logic("neuron.compare", "potentials", "compare", neuron, "a potential is compared with the threshold"),
        logic(
            "neuron.leak", "potentials", leak_action(task.neuron), neuron,
            "a potential leaks: it is shifted if the factor is a power of two, else multiplied",
        ),
        logic("neuron.add", "potentials", "add", neuron, "a sum, or a bias, is added to a potential"),
        wire("dram_wire", "weights", wires.dram_um, "a bit of weights comes from DRAM"),
        wire("dram_wire", "spikes", wires.dram_um, "a bit of input spikes comes from DRAM"),
        wire("dram_wire", "potentials", wires.dram_um, "a bit of a potential comes from DRAM or goes there"),
        wire("dram_wire", "outputs", wires.dram_um, "a bit of output spikes goes to DRAM"),
        wire("trunk", "weights", trunk, "a bit of encoded weights goes along the array"),
        wire("trunk", "spikes", trunk, "a bit of an input row goes along the array"),
        wire("trunk", "potentials", trunk, "a bit of a partial sum goes along the array"),
        wire("branch", "weights", whole_branch, "a bit of encoded weights goes along an array row"),
        wire("branch", "spikes", branch, "a bit of an input row goes along an array row"),
        wire("branch", "potentials", branch, "a bit of a partial sum goes along an array row"),
        wire("chain_wire", "potentials", wires.pe_pitch_um, "a bit of a partial sum goes to the next PE"),
        wire("pe_wire", "weights", wires.in_pe_um, "a bit of a weight goes from pad to arithmetic"),
        wire("pe_wire", "spikes", wires.in_pe_um, "a bit of an input goes from pad to arithmetic"),
        wire("pe_wire", "potentials", wires.in_pe_um, "a bit of a partial sum goes between pad and arithmetic"),
    )  # fmt: skip
