"""Kernels: cycles of tiles of two sparse operands, and what a first-in-first-out cache of tiles has to load.

Operands of one group: spike words as packed rows of the im2col matrix, uint64 (windows, rows, ceil(K / 64)), a set bit
where a neuron spikes in a window of timesteps; weights as words of the same columns, cut into tiles of the fan-in
(`planes`). Pairs of a spike word and a weight, both not 0, are the set bits of a word of each, 64 at a time; where
several of one side come together, they are counted in binary digits first, a word for each digit of 64 counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt64
from spikecycle.simulator.jit import inner_kernel, kernel, lean_kernel
from spikecycle.simulator.workload.words import WORD_BITS, count_ones

ROWS_TOGETHER = 256
"""Rows whose words are turned, so that those of one column lie side by side: few enough for a processor's caches."""


@inner_kernel
def busiest_and_all(pairs: Int64, count: int, per_tile: int) -> tuple[int, int]:
    """Of `count` PEs, so many per tile: pairs of the busiest PE of each tile, added up, and pairs of all PEs."""
    total = 0
    found = 0
    for begin in range(0, count, per_tile):
        longest = 0
        for pe in range(begin, min(begin + per_tile, count)):
            longest = max(longest, int(pairs[pe]))
            found += int(pairs[pe])
        total += longest
    return total, found


@kernel
def cycles_along_rows(
    words: UInt64, weights: UInt64, rows_per_tile: int, fan_in_per_tile: int, rows_together: int, pairs_out: Int64
) -> int:
    """A PE per row: a tile takes as long as its busiest row has pairs of a spike word and a weight, both not 0.

    weights: uint64 (K tiles, words of a tile, N tiles, digits): of the number of weights that are not 0 in a column and
    a tile of output channels. rows_together: whose words are turned together, at least. pairs_out: int64 (windows,),
    all pairs.
    """
    windows, rows, per_row = words.shape
    tiles, span, channel_tiles, digits = weights.shape
    together = min(rows, max(1, rows_together // rows_per_tile) * rows_per_tile)
    columns = np.zeros((per_row + span, together), np.uint64)  # behind the last one, a tile's words are 0
    pairs = np.zeros(together, np.int64)
    total = 0
    for window in range(windows):
        of_window = 0
        for first in range(0, rows, together):
            count = min(together, rows - first)
            for row in range(count):
                for index in range(per_row):
                    columns[index, row] = words[window, first + row, index]
            for tile in range(tiles):
                first_word = tile * fan_in_per_tile // WORD_BITS
                for n in range(channel_tiles):
                    pairs[:] = 0
                    for index in range(span):
                        for digit in range(digits):
                            of_weights = weights[tile, index, n, digit]
                            column = columns[first_word + index]
                            for row in range(count if of_weights else 0):
                                pairs[row] += count_ones(column[row] & of_weights) << digit
                    busiest, found = busiest_and_all(pairs, count, rows_per_tile)
                    total += busiest
                    of_window += found
        pairs_out[window] = of_window
    return total


@kernel
def cycles_along_channels(
    words: UInt64, weights: UInt64, rows_per_tile: int, fan_in_per_tile: int, channels_per_tile: int, pairs_out: Int64
) -> int:
    """A PE per output channel: a tile takes as long as its busiest channel has pairs in all rows of the tile.

    weights: uint64 (K tiles, words of a tile, N), set where a weight is not 0. pairs_out: int64 (windows,), all pairs.
    """
    windows, rows, per_row = words.shape
    tiles, span, channels = weights.shape
    most_digits = 1
    while min(rows_per_tile, rows) >> most_digits:
        most_digits += 1
    # spikes of each column in the rows of a tile, in binary digits
    spikes = np.zeros((most_digits, per_row + span), np.uint64)
    carried = np.zeros(per_row, np.uint64)
    pairs = np.zeros(channels, np.int64)
    total = 0
    for window in range(windows):
        of_window = 0
        for first in range(0, rows, rows_per_tile):
            spikes[:] = 0
            digits = 0
            for row in range(first, min(first + rows_per_tile, rows)):
                while (row - first + 1) >> digits:
                    digits += 1
                count_up(words[window, row], spikes[:digits], carried)
            for tile in range(tiles):
                first_word = tile * fan_in_per_tile // WORD_BITS
                pairs[:] = 0
                for index in range(span):
                    of_word = weights[tile, index]
                    for digit in range(digits):
                        word = spikes[digit, first_word + index]
                        for n in range(channels if word else 0):
                            pairs[n] += count_ones(word & of_word[n]) << digit
                busiest, found = busiest_and_all(pairs, channels, channels_per_tile)
                total += busiest
                of_window += found
        pairs_out[window] = of_window
    return total


@lean_kernel
def count_up(words: UInt64, digits: UInt64, carried: UInt64) -> None:
    """Add 1 to the number of every set bit: words (n,); digits (d, n or more), the lowest first; carried: room (n,)."""
    for i in range(len(words)):
        carried[i] = words[i]
    for digit in range(len(digits)):
        ones = digits[digit]
        for i in range(len(words)):
            before = ones[i]
            ones[i] = before ^ carried[i]
            carried[i] &= before


@lean_kernel
def count_pairs(words: UInt64, weights: UInt64) -> int:
    """Pairs of a set bit of packed rows, (..., rows, words), and a weight that is not 0.

    weights: uint64 (words, digits), of the number of weights that are not 0 in a column.
    """
    total = 0
    for plane in range(len(words)):
        for row in range(words.shape[1]):
            for digit in range(weights.shape[1]):
                found = 0
                for index in range(words.shape[2]):
                    found += count_ones(words[plane, row, index] & weights[index, digit])
                total += found << digit
    return total


@kernel
def count_weights(
    weights: Int32, fan_in_per_tile: int, channels_per_tile: int, mask_out: UInt8, of_tiles_out: Int32
) -> int:
    """Where weights are not 0: int32 (N, K). Returns tiles of the fan-in times channels in which there is one.

    mask_out: uint8 (N, K). of_tiles_out: int32 (N tiles, K), zeros before, such weights by tile of channels.
    """
    channels, terms = weights.shape
    touched = 0
    for n in range(channels):
        of_tile = of_tiles_out[n // channels_per_tile]
        for first in range(0, terms, fan_in_per_tile):
            found = np.int32(0)
            for k in range(first, min(first + fan_in_per_tile, terms)):
                one = np.int32(weights[n, k] != 0)
                mask_out[n, k] = one
                of_tile[k] += one
                found += one
            touched += 1 if found > 0 else 0
    return touched


@lean_kernel
def tile_ones(words: UInt64, columns: UInt64, rows_per_tile: int, fan_in_per_tile: int, ones_out: Int32) -> None:
    """Set bits of every tile: ones_out int32 (windows, row tiles, K tiles), zeros before.

    columns: uint64 (K tiles, words of a tile), set where a column is one of the tile.
    """
    windows, rows, per_row = words.shape
    tiles, span = columns.shape
    for window in range(windows):
        for row in range(rows):
            of_tile = ones_out[window, row // rows_per_tile]
            of_row = words[window, row]
            for tile in range(tiles):
                first_word = tile * fan_in_per_tile // WORD_BITS
                for index in range(min(span, per_row - first_word)):
                    of_tile[tile] += count_ones(of_row[first_word + index] & columns[tile, index])


class Visited(NamedTuple):
    """Sums over all times that a tile is loaded, or follows another one: its non-zeros, and its size."""

    loaded_non_zeros: int
    loaded_sizes: int
    changed_sizes: int


@kernel
def visit_tiles(steps: Int64, strides: Int64, non_zeros: Int32, sizes: Int64, resident: int) -> Visited:
    """What is loaded of an operand, and what follows another tile, in the order of the loops.

    steps: int64 (4,), tiles that each loop goes through, the outermost first. strides: int64 (4,), by how much a step
    of a loop moves the index of the operand's tile, 0 where it does not. non_zeros: int32 (tiles,). sizes: int64 (n,),
    those of the first n tiles, which all others repeat. A cache keeps tiles of `resident` non-zeros in all; the tile
    that came first leaves first; one that is larger stays not at all.
    """
    queue = np.zeros(len(non_zeros) + 1, np.int32)  # a ring: a tile is in it once at most
    kept = np.zeros(len(non_zeros), np.uint8)
    head = waiting = 0
    room = resident
    before = -1
    loaded_non_zeros = loaded_sizes = changed_sizes = 0
    for a in range(steps[0]):
        for b in range(steps[1]):
            for c in range(steps[2]):
                for d in range(steps[3]):
                    tile = a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]
                    if tile != before:
                        changed_sizes += sizes[tile % len(sizes)]
                        before = tile
                    if kept[tile]:
                        continue
                    loaded_non_zeros += non_zeros[tile]
                    loaded_sizes += sizes[tile % len(sizes)]
                    while non_zeros[tile] > room and waiting > 0:
                        left = queue[head]
                        head = (head + 1) % len(queue)
                        waiting -= 1
                        kept[left] = 0
                        room += non_zeros[left]
                    if non_zeros[tile] <= room:
                        queue[(head + waiting) % len(queue)] = tile
                        waiting += 1
                        kept[tile] = 1
                        room -= non_zeros[tile]
    return Visited(loaded_non_zeros, loaded_sizes, changed_sizes)
