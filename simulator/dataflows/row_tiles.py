"""Tiles of a matrix of spikes: what adding up their rows takes, with and without sharing what rows have in common.

The kernel of `product_sparsity` (rules 2 and 3 there), and matrices as it takes them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers, UInt64
from spikecycle.simulator.jit import inner_kernel, kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

MOST_COLUMNS = 16
"""Widest tile: a row of it is looked up in a table of 2^16."""
POPCOUNT_ROWS = 8
"""Rows whose spikes are counted at once while prefixes are prepared (Prosperity, Table III: 8 popcount units)."""


class TileRows(NamedTuple):
    """Room for the different rows of a tile.

    seen_in: int32 (2^columns,), the last tile that had such a row. found, by_spikes: uint64 (tile rows,), rows as
    they come, and those with fewer spikes first. starts, places: int64 (columns + 2,), where rows with so many spikes
    begin in `by_spikes`, and where the next one goes.
    """

    seen_in: Int32
    found: UInt64
    by_spikes: UInt64
    starts: Int64
    places: Int64

    @classmethod
    def of(cls, tile_rows: int, tile_columns: int) -> TileRows:
        """For tiles of so many rows and columns."""
        starts, places = np.zeros((2, tile_columns + 2), np.int64)
        seen_in = np.zeros(1 << tile_columns, np.int32)
        return cls(seen_in, np.zeros(tile_rows, np.uint64), np.zeros(tile_rows, np.uint64), starts, places)


def tile_work(rows: UInt64, columns: int, tile_rows: int, tile_columns: int, reuse: bool) -> tuple[int, int]:
    """Cycles of additions and of preparation of a matrix, for one tile of output channels.

    rows: uint64 (rows, words), packed along the columns, of which there are `columns`. reuse: whether prefixes are
    used; otherwise each spike is added, and preparation is 0.
    """
    if not reuse:
        return int(np.bitwise_count(rows).sum(dtype=np.int64)), 0
    room = TileRows.of(min(tile_rows, len(rows)), tile_columns)
    work = np.zeros(2, np.int64)
    add_tiles(rows, columns, tile_rows, tile_columns, room, work)
    return int(work[0]), int(work[1])


@lean_kernel
def add_tiles(rows: UInt64, columns: int, tile_rows: int, tile_columns: int, room: TileRows, work_out: Int64) -> None:
    """Cycles of additions and of preparation, added to int64 (2,), tile by tile."""
    seen_in, starts = room.seen_in, room.starts
    tile = 0
    one = np.uint64(1)
    for first_row in range(0, len(rows), tile_rows):
        last_row = min(first_row + tile_rows, len(rows))
        for first in range(0, columns, tile_columns):
            width = min(tile_columns, columns - first)
            word, shift = first >> 6, first & 63
            mask = (one << np.uint64(width)) - one
            tile += 1
            seen_in[0] = tile  # a silent row adds nothing, as one that came before
            starts[:] = 0
            different = prepare = adds = 0
            single = np.uint64(0)  # spikes of rows that have no other
            # Nothing here depends on the row: a processor cannot know ahead what most conditions come to.
            for row in range(first_row, last_row):
                bits = rows[row, word] >> np.uint64(shift)
                if shift + width > 64:
                    bits |= rows[row, word + 1] << np.uint64(64 - shift)
                bits &= mask
                spikes = count_ones(bits)
                prepare += int(spikes > 1)
                single |= bits * np.uint64(spikes == 1)
                is_new = int(seen_in[bits] != tile)
                seen_in[bits] = tile
                # an equal row came before: one addition; a single spike is added again
                adds += (1 - is_new) & int(bits != 0)
                room.found[different] = bits
                different += is_new
            for i in range(different):
                starts[count_ones(room.found[i]) + 1] += 1
            for spikes in range(1, tile_columns + 2):
                starts[spikes] += starts[spikes - 1]
            for spikes in range(tile_columns + 2):  # an assignment of all would take 1.5 s to compile
                room.places[spikes] = starts[spikes]
            for i in range(different):
                spikes = count_ones(room.found[i])
                room.by_spikes[room.places[spikes]] = room.found[i]
                room.places[spikes] += 1
            for spikes in range(1, width + 1):
                for i in range(starts[spikes], starts[spikes + 1]):
                    adds += spikes - prefix_spikes(room.by_spikes[i], spikes, single, tile, room)
            work_out[0] += adds
            work_out[1] += prepare + (last_row - first_row) // POPCOUNT_ROWS


@inner_kernel
def prefix_spikes(row: np.uint64, spikes: int, single: np.uint64, tile: int, room: TileRows) -> int:
    """Spikes of a row's prefix: of a row of the tile that has fewer, all of them spikes of this row, the most of them.

    single: spikes of the rows that have no other.
    """
    has_prefix = False
    rest = row
    for _ in range(spikes if spikes > 2 else 0):  # rows with one spike less are looked up
        fewer = row ^ (rest & (~rest + np.uint64(1)))
        rest &= rest - np.uint64(1)
        has_prefix |= room.seen_in[fewer] == tile
    if has_prefix:
        return spikes - 1
    for fewer_spikes in range(spikes - 2, 1, -1):
        for j in range(room.starts[fewer_spikes], room.starts[fewer_spikes + 1]):
            if room.by_spikes[j] & ~row == 0:
                return fewer_spikes
    return int(spikes > 1 and row & single != 0)


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
        """The next timesteps, uint64 (n, positions, words); returns whole tiles, (rows, words), and the last one."""
        count, positions, words = rows.shape
        if count == self._timesteps:
            return np.ascontiguousarray(rows.transpose(1, 0, 2)).reshape(-1, words)
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
