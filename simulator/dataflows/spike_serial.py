"""Serial spike accumulation: one spike per cycle is broadcast with its row of weights to all adders.

The rule by which the comparison study of Prosperity (Wei et al., HPCA 2025, section VII) times MINT (Yin et al.,
ASP-DAC 2024): a cycle for every spike of the im2col matrix and set of output channels added at once, three for every
timestep and group of neurons updated at once, one (ours) for their start potentials, none for all else, nor for memory
(but see `traffic`). Neurons of two states, which the study does not have, take three cycles for each (ours).
"""

from __future__ import annotations

from typing import Literal

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS, NeuronUnitParameters
from spikecycle.simulator.dataflows.once_through import OnceThroughMachine, OnceThroughParameters, once_through
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.machine.schema import PositiveInt
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS

UPDATE_CYCLES = 3  # of one update of a group of neurons (the study gives MINT the neuron unit of PTB)


class SpikeSerialParameters(OnceThroughParameters, NeuronUnitParameters):
    """The section `dataflow`."""

    kind: Literal["spike_serial"]
    pes: PositiveInt
    """Adders, one output channel each."""
    update_lanes: PositiveInt
    """Neurons that are updated at once."""


class SpikeSerialMachine(OnceThroughMachine):
    """A machine that accumulates spikes one by one."""

    dataflow: SpikeSerialParameters

    @property
    def pe_count(self) -> int:
        """Adders."""
        return self.dataflow.pes


SPIKE_SERIAL = rule(
    "spike_serial", machine=SpikeSerialMachine, summary="one spike per cycle with its weights to all adders (MINT)",
    free=("add", "attention", "concatenate", "pool"), accounts_for={SYNAPTIC_CURRENTS}, memory=rows_in_blocks,
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights", *NEURON_DEMANDS),
)  # fmt: skip


@SPIKE_SERIAL.runs("conv1d", "conv2d", "linear")
def synapses(machine: SpikeSerialMachine, run: OperatorRun) -> Activity:
    """Cycles, and traffic if it is counted, of an operator with weights."""
    work = run.workload
    of_group = work.output_channels // work.groups  # a spike goes to the output channels of its own group
    return once_through(machine, run, work.im2col_ones * -(-of_group // machine.dataflow.pes))


@SPIKE_SERIAL.runs("neuron")
def neurons(machine: SpikeSerialMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    lanes = machine.dataflow.update_lanes
    return -(-run.started // lanes) + UPDATE_CYCLES * run.states * run.outputs * run.timesteps // lanes
