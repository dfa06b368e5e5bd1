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
    return _by_layout(_units(fibers, alignment_bits), input_channels, fibers.phases)


def _units(fibers: TileFibers, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, C · phases): units of each fiber."""
    return fibers.sizes.units(alignment_bits).reshape(len(fibers.own_channels), -1)


def _by_layout(units: Int64, input_channels: int, phases: int) -> Int64:
    """int64 (pes_per_group, input tiles): sums of the units of each layout's fibers."""
    return np.add.reduceat(units, np.arange(0, units.shape[1], input_channels * phases), axis=1)


def lay_out_weights(fibers: TileFibers, input_channels: int, alignment_bits: int, word_bits: int) -> WeightLayout:
    """Pack the fibers of a channel tile, input tiles of `input_channels` channels each in a layout of its own."""
    bits = fibers.stored_bits
    _, channels, phases = bits.shape
    units = _units(fibers, alignment_bits)
    first_units = np.cumsum(units, axis=1) - units
    first_fibers = np.arange(channels) // input_channels * input_channels * phases
    first_units -= first_units[:, np.repeat(first_fibers, phases)]
    first_bits = first_units.reshape(bits.shape) * alignment_bits
    return WeightLayout(
        first_bits=first_bits,
        fetched_words=np.where(bits > 0, (first_bits % word_bits + bits - 1) // word_bits + 1, 0),
        words=-(-_by_layout(units, input_channels, phases) * alignment_bits // word_bits),
    )
