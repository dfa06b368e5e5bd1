"""A dense array as the comparison study of Prosperity counts Eyeriss: every operand takes its place, zero or not.

The rule is that of the study (Wei et al., HPCA 2025, section VII, and its public simulator) for Eyeriss (Chen et al.,
JSSC 2017) with 14 x 12 PEs: an operator with weights is a product of an im2col matrix of M rows (timesteps x output
positions, padding counts) by K columns (fan-in) with N output channels, and takes

    ceil(N / 12) x floor(K x M / 14) cycles,

a population floor(floor(T / 12) x neurons / 14), which is none below 12 timesteps. Groups are products of their own.
The second factor is at least 1 here: the study has no array that is larger than a product. Products of two tensors
(attention) take their operations over the number of PEs, rounded down; the study's "Eyeriss" leaves them out
(`attention: skipped`), its "Eyeriss_linear" has them. Additions, pooling and concatenation cost nothing there, and
memory is not counted (but see `traffic`). Zero gating, which the chip has, saves energy and no cycles. It differs
from the rule of `systolic`, which counts the filling and draining of every tile.
"""

from __future__ import annotations

from typing import Literal, cast

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.once_through import OnceThroughMachine, OnceThroughParameters, once_through
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.machine.schema import PositiveInt
from spikecycle.traces import AttentionProduct


class DenseArrayParameters(OnceThroughParameters):
    """The section `dataflow`."""

    kind: Literal["dense_array"]
    rows: PositiveInt
    """PEs that share the terms of the product, rows of the im2col matrix and fan-in together."""
    columns: PositiveInt
    """PEs that take an output channel each; of a population, a timestep each."""
    attention: Literal["skipped", "counted"]
    """Whether products of two tensors take time."""


class DenseArrayMachine(OnceThroughMachine):
    """A dense array."""

    dataflow: DenseArrayParameters

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.rows * self.dataflow.columns


DENSE_ARRAY = rule(
    "dense_array",
    machine=DenseArrayMachine,
    summary="dense array as the comparison study counts Eyeriss: spikes play no part",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "an input without weights", "a signed input",
        "a neuron of two states", "a neuron that does not fire", "a leak per neuron", "a threshold per neuron",
        "a start potential", "a reset in the next timestep",
    ),
    memory=rows_in_blocks,
)  # fmt: skip


@DENSE_ARRAY.runs("conv1d", "conv2d", "linear")
def synapses(machine: DenseArrayMachine, run: OperatorRun) -> Activity:
    """Cycles, and traffic if it is counted, of an operator with weights."""
    work, array = run.workload, machine.dataflow
    terms = work.fan_in * run.timesteps * work.positions
    passes = work.groups * -(-(work.output_channels // work.groups) // array.columns)
    return once_through(machine, run, passes * max(1, terms // array.rows))


@DENSE_ARRAY.runs("neuron")
def neurons(machine: DenseArrayMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    return run.timesteps // machine.dataflow.columns * run.outputs // machine.dataflow.rows


@DENSE_ARRAY.runs("attention")
def attention(machine: DenseArrayMachine, run: OperatorRun) -> int:
    """Cycles of a product of two tensors."""
    if machine.dataflow.attention == "skipped":
        return 0
    operator = cast(AttentionProduct, run.operator)
    rows, terms, columns = operator.matrix_shapes([run.input_spec(0), run.input_spec(1)])
    return run.timesteps * operator.heads * rows * terms * columns // machine.pe_count
