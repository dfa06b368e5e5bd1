"""Dense systolic arrays: every operand takes its place in every cycle, whether it is zero or not.

A convolution, a linear operator or an attention product is a product of a matrix of A rows (timesteps x output
positions) and K columns (fan-in) with one of K rows and N columns (output channels), done tile by tile on an array of
`rows` x `columns` PEs. Operands enter skewed, so a tile of r x c PEs takes the length of its stream and the ways into,
through and out of the array (SCALE-Sim, Samajdar et al., ISPASS 2020, section III):

- output stationary: r rows of A by c columns of N; K terms stream in, then the sums leave: 2 r + c + K - 2 cycles;
- weight stationary: r terms of K by c columns of N; the weights are filled in, then the rows of A stream through:
  2 r + c + A - 2 cycles.

Tiles at the edge have the size that is left. Groups, heads and (for products of two tensors) timesteps are products of
their own, one after the other. A vector unit of `columns` lanes does everything else, an element per lane and cycle: a
neuron per timestep, each operand of an addition, each value that a pooling window reads.

DRAM: each operand of an operator is loaded once and its output stored once, uncompressed: assumed are buffers that hold
what an operator needs. Their accesses are not modelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.traces import AttentionProduct, Pool


class SystolicParameters(DataflowParameters):
    """The section `dataflow` of a systolic array."""

    kind: Literal["systolic"]
    rows: PositiveInt
    columns: PositiveInt
    stationary: Literal["outputs", "weights"]
    """What stays in the PEs while the rest streams through."""
    accumulator_bits: PositiveInt


class SystolicMachine(RuleMachine):
    """A dense systolic array."""

    dataflow: SystolicParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.rows * self.dataflow.columns

    def units(self) -> tuple[LogicUnit, ...]:
        """An adder per PE."""
        return (LogicUnit("pe", "add", bits=self.dataflow.accumulator_bits, count=self.pe_count),)


ADD = Counter("pe.add", "pe", "potentials", "add", "logic", "operations", "a PE adds to a sum, zero or not", bits=32)

SYSTOLIC = rule(
    "systolic",
    machine=SystolicMachine,
    summary="dense matrix product, weight- or output-stationary",
    free=("concatenate",),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a signed input", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD,),
    memory=rows_in_blocks,
)  # fmt: skip


def tiles(size: int, most: int) -> Iterator[tuple[int, int]]:
    """(how many, size) of the tiles that a dimension is cut into: full ones, and the one that is left."""
    if size // most:
        yield size // most, most
    if size % most:
        yield 1, size % most


def product_cycles(machine: SystolicMachine, rows: int, terms: int, columns: int) -> int:
    """Cycles of one matrix product of `rows` x `terms` by `terms` x `columns`."""
    parameters = machine.dataflow
    spread, stream = (rows, terms) if parameters.stationary == "outputs" else (terms, rows)
    return sum(
        row_tiles * column_tiles * (2 * r + c + stream - 2)
        for row_tiles, r in tiles(spread, parameters.rows)
        for column_tiles, c in tiles(columns, parameters.columns)
    )


def _activity(run: OperatorRun, cycles: int, additions: int, weight_bits: int) -> Activity:
    """Cycles and additions of an operator that loads its inputs and weights once and stores its output once."""
    specs = [run.input_spec(index) for index in range(len(run.operator.inputs))]
    input_bits = run.timesteps * sum(spec.count * spec.bits for spec in specs)
    return Activity.total(
        {"compute": cycles},
        reads={"weights": weight_bits, "spikes": input_bits},
        writes={"outputs": run.outputs * run.timesteps * run.operator.output.bits},
        counts={ADD.name: additions},
        busy={"pe": additions},
    )


@SYSTOLIC.runs("conv1d", "conv2d", "linear")
def synapses(machine: SystolicMachine, run: OperatorRun) -> Activity:
    """One product per group."""
    work = run.workload
    rows, columns = run.timesteps * work.positions, work.output_channels // work.groups
    cycles = work.groups * product_cycles(machine, rows, work.fan_in, columns)
    additions = rows * work.fan_in * work.output_channels
    return _activity(run, cycles, additions, work.weights.size * work.weight_bits)


@SYSTOLIC.runs("attention")
def attention(machine: SystolicMachine, run: OperatorRun) -> Activity:
    """One product per timestep and head; the right operand is streamed as weights are."""
    operator = cast(AttentionProduct, run.operator)
    rows, terms, columns = operator.matrix_shapes([run.input_spec(0), run.input_spec(1)])
    products = run.timesteps * operator.heads
    cycles = products * product_cycles(machine, rows, terms, columns)
    return _activity(run, cycles, products * rows * terms * columns, 0)


@SYSTOLIC.runs("add", "neuron")
def elementwise(machine: SystolicMachine, run: OperatorRun) -> Activity:
    """Each value of each input takes a lane for a cycle."""
    values = run.timesteps * sum(run.input_spec(index).count for index in range(len(run.operator.inputs)))
    return _activity(run, -(-values // machine.dataflow.columns), 0, 0)


@SYSTOLIC.runs("pool")
def pool(machine: SystolicMachine, run: OperatorRun) -> Activity:
    """Each value that a window reads takes a lane for a cycle."""
    window = int(np.prod(cast(Pool, run.operator).window))
    return _activity(run, -(-run.outputs * run.timesteps * window // machine.dataflow.columns), 0, 0)
