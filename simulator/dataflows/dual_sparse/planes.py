"""Operands of tiles as words: which columns of the fan-in, tile by tile, have a set bit, or a digit of a count."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int32, UInt8, UInt64
from spikecycle.simulator.workload.words import WORD_BITS

ROOM_BYTES = 2**20
"""Of bits that are packed together."""


def tile_planes(bits: UInt8, fan_in_per_tile: int) -> UInt64:
    """Rows of bits, uint8 (n, K) of 0 and 1, as words of every tile of the fan-in: uint64 (K tiles, words, n).

    Bit b of word w of a tile is that of column 64 x (f // 64 + w) + b, where f is the tile's first column; columns of
    other tiles are 0.
    """
    rows, terms = bits.shape
    size = min(fan_in_per_tile, terms)
    firsts = np.arange(0, terms, size)
    offsets = firsts % WORD_BITS  # of the first column in its word
    span = int((-(-(offsets + size) // WORD_BITS)).max())
    of_tile = span * WORD_BITS
    planes = np.empty((len(firsts), span, rows), np.uint64)
    together = max(1, ROOM_BYTES // (len(firsts) * of_tile))
    places = np.arange(terms) + np.repeat(np.arange(len(firsts)) * of_tile + offsets - firsts, size)[:terms]
    for first in range(0, rows, together):
        some = bits[first : first + together]
        room = np.zeros((len(some), len(firsts) * of_tile), np.uint8)
        if of_tile == size:
            room[:, :terms] = some
        else:
            room[:, places] = some
        words = np.packbits(room, axis=1, bitorder="little").view("<u8")
        planes[..., first : first + together] = words.reshape(len(some), len(firsts), span).transpose(1, 2, 0)
    return planes


def digit_planes(counts: Int32, fan_in_per_tile: int) -> UInt64:
    """Counts, int32 (n, K), in binary digits, the lowest first: uint64 (K tiles, words, n, digits), see
    `tile_planes`."""
    digits = max(1, int(counts.max()).bit_length())
    bits = (counts[:, None] >> np.arange(digits, dtype=np.int32)[:, None]) & 1
    planes = tile_planes(bits.astype(np.uint8).reshape(-1, counts.shape[1]), fan_in_per_tile)
    return planes.reshape(*planes.shape[:2], len(counts), digits)
