"""Input scan: every neuron has hardware of its own and goes through its inputs one by one, spike or not.

The rule of quantisenc (an open core of the Drexel DISCO Lab, drexel-DISCO/quantisenc-public): all neurons of a layer
work side by side, each on a synapse memory of its own. A timestep, one spike clock, addresses the fan-in once, one
input per memory clock, and adds 7 clocks of pipeline: K + 7 cycles for a fan-in of K, whatever the spikes (256 + 7 =
263 in the core that is published with its test bench). Neurons update within those clocks. Layers work side by side on
successive timesteps; the longest one sets the clock (overlap policy `layer_pipeline`).

Convolutions are scanned position after position on the hardware of one position: the core has dense layers only, so
that is assumed. Additions, pooling and concatenation cost nothing; memory is not counted.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.machine.schema import DataflowParameters, PositiveInt
from spikecycle.traces.operators.extras import PARAMETERS


class InputScanParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["input_scan"]
    pipeline_cycles: PositiveInt
    """Clocks of a timestep beside one for each input."""
    neurons: PositiveInt
    """Neurons that are there: what the machine is compared by; a wider layer is not refused, its hardware is larger."""


class InputScanMachine(RuleMachine):
    """A machine that scans inputs."""

    dataflow: InputScanParameters

    @property
    def pe_count(self) -> int:
        """Neurons."""
        return self.dataflow.neurons


INPUT_SCAN = rule(
    "input_scan",
    machine=InputScanMachine,
    summary="a neuron each, inputs scanned one by one, spike or not (quantisenc)",
    free=("add", "concatenate", "neuron", "pool"),
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights"),
    input_bits=1,
    accounts_for=PARAMETERS,  # in the neuron's own hardware for good
    overlaps=("layer_pipeline", "roofline", "step_barrier"),
    memory=rows_in_blocks,
)


@INPUT_SCAN.runs("conv1d", "conv2d", "linear")
def synapses(machine: InputScanMachine, run: OperatorRun) -> Int64:
    """Cycles of every timestep."""
    work = run.workload
    cycles = work.positions * work.groups * (work.fan_in + machine.dataflow.pipeline_cycles)
    return np.full(run.timesteps, cycles, np.int64)
