"""Serial spike accumulation: one spike per cycle is broadcast with its row of weights to all adders.

The rule by which the comparison study of Prosperity (Wei et al., HPCA 2025, section VII) times MINT (Yin et al.,
ASP-DAC 2024): an operator with weights takes a cycle for every spike of its im2col matrix and every group of output
channels that the adders take at once; neurons take three cycles per timestep for every group that the update unit
takes at once. Attention, additions, pooling and concatenation cost nothing there, and memory is not counted.

Where neurons start with potentials that are not 0, every group takes one cycle more, once per sample: it is written.
Potentials of a readout take as long as spikes. Both are ours, not the study's.
"""

from __future__ import annotations

from typing import Literal

from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS, NeuronUnit
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.schema import DataflowParameters, PositiveInt
from spikecycle.traces import Population

UPDATE_CYCLES = 3
"""Cycles of one update of a group of neurons (the study gives MINT the neuron unit of PTB)."""


class SpikeSerialParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["spike_serial"]
    pes: PositiveInt
    """Adders, one output channel each."""
    update_lanes: PositiveInt
    """Neurons that are updated at once."""
    neuron_unit: NeuronUnit = NeuronUnit()
    """What neurons may do beside leak, threshold and a reset before the leak."""


class SpikeSerialMachine(RuleMachine):
    """A machine that accumulates spikes one by one."""

    dataflow: SpikeSerialParameters

    @property
    def pe_count(self) -> int:
        """Adders."""
        return self.dataflow.pes


SPIKE_SERIAL = rule(
    "spike_serial",
    machine=SpikeSerialMachine,
    summary="one spike per cycle with its weights to all adders (MINT)",
    free=("add", "attention", "concatenate", "pool"),
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights", *NEURON_DEMANDS),
)


@SPIKE_SERIAL.runs("conv1d", "conv2d", "linear")
def synapses(machine: SpikeSerialMachine, run: OperatorRun) -> int:
    """Cycles of an operator with weights."""
    return run.workload.im2col_ones * -(-run.workload.output_channels // machine.dataflow.pes)


@SPIKE_SERIAL.prepares("neuron")
def start_cycles(machine: SpikeSerialMachine, operator: Population, network: Network) -> int:
    """Cycles to write start potentials; MappingError for neurons that the machine's unit does not have."""
    refused = machine.dataflow.neuron_unit.refusal(operator.neuron)
    if refused:
        raise MappingError.of(operator.name, machine.name, refused)
    return -(-operator.output.count // machine.dataflow.update_lanes) if operator.neuron.start_potential.any() else 0


@SPIKE_SERIAL.runs("neuron")
def neurons(machine: SpikeSerialMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    start: int = run.prepared
    return start + UPDATE_CYCLES * run.outputs * run.timesteps // machine.dataflow.update_lanes
