"""Serial spike accumulation: one spike per cycle is broadcast with its row of weights to all adders.

MINT (Yin et al., ASP-DAC 2024) as Prosperity (Wei et al., HPCA 2025, section VII) times it: a cycle for every spike of
the im2col matrix and group of output channels that the adders take at once; three per timestep for every group of
neurons that are updated at once. All else is free; of memory see `traffic`."""

from __future__ import annotations

from typing import Literal

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.once_through import OnceThroughMachine, OnceThroughParameters, once_through
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.machine.schema import PositiveInt

UPDATE_CYCLES = 3  # of a group of neurons: the study gives MINT the neuron unit of PTB


class SpikeSerialParameters(OnceThroughParameters):
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
    "spike_serial",
    machine=SpikeSerialMachine,
    summary="one spike per cycle with its weights to all adders (MINT)",
    free=("add", "attention", "concatenate", "pool"),
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights"),
)


@SPIKE_SERIAL.runs("conv1d", "conv2d", "linear")
def synapses(machine: SpikeSerialMachine, run: OperatorRun) -> Activity:
    """Cycles, and traffic if it is counted, of an operator with weights."""
    work = run.workload
    return once_through(machine, run, work.im2col_ones * -(-work.output_channels // machine.dataflow.pes))


@SPIKE_SERIAL.runs("neuron")
def neurons(machine: SpikeSerialMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    return UPDATE_CYCLES * run.outputs * run.timesteps // machine.dataflow.update_lanes
