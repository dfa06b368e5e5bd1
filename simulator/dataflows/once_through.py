"""DRAM traffic that no machine can do without, for published rules that tell none.

The comparison study of Prosperity (Wei et al., HPCA 2025) counts no memory of Eyeriss, SATO and MINT. With
`traffic: once` and a section `dram`, each operand of an operator with weights crosses the DRAM once: its weights, the
map that enters it, one bit for each output and timestep that leaves it (as the study has it for PTB). That is a lower
bound: an operator whose operands do not fit on chip moves some of them more often.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt


class OnceThroughParameters(DataflowParameters):
    """Keys of a section `dataflow` whose rule tells no traffic."""

    traffic: Literal["not_counted", "once"] = "not_counted"
    """Whether weights, inputs and outputs of an operator cross the DRAM once, or memory is left out."""
    weight_bits: PositiveInt = 8
    """Bits of a weight in DRAM."""


class OnceThroughMachine(RuleMachine):
    """A machine whose rule tells no traffic."""

    dataflow: OnceThroughParameters
    dram: Dram | None = None

    @model_validator(mode="after")
    def _traffic_needs_a_dram(self) -> OnceThroughMachine:
        if (self.dataflow.traffic == "once") != (self.dram is not None):
            found = "there is none" if self.dram is None else f"found {self.dataflow.traffic}"
            raise ValueError(f"dataflow.traffic: once goes with a section dram, and only with it; {found}")
        return self


def once_through(machine: OnceThroughMachine, run: OperatorRun, cycles: int) -> Activity:
    """An operator with weights that takes so many cycles, with its traffic if the machine counts it."""
    breakdown = {"compute": cycles}
    if machine.dataflow.traffic == "not_counted":
        return Activity.total(breakdown)
    work = run.workload
    inputs = [run.input_spec(index) for index in range(len(run.operator.inputs))]
    spikes = sum(run.timesteps * spec.count * spec.bits for spec in inputs)
    weights = work.output_channels * work.fan_in * machine.dataflow.weight_bits
    stored = run.timesteps * work.positions * work.output_channels
    return Activity.total(breakdown, reads={"weights": weights, "spikes": spikes}, writes={"outputs": stored})
