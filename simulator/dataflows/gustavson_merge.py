"""Gustavson products in two stages: rows of weights that spikes select are fetched, merged and added column by column.

GustavSNN (HPCA 2026). Output channels are cut into partitions of `potentials` channels, whose potentials a PE keeps in
registers. The PEs of a tile have a partition each and share an output position; tiles have positions of their own. In a
timestep a PE goes through the fan-in of its position: a *row* is an input that spiked, with its weights for the
partition. Rows without a spike, and rows whose weights are all zero, are skipped at no cost.

- fetch: up to `rows_at_once` rows per cycle;
- execute: while the next rows are fetched, the rows are merged: one column per cycle, the smallest that any of them
  has; rows that have the same column are added in that cycle. Rows fetched together take as many cycles as they have
  different columns.

A timestep of a PE takes a cycle for the first fetch, its merges, and `update_cycles` for its neurons. PEs of the same
number in all tiles have the same partition, whose weights they share, and wait for each other (published:
"synchronise"; assumed is that they do when they go on to their next partition). PEs of other numbers go on; an operator
takes as long as the slowest.

Assumed where the publication is silent: partitions are dealt to PEs in turn, positions to tiles; values of several bits
are as many timesteps as they have bits; groups of channels follow each other. DRAM: weights once, a bit each and their
width if they are not zero; spikes once for every set of partitions that the PEs of a tile hold; output spikes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int64, UInt64, Unsigned
from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import some_rows
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.dataflows.weight_lanes import (
    COPIED_WORDS,
    LAID_BYTES,
    LANE_WORDS,
    Partitions,
    group_bytes,
    pack_weights,
)
from spikecycle.simulator.jit import called_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.memory import Need
from spikecycle.simulator.workload.words import WORD_BITS, WORD_BYTES, count_ones, lowest_one, without_lowest_one
from spikecycle.traces import Synapse

ROWS_IN_STEP = 4
"""Rows that are merged in one sweep over the lanes; `merge_rows` is written for this number."""
BITS_AT_ONCE = 8
"""Set bits that are looked for in one go: words of a usual density have no more."""
BLOCK_WORDS = 64
"""Of an im2col row, whose rows of weights lie side by side in memory at a time."""
INPUT_BYTES = 8
"""Of an input of a group: its weights that are not 0, and partitions that have one."""
POTENTIAL_BITS = 16
"""Width of a potential: assumed, 8-bit weights summed over thousands of inputs."""


class GustavsonMergeParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["gustavson_merge"]
    tiles: PositiveInt
    pes_per_tile: PositiveInt
    potentials: Annotated[int, Field(ge=1, le=WORD_BITS)]
    """Output channels of a partition, in registers of a PE."""
    rows_at_once: PositiveInt
    """Rows that are merged together."""
    update_cycles: PositiveInt
    """Of the neurons of a partition, per timestep."""


class GustavsonMergeBuffers(Buffers):
    """The section `buffers`."""

    weights: Buffer
    """Weights of a tile, close to its PEs."""


class GustavsonMergeMachine(RuleMachine):
    """A machine that merges rows of weights."""

    dataflow: GustavsonMergeParameters
    buffers: GustavsonMergeBuffers
    dram: Dram

    @property
    def pe_count(self) -> int:
        """PEs of all tiles."""
        return self.dataflow.tiles * self.dataflow.pes_per_tile

    def instances(self, buffer: str) -> int:
        """One of weights per tile."""
        return self.dataflow.tiles

    def units(self) -> tuple[LogicUnit, ...]:
        """An adder per PE for each of the rows that it merges."""
        count = self.pe_count * self.dataflow.rows_at_once
        return (LogicUnit("pe", "add", bits=POTENTIAL_BITS, count=count),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("mergers", "global buffers", "potential registers", "neuron logic")


ADD = Counter(
    "pe.add", "pe", "potentials", "add", "logic", "operations", "a weight that is not 0 is added", bits=POTENTIAL_BITS
)
MERGE = Counter("pe.merge", "pe", "potentials", "merge", "none", "cycles", "columns that PEs emit, one per cycle")
WAIT = Counter("pe.wait", "pe", "potentials", "wait", "none", "cycles", "PEs wait for those of their number")
ROW_READ = Counter(
    "weights.read", "weights", "weights", "read", "sram", "words", "rows of a partition that are fetched"
)


def _memory(machine: GustavsonMergeMachine, sizes: LayerSizes) -> Iterator[Need]:
    """Rows of spikes; `Partitions`, and cycles of every tile and partition."""
    shape, size = sizes.shape, machine.dataflow.potentials
    partitions = -(-shape.M // shape.groups // size)
    column_bytes = partitions * column_type(machine, shape.fan_in).itemsize
    columns, sums = (bytes_of * shape.groups * shape.fan_in for bytes_of in (column_bytes, INPUT_BYTES))
    of_group = group_bytes(column_bytes, shape.fan_in)
    are_kept = max(LAID_BYTES, of_group) >= shape.groups * of_group
    lanes = shape.groups * of_group if are_kept else 2 * max(LAID_BYTES, of_group)  # the next beside the last ones
    of_tiles = shape.groups * min(machine.dataflow.tiles, shape.P * shape.Q) * partitions
    yield some_rows(sizes)
    yield Need(columns + sums, f"partitions of {shape.M} output channels")
    yield Need(lanes, f"lanes of {shape.M} output channels", is_kept=are_kept)
    yield Need(columns + sums, f"what is found of {shape.M} output channels", is_kept=False)
    yield Need(3 * WORD_BYTES * of_tiles, f"cycles of {of_tiles} tiles and partitions", is_kept=False)


GUSTAVSON_MERGE = rule(
    "gustavson_merge",
    machine=GustavsonMergeMachine,
    summary="rows of weights that spikes select, merged column by column (GustavSNN)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD, MERGE, WAIT, ROW_READ),
    memory=_memory,
)  # fmt: skip


@GUSTAVSON_MERGE.prepares("conv1d", "conv2d", "linear")
def partition(machine: GustavsonMergeMachine, operator: Synapse, network: Network) -> Partitions:
    """The weights of every group."""
    shape = operator.shape
    size = machine.dataflow.potentials
    channels = shape.M // shape.groups
    columns = np.zeros((shape.groups, -(-channels // size), shape.fan_in), column_type(machine, shape.fan_in))
    non_zeros = np.zeros((shape.groups, shape.fan_in), np.int32)
    pack_weights(operator.weights().reshape(shape.groups, channels, shape.fan_in), size, columns, non_zeros)
    return Partitions.of(columns, non_zeros)


def column_type(machine: GustavsonMergeMachine, fan_in: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Of the columns of a partition, and of the rows that wait."""
    return np.min_scalar_type(max((1 << machine.dataflow.potentials) - 1, rows_together(machine, fan_in)))


def rows_together(machine: GustavsonMergeMachine, fan_in: int) -> int:
    """Rows that are merged together, of which there are `fan_in` at most."""
    return min(machine.dataflow.rows_at_once, fan_in)


class Merge(NamedTuple):
    """Room for some output positions, side by side in lanes, each with a lane for every partition.

    laid: uint64 (rows, words), and the same memory as lanes, rows: unsigned (rows, lanes), zeros: the rows that spiked.
    For each lane: merged, unsigned, the columns of the rows that are to be merged; waiting, unsigned, how many these
    are; few, unsigned, columns that were emitted of `most_rows` rows, which it holds; taken, int64, of all rows;
    emitted, int64, of all positions.
    """

    laid: UInt64
    rows: Unsigned
    merged: Unsigned
    waiting: Unsigned
    few: Unsigned
    taken: Int64
    emitted: Int64
    most_rows: int

    @classmethod
    def of(cls, columns: Unsigned, size: int) -> Merge:
        """For the lanes of `Partitions`, of partitions of `size` channels."""
        _, blocks, _, lanes = columns.shape
        words = max(LANE_WORDS, lanes * columns.itemsize // WORD_BYTES)
        laid = np.zeros((min(blocks, BLOCK_WORDS) * WORD_BITS + BITS_AT_ONCE, words), np.uint64)
        rows = laid.view(columns.dtype)
        merged, waiting, few = np.zeros((3, rows.shape[1]), columns.dtype)
        taken, emitted = np.zeros((2, rows.shape[1]), np.int64)
        most_rows = min(int(np.iinfo(columns.dtype).max), BLOCK_WORDS * WORD_BITS) // size
        return cls(laid, rows, merged, waiting, few, taken, emitted, most_rows // ROWS_IN_STEP * ROWS_IN_STEP)


@inner_kernel
def lay_rows(spikes: UInt64, columns: UInt64, first: np.uint64, laid_out: UInt64) -> int:
    """Lay the rows of the inputs that spiked below each other; returns how many these are.

    spikes: uint64 (words,), packed. columns: uint64 (65 for each of these words, n), see `lanes_of`. laid_out: zeros,
    at words [first, first + n) of a row.
    """
    count = 0
    for index in range(len(spikes)):
        stop = count + count_ones(spikes[index])
        for pair in range(0, columns.shape[1], COPIED_WORDS):
            left, right = np.uint64(pair), np.uint64(pair + 1)
            word = spikes[index]
            for begin in range(count, stop, BITS_AT_ONCE):
                # A loop that ended with the last set bit would end too often where a processor does not expect it.
                for i in range(BITS_AT_ONCE):
                    # behind the last bit, the row of zeros
                    row, place = np.uint64(index * (WORD_BITS + 1) + lowest_one(word)), np.uint64(begin + i)
                    word = without_lowest_one(word)
                    copied_left, copied_right = columns[row, left], columns[row, right]
                    laid_out[place, first + left], laid_out[place, first + right] = copied_left, copied_right
        count = stop
    return count


@called_kernel
def merge_rows(
    planes: UInt64, positions: int, columns: UInt64, rows_at_once: int, room: Merge, cycles_out: Int64
) -> int:
    """Cycles of every tile and partition without those of its neurons, added to int64 (tiles, partitions); returns
    columns emitted.

    planes: uint64 (timesteps x positions, ceil(K / 64)), packed im2col rows. columns: uint64 (65 x ceil(K / 64), n),
    see `lanes_of`.
    """
    laid, rows, merged, waiting, few, taken, emitted, most_rows = room
    kind = merged.dtype.type
    tiles, partitions = cycles_out.shape
    per_position = len(merged) * columns.shape[1] // laid.shape[1]  # lanes
    side_by_side = len(merged) // per_position
    full, none = kind(rows_at_once), kind(0)
    emitted[:] = 0
    tile = position = 0
    for first in range(0, len(planes), side_by_side):
        last = min(first + side_by_side, len(planes))
        merged[:] = 0
        waiting[:] = 0
        taken[:] = 0
        for begin in range(0, planes.shape[1], BLOCK_WORDS):
            most = 0
            for i in range(first, last):
                spikes = planes[np.uint64(i), begin : begin + BLOCK_WORDS]
                at = np.uint64((i - first) * columns.shape[1])
                most = max(most, lay_rows(spikes, columns[begin * (WORD_BITS + 1) :], at, laid))
            for row in range(0, most, most_rows):
                few[:] = 0
                for i in range(row, min(row + most_rows, most), ROWS_IN_STEP):
                    row_0, row_1, row_2, row_3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
                    # without branches: lanes are done side by side
                    for lane in range(len(merged)):
                        united, wait, more = merged[lane], waiting[lane], few[lane]
                        for added in (row_0[lane], row_1[lane], row_2[lane], row_3[lane]):
                            united = kind(united | added)
                            wait = kind(wait + kind(added != 0))
                            is_full = wait == full
                            more = kind(more + (kind(count_ones(np.uint64(united))) if is_full else none))
                            united = none if is_full else united
                            wait = none if is_full else wait
                        merged[lane], waiting[lane], few[lane] = united, wait, more
                for lane in range(len(few)):
                    taken[lane] += np.int64(few[lane])
            laid[:most] = 0
        for lane in range(len(merged)):
            columns_of_lane = taken[lane] + count_ones(np.uint64(merged[lane]))
            emitted[lane] += columns_of_lane
            taken[lane] = columns_of_lane + np.int64(columns_of_lane > 0)  # and a cycle for the first fetch
        for i in range(last - first):
            of_tile, of_position = cycles_out[np.uint64(tile)], taken[i * per_position :]
            for n in range(partitions):
                of_tile[n] += of_position[n]
            position = position + 1 if position + 1 < positions else 0
            tile = tile + 1 if position > 0 and tile + 1 < tiles else 0
    total = 0
    for lane in range(len(emitted)):
        total += emitted[lane]
    return total


@lean_kernel
def merge_groups(
    planes: UInt64, positions: int, columns: UInt64, rows_at_once: int, room: Merge, cycles_out: Int64
) -> int:
    """`merge_rows` of some groups: everything with an axis of groups ahead."""
    emitted = 0
    for group in range(len(planes)):
        emitted += merge_rows(planes[group], positions, columns[group], rows_at_once, room, cycles_out[group])
    return emitted


@GUSTAVSON_MERGE.runs("conv1d", "conv2d", "linear")
def synapses(machine: GustavsonMergeMachine, run: OperatorRun) -> Activity:
    """All groups, one after the other."""
    parameters = machine.dataflow
    work = run.workload
    weights: Partitions = run.prepared
    used = min(parameters.tiles, work.positions)
    of_tiles = np.zeros((work.groups, used, weights.columns.shape[1]), np.int64)
    rows_at_once = rows_together(machine, work.fan_in)
    emitted = 0
    for block in work.plane_blocks():
        planes = block.reshape(work.groups, -1, block.shape[3])
        for groups, lanes in weights.blocks():
            columns = lanes.reshape(len(lanes), -1, lanes.shape[3]).view(np.uint64)
            room = Merge.of(lanes, parameters.potentials)
            emitted += merge_groups(planes[groups], work.positions, columns, rows_at_once, room, of_tiles[groups])
    of_tile = np.bincount(np.arange(work.positions) % used)  # positions
    of_tiles += (of_tile * work.T * work.input_bits * parameters.update_cycles)[:, None]
    slowest = of_tiles.max(axis=1)  # of each partition
    waited = int(parameters.tiles * slowest.sum() - of_tiles.sum())
    of_pe = np.zeros((2, work.groups), np.int64)  # the slowest until now, and the next
    for number in range(parameters.pes_per_tile):
        of_pe[1] = slowest[:, number :: parameters.pes_per_tile].sum(axis=1)
        of_pe[0] = of_pe.max(axis=0)
    cycles = int(of_pe[0].sum())
    ones = work.tap_counts.reshape(work.groups, work.fan_in)
    added, fetched = (int((ones * counts).sum()) for counts in (weights.non_zeros, weights.rows))
    channels = work.output_channels // work.groups
    sets = -(-channels // (parameters.potentials * parameters.pes_per_tile))
    row_bits = parameters.potentials * work.weight_bits
    words = fetched * -(-row_bits // machine.buffers.weights.width_bits)
    non_zeros = int(weights.non_zeros.sum(dtype=np.int64))
    return Activity.total(
        {"compute": cycles},
        reads={
            "weights": non_zeros * work.weight_bits + work.weights.size,
            "spikes": sets * work.input_values * work.input_bits,
        },
        counts={ADD.name: added, MERGE.name: emitted, WAIT.name: waited, ROW_READ.name: words},
        busy={"pe": emitted},
    )


@GUSTAVSON_MERGE.runs("neuron")
def neurons(machine: GustavsonMergeMachine, run: OperatorRun) -> Activity:
    """The PEs update neurons (`update_cycles` of the synapse's timesteps); what they send is stored."""
    bits = run.outputs * run.timesteps * run.operator.output.bits
    return Activity.total({"compute": 0}, writes={"outputs": bits})
