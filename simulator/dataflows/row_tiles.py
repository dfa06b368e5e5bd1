"""Tiles of a matrix of spikes: what adding up their rows takes, with and without sharing what rows have in common.

The kernel of `product_sparsity` (rule 3 there), and matrices as it takes them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers, UInt8, UInt16, UInt64
from spikecycle.simulator.jit import inner_kernel, kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones, without_lowest_one

MOST_COLUMNS = 16
"""Widest tile: a row of it is looked up in a table of 2^16."""
COMPARED_ROWS = 128
"""Different rows up to which all are compared with a row, rather than those looked up that have one spike less."""
POPCOUNT_ROWS = 8
"""Rows whose spikes are counted at once while prefixes are prepared (Prosperity, Table III: 8 popcount units)."""


class TileRows(NamedTuple):
    """Room for the rows of a tile.

    words: uint64 (words of a row + 1, tile rows), rows of all columns, turned. rows, found, larger: uint16 (tile
    rows + 1,), all rows of the tile, then different rows of two spikes or more, and those of three or more. seen_in:
    uint8 (2^columns,), the last tile that had such a row, by a number that comes again.
    """

    words: UInt64
    rows: UInt16
    found: UInt16
    larger: UInt16
    seen_in: UInt8

    @classmethod
    def of(cls, words: int, tile_rows: int, tile_columns: int) -> TileRows:
        """For tiles of so many rows and columns of rows of so many words."""
        rows, found, larger = np.empty((3, tile_rows + 1), np.uint16)
        turned = np.empty((words + 1, tile_rows), np.uint64)
        turned[words] = 0
        return cls(turned, rows, found, larger, np.zeros(1 << tile_columns, np.uint8))


def tile_work(rows: UInt64, columns: int, tile_rows: int, tile_columns: int) -> tuple[int, int]:
    """Cycles of additions and of preparation of a matrix, for one tile of output channels.

    rows: uint64 (rows, words), packed along the columns, of which there are `columns`; or (T, positions, words), whose
    rows are ordered by position, then timestep.
    """
    by_step = np.ascontiguousarray(rows if rows.ndim == 3 else rows[None])
    room = TileRows.of(rows.shape[-1], min(tile_rows, rows.size // rows.shape[-1]), tile_columns)
    work = np.zeros(2, np.int64)
    add_tiles(by_step, columns, tile_rows, tile_columns, room, work)
    return int(work[0]), int(work[1])


@lean_kernel
def add_tiles(rows: UInt64, columns: int, tile_rows: int, tile_columns: int, room: TileRows, work_out: Int64) -> None:
    """Cycles of additions and of preparation, added to int64 (2,), tile by tile. rows: (T, positions, words).

    Every row that has spikes costs one cycle, and those of two spikes or more, if no equal one came before, one for
    each spike that their prefix lacks, less the first.
    """
    timesteps, positions, words = rows.shape
    t = position = 0
    number = 0  # of the tile, in `seen_in`
    one = np.uint64(1)
    for first_row in range(0, timesteps * positions, tile_rows):
        count = min(tile_rows, timesteps * positions - first_row)
        for i in range(count):
            for word in range(words):
                room.words[np.uint64(word), np.uint64(i)] = rows[np.uint64(t), np.uint64(position), np.uint64(word)]
            t = t + 1 if t + 1 < timesteps else 0
            position += int(t == 0)
        for first in range(0, columns, tile_columns):
            low, high, shift = room.words[first >> 6], room.words[(first >> 6) + 1], np.uint64(first & 63)
            mask = (one << np.uint64(min(tile_columns, columns - first))) - one
            adds = several = 0  # rows with spikes, and with two or more
            single = np.uint64(0)  # spikes of rows that have no other
            # without branches: rows are taken side by side
            for i in range(count):
                bits = (low[np.uint64(i)] >> shift | (high[np.uint64(i)] << one) << (np.uint64(63) - shift)) & mask
                spikes = count_ones(bits)
                adds += int(spikes > 0)
                several += int(spikes > 1)
                single |= bits if spikes == 1 else np.uint64(0)
                room.rows[np.uint64(i)] = bits
            if several > 0:
                if number == 255:
                    room.seen_in[:] = 0
                number = number % 255 + 1
                adds += spikes_beyond_prefixes(count, single, number, room)
            work_out[0] += adds
            work_out[1] += several + count // POPCOUNT_ROWS


@inner_kernel
def spikes_beyond_prefixes(count: int, single: np.uint64, number: int, room: TileRows) -> int:
    """Of the different rows that have two spikes or more: spikes that are not of their prefix, without the first.

    count: rows of the tile. single: spikes of the rows that have no other.
    """
    one = np.uint64(1)
    several = np.uint64(0)
    for i in range(count):
        row = np.uint64(room.rows[np.uint64(i)])
        room.found[several] = row
        several += np.uint64(without_lowest_one(row) != 0)
    beyond = 0
    different = larger = np.uint64(0)
    # Nothing here depends on the row: a processor cannot know ahead what most conditions come to.
    for i in range(several):
        row = np.uint64(room.found[np.uint64(i)])
        is_new = np.uint64(room.seen_in[row] != number)
        room.seen_in[row] = number
        is_pair = np.uint64(without_lowest_one(without_lowest_one(row)) == 0)
        room.found[different] = row
        different += is_new
        room.larger[larger] = row
        larger += is_new & (is_pair ^ one)
        beyond += int(np.int64(is_new & is_pair & np.uint64(row & single == 0)))
    for i in range(larger):
        row = np.uint64(room.larger[np.uint64(i)])
        spikes = count_ones(row)
        if different > np.uint64(COMPARED_ROWS) and has_one_less(row, number, room.seen_in):
            continue
        beyond += spikes - 1 - max(most_spikes_within(row, room.found, int(different)), int(row & single != 0))
    return beyond


@inner_kernel
def has_one_less(row: np.uint64, number: int, seen_in: UInt8) -> bool:
    """Whether the tile has a row of all spikes of this row but one."""
    found, rest = False, row
    while rest:
        fewer = row ^ rest ^ without_lowest_one(rest)
        rest = without_lowest_one(rest)
        found |= seen_in[fewer] == number
    return found


@inner_kernel
def most_spikes_within(row: np.uint64, rows: UInt16, count: int) -> int:
    """The most spikes of those of `count` rows whose spikes are all spikes of `row`, and not all of these; 0 if there
    is none."""
    own, lacking = np.uint16(row), np.uint16(~row)
    # Numbers of spikes as bits: a largest number would not be looked for with wide registers here.
    numbers = np.uint16(0)
    for i in range(count):
        other = rows[np.uint64(i)]
        spikes = np.uint16(count_ones(np.uint64(other)))
        is_within = ((other & lacking) == 0) & (other != own)
        numbers |= np.uint16(1) << spikes if is_within else np.uint16(0)
    below = np.uint64(numbers)
    for shift in (1, 2, 4, 8):
        below |= below >> np.uint64(shift)
    return count_ones(below >> np.uint64(1))


@kernel
def deal_rows(
    rows: UInt64, first: int, own: Int64, tile_rows: int, begun: UInt64, shared: UInt64, whole: UInt64
) -> int:
    """Deal the rows of some timesteps to the tiles that they belong to, and give those that become whole.

    rows: (n, positions, words), of timesteps from `first`. own: int64 (3, positions): of each position, the first
    timestep of its own tiles, the one after their last, and the place of its first row in `shared`. begun: (positions
    x tile_rows, words), the tile that each position is at. shared: (rows, words) of tiles of several positions.
    whole: filled with whole tiles; returns how many rows that are.
    """
    timesteps, positions, words = rows.shape
    filled = 0
    for position in range(positions):
        own_from, own_until, shared_from = own[0, position], own[1, position], own[2, position]
        for index in range(timesteps):
            t = first + index
            if t < own_from or t >= own_until:
                place = shared_from + (t if t < own_from else t - own_until + own_from)
                for word in range(words):
                    shared[place, word] = rows[index, position, word]
                continue
            place = (t - own_from) % tile_rows
            for word in range(words):
                begun[position * tile_rows + place, word] = rows[index, position, word]
            if place == tile_rows - 1:
                for row in range(tile_rows):
                    for word in range(words):
                        whole[filled, word] = begun[position * tile_rows + row, word]
                    filled += 1
    return filled


class TilesByPosition:
    """Cuts the rows of an im2col matrix into tiles, position after position, its timesteps side by side, while rows
    come some timesteps at a time.

    A tile that has rows of several positions waits until the end, one that has rows of several blocks for the next.
    """

    def __init__(self, timesteps: int, tile_rows: int) -> None:
        self._timesteps, self._tile_rows = timesteps, tile_rows
        self._first = 0
        self._own = np.empty((3, 0), np.int64)
        self._begun = self._shared = np.empty((0, 0), np.uint64)

    def add(self, rows: UInt64) -> UInt64:
        """The next timesteps, uint64 (n, positions, words); returns whole tiles, (rows, words), and the last one. If
        these are all timesteps, they are returned as they are."""
        count, positions, words = rows.shape
        if count == self._timesteps:
            return rows
        if self._first == 0:
            self._make_room(positions, words)
        whole = np.empty((count * positions + len(self._begun) if len(self._begun) else 0, words), np.uint64)
        filled = deal_rows(rows, self._first, self._own, self._tile_rows, self._begun, self._shared, whole)
        self._first += count
        return whole[:filled]

    def rest(self) -> UInt64 | None:
        """After all timesteps: tiles that have rows of several positions, and the last one."""
        return self._shared if self._first else None

    def _make_room(self, positions: int, words: int) -> None:
        """Which timesteps of each position are in tiles of its own, and where its rows wait."""
        own_from = np.minimum(self._timesteps, -np.arange(positions) * self._timesteps % self._tile_rows)
        own_rows = (self._timesteps - own_from) // self._tile_rows * self._tile_rows
        ends = np.cumsum(self._timesteps - own_rows)
        self._own = np.stack([own_from, own_from + own_rows, ends - (self._timesteps - own_rows)])
        self._shared = np.empty((int(ends[-1]), words), np.uint64)
        self._begun = np.empty((positions * self._tile_rows if own_rows.any() else 0, words), np.uint64)


def packed(bits: Integers) -> UInt64:
    """A matrix of bits, (rows, columns), as uint64 (rows, words), column k being bit k mod 64 of word k div 64."""
    rows, columns = bits.shape
    filled = np.zeros((rows, -(-columns // 64) * 64), np.uint8)
    filled[:, :columns] = bits
    return np.packbits(filled, axis=1, bitorder="little").view("<u8").astype(np.uint64)
