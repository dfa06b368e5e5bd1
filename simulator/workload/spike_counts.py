"""How often each place of a map spikes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikecycle.simulator.array_types import Int32, UInt64
from spikecycle.simulator.workload.counts import DIGITS, WORDS_AT_ONCE, add_spikes
from spikecycle.simulator.workload.im2col import bit_words
from spikecycle.simulator.workload.words import WORD_BYTES
from spikecycle.traces.frames import blocks
from spikecycle.traces.packing import PackedSpikes

BLOCK_BYTES = 2**20
"""Of packed spikes that are copied together, where they must be."""
LEAST_BYTES = 2**13
"""Of packed spikes that are worth a kernel, which takes a third of a second to compile."""


def spikes_by_place(spikes: PackedSpikes) -> Int32:
    """int32 (C x H x W,): spikes of every place of the flattened map, over all timesteps."""
    counts = np.zeros(spikes.positions, np.int32)
    if spikes.packed.nbytes < LEAST_BYTES:
        for values in blocks(spikes):
            counts += values.reshape(len(values), -1).sum(axis=0, dtype=np.int32)
        return counts
    digits = np.empty((DIGITS, WORDS_AT_ONCE), np.uint64)
    for words in _words_of(spikes):
        add_spikes(words, digits, counts)
    return counts


def _words_of(spikes: PackedSpikes) -> Iterator[UInt64]:
    """Words of 64 bits, some timesteps at a time where they must be copied."""
    packed, flags = spikes.packed, spikes.packed.flags
    size = packed.shape[1]
    if size % WORD_BYTES == 0 and flags.c_contiguous and flags.writeable:  # kernels take no others without a copy
        yield packed.view("<u8")
        return
    rows = max(1, BLOCK_BYTES // size)
    for first in range(0, len(packed), rows):
        yield bit_words(PackedSpikes(packed[first : first + rows], spikes.shape), 0)
