"""Weights as lanes: which weights of a partition of output channels are not 0, side by side for all partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Unsigned
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.words import WORD_BITS, WORD_BYTES

LANE_WORDS = 16
"""Words of lanes that are side by side at least: 128 bytes, so that sums that wait for each other overlap."""
COPIED_WORDS = 2
"""Words of a row that are copied together; `lay_rows` is written for this number."""
LAID_BYTES = 2**22
"""Of the lanes of several groups at a time."""


class Partitions(NamedTuple):
    """Weights of all groups.

    columns: unsigned (groups, partitions, K), in the smallest type that holds a partition: bit c is set if the weight
    of channel c of a partition is not 0. non_zeros, rows: int32 (groups, K), weights that are not 0, and partitions in
    which there is one. lanes: of all groups, see `lanes_of`; None if these are many: then they are laid anew for some
    groups at a time.
    """

    columns: Unsigned
    non_zeros: Int32
    rows: Int32
    lanes: Unsigned | None

    @classmethod
    def of(cls, columns: Unsigned, non_zeros: Int32) -> Partitions:
        """Of what `pack_weights` found."""
        rows = (columns != 0).sum(axis=1, dtype=np.int32)
        is_one_block = groups_together(columns) >= len(columns)
        return cls(columns, non_zeros, rows, lanes_of(columns) if is_one_block else None)

    def blocks(self) -> Iterator[tuple[slice, Unsigned]]:
        """Some groups after the others, with their lanes."""
        together = len(self.columns) if self.lanes is not None else groups_together(self.columns)
        for first in range(0, len(self.columns), together):
            groups = slice(first, first + together)
            yield groups, lanes_of(self.columns[groups]) if self.lanes is None else self.lanes


def groups_together(columns: Unsigned) -> int:
    """Groups whose lanes are there at a time."""
    _, partitions, fan_in = columns.shape
    return max(1, LAID_BYTES // group_bytes(partitions * columns.itemsize, fan_in))


def group_bytes(row_bytes: int, fan_in: int) -> int:
    """The lanes of a group, in whose rows so many bytes are used."""
    return lane_words(row_bytes) * WORD_BYTES * (WORD_BITS + 1) * -(-fan_in // WORD_BITS)


def lane_words(row_bytes: int) -> int:
    """Words of a row of lanes, of which so many bytes are used."""
    words = max(COPIED_WORDS, -(-row_bytes // WORD_BYTES))
    if words < LANE_WORDS:
        words = 1 << (words - 1).bit_length()  # so that several positions fill the lanes
    return -(-words // COPIED_WORDS) * COPIED_WORDS


def lanes_of(columns: Unsigned) -> Unsigned:
    """The columns of some groups, (groups, partitions, K), as they are merged: (groups, words of K, 65, lanes).

    A partition is a lane, and lanes without a partition fill up whole words. Row 64 of every word is 0, for those that
    look for a set bit and find none.
    """
    groups, partitions, fan_in = columns.shape
    row_bytes = lane_words(partitions * columns.itemsize) * WORD_BYTES
    lanes = np.zeros((groups, -(-fan_in // WORD_BITS), WORD_BITS + 1, row_bytes // columns.itemsize), columns.dtype)
    for word in range(lanes.shape[1]):
        of_word = columns[:, :, word * WORD_BITS : (word + 1) * WORD_BITS]
        lanes[:, word, : of_word.shape[2], :partitions] = of_word.swapaxes(1, 2)
    return lanes


@kernel
def pack_weights(weights: Int32, size: int, columns_out: Unsigned, non_zeros_out: Int32) -> None:
    """Where weights, int32 (groups, channels, K), are not 0: bit c of unsigned (groups, partitions, K) for channel c of
    a partition of `size`, and how many there are of every input, int32 (groups, K); both zeros before."""
    for group in range(len(weights)):
        for n in range(weights.shape[1]):
            of_partition = columns_out[group, n // size]
            bit = np.uint64(n % size)
            for k in range(weights.shape[2]):
                one = np.uint64(weights[group, n, k] != 0)
                of_partition[k] |= one << bit
                non_zeros_out[group, k] += np.int32(one)
