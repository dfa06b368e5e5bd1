"""Fibers that take alike, of which one is worked out: short ones with zeros in the same places.

What a decoder does depends on which weights are 0, not on what the others are. So there are 2^n fibers of n positions
that differ, each beginning at one of few bits of a word, where a layer may have many millions of fibers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, WeightCodes
from spikecycle.simulator.jit import inner_kernel

CYCLE_COLUMNS = 4
"""Of what an event takes: LATENCY, IDLE, DECODE, CONFLICT."""
MOST_POSITIONS = 10
"""Of fibers that are remembered: with more, hardly two are alike."""
MOST_BYTES = 2**22
"""Of what is remembered: a processor's caches hold it."""


class FiberKind(NamedTuple):
    """What fibers have in common: phase; output channels; those that their PE owns of the tile, and the local number of
    the first one in their group."""

    phase: int
    channels: int
    own: int
    first_local: int


class FiberRecords(NamedTuple):
    """What events take by fiber, in `rows` of fibers that are told apart.

    cycles: int32 (4, rows · cases, 1), work: int64 (rows · cases, columns), see `tabulate_latencies`; cases: of a
    channel. known: int64 (rows,), the number of the kind that a row was filled for. kinds: int64 (phases, 3), the kind
    of fiber that rows are of, now. numbers: int64 (phases + 1,), of these kinds, and of all so far. positions: of the
    longest fiber that is remembered.
    """

    cycles: Int32
    work: Int64
    known: Int64
    kinds: Int64
    numbers: Int64
    positions: int

    @classmethod
    def of(cls, phases: int, starts_of_word: int, cases: int, work_columns: int, mean_length: float) -> FiberRecords:
        """Nothing yet. starts_of_word: bits that fibers may begin at. mean_length: positions of a fiber."""
        positions = remembered_positions(phases * starts_of_word, cases, work_columns, mean_length)
        rows = phases * starts_of_word << positions if positions else 0
        return cls(
            np.zeros((CYCLE_COLUMNS, rows * cases, 1), np.int32),
            np.zeros((rows * cases, work_columns), np.int64),
            np.zeros(rows, np.int64),
            np.zeros((phases, len(FiberKind._fields) - 1), np.int64),
            np.zeros(phases + 1, np.int64),
            positions,
        )


def remembered_positions(places: int, cases: int, work_columns: int, mean_length: float) -> int:
    """Of the longest fiber that is remembered, 0 if none is. places: that each has a row for, by phase and by where it
    begins in a word."""
    positions = MOST_POSITIONS if mean_length <= MOST_POSITIONS else 0
    while positions and (places << positions) * row_bytes(cases, work_columns) > MOST_BYTES:
        positions -= 1
    return positions


def row_bytes(cases: int, work_columns: int) -> int:
    """Of a fiber that is remembered."""
    return cases * (CYCLE_COLUMNS * np.dtype(np.int32).itemsize + work_columns * np.dtype(np.int64).itemsize)


@inner_kernel
def find_record(
    values: WeightCodes, start: int, stop: int, start_in_word: int, kind: FiberKind, starts_of_word: int,
    records: FiberRecords,
) -> tuple[int, bool]:  # fmt: skip
    """The row of the fiber values[start:stop], which begins at number start_in_word of so many `starts_of_word`, and
    whether it is known; if not, the row is emptied, and is to be filled now. Behind the last row is that of all fibers
    that are too long."""
    length = stop - start
    if length > records.positions:
        return len(records.known), False
    kinds, numbers = records.kinds[kind.phase], records.numbers
    if kinds[0] != kind.channels or kinds[1] != kind.own or kinds[2] != kind.first_local:
        kinds[0], kinds[1], kinds[2] = kind.channels, kind.own, kind.first_local
        numbers[-1] += 1
        numbers[kind.phase] = numbers[-1]
    non_zeros = 0
    for i in range(length):
        non_zeros |= int(values[start + i] != 0) << i
    row = ((kind.phase * starts_of_word + start_in_word) << records.positions) + non_zeros
    if records.known[row] == numbers[kind.phase]:
        return row, True
    records.known[row] = numbers[kind.phase]
    cases = len(records.work) // len(records.known)
    for case in range(row * cases, (row + 1) * cases):
        for column in range(CYCLE_COLUMNS):
            records.cycles[column, case, 0] = 0
        for column in range(records.work.shape[1]):
            records.work[case, column] = 0
    return row, False
