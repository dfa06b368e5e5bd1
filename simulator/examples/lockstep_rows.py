"""Lockstep rows, an example of a plugin: a rule with a kernel, a counter and DRAM traffic in one file.

The array has `adders` accumulators in lockstep, one output position each. A timestep's positions are dealt out to them
in batches; a batch takes a cycle for every spike of its busiest window and output channel, and the others wait. Neurons
are updated as many at once as there are accumulators. Weights and spikes are loaded from DRAM once, as they are, and
output spikes are stored. The rule is made up: it shows how a dataflow is added, and describes no machine.

    spikecycle simulate digits-ternary --plugin lockstep_rows.py --hw lockstep_rows.yaml
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt


class LockstepParameters(DataflowParameters):
    """The section `dataflow` of the machine file."""

    kind: Literal["lockstep_rows"]
    adders: PositiveInt
    """Accumulators in lockstep."""
    accumulator_bits: PositiveInt
    """Width of an accumulator."""


class LockstepMachine(RuleMachine):
    """The machine file."""

    dataflow: LockstepParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Accumulators."""
        return self.dataflow.adders

    def units(self) -> tuple[LogicUnit, ...]:
        """The accumulators, for area and clock."""
        return (LogicUnit("accumulator", "add", bits=self.dataflow.accumulator_bits, count=self.dataflow.adders),)


ADD = Counter(
    "accumulator.add", "accumulator", "potentials", "add", "logic", "operations", "a weight is added, zero or not",
    bits=24,
)  # fmt: skip

LOCKSTEP = rule(
    "lockstep_rows",
    machine=LockstepMachine,
    summary="output positions in lockstep, the busiest window sets the pace (example)",
    free=("pool",),
    demands=("groups", "dilation"),
    counters=(ADD,),
)


@kernel
def batch_cycles(ones: Int64, adders: int) -> int:
    """Sum over batches of `adders` rows of their largest entry; ones: int64 (timesteps, rows), spikes of each row."""
    total = 0
    for t in range(ones.shape[0]):
        for first in range(0, ones.shape[1], adders):
            busiest = 0
            for row in range(first, min(first + adders, ones.shape[1])):
                busiest = max(busiest, ones[t, row])
            total += busiest
    return total


@LOCKSTEP.runs("conv1d", "conv2d", "linear")
def synapses(machine: LockstepMachine, run: OperatorRun) -> Activity:
    """Convolutions and linear operators."""
    work = run.workload
    channels = work.output_channels // work.groups
    cycles = sum(
        batch_cycles(np.ascontiguousarray(ones), machine.dataflow.adders)
        for block in work.row_ones_blocks()
        for ones in block
    )
    return Activity.total(
        {"compute": channels * cycles},
        reads={"weights": work.weights.size * work.weight_bits, "spikes": work.input_values * work.input_bits},
        counts={ADD.name: channels * work.im2col_ones},
    )


@LOCKSTEP.runs("neuron")
def neurons(machine: LockstepMachine, run: OperatorRun) -> Activity:
    """Populations."""
    cycles = run.timesteps * -(-run.outputs // machine.dataflow.adders)
    return Activity.total({"compute": cycles}, writes={"outputs": run.timesteps * run.outputs})
