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

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int32, Int64, UInt64
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.jit import kernel, lean_kernel
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.workload.words import WORD_BITS, count_ones, lowest_one
from spikecycle.traces import Synapse

TOGETHER = 4
"""Rows that are merged in one sweep over the partitions; `merge_rows` is written for this number."""
BITS_AT_ONCE = 8
"""Set bits that are looked for in one go: words of a usual density have no more."""
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
)  # fmt: skip


class Partitions(NamedTuple):
    """Weights of a group. words: uint64 (K + 1, partitions), bit c of a word is set if the weight of channel c of the
    partition is not 0; those behind the last row are 0. non_zeros, rows: int64 (K,), weights that are not 0, and
    partitions in which there is one."""

    words: UInt64
    non_zeros: Int64
    rows: Int64


@GUSTAVSON_MERGE.prepares("conv1d", "conv2d", "linear")
def partition(machine: GustavsonMergeMachine, operator: Synapse, network: Network) -> list[Partitions]:
    """The weights of every group."""
    shape = operator.shape
    size = machine.dataflow.potentials
    channels = shape.M // shape.groups
    partitions = -(-channels // size)
    found = []
    for weights in operator.weights().reshape(shape.groups, channels, shape.fan_in):
        words = np.zeros((partitions, shape.fan_in + 1), np.uint64)
        non_zeros = np.zeros(shape.fan_in, np.int64)
        pack_weights(weights, size, words, non_zeros)
        rows = np.count_nonzero(words[:, :-1], axis=0)
        found.append(Partitions(np.ascontiguousarray(words.T), non_zeros, rows))
    return found


@kernel
def pack_weights(weights: Int32, size: int, words_out: UInt64, non_zeros_out: Int64) -> None:
    """Where weights, int32 (channels, K), are not 0: bit c of uint64 (partitions, K or more) for channel c of a
    partition of `size`, and how many there are of every input, int64 (K,); both zeros before."""
    for n in range(len(weights)):
        of_partition = words_out[n // size]
        bit = np.uint64(n % size)
        for k in range(weights.shape[1]):
            one = np.uint64(weights[n, k] != 0)
            of_partition[k] |= one << bit
            non_zeros_out[k] += np.int64(one)


class Merge(NamedTuple):
    """Room for one output position in one timestep.

    rows: int64 (more than K,), inputs that spiked. For each partition: taken, int64, cycles so far; waiting, int64,
    rows that are to be merged; merged, uint64, the columns that these have.
    """

    rows: Int64
    taken: Int64
    waiting: Int64
    merged: UInt64

    @classmethod
    def of(cls, words: int, partitions: int) -> Merge:
        """For rows of so many words."""
        rows = np.zeros(words * WORD_BITS + BITS_AT_ONCE, np.int64)
        taken, waiting = np.zeros((2, partitions), np.int64)
        return cls(rows, taken, waiting, np.zeros(partitions, np.uint64))


@lean_kernel
def merge_rows(
    planes: UInt64, segments: UInt64, rows_at_once: int, update_cycles: int, room: Merge, cycles_out: Int64
) -> int:
    """Cycles of every tile and partition, added to int64 (tiles, partitions); returns columns emitted.

    planes: uint64 (T, positions, ceil(K / 64)), packed im2col rows of every timestep. segments: uint64 (K + 1,
    partitions), the last of which are 0.
    """
    rows, taken, waiting, merged = room
    timesteps, positions, _ = planes.shape
    tiles, partitions = cycles_out.shape
    none = len(segments) - 1
    # Of no more rows than are merged together: with those that wait, they fill a partition once at most.
    at_once = min(TOGETHER, rows_at_once)
    emitted = 0
    for t in range(timesteps):
        for position in range(positions):
            count = list_rows(planes[t, position], rows)
            for i in range(TOGETHER):
                rows[count + i] = none
            taken[:] = 0
            waiting[:] = 0
            merged[:] = 0
            for i in range(0, count, at_once):
                row_0, row_1 = segments[rows[i]], segments[rows[i + 1] if at_once > 1 else none]
                row_2 = segments[rows[i + 2] if at_once > 2 else none]
                row_3 = segments[rows[i + 3] if at_once > 3 else none]
                # without branches: partitions are done side by side
                for n in range(partitions):
                    up_to_0 = waiting[n] + np.int64(row_0[n] != 0)
                    up_to_1 = up_to_0 + np.int64(row_1[n] != 0)
                    up_to_2 = up_to_1 + np.int64(row_2[n] != 0)
                    up_to_3 = up_to_2 + np.int64(row_3[n] != 0)
                    first = merged[n] | row_0[n]
                    first |= row_1[n] if up_to_1 <= rows_at_once else np.uint64(0)
                    first |= row_2[n] if up_to_2 <= rows_at_once else np.uint64(0)
                    first |= row_3[n] if up_to_3 <= rows_at_once else np.uint64(0)
                    behind = np.uint64(0) if up_to_1 <= rows_at_once else row_1[n]
                    behind |= np.uint64(0) if up_to_2 <= rows_at_once else row_2[n]
                    behind |= np.uint64(0) if up_to_3 <= rows_at_once else row_3[n]
                    is_full = up_to_3 >= rows_at_once
                    taken[n] += np.int64(count_ones(first)) if is_full else np.int64(0)
                    waiting[n] = up_to_3 - rows_at_once if is_full else up_to_3
                    merged[n] = behind if is_full else first
            of_tile = cycles_out[position % tiles]
            for n in range(partitions):
                taken[n] += count_ones(merged[n])
                emitted += taken[n]
                fetch = 1 if taken[n] > 0 else 0
                of_tile[n] += fetch + taken[n] + update_cycles
    return emitted


@lean_kernel
def list_rows(words: UInt64, rows_out: Int64) -> int:
    """Set bits of packed columns, (ceil(K / 64),), in ascending order; returns how many there are. rows_out: int64,
    with room for BITS_AT_ONCE more than there are bits."""
    count = 0
    for index in range(len(words)):
        word = words[index]
        while word:
            # A loop that ended with the last set bit would end too often where a processor does not expect it.
            for _ in range(BITS_AT_ONCE):
                # with a bit set behind the last one, so that there is a lowest
                rows_out[np.uint64(count)] = index * WORD_BITS + lowest_one(word | np.uint64(1) << np.uint64(63))
                count += word != 0
                word &= word - np.uint64(word != 0)
    return count


@GUSTAVSON_MERGE.runs("conv1d", "conv2d", "linear")
def synapses(machine: GustavsonMergeMachine, run: OperatorRun) -> Activity:
    """All groups, one after the other."""
    parameters = machine.dataflow
    work = run.workload
    prepared: list[Partitions] = run.prepared
    cycles = emitted = added = fetched = waited = 0
    used = min(parameters.tiles, work.positions)
    of_groups = [np.zeros((used, weights.words.shape[1]), np.int64) for weights in prepared]
    for block in work.plane_blocks():
        for planes, weights, of_tiles in zip(block, prepared, of_groups, strict=True):
            room = Merge.of(planes.shape[2], weights.words.shape[1])
            emitted += merge_rows(
                planes, weights.words, parameters.rows_at_once, parameters.update_cycles, room, of_tiles
            )
    ones = work.tap_counts.reshape(work.groups, work.fan_in)
    for weights, of_tiles, of_column in zip(prepared, of_groups, ones, strict=True):
        slowest = of_tiles.max(axis=0)
        waited += int(parameters.tiles * slowest.sum() - of_tiles.sum())
        cycles += int(
            max(slowest[number :: parameters.pes_per_tile].sum() for number in range(parameters.pes_per_tile))
        )
        added += int((of_column * weights.non_zeros).sum())
        fetched += int((of_column * weights.rows).sum())
    channels = work.output_channels // work.groups
    sets = -(-channels // (parameters.potentials * parameters.pes_per_tile))
    row_bits = parameters.potentials * work.weight_bits
    words = fetched * -(-row_bits // machine.buffers.weights.width_bits)
    non_zeros = sum(int(weights.non_zeros.sum()) for weights in prepared)
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
