"""Parallel time batching: neurons that fire within a window of timesteps take a place in a systolic array, packed.

The rule by which the comparison study of Prosperity (Wei et al., HPCA 2025, section VII, and its public simulator)
times PTB (Lee et al., HPCA 2022), an array of 16 x 8 PEs and windows of 4 timesteps:

1. *Windows.* Timesteps are filled up with silent ones to the next power of two (at least one window). An input of a
   window is active if it fires in any of its timesteps.
2. *Matrices.* The rows of the im2col matrix of the windows (window after window, positions in row-major order) are put
   side by side, eight at a time: of R rows, with q = ceil(R / 8), matrix j has the rows j, j + q, j + 2q, ... as its
   columns. So a matrix is K words (fan-in) of 8 bits. Where R is no multiple of 8, rows at the end are empty; the
   study's program stops there.
3. *Packing* (stacking of silent inputs). A word without active inputs takes no time. Each of the others, in order, is
   joined with the first later one that has no column in common with it and is not joined yet. What is left is the
   length of the matrix. A full word has nothing to be joined with.
4. *Cycles.* Sum of lengths x ceil(N / 16) x 4 for N output channels, and 32 for each output position.
5. A *linear operator* is not packed: its length is the number of inputs that fire in any timestep.
6. *Memory.* 1536 bits are loaded ahead; a cycle carries 1024: a stall of 1 + max(0, floor((traffic - 1536) / 1024) -
   compute), where the traffic is the whole im2col matrix, weights of 8 bits, and one bit for each output and timestep.
7. *Neurons* take 3 cycles per timestep for every 16 of them, rounded down; for each state of neurons that have two
   (ours: the study has one, and the same unit takes the synaptic current first, then the potential).

A value of several bits is run bit plane by bit plane; groups are operators of their own. Attention, additions, pooling
and concatenation cost nothing there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import UInt64
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.units import channel_cycles_per_bit
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.simulator.workload.synapse import BLOCK_BYTES
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS

COLUMNS = 8
"""PE columns: bits of a packed word."""
PATTERNS = 256
"""Words of so many columns."""
UPDATE_CYCLES = 3
"""Cycles of one update of a group of neurons."""


class TimeBatchingParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["time_batching"]
    rows: PositiveInt
    """PE rows: output channels, and neurons, at once."""
    columns: Literal[8]
    """PE columns: rows of the im2col matrix side by side."""
    window: PositiveInt
    """Timesteps of a window, which a PE takes one after the other."""
    fill_cycles: PositiveInt
    """Filling and draining of the array for each output position, cycles."""
    weight_bits: PositiveInt
    """Bits of a weight in memory."""
    first_load_bits: PositiveInt
    """Bits loaded before work starts."""
    memory: Literal["published", "scheduled"]
    """Whether stalls are counted by rule 6, or left to the machine's overlap policy."""


class TimeBatchingMachine(RuleMachine):
    """A systolic array with time batching."""

    dataflow: TimeBatchingParameters
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.rows * self.dataflow.columns


TIME_BATCHING = rule(
    "time_batching",
    machine=TimeBatchingMachine,
    summary="windows of timesteps on a systolic array, silent inputs packed away (PTB)",
    free=("add", "attention", "concatenate", "pool"),
    demands=("groups", "dilation", "a delayed input", "several inputs", "an input without weights", *NEURON_DEMANDS),
    accounts_for={SYNAPTIC_CURRENTS},
    overlaps=("counted", "roofline", "step_barrier", "layer_pipeline"),
)


@kernel
def packed_length(rows: UInt64, columns: int, disjoint: UInt64) -> int:
    """Length of one matrix after packing.

    rows: uint64 (8, words), its columns, packed along K. columns: K. disjoint: uint64 (256, 4), for each word of 8 bits
    the set of those that share no bit with it, as bits.
    """
    length = 0
    # Words that wait for a partner: how often each pattern does, and where each of them came first to last.
    waiting = np.zeros(4, np.uint64)
    first_of = np.zeros(PATTERNS, np.int64)
    last_of = np.zeros(PATTERNS, np.int64)
    next_of = np.zeros(columns, np.int64)
    for k in range(columns):
        pattern = 0
        for column in range(COLUMNS):
            pattern |= int((rows[column, k >> 6] >> np.uint64(k & 63)) & np.uint64(1)) << column
        if pattern == 0:
            continue
        # The earliest waiting word that is disjoint takes this one; the same pairs as if every word looked ahead.
        partner = -1
        earliest = columns
        for word in range(4):
            candidates = waiting[word] & disjoint[pattern, word]
            while candidates != 0:
                lowest = candidates & (~candidates + np.uint64(1))
                candidates ^= lowest
                bit = 0
                for shift in (32, 16, 8, 4, 2, 1):
                    if lowest >> np.uint64(shift) != 0:
                        lowest >>= np.uint64(shift)
                        bit += shift
                if first_of[word * 64 + bit] < earliest:
                    partner = word * 64 + bit
                    earliest = first_of[partner]
        if partner >= 0:
            if earliest == last_of[partner]:
                waiting[partner >> 6] ^= np.uint64(1) << np.uint64(partner & 63)
            else:
                first_of[partner] = next_of[earliest]
            continue
        length += 1
        mark = np.uint64(1) << np.uint64(pattern & 63)
        if waiting[pattern >> 6] & mark:
            next_of[last_of[pattern]] = k
        else:
            waiting[pattern >> 6] |= mark
            first_of[pattern] = k
        last_of[pattern] = k
    return length


@kernel
def packed_lengths(windows: UInt64, columns: int, disjoint: UInt64) -> int:
    """Sum of the lengths of all matrices. windows: uint64 (R, words), rows of the im2col matrix of the windows."""
    rows, words = windows.shape
    apart = -(-rows // COLUMNS)
    matrix = np.zeros((COLUMNS, words), np.uint64)
    total = 0
    for j in range(apart):
        matrix[:] = 0
        for column in range(COLUMNS):
            if j + column * apart < rows:
                matrix[column] = windows[j + column * apart]
        total += packed_length(matrix, columns, disjoint)
    return total


def disjoint_sets() -> UInt64:
    """uint64 (256, 4): for each word of 8 bits, as bits of four, those but 0 that share no bit with it."""
    patterns = np.arange(PATTERNS)
    apart = (patterns[:, None] & patterns == 0) & (patterns > 0)
    return np.packbits(apart, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def padded_timesteps(timesteps: int, window: int) -> int:
    """The next power of two, and at least one window."""
    return int(max(window, 1 << (timesteps - 1).bit_length()))


def windows_of(rows: UInt64, window: int) -> UInt64:
    """The im2col matrix of the windows, uint64 (windows x positions, words), from rows (T, positions, words)."""
    timesteps, positions, words = rows.shape
    padded = -(-padded_timesteps(timesteps, window) // window) * window
    filled = np.zeros((padded, positions, words), np.uint64)
    filled[:timesteps] = rows
    active: UInt64 = np.bitwise_or.reduce(filled.reshape(padded // window, window, positions, words), axis=1)
    return active.reshape(-1, words)


def _lengths(machine: TimeBatchingMachine, run: OperatorRun) -> int:
    """Sum of lengths of all groups and bit planes."""
    work, window = run.workload, machine.dataflow.window
    if run.kind == "linear":
        active = np.zeros((work.groups, work.input_bits, 1, -(-work.fan_in // 64)), np.uint64)
        for block in work.plane_blocks():
            for bit in range(work.input_bits):
                active[:, bit] |= np.bitwise_or.reduce(block[:, bit :: work.input_bits], axis=1)
        return int(np.bitwise_count(active).sum())
    disjoint = disjoint_sets()
    if work.T * work.im2col_bytes <= BLOCK_BYTES:
        return sum(
            packed_lengths(windows_of(rows, window), work.fan_in, disjoint)
            for bit in range(work.input_bits)
            for rows in work.im2col(bit)
        )
    # Some matrices at a time: of each of their columns the windows that its rows are from.
    rows = -(-padded_timesteps(work.T, window) // window) * work.positions
    apart = -(-rows // COLUMNS)
    together = max(1, BLOCK_BYTES // (work.im2col_bytes * window * COLUMNS)) * work.positions
    total = 0
    for first in range(0, apart, together):
        last = min(first + together, apart)
        parts = [_rows_of_windows(work, window, first + at, last + at) for at in range(0, COLUMNS * apart, apart)]
        side_by_side = np.concatenate(parts, axis=2)
        total += sum(
            packed_lengths(matrices, work.fan_in, disjoint) for of_group in side_by_side for matrices in of_group
        )
    return total


def _rows_of_windows(work: SynapseWorkload, window: int, first: int, last: int) -> UInt64:
    """uint64 (groups, bits, last - first, words): rows of the im2col matrices of the windows; those that are not there
    are empty."""
    first_window, last_window = first // work.positions, -(-last // work.positions)
    inputs = work.some(min(work.T, first_window * window), min(work.T, last_window * window))
    planes = work.planes_of(inputs)
    filled = np.zeros(
        (work.groups, (last_window - first_window) * window * work.input_bits, *planes.shape[2:]), np.uint64
    )
    filled[:, : planes.shape[1]] = planes
    by_window = filled.reshape(work.groups, last_window - first_window, window, work.input_bits, *planes.shape[2:])
    rows = (
        np.bitwise_or.reduce(by_window, axis=2)
        .swapaxes(1, 2)
        .reshape(work.groups, work.input_bits, -1, planes.shape[3])
    )
    start = first - first_window * work.positions
    return np.ascontiguousarray(rows[:, :, start : start + last - first])


@TIME_BATCHING.runs("conv1d", "conv2d", "linear")
def synapses(machine: TimeBatchingMachine, run: OperatorRun) -> Activity:
    """Cycles and traffic of an operator with weights."""
    work, array = run.workload, machine.dataflow
    outputs = work.output_channels // work.groups
    passes = -(-outputs // array.rows) * array.window
    compute = _lengths(machine, run) * passes + work.groups * work.positions * array.fill_cycles
    spikes = work.groups * run.timesteps * work.positions * work.fan_in * work.input_bits
    weights = work.output_channels * work.fan_in * array.weight_bits
    stored = run.timesteps * work.positions * work.output_channels
    causes = {"compute": compute}
    if array.memory == "published":
        per_bit = channel_cycles_per_bit(machine.dram.bandwidth_gbit_per_s, machine.technology.clock_mhz)
        rest = (spikes + weights + stored - array.first_load_bits) * per_bit
        causes["dram_fill"] = int(array.first_load_bits * per_bit)
        causes["dram_traffic"] = max(0, rest.numerator // rest.denominator - compute)
    return Activity.total(causes, reads={"weights": weights, "spikes": spikes}, writes={"outputs": stored})


@TIME_BATCHING.runs("neuron")
def neurons(machine: TimeBatchingMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    return UPDATE_CYCLES * run.states * run.outputs * run.timesteps // machine.dataflow.rows
