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
    """

    first_bits: Int64
    fetched_words: Int64


def fiber_units(fibers: TileFibers, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, C · phases): units of `alignment_bits` that each fiber takes."""
    return fibers.sizes.units(alignment_bits).reshape(len(fibers.own_channels), -1)


def units_ahead(fibers: TileFibers, alignment_bits: int) -> Int64:
    """int64 (pes_per_group, C + 1): units of a PE's fibers of all input channels ahead of each."""
    of_channel = fiber_units(fibers, alignment_bits)
    if fibers.phases > 1:
        of_channel = of_channel.reshape(*fibers.first_local.shape, fibers.phases).sum(axis=2)
    ahead = np.zeros((len(of_channel), of_channel.shape[1] + 1), np.int64)
    np.cumsum(of_channel, axis=1, out=ahead[:, 1:])
    return ahead


def units_by_layout(ahead: Int64, input_channels: int) -> Int64:
    """int64 (pes_per_group, input tiles): units of the layout of each PE and input tile of so many channels; ahead: see
    `units_ahead`."""
    channels = ahead.shape[1] - 1
    ends = np.minimum(np.arange(0, channels + input_channels, input_channels), channels)
    return np.diff(ahead[:, ends], axis=1)


def lay_out_weights(fibers: TileFibers, input_channels: int, alignment_bits: int, word_bits: int) -> WeightLayout:
    """Pack the fibers of a channel tile, input tiles of `input_channels` channels each in a layout of its own."""
    bits = fibers.stored_bits
    _, channels, phases = bits.shape
    units = fiber_units(fibers, alignment_bits)
    first_units = np.cumsum(units, axis=1) - units
    first_fibers = np.arange(channels) // input_channels * input_channels * phases
    first_units -= first_units[:, np.repeat(first_fibers, phases)]
    first_bits = first_units.reshape(bits.shape) * alignment_bits
    in_word = first_bits - first_bits // word_bits * word_bits  # NumPy takes four times as long for the remainder
    return WeightLayout(
        first_bits=first_bits,
        fetched_words=np.where(bits > 0, (in_word + bits - 1) // word_bits + 1, 0),
    )
