"""Tiles of a matrix of spikes: what adding up their rows takes, with and without sharing what rows have in common.

The kernel of `product_sparsity` (rules 2 and 3 there), and matrices as it takes them.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers, UInt64
from spikecycle.simulator.jit import kernel

MOST_COLUMNS = 16
"""Widest tile: a row of it is looked up in a table of 2^16."""
POPCOUNT_ROWS = 8
"""Rows whose spikes are counted at once while prefixes are prepared (Prosperity, Table III: 8 popcount units)."""


@kernel
def tile_work(rows: UInt64, columns: int, tile_rows: int, tile_columns: int, reuse: bool) -> tuple[int, int]:
    """Cycles of additions and of preparation of a matrix, for one tile of output channels.

    rows: uint64 (rows, words), packed along the columns, of which there are `columns`. reuse: whether prefixes are
    used; preparation is 0 otherwise.
    """
    adds = prepare = 0
    seen_in = np.zeros(1 << tile_columns, np.int32)  # the last tile that had such a row
    found = np.zeros(tile_rows, np.uint32)
    sorted_rows = np.zeros(tile_rows, np.uint32)
    starts = np.zeros(tile_columns + 2, np.int64)
    places = np.zeros(tile_columns + 2, np.int64)
    tile = 0
    for first_row in range(0, len(rows), tile_rows):
        last_row = min(first_row + tile_rows, len(rows))
        for first in range(0, columns, tile_columns):
            tile += 1
            width = min(tile_columns, columns - first)
            word, shift = first >> 6, first & 63
            mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
            distinct = 0
            starts[:] = 0
            for row in range(first_row, last_row):
                bits = rows[row, word] >> np.uint64(shift)
                if shift + width > 64:
                    bits |= rows[row, word + 1] << np.uint64(64 - shift)
                bits &= mask
                if bits == 0:
                    continue
                spikes = 0
                rest = bits
                while rest != 0:
                    rest &= rest - np.uint64(1)
                    spikes += 1
                if not reuse:
                    adds += spikes
                    continue
                prepare += int(spikes > 1)
                if seen_in[bits] == tile:
                    adds += 1  # an equal row came before; a single spike is added again
                else:
                    seen_in[bits] = tile
                    found[distinct] = np.uint32(bits)
                    distinct += 1
                    starts[spikes + 1] += 1
            if not reuse:
                continue
            prepare += (last_row - first_row) // POPCOUNT_ROWS
            for spikes in range(1, tile_columns + 2):
                starts[spikes] += starts[spikes - 1]
            for spikes in range(tile_columns + 2):  # an assignment of all would take 1.5 s to compile
                places[spikes] = starts[spikes]
            for i in range(distinct):
                spikes = 0
                value = found[i]
                while value != 0:
                    value &= value - np.uint32(1)
                    spikes += 1
                sorted_rows[places[spikes]] = found[i]
                places[spikes] += 1
            for spikes in range(1, width + 1):
                for i in range(starts[spikes], starts[spikes + 1]):
                    outside = ~sorted_rows[i]
                    prefix = 0
                    for fewer in range(spikes - 1, 0, -1):
                        for j in range(starts[fewer], starts[fewer + 1]):
                            if sorted_rows[j] & outside == 0:
                                prefix = fewer
                                break
                        if prefix > 0:
                            break
                    adds += spikes - prefix
    return adds, prepare


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
