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

from typing import Literal, NamedTuple

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int64, UInt8, UInt64
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.units import channel_cycles_per_bit
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.simulator.workload.synapse import BLOCK_BYTES
from spikecycle.simulator.workload.words import WORD_BITS, lowest_one
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS

COLUMNS = 8
"""PE columns: bits of a packed word."""
PATTERNS = 256
"""Words of so many columns."""
QUEUED = 8
"""Words that wait in a queue: bytes of 64 bits."""
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


class LaterWords(NamedTuple):
    """Words that wait for a partner and came when the queue was full, or when such words waited already.

    patterns: uint64 (4,), those that wait, as bits. first_of, last_of: int64 (256,), where each of them came first and
    last. next_of: int64 (K,), where a pattern came again. words: uint8 (64,), room for words of 64 columns.
    """

    patterns: UInt64
    first_of: Int64
    last_of: Int64
    next_of: Int64
    words: UInt8

    @classmethod
    def of(cls, columns: int) -> LaterWords:
        """Room for matrices of so many words."""
        places = np.zeros((2, PATTERNS), np.int64)
        words = np.zeros(WORD_BITS, np.uint8)
        return cls(np.zeros(PATTERNS // WORD_BITS, np.uint64), places[0], places[1], np.zeros(columns, np.int64), words)


@lean_kernel
def words_of_columns(windows: UInt64, first: int, apart: int, index: int, words_out: UInt8) -> None:
    """Words of 8 bits, uint8 (64,): word k has bit k of each of the rows first, first + apart, ... of word `index`.

    Rows that are not there are 0. Squares of 8 x 8 bits are turned: Warren, "Hacker's Delight", section 7-3.
    """
    for begin in range(0, WORD_BITS, COLUMNS):
        square = np.uint64(0)
        for column in range(COLUMNS):
            row = first + column * apart
            if row < len(windows):
                byte = (windows[row, index] >> np.uint64(begin)) & np.uint64(0xFF)
                square |= byte << np.uint64(8 * column)
        swapped = (square ^ (square >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
        square ^= swapped ^ (swapped << np.uint64(7))
        swapped = (square ^ (square >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
        square ^= swapped ^ (swapped << np.uint64(14))
        swapped = (square ^ (square >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
        square ^= swapped ^ (swapped << np.uint64(28))
        for k in range(COLUMNS):
            words_out[begin + k] = (square >> np.uint64(8 * k)) & np.uint64(0xFF)


@lean_kernel
def take_later(later: LaterWords, disjoint: UInt64, pattern: int) -> bool:
    """Take the earliest word that shares no bit with a pattern out of `later`, if there is one."""
    partner, earliest = -1, len(later.next_of)
    for part in range(len(later.patterns)):
        candidates = later.patterns[part] & disjoint[pattern, part]
        while candidates:
            candidate = part * WORD_BITS + lowest_one(candidates)
            candidates &= candidates - np.uint64(1)
            if later.first_of[candidate] < earliest:
                partner, earliest = candidate, int(later.first_of[candidate])
    if partner < 0:
        return False
    if earliest == later.last_of[partner]:
        later.patterns[partner // WORD_BITS] ^= np.uint64(1) << np.uint64(partner % WORD_BITS)
    else:
        later.first_of[partner] = later.next_of[earliest]
    return True


@lean_kernel
def put_later(later: LaterWords, pattern: int, k: int) -> None:
    """Put word k behind all others of `later`."""
    mark = np.uint64(1) << np.uint64(pattern % WORD_BITS)
    if later.patterns[pattern // WORD_BITS] & mark:
        later.next_of[later.last_of[pattern]] = k
    else:
        later.patterns[pattern // WORD_BITS] |= mark
        later.first_of[pattern] = k
    later.last_of[pattern] = k


@lean_kernel
def packed_lengths(windows: UInt64, columns: int, disjoint: UInt64, later: LaterWords) -> int:
    """Sum of the lengths of all matrices after packing.

    windows: uint64 (R, words), rows of the im2col matrix of the windows, packed along K. columns: K. disjoint: uint64
    (256, 4), for each word of 8 bits the set of those that share no bit with it, as bits.

    The earliest waiting word that is disjoint takes a word: the same pairs as if every word looked ahead. The first
    words that wait are a queue in the bytes of a word, the earliest in the lowest, all ones where there is none; it
    rarely holds too few, and whether it finds a partner is no condition, which a processor could not know ahead.
    """
    low_bits, high_bits = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    none, one, byte = np.uint64(0xFF), np.uint64(1), np.uint64(8)
    rows, per_row = windows.shape
    apart = -(-rows // COLUMNS)
    length = 0
    for first in range(apart):
        later.patterns[:] = 0
        queued = behind = 0  # words of the queue, and of `later`
        queue = ~np.uint64(0)
        for index in range(per_row):
            words_of_columns(windows, first, apart, index, later.words)
            begin = index * WORD_BITS
            for k in range(begin, min(begin + WORD_BITS, columns)):
                word = np.uint64(later.words[k - begin])
                # A word without active inputs is taken for a full one: neither has a partner, nor waits for one.
                pattern = word | np.uint64(word == 0) * none
                shared = queue & (pattern * low_bits)
                free = (shared - low_bits) & ~shared & high_bits  # its lowest bit: of the first without a shared bit
                if (behind > 0 or queued == QUEUED) and free == 0 and pattern != none:
                    if take_later(later, disjoint, int(pattern)):
                        behind -= 1
                    else:
                        put_later(later, int(pattern), k)
                        behind += 1
                        length += 1
                    continue
                below = ((free & (~free + one)) >> np.uint64(7)) - one  # bits ahead of that word
                taken = (queue & below) | (((queue >> byte) | (none << np.uint64(56))) & ~below)
                added = queue & ~((pattern ^ none) << np.uint64(8 * queued & 63))
                is_alone = int(free == 0)
                keep = np.uint64(0) - np.uint64(is_alone)
                queue = (taken & ~keep) | (added & keep)
                queued += is_alone * int(pattern != none) + is_alone - 1
                length += is_alone & int(word != 0)
    return length


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
    disjoint, later = disjoint_sets(), LaterWords.of(work.fan_in)
    if work.T * work.im2col_bytes <= BLOCK_BYTES:
        return sum(
            packed_lengths(windows_of(rows, window), work.fan_in, disjoint, later)
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
            packed_lengths(matrices, work.fan_in, disjoint, later) for of_group in side_by_side for matrices in of_group
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
