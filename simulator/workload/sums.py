"""The width of a word that holds the sum of a timestep exactly, whatever inputs come in whatever order."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int32, WeightCodes

_BLOCK_BYTES = 2**19
"""Of the weights that are widened together: few enough for the caches of a processor."""


def largest_sum(weights: WeightCodes, input_bits: int, bias: Int32 | None = None) -> int:
    """The largest magnitude that the inputs of one timestep can sum to, partial sums included.

    weights: (M, ...), codes of every output channel. input_bits: inputs are 0 to 2^input_bits - 1.
    bias: int32 (M,), added once if given.
    """
    codes = weights.reshape(len(weights), -1)
    wider = np.dtype(f"i{min(8, 2 * codes.itemsize)}")  # it holds the magnitude of every code
    magnitudes = np.empty(len(codes), np.int64)
    together = max(1, _BLOCK_BYTES // max(1, codes.shape[1] * wider.itemsize))
    for first in range(0, len(codes), together):  # no copy of all weights
        some = slice(first, first + together)
        np.add.reduce(np.abs(codes[some], dtype=wider), axis=1, dtype=np.int64, out=magnitudes[some])
    magnitudes *= (1 << input_bits) - 1
    if bias is not None:
        magnitudes += np.abs(bias.astype(np.int64))
    return int(magnitudes.max())


def signed_bits(lowest: int, highest: int) -> int:
    """Bits of the narrowest two's complement word that holds `lowest` <= 0 and `highest` >= 0."""
    return 1 + max((-lowest - 1).bit_length() if lowest < 0 else 0, highest.bit_length())
