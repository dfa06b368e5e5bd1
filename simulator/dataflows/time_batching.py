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

from typing import Literal, NamedTuple, cast

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Inputs, Int32, UInt8, UInt64, Unsigned
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import groups_need, some_rows
from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.machine.schema import DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.units import channel_cycles_per_bit
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.simulator.workload.synapse import BLOCK_BYTES
from spikecycle.simulator.workload.words import WORD_BITS, lowest_one
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS
from spikecycle.traces.packing import PackedSpikes

COLUMNS = 8
"""PE columns: bits of a packed word."""
PATTERNS = 256
"""Words of so many columns."""
LANES = 16
"""Matrices that are packed side by side, so that words that wait for each other overlap and fill wide registers."""
QUEUE_BYTES = 8
"""Words in each half of a queue: bytes of 64 bits."""
GROUP_BYTES = 500
"""Of what is found of a group."""
WHOLE_BYTES = 4 * BLOCK_BYTES
"""Of im2col rows that are made together, rather than those of some matrices at a time."""
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
    memory=lambda machine, sizes: (some_rows(sizes, whole_bytes=WHOLE_BYTES), groups_need(sizes, GROUP_BYTES)),
)


class LaterWords(NamedTuple):
    """Words that wait for a partner and came when the queue was full, or when such words waited already; of each lane.

    patterns: uint64 (LANES, 4), those that wait, as bits. first_of, last_of: int32 (LANES, 256), where each of them
    came first and last. next_of: int32 (LANES, K), where a pattern came again.
    """

    patterns: UInt64
    first_of: Int32
    last_of: Int32
    next_of: Int32

    @classmethod
    def of(cls, columns: int) -> LaterWords:
        """Room for matrices of so many words."""
        first_of, last_of = np.zeros((2, LANES, PATTERNS), np.int32)
        next_of = np.zeros((LANES, columns), np.int32)
        return cls(np.zeros((LANES, PATTERNS // WORD_BITS), np.uint64), first_of, last_of, next_of)


class Lanes(NamedTuple):
    """Room for matrices side by side.

    rows: uint64 (8 x LANES,), of 64 words the bits of each column; squares: uint64 (8 x LANES,), the words, eight to a
    number. Of each lane, uint64 (LANES,): front, back, the two halves of its queue; queued, words in it; behind, words
    in `LaterWords`; length, of its matrix; stuck, a word that is to be looked up there, or 0.
    """

    rows: UInt64
    squares: UInt64
    front: UInt64
    back: UInt64
    queued: UInt64
    behind: UInt64
    length: UInt64
    stuck: UInt64

    @classmethod
    def of(cls) -> Lanes:
        """All lanes."""
        rows, squares = np.zeros((2, COLUMNS * LANES), np.uint64)
        return cls(rows, squares, *np.zeros((6, LANES), np.uint64))


@lean_kernel
def take_words(windows: UInt64, first: int, apart: int, index: int, lanes: Lanes) -> None:
    """Words 64 x index and on of matrices first, first + 1, ... to `lanes.squares`, eight words of 8 bits to a number.

    Column c of matrix j is row j + c x apart; rows that are not there are 0. Squares of 8 x 8 bits are turned: Warren,
    "Hacker's Delight", section 7-3.
    """
    rows, squares = lanes.rows, lanes.squares
    for column in range(COLUMNS):
        for lane in range(LANES):
            row = first + lane + column * apart
            is_there = first + lane < apart and row < len(windows)
            rows[column * LANES + lane] = windows[np.uint64(row), np.uint64(index)] if is_there else np.uint64(0)
    for begin in range(0, WORD_BITS, COLUMNS):
        for lane in range(LANES):
            square = np.uint64(0)
            for column in range(COLUMNS):
                byte = (rows[column * LANES + lane] >> np.uint64(begin)) & np.uint64(0xFF)
                square |= byte << np.uint64(8 * column)
            swapped = (square ^ (square >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
            square ^= swapped ^ (swapped << np.uint64(7))
            swapped = (square ^ (square >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
            square ^= swapped ^ (swapped << np.uint64(14))
            swapped = (square ^ (square >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
            square ^= swapped ^ (swapped << np.uint64(28))
            squares[begin // COLUMNS * LANES + lane] = square


@lean_kernel
def take_later(later: LaterWords, lane: int, disjoint: UInt64, pattern: int) -> bool:
    """Take the earliest word that shares no bit with a pattern out of a lane of `later`, if there is one."""
    partner, earliest = -1, later.next_of.shape[1]
    for part in range(later.patterns.shape[1]):
        candidates = later.patterns[lane, part] & disjoint[pattern, part]
        while candidates:
            candidate = part * WORD_BITS + lowest_one(candidates)
            candidates &= candidates - np.uint64(1)
            if later.first_of[lane, candidate] < earliest:
                partner, earliest = candidate, int(later.first_of[lane, candidate])
    if partner < 0:
        return False
    if earliest == later.last_of[lane, partner]:
        later.patterns[lane, partner // WORD_BITS] ^= np.uint64(1) << np.uint64(partner % WORD_BITS)
    else:
        later.first_of[lane, partner] = later.next_of[lane, earliest]
    return True


@lean_kernel
def put_later(later: LaterWords, lane: int, pattern: int, k: int) -> None:
    """Put word k behind all others in a lane of `later`."""
    mark = np.uint64(1) << np.uint64(pattern % WORD_BITS)
    if later.patterns[lane, pattern // WORD_BITS] & mark:
        later.next_of[lane, later.last_of[lane, pattern]] = k
    else:
        later.patterns[lane, pattern // WORD_BITS] |= mark
        later.first_of[lane, pattern] = k
    later.last_of[lane, pattern] = k


@lean_kernel
def packed_lengths(windows: UInt64, apart: int, disjoint: UInt64, later: LaterWords, lanes: Lanes) -> int:
    """Sum of the lengths of all matrices after packing.

    windows: uint64 (rows, words), rows of the im2col matrix of the windows, packed along K. apart: matrices; see
    `take_words`. disjoint: uint64 (256, 4), of each word of 8 bits those that share no bit with it, as bits.

    The earliest waiting word that is disjoint takes a word: the same pairs as if every word looked ahead. The first
    words that wait are a queue in the bytes of two numbers, the earliest in the lowest, all ones where there is none;
    it rarely holds too few. Whether it finds a partner is no condition, which a processor could not know ahead, so that
    matrices are done side by side.
    """
    low_bits, high_bits = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    zero, one, none, byte = np.uint64(0), np.uint64(1), np.uint64(0xFF), np.uint64(8)
    last = none << np.uint64(56)
    front, back, queued, behind, length, stuck = (
        lanes.front, lanes.back, lanes.queued, lanes.behind, lanes.length, lanes.stuck,
    )  # fmt: skip
    length[:] = 0
    for first in range(0, apart, LANES):
        later.patterns[:] = 0
        queued[:] = 0
        behind[:] = 0
        for lane in range(LANES):
            front[lane] = back[lane] = ~zero
        for k in range(windows.shape[1] * WORD_BITS):
            if k % WORD_BITS == 0:
                take_words(windows, first, apart, k // WORD_BITS, lanes)
            square, place = k % WORD_BITS // COLUMNS * LANES, np.uint64(k % COLUMNS * 8)
            any_stuck = zero
            for lane in range(LANES):
                word = (lanes.squares[square + lane] >> place) & none
                # A word without active inputs is taken for a full one: neither has a partner, nor waits for one.
                pattern = word | (none if word == zero else zero)
                everywhere = pattern * low_bits
                shared, shared_back = front[lane] & everywhere, back[lane] & everywhere
                # their lowest bit: of the first word without a shared bit
                free = (shared - low_bits) & ~shared & high_bits
                free_back = (shared_back - low_bits) & ~shared_back & high_bits
                is_alone = (free | free_back) == zero
                is_full = (behind[lane] > zero) | (queued[lane] == np.uint64(2 * QUEUE_BYTES))
                is_stuck = is_alone & (pattern != none) & is_full
                # bits ahead of that word, all if there is none
                ahead = ((free & (~free + one)) >> np.uint64(7)) - one
                ahead_back = ((free_back & (~free_back + one)) >> np.uint64(7)) - one
                ahead_back = ahead_back if free == zero else zero
                moved, moved_back = (front[lane] >> byte) | (back[lane] << np.uint64(56)), (back[lane] >> byte) | last
                added = (pattern ^ none) << (byte * queued[lane] & np.uint64(63))
                added = added if is_alone & ~is_stuck else zero
                is_front = queued[lane] < np.uint64(QUEUE_BYTES)
                front[lane] = ((front[lane] & ahead) | (moved & ~ahead)) & ~(added if is_front else zero)
                back[lane] = ((back[lane] & ahead_back) | (moved_back & ~ahead_back)) & ~(zero if is_front else added)
                more = np.uint64(pattern != none) if is_alone else ~zero
                queued[lane] += zero if is_stuck else more
                length[lane] += np.uint64(is_alone & (word != zero))
                stuck[lane] = pattern if is_stuck else zero
                any_stuck |= np.uint64(is_stuck)
            if any_stuck:
                for lane in range(LANES):
                    pattern = int(stuck[lane])
                    if pattern > 0 and take_later(later, lane, disjoint, pattern):
                        behind[lane] -= one
                        length[lane] -= one
                    elif pattern > 0:
                        put_later(later, lane, pattern, k)
                        behind[lane] += one
    total = zero
    for lane in range(LANES):
        total += length[lane]
    return int(np.int64(total))


def disjoint_sets() -> UInt64:
    """uint64 (256, 4): for each word of 8 bits, as bits of four, those but 0 that share no bit with it."""
    patterns = np.arange(PATTERNS)
    apart = (patterns[:, None] & patterns == 0) & (patterns > 0)
    return np.packbits(apart, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def padded_timesteps(timesteps: int, window: int) -> int:
    """The next power of two, and at least one window."""
    return int(max(window, 1 << (timesteps - 1).bit_length()))


def united(values: Unsigned, window: int) -> Unsigned:
    """Values (T, ...) of windows, (ceil(T / window), ...): a bit is set if any timestep of the window has it."""
    windows = -(-len(values) // window)
    filled = np.zeros((windows * window, *values.shape[1:]), values.dtype)
    filled[: len(values)] = values
    found: Unsigned = np.bitwise_or.reduce(filled.reshape(windows, window, *values.shape[1:]), axis=1)
    return found


def matrices(timesteps: int, positions: int, window: int) -> int:
    """Matrices that the rows of all windows make, silent ones included."""
    return -(-(-(-padded_timesteps(timesteps, window) // window) * positions) // COLUMNS)


def _lengths(machine: TimeBatchingMachine, run: OperatorRun) -> int:
    """Sum of lengths of all groups and bit planes."""
    work, window = run.workload, machine.dataflow.window
    if run.kind == "linear":
        active = np.zeros((work.groups, work.input_bits, 1, -(-work.fan_in // WORD_BITS)), np.uint64)
        for block in work.plane_blocks():
            for bit in range(work.input_bits):
                active[:, bit] |= np.bitwise_or.reduce(block[:, bit :: work.input_bits], axis=1)
        return int(np.bitwise_count(active).sum())
    disjoint, later, lanes = disjoint_sets(), LaterWords.of(work.fan_in), Lanes.of()
    apart = matrices(work.T, work.positions, window)
    windows = -(-work.T // window)
    window_bytes = max(work.im2col_bytes, window * work.shape.input_count)
    if windows * window_bytes <= WHOLE_BYTES:
        rows = _rows_of_windows(work, window, 0, windows * work.positions)
        return _sum_lengths(rows, apart, disjoint, later, lanes)
    # Some matrices at a time: of each of their columns the windows that its rows are from.
    together = max(1, BLOCK_BYTES // (window_bytes * COLUMNS)) * work.positions
    total = 0
    for first in range(0, apart, together):
        last = min(first + together, apart)
        parts = [_rows_of_windows(work, window, first + at, last + at) for at in range(0, COLUMNS * apart, apart)]
        total += _sum_lengths(np.concatenate(parts, axis=2), last - first, disjoint, later, lanes)
    return total


def _sum_lengths(rows: UInt64, apart: int, disjoint: UInt64, later: LaterWords, lanes: Lanes) -> int:
    """Sum of the lengths of matrices of groups and bit planes, uint64 (groups, bits, rows, words)."""
    return sum(packed_lengths(of_bit, apart, disjoint, later, lanes) for of_group in rows for of_bit in of_group)


def _rows_of_windows(work: SynapseWorkload, window: int, first: int, last: int) -> UInt64:
    """uint64 (groups, bits, last - first, words): rows of the im2col matrices of the windows; those that are not there
    are empty."""
    first_window, last_window = first // work.positions, -(-last // work.positions)
    planes = work.planes_of(_windows(work, window, first_window, last_window))
    by_bit = planes.reshape(work.groups, -1, work.input_bits, *planes.shape[2:]).swapaxes(1, 2)
    start = first - first_window * work.positions
    rows = by_bit.reshape(work.groups, work.input_bits, -1, planes.shape[3])[:, :, start : start + last - first]
    if rows.shape[2] == last - first:
        return np.ascontiguousarray(rows)
    filled = np.zeros((*rows.shape[:2], last - first, rows.shape[3]), np.uint64)
    filled[:, :, : rows.shape[2]] = rows
    return filled


def _windows(work: SynapseWorkload, window: int, first: int, last: int) -> Inputs | PackedSpikes:
    """Inputs of windows first to last - 1, (n, C, H, W), without those behind the last timestep."""
    first_timestep, last_timestep = min(work.T, first * window), min(work.T, last * window)
    if isinstance(work.frames, PackedSpikes):
        spikes = united(work.frames.packed[first_timestep:last_timestep], window)
        return PackedSpikes(cast("UInt8", spikes), work.shape.input_shape)
    return cast("Inputs", united(work.some(first_timestep, last_timestep), window))


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
