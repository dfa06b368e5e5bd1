"""Tiles of a matrix of spikes: what adding up their rows takes, with and without sharing what rows have in common.

The kernel of `product_sparsity` (rules 2 and 3 there), and matrices as it takes them.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Integers, UInt64
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


class TilesByPosition:
    """Cuts the rows of an im2col matrix into tiles, position after position, its timesteps side by side, while rows
    come some timesteps at a time.

    A tile that has rows of several positions waits until the end, one that has rows of several blocks for the next.
    Where there are fewer timesteps than rows of a tile, all wait.
    """

    def __init__(self, timesteps: int, tile_rows: int) -> None:
        self._timesteps, self._tile_rows = timesteps, tile_rows
        self._first = 0
        self._begun: list[UInt64] = []
        self._shared: list[list[UInt64]] = []
        self._all: UInt64 | None = None

    def add(self, rows: UInt64) -> UInt64:
        """The next timesteps, uint64 (n, positions, words); returns whole tiles, (rows, words), and the last one."""
        count = len(rows)
        if count < self._timesteps < self._tile_rows:
            if self._all is None:
                self._all = np.empty((rows.shape[1], self._timesteps, rows.shape[2]), np.uint64)
            self._all[:, self._first : self._first + count] = rows.transpose(1, 0, 2)
            self._first += count
            return rows[:0].reshape(0, rows.shape[2])
        by_position = np.ascontiguousarray(rows.transpose(1, 0, 2))
        if count == self._timesteps:
            return by_position.reshape(-1, rows.shape[2])
        if not self._shared:
            self._shared = [[] for _ in by_position]
            self._begun = [of_position[:0] for of_position in by_position]
        whole = []
        for position, of_position in enumerate(by_position):
            own_from, own_until = (min(max(at - self._first, 0), count) for at in self._own(position))
            own = np.concatenate([self._begun[position], of_position[own_from:own_until]])
            full = len(own) // self._tile_rows * self._tile_rows
            whole.append(own[:full])
            self._begun[position] = own[full:].copy()
            self._shared[position] += [of_position[:own_from].copy(), of_position[own_until:].copy()]
        self._first += count
        return np.concatenate(whole)

    def rest(self) -> UInt64 | None:
        """After all timesteps: tiles that have rows of several positions, and the last one."""
        if self._all is not None:
            return self._all.reshape(-1, self._all.shape[2])
        return np.concatenate([part for parts in self._shared for part in parts]) if self._shared else None

    def _own(self, position: int) -> tuple[int, int]:
        """Timesteps, first to last, of a position's rows that are in tiles of its own."""
        first = min(self._timesteps, -position * self._timesteps % self._tile_rows)
        return first, first + (self._timesteps - first) // self._tile_rows * self._tile_rows


def packed(bits: Integers) -> UInt64:
    """A matrix of bits, (rows, columns), as uint64 (rows, words), column k being bit k mod 64 of word k div 64."""
    rows, columns = bits.shape
    filled = np.zeros((rows, -(-columns // 64) * 64), np.uint8)
    filled[:, :columns] = bits
    return np.packbits(filled, axis=1, bitorder="little").view("<u8").astype(np.uint64)
