"""Sums of the words of checksums, many words at a time: what `spikecycle.traces.filters.add_words` does with NumPy."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt16
from spikecycle.simulator.jit import lean_kernel
from spikecycle.traces import filters
from spikecycle.traces.filters import MODULUS

LEAST_WORDS = 2**15
"""Words that are worth a kernel: NumPy adds up so many in some 30 us, while to load a kernel takes milliseconds."""
ROW_WORDS = 2**8
"""Words whose sum stays within 32 bits, each multiplied by its number: many of them fill a register."""


def add_words(words: UInt16) -> tuple[Int64, Int64]:
    """As `spikecycle.traces.filters.add_words`."""
    if words.size < LEAST_WORDS:
        return filters.add_words(words)
    sums, numbered = np.empty((2, len(words)), np.int64)
    add_numbered(words, sums, numbered)
    return sums, words.shape[1] * (sums % MODULUS) - numbered


@lean_kernel
def add_numbered(words: UInt16, sums_out: Int64, numbered_out: Int64) -> None:
    """Of each row of words, contiguous uint16 (n, words): the sum of all, int64 (n,), and a number, int64 (n,), that
    modulo 65535 is the sum of each multiplied by its index."""
    count = words.shape[1]
    for row in range(len(words)):
        total = 0
        numbered = 0
        for first in range(0, count, ROW_WORDS):
            part = words[row, first : min(count, first + ROW_WORDS)]
            added = np.uint32(0)
            multiplied = np.uint32(0)
            for index in range(len(part)):
                added += np.uint32(part[index])
                multiplied += np.uint32(index) * np.uint32(part[index])
            total += int(np.int64(added))
            numbered += (first * int(np.int64(added)) + int(np.int64(multiplied))) % MODULUS
        sums_out[row] = total
        numbered_out[row] = numbered
