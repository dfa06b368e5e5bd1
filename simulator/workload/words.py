"""Kernels: set bits of words of 64 bits, as the rows of packed im2col matrices have them.

Every set bit of a word, the lowest first:

    while word:
        k = lowest_one(word)
        word &= word - np.uint64(1)
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt64
from spikecycle.simulator.jit import kernel, lean_kernel

WORD_BITS = 64
WORD_BYTES = WORD_BITS // 8


@kernel
def count_ones(word: np.uint64) -> int:
    """Set bits of a word: sums of 2, 4 and 8 bits, side by side, and their sum in the highest byte of a product.

    Written so, since compilers know it and take the processor's instruction; the product wraps around.
    """
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56)))


@kernel
def lowest_one(word: np.uint64) -> int:
    """Place of the lowest set bit of a word; 64 if it has none.

    The bits below it are counted: compilers know this, too. 0 wraps around.
    """
    return count_ones(~word & (word - np.uint64(1)))


@kernel
def without_lowest_one(word: np.uint64) -> np.uint64:
    """A word without its lowest set bit; 0 if it has none. Of others, an expression compiles faster."""
    return word & (word - np.uint64(1))


@lean_kernel
def row_ones(words: UInt64, ones_out: Int64) -> None:
    """Set bits of every row: contiguous words uint64 (rows, n), ones_out int64 (rows,)."""
    for row in range(len(words)):
        ones = 0
        for index in range(words.shape[1]):
            ones += count_ones(words[row, index])
        ones_out[row] = ones


@kernel
def column_ones(words: UInt64, ones_out: Int64) -> None:
    """Set bits of every column of packed rows: words uint64 (rows, ceil(K / 64)), ones_out int64 (K,)."""
    ones_out[:] = 0
    for row in range(len(words)):
        for index in range(words.shape[1]):
            word = words[row, index]
            while word:
                ones_out[index * WORD_BITS + lowest_one(word)] += 1
                word &= word - np.uint64(1)
