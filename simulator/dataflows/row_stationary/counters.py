"""What the row-stationary array counts: MICROARCHITECTURE.md, section 8."""

from __future__ import annotations

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.row_stationary.kernel_types import Count, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.machine import RowStationaryMachine
from spikecycle.simulator.workload import current_leak_action, leak_action


def counters(machine: RowStationaryMachine, task: LayerTask, layer: LayerSpec) -> dict[Count, Counter]:
    """The declared counters by the column that kernels count them in; that of a synaptic current only where there is
    one."""
    neuron = max(layer.psum_bits, layer.potential_bits, layer.current_bits)
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

    of_current = {
        Count.CURRENT_LEAKS: logic(
            "neuron.current_leak",
            "potentials",
            current_leak_action(task.neuron),
            neuron,
            "a synaptic current leaks: it is shifted if the factor is a power of two, else multiplied",
        )
    }
    of_pool = {
        Count.POOL_COMPARISONS: logic(
            "neuron.pool", "potentials", "compare", neuron, "a sum of a window is compared with the largest before it"
        )
    }
    added = "a sum, or a bias, is added to a potential"
    if layer.current_bits:
        added = "a sum, or a bias, is added to a synaptic current, or that to a potential"
    return {
        Count.INPUT_WORDS_WRITTEN: words("spikes", "spikes", "write", "input rows are loaded"),
        Count.INPUT_WORDS_READ: words("spikes", "spikes", "read", "input rows are delivered to PEs"),
        Count.INPUT_WORDS_GATED: Counter(
            "global_buffer.spikes.gated",
            "global_buffer",
            "spikes",
            "gated",
            "none",
            "words",
            "words of input rows whose weights are all zero: they take their slot, but are not read",
        ),
        Count.PSUM_WORDS_WRITTEN: words("psums", "potentials", "write", "partial sums leave the array"),
        Count.PSUM_WORDS_READ: words(
            "psums", "potentials", "read", "partial sums enter the chains again, or are added to potentials"
        ),
        Count.POTENTIAL_WORDS_WRITTEN: words(
            "potentials", "potentials", "write", "potentials are kept for the next time group"
        ),
        Count.POTENTIAL_WORDS_READ: words(
            "potentials", "potentials", "read", "potentials of the time group before are taken up"
        ),
        Count.OUTPUT_WORDS_WRITTEN: words("outputs", "outputs", "write", "output spikes are written"),
        Count.OUTPUT_WORDS_READ: words("outputs", "outputs", "read", "output spikes are stored"),
        Count.WEIGHT_WORDS_WRITTEN: words(
            "weights", "weights", "write", "encoded weights are loaded, if they do not bypass the buffer"
        ),
        Count.WEIGHT_WORDS_READ: words(
            "weights", "weights", "read", "encoded weights go to the pads, if they do not bypass the buffer"
        ),
        Count.INPUT_PAD_WRITES: entries("input_pad", "spikes", "write", "an input enters the pad of a PE"),
        Count.INPUT_PAD_READS: entries("input_pad", "spikes", "read", "an input is read for a window"),
        Count.WEIGHT_PAD_WRITES: entries(
            "weight_pad", "weights", "write", "a weight, or mask bits, enter the pad of a PE"
        ),
        Count.WEIGHT_PAD_READS: entries(
            "weight_pad", "weights", "read", "a weight, or mask bits, are read for an input"
        ),
        Count.WEIGHT_PAD_GATED: Counter(
            "weight_pad.gated",
            "weight_pad",
            "weights",
            "gated",
            "none",
            "weights",
            "a cycle is spent on a weight that is not read",
        ),
        Count.PSUM_PAD_WRITES: entries(
            "psum_pad",
            "potentials",
            "write",
            "a partial sum is written by an accumulate",
        ),
        Count.PSUM_PAD_READS: entries(
            "psum_pad", "potentials", "read", "a partial sum is read by an accumulate, or handed to the chain"
        ),
        Count.ACCUMULATES: logic(
            "accumulator.add", "potentials", "add", layer.psum_bits, "a weight or product is added to a partial sum"
        ),
        Count.MULTIPLICATIONS: logic(
            "accumulator.multiply",
            "potentials",
            "multiply",
            max(layer.weight_bits, layer.input_bits),
            "a weight is multiplied by an input of more than 1 bit",
        ),
        Count.GATED: logic(
            "accumulator.gated", "potentials", "gated", layer.psum_bits, "a cycle is spent on a zero: no addition"
        ),
        Count.CHAIN_ADDITIONS: logic(
            "chain.add", "potentials", "add", layer.psum_bits, "a PE adds its partial sum to the one from below"
        ),
        Count.UPDATES: logic(
            "neuron.compare", "potentials", "compare", neuron, "a potential is compared with the threshold"
        ),
        Count.LEAKS: logic(
            "neuron.leak",
            "potentials",
            leak_action(task.neuron),
            neuron,
            "a potential leaks: it is shifted if the factor is a power of two, else multiplied",
        ),
        **(of_current if layer.current_bits else {}),
        **(of_pool if layer.window > 1 else {}),
        Count.NEURON_ADDITIONS: logic("neuron.add", "potentials", "add", neuron, added),
        Count.DRAM_WIRE_WEIGHTS: wire("dram_wire", "weights", wires.dram_um, "a bit of weights comes from DRAM"),
        Count.DRAM_WIRE_SPIKES: wire("dram_wire", "spikes", wires.dram_um, "a bit of input spikes comes from DRAM"),
        Count.DRAM_WIRE_POTENTIALS: wire(
            "dram_wire", "potentials", wires.dram_um, "a bit of a potential comes from DRAM or goes there"
        ),
        Count.DRAM_WIRE_OUTPUTS: wire("dram_wire", "outputs", wires.dram_um, "a bit of output spikes goes to DRAM"),
        Count.TRUNK_WEIGHTS: wire("trunk", "weights", trunk, "a bit of encoded weights goes along the array"),
        Count.TRUNK_SPIKES: wire("trunk", "spikes", trunk, "a bit of an input row goes along the array"),
        Count.TRUNK_PSUMS: wire("trunk", "potentials", trunk, "a bit of a partial sum goes along the array"),
        Count.BRANCH_WEIGHTS: wire(
            "branch", "weights", whole_branch, "a bit of encoded weights goes along an array row"
        ),
        Count.BRANCH_SPIKES: wire("branch", "spikes", branch, "a bit of an input row goes along an array row"),
        Count.BRANCH_PSUMS: wire("branch", "potentials", branch, "a bit of a partial sum goes along an array row"),
        Count.CHAIN_PSUMS: wire(
            "chain_wire", "potentials", wires.pe_pitch_um, "a bit of a partial sum goes to the next PE"
        ),
        Count.PE_WIRE_WEIGHTS: wire(
            "pe_wire", "weights", wires.in_pe_um, "a bit of a weight goes from pad to arithmetic"
        ),
        Count.PE_WIRE_SPIKES: wire(
            "pe_wire", "spikes", wires.in_pe_um, "a bit of an input goes from pad to arithmetic"
        ),
        Count.PE_WIRE_PSUMS: wire(
            "pe_wire", "potentials", wires.in_pe_um, "a bit of a partial sum goes between pad and arithmetic"
        ),
    }
