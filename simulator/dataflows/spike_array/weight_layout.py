"""Where fibers lie in the weight memories: MICROARCHITECTURE.md, section 3, "Weight layout"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers


@dataclass(frozen=True, eq=False)
class WeightLayout:
    """The weight layouts of a channel tile, one for each PE of a group and each input tile.

    first_bits: int64 (pes_per_group, C, phases), where a fiber starts in its layout.
    fetched_words: int64 (pes_per_group, C, phases), words that hold bits of it: what a fetch reads.
    words: int64 (pes_per_group, input tiles), of each layout.
    """

    first_bits: Int64
    fetched_words: Int64
    words: Int64


def layout_units(fibers: TileFibers, input_channels: int, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, input tiles): units of `alignment_bits` that the fibers of every layout take."""
    units = fibers.sizes.units(alignment_bits).reshape(fibers.stored_bits.shape).sum(axis=2)
    first_channels = np.arange(0, units.shape[1], input_channels)
    return np.asarray(np.add.reduceat(units, first_channels, axis=1), dtype=np.int64)


def lay_out_weights(fibers: TileFibers, input_channels: int, alignment_bits: int, word_bits: int) -> WeightLayout:
    """Pack the fibers of a channel tile, input tiles of `input_channels` channels each in a layout of its own."""
    bits = fibers.stored_bits
    pes_per_group, channels, phases = bits.shape
    units = fibers.sizes.units(alignment_bits).reshape(pes_per_group, -1)
    first_units = np.cumsum(units, axis=1) - units
    first_fibers = np.arange(channels) // input_channels * input_channels * phases
    first_units -= first_units[:, np.repeat(first_fibers, phases)]
    first_bits = first_units.reshape(bits.shape) * alignment_bits
    return WeightLayout(
        first_bits=first_bits,
        fetched_words=np.where(bits > 0, (first_bits % word_bits + bits - 1) // word_bits + 1, 0),
        words=-(-layout_units(fibers, input_channels, alignment_bits) * alignment_bits // word_bits),
    )
