"""How long a PE serves an event: MICROARCHITECTURE.md, section 4, "PE", for every fiber and every tap class.

A latency does not depend on where in the tile an event is, only on its channel and its tap classes: moving an input
moves all potentials that it meets by the same address, and all their banks by the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, WeightCodes
from spikecycle.simulator.dataflows.spike_array.axes import BLOCK_SIZE, FIRST_TAP, LAST_TAP, PHASE
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.weight_layout import WeightLayout
from spikecycle.simulator.formats import decode_schedule
from spikecycle.simulator.formats.levels import Codes, FormatSpec, Located, Positions
from spikecycle.simulator.jit import lean_kernel

LATENCY, IDLE, DECODE, CONFLICT = range(4)
"""Cycles from pop to free, and those of them: without a step in the accumulators; of steps without an accumulate; of
steps beyond one cycle each."""
FETCHED_WORDS, DIRECTORY, ACCUMULATES, GATED, DROPPED, BUSY, LOOKUPS, FIBERS, POTENTIALS = range(9)
"""What a PE does for an event: words and directory entries read, accumulates, zero weights decoded, weights decoded for
outputs outside the PE's part of the tile, cycles with an accumulate, values looked up in the codebook, fibers
decoded, reads of the memory of potentials (and as many writes)."""
WORK_COLUMNS = 9
UNTOUCHED_CYCLES = 1
"""An event without a tap in a PE is popped, and that is all."""
DIRECTORY_CYCLES = 2
"""An event whose fiber is empty is popped and looked up in the directory."""
FIRST_WORD = 2
"""A fiber's first word can be used in the second cycle after the pop: address, read, use."""


class PeSpec(NamedTuple):
    """A PE's parameters, as kernels take them."""

    word_bits: int
    rate: int
    mask_window: int
    skip: int
    banks: int
    row_access: int
    """1 if an access of the potentials is one of a row, a word of every bank; 0 if each bank has its own address."""
    cycles_per_accumulate: int


class Scratch(NamedTuple):
    """Room for one fiber's schedule (int64, as long as the longest fiber) and one step's banks (int64 (banks,))."""

    position: Int64
    last_bit: Int64
    step: Int64
    tap_row: Int64
    tap_column: Int64
    bank: Int64
    in_bank: Int64


@dataclass(frozen=True, eq=False)
class PeLatencies:
    """What an event takes by channel tile, tap case and PE; tap_case = (channel · row classes + row class) · column
    classes + column class.

    cycles: LATENCY, IDLE, DECODE, CONFLICT, int32 (tiles, 4, tap cases, pes_per_group); where the tiles are worked on
    `abreast`, int32 (4, tap cases, pes_per_group, tiles).
    work: int64 (tiles, tap cases, WORK_COLUMNS), summed over pes_per_group: FETCHED_WORDS, DIRECTORY, ...
    """

    cycles: Int32
    work: Int64
    abreast: bool

    def served(self, occurrences: Int64) -> Int64:
        """int64 (pes_per_group,): cycles of events that occurred so often, int64 (tap cases,), over all tiles."""
        latency = self.cycles[LATENCY] if self.abreast else self.cycles[:, LATENCY]
        axes = "cpt" if self.abreast else "tcp"
        return np.asarray(np.einsum(f"c,{axes}->p", occurrences, latency), np.int64)  # in pieces: no copy


@lean_kernel
def time_event(
    entries: int,
    bits_ahead: int,
    words: int,
    taps: tuple[int, int, int, int],
    pe: PeSpec,
    scratch: Scratch,
    tap_case: int,
    group_pe: int,
    cycles_out: Int32,
    work_out: Int64,
) -> None:
    """Time an event whose fiber has `entries` decoded entries, its schedule in `scratch`.

    words: that hold the fiber; bits_ahead: of the first word, those ahead of the fiber.
    taps: first and last row tap, first and last column tap that land in the PE's part.
    cycles_out: int32 (4, tap cases, pes_per_group), set. work_out: int64 (tap cases, WORK_COLUMNS), added to.
    """
    first_row, last_row, first_column, last_column = taps
    now = 0  # cycles since the pop; the accumulators are free from here on
    idle = 0
    decode = 0
    conflict = 0
    busy = 0
    potentials = 0
    accumulates = 0
    dropped = 0
    entry = 0
    while entry < entries:
        step = scratch.step[entry]
        first_entry = entry
        fullest = 0  # accumulates of the bank that has most, or rows that are accessed one after the other
        row_before = -1
        before = accumulates
        while entry < entries and scratch.step[entry] == step:
            if scratch.position[entry] >= 0:
                row, column = scratch.tap_row[entry], scratch.tap_column[entry]
                if first_row <= row <= last_row and first_column <= column <= last_column:
                    bank = scratch.bank[entry]
                    if pe.row_access == 1:
                        fullest += bank != row_before
                        row_before = bank
                    else:
                        in_bank = scratch.in_bank[bank] + 1
                        scratch.in_bank[bank] = in_bank
                        fullest = max(fullest, in_bank)
                    accumulates += 1
                else:
                    dropped += 1
            entry += 1
        if pe.row_access == 1:
            potentials += fullest
        else:
            potentials += accumulates - before
            for delivered in range(first_entry, entry):
                scratch.in_bank[scratch.bank[delivered]] = 0
        issue = max(now, FIRST_WORD + (bits_ahead + scratch.last_bit[first_entry]) // pe.word_bits)
        occupied = max(1, fullest * pe.cycles_per_accumulate)
        idle += issue - now
        if fullest == 0:
            decode += 1
        else:
            conflict += occupied - 1
            busy += occupied
        now = issue + occupied
    free = max(now, words + 1)
    cycles_out[LATENCY, tap_case, group_pe] = free
    cycles_out[IDLE, tap_case, group_pe] = idle + free - now
    cycles_out[DECODE, tap_case, group_pe] = decode
    cycles_out[CONFLICT, tap_case, group_pe] = conflict
    work_out[tap_case, FETCHED_WORDS] += words
    work_out[tap_case, ACCUMULATES] += accumulates
    work_out[tap_case, DROPPED] += dropped
    work_out[tap_case, POTENTIALS] += potentials
    work_out[tap_case, BUSY] += busy
    work_out[tap_case, FIBERS] += 1


@lean_kernel
def place_entries(
    entries: int,
    fiber_channels: int,
    taps_columns: int,
    own_channels: int,
    first_local: int,
    block_columns: int,
    pe: PeSpec,
    scratch: Scratch,
) -> None:
    """Taps and banks of a fiber's entries; banks are counted from that of its first position.

    Positions are ordered by row tap, column tap, channel; a tap further lands one output earlier, so its potential lies
    own_channels (columns) or block_columns · own_channels (rows) addresses lower. With access by rows, `scratch.bank`
    has a number of the entry's row instead: every tap lands in another output position, each of which begins a row.
    """
    rows_per_position = (first_local + fiber_channels - 1) // pe.banks + 1
    tap = 0
    first = 0  # position of the tap's first channel
    for entry in range(entries):
        position = scratch.position[entry]
        if position < 0:  # delivers nothing
            scratch.bank[entry] = 0
            continue
        while position >= first + fiber_channels:
            first += fiber_channels
            tap += 1
        row, column = tap // taps_columns, tap % taps_columns
        scratch.tap_row[entry] = row
        scratch.tap_column[entry] = column
        channel = position - first
        if pe.row_access == 1:
            scratch.bank[entry] = tap * rows_per_position + (first_local + channel) // pe.banks
        else:
            scratch.bank[entry] = (channel - (row * block_columns + column) * own_channels) % pe.banks


@lean_kernel
def tabulate_latencies(
    values: WeightCodes,
    starts: Int64,
    stored_values: Int64,
    first_bits: Int64,
    fetched_words: Int64,
    own_channels: Int64,
    first_local: Int64,
    row_classes: Int64,
    column_classes: Int64,
    taps_of_phase_column: Int64,
    taps_of_phase_row: Int64,
    spec: FormatSpec,
    pe: PeSpec,
    scratch: Scratch,
    cycles_out: Int32,
    work_out: Int64,
) -> None:
    """Fill the latencies of a channel tile: every fiber in every tap case of its phase.

    values, starts: see TileFibers. stored_values: int64 (F,), of each fiber.
    first_bits, fetched_words: int64 (pes_per_group, C, phases): see WeightLayout.
    row_classes, column_classes: int64 (classes, 4), see `axes`. taps_of_phase_*: int64 (stride,).
    cycles_out: int32 (4, tap_cases, pes_per_group), work_out: int64 (tap_cases, WORK_COLUMNS): they hold the
        latency of an event without taps, where that stays.
    """
    pes_per_group, channels, phases = first_bits.shape
    phase_columns = len(taps_of_phase_column)
    gates = pe.skip == 0 or spec.positions == Positions.IMPLICIT
    for group_pe in range(pes_per_group):
        for channel in range(channels):
            for phase in range(phases):
                fiber = (group_pe * channels + channel) * phases + phase
                start, stop = starts[fiber], starts[fiber + 1]
                if start == stop:
                    continue
                phase_row, phase_column = phase // phase_columns, phase % phase_columns
                taps_columns = taps_of_phase_column[phase_column]
                fiber_channels = (stop - start) // (taps_of_phase_row[phase_row] * taps_columns)
                entries, _ = decode_schedule(
                    values, start, stop, fiber_channels, spec, pe.rate, pe.mask_window, pe.skip,
                    scratch.position, scratch.last_bit, scratch.step,
                )  # fmt: skip
                bits_ahead = first_bits[group_pe, channel, phase] % pe.word_bits
                zeros = 0
                if gates and entries > 0:
                    for i in range(start, stop):
                        zeros += values[i] == 0
                placed_for = -1
                for column in range(len(column_classes)):
                    if column_classes[column, PHASE] != phase_column:
                        continue
                    if column_classes[column, BLOCK_SIZE] != placed_for:
                        placed_for = column_classes[column, BLOCK_SIZE]
                        place_entries(
                            entries,
                            fiber_channels,
                            taps_columns,
                            own_channels[group_pe],
                            first_local[group_pe, channel],
                            placed_for,
                            pe,
                            scratch,
                        )
                    for row in range(len(row_classes)):
                        if row_classes[row, PHASE] != phase_row:
                            continue
                        tap_case = (channel * len(row_classes) + row) * len(column_classes) + column
                        if spec.located == Located.OFFSETS:
                            work_out[tap_case, DIRECTORY] += 1
                            if entries == 0:
                                cycles_out[LATENCY, tap_case, group_pe] = DIRECTORY_CYCLES
                                cycles_out[IDLE, tap_case, group_pe] = DIRECTORY_CYCLES
                                continue
                        work_out[tap_case, GATED] += zeros
                        if spec.codes == Codes.CODEBOOK:
                            work_out[tap_case, LOOKUPS] += stored_values[fiber]
                        taps = (
                            row_classes[row, FIRST_TAP],
                            row_classes[row, LAST_TAP],
                            column_classes[column, FIRST_TAP],
                            column_classes[column, LAST_TAP],
                        )
                        time_event(
                            entries, bits_ahead, fetched_words[group_pe, channel, phase], taps, pe, scratch,
                            tap_case, group_pe, cycles_out, work_out,
                        )  # fmt: skip


def latencies(
    tiles: Sequence[TileFibers],
    layouts: Sequence[WeightLayout],
    row_classes: Int64,
    column_classes: Int64,
    taps_of_phase_row: Int64,
    taps_of_phase_column: Int64,
    spec: FormatSpec,
    pe: PeSpec,
    abreast: bool,
) -> PeLatencies:
    """The latencies of all channel tiles."""
    pes_per_group, channels, _ = layouts[0].first_bits.shape
    tap_cases = channels * len(row_classes) * len(column_classes)
    cycles = np.zeros((len(tiles), 4, tap_cases, pes_per_group), dtype=np.int32)
    cycles[:, LATENCY] = cycles[:, IDLE] = UNTOUCHED_CYCLES
    work = np.zeros((len(tiles), tap_cases, WORK_COLUMNS), dtype=np.int64)
    longest = max(fibers.longest for fibers in tiles)
    scratch = Scratch(*(np.zeros(size, np.int64) for size in (longest,) * 6 + (pe.banks,)))
    for number, (fibers, layout) in enumerate(zip(tiles, layouts, strict=True)):
        tabulate_latencies(
            fibers.values, fibers.starts, fibers.sizes.entries, layout.first_bits, layout.fetched_words,
            fibers.own_channels, fibers.first_local, row_classes, column_classes, taps_of_phase_column,
            taps_of_phase_row, spec, pe, scratch, cycles[number], work[number],
        )  # fmt: skip
    return PeLatencies(np.ascontiguousarray(cycles.transpose(1, 2, 3, 0)) if abreast else cycles, work, abreast)
