"""Kernels: cycles of tiles of two sparse operands, and what a first-in-first-out cache of tiles has to load.

Operands of one group: spike words as packed rows of the im2col matrix, uint64 (windows, rows, ceil(K / 64)), a set bit
where a neuron spikes in a window of timesteps; weights by what they come to per column k of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.words import WORD_BITS, column_ones, lowest_one


@kernel
def cycles_along_rows(words: UInt64, weights: Int32, rows_per_tile: int, fan_in_per_tile: int) -> int:
    """A PE per row: a tile takes as long as its busiest row has pairs of a spike word and a weight, both not 0.

    weights: int32 (K, N tiles), non-zero weights of every column in each tile of output channels.
    """
    windows, rows, per_row = words.shape
    tiles = -(-len(weights) // fan_in_per_tile)
    pairs = np.zeros((tiles, weights.shape[1]), np.int32)
    longest = np.zeros((tiles, weights.shape[1]), np.int32)
    total = 0
    for window in range(windows):
        for first in range(0, rows, rows_per_tile):
            longest[:] = 0
            for row in range(first, min(first + rows_per_tile, rows)):
                pairs[:] = 0
                for index in range(per_row):
                    word = words[window, row, index]
                    while word:
                        k = index * WORD_BITS + lowest_one(word)
                        word &= word - np.uint64(1)
                        of_tile = pairs[k // fan_in_per_tile]
                        of_column = weights[k]
                        for n in range(len(of_column)):
                            of_tile[n] += of_column[n]
                for tile in range(tiles):
                    for n in range(weights.shape[1]):
                        longest[tile, n] = max(longest[tile, n], pairs[tile, n])
            total += longest.sum()
    return total


@kernel
def cycles_along_channels(
    words: UInt64, mask: UInt8, rows_per_tile: int, fan_in_per_tile: int, channels_per_tile: int
) -> int:
    """A PE per output channel: a tile takes as long as its busiest channel has pairs in all rows of the tile.

    mask: uint8 (N, K), 1 where a weight is not 0.
    """
    windows, rows, _ = words.shape
    channels, terms = mask.shape
    ones = np.zeros(terms, np.int64)
    counts = np.zeros(terms, np.int32)
    total = 0
    for window in range(windows):
        for first in range(0, rows, rows_per_tile):
            column_ones(words[window, first : first + rows_per_tile], ones)
            for k in range(terms):
                counts[k] = ones[k]
            for first_term in range(0, terms, fan_in_per_tile):
                of_tile = counts[first_term : first_term + fan_in_per_tile]
                longest = 0
                for n in range(channels):
                    of_channel = mask[n, first_term : first_term + fan_in_per_tile]
                    pairs = np.int32(0)
                    for k in range(len(of_tile)):
                        pairs += of_tile[k] * np.int32(of_channel[k])
                    longest = max(longest, int(pairs))
                    if (n + 1) % channels_per_tile == 0 or n == channels - 1:
                        total += longest
                        longest = 0
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


@kernel
def tile_ones(words: UInt64, rows_per_tile: int, fan_in_per_tile: int, ones_out: Int32) -> None:
    """Set bits of every tile: ones_out int32 (windows, row tiles, fan-in tiles)."""
    windows, rows, per_row = words.shape
    ones_out[:] = 0
    for window in range(windows):
        for row in range(rows):
            of_tile = ones_out[window, row // rows_per_tile]
            for index in range(per_row):
                word = words[window, row, index]
                while word:
                    of_tile[(index * WORD_BITS + lowest_one(word)) // fan_in_per_tile] += 1
                    word &= word - np.uint64(1)


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
