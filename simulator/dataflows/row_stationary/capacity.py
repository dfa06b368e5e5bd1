"""Whether a mapping fits: entries of pads, words of the global buffer (MICROARCHITECTURE.md, sections 1 to 3).

The functions take numbers or NumPy arrays of them alike, so that the search can ask about many tiles at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.simulator.dataflows.row_stationary.specs import ArrayMapping, ArraySpec, Kept, LayerSpec, Storage


def ceil_div(dividend: Any, divisor: Any) -> Any:
    """⌈dividend / divisor⌉."""
    return -(-dividend // divisor)


def pad_psum_bits(layer: LayerSpec, array: ArraySpec) -> int:
    """Width of psums in pads: of what a PE adds up in a pass with as many channels as the input pad has room for, or
    of whole psums if they wait in the pads."""
    channels = max(1, min(layer.group_channels, array.input_entries // layer.S))
    values = channels * layer.S << (layer.weight_bits - 1)
    one_pass = 1 + (values * ((1 << layer.input_bits) - 1)).bit_length()
    return layer.psum_bits if array.psums_in_pads else min(layer.psum_bits, one_pass)


def tag_bits(storage: Storage, filters_per_pe: int) -> int:
    """Bits of the filter number beside a weight in the pad."""
    return (filters_per_pe - 1).bit_length() if storage.tagged else 0


def entries_per_weight(layer: LayerSpec, array: ArraySpec, storage: Storage, filters_per_pe: int) -> int:
    """Entries of the weight pad that a weight takes."""
    return int(ceil_div(layer.weight_bits + tag_bits(storage, filters_per_pe), array.weight_width))


def fits_pads(
    layer: LayerSpec, array: ArraySpec, storage: Storage, filters_per_pe: int, channels_per_pe: int, windows: int
) -> bool:
    """Whether p filters and q channels fit the three pads, with psums for that many windows at a time."""
    taps = channels_per_pe * layer.S
    mask_entries = storage.masked * ceil_div(filters_per_pe, array.weight_width)
    weight_entries = taps * (filters_per_pe * entries_per_weight(layer, array, storage, filters_per_pe) + mask_entries)
    return bool(
        taps * ceil_div(layer.input_bits, array.input_width) <= array.input_entries
        and weight_entries <= array.weight_entries
        and windows * filters_per_pe * ceil_div(pad_psum_bits(layer, array), array.psum_width) <= array.psum_entries
    )


def most_filters(layer: LayerSpec, array: ArraySpec, storage: Storage, channels_per_pe: int, windows: int = 1) -> int:
    """The most filters that a PE can work on with q channels; 0 if not even one."""
    filters = 0
    while filters < layer.group_filters and fits_pads(layer, array, storage, filters + 1, channels_per_pe, windows):
        filters += 1
    return filters


def input_rows(layer: LayerSpec, tile_rows: Any) -> Any:
    """Most input rows that a tile of `tile_rows` output rows needs."""
    return np.minimum(layer.H, (tile_rows - 1) * layer.windows.rows.stride + layer.R)


def input_columns(layer: LayerSpec, tile_columns: Any) -> Any:
    """Most input columns that a tile of `tile_columns` output columns needs."""
    return np.minimum(layer.W, (tile_columns - 1) * layer.windows.columns.stride + layer.S)


def words_of(values: Any, bits: int, array: ArraySpec) -> Any:
    """Words of the global buffer for values of `bits` bits, none of them straddling words."""
    return ceil_div(values, array.word_bits // bits)


def fold_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> Any:
    """Words of the global buffer for one input row of all channels of a channel fold."""
    channels = min(mapping.fold_channels, layer.group_channels)
    return ceil_div(channels * input_columns(layer, mapping.tile_columns) * layer.input_bits, array.word_bits)


def fold_pairs(array: ArraySpec, tile_rows: Any) -> Any:
    """Most pairs (timestep, output row) of a column fold."""
    return array.columns if array.time_batching else tile_rows


def buffer_words(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, weight_words: int) -> Any:
    """Words of the global buffer that a mapping takes; tile sizes and folds a group may be arrays.

    weight_words: words of weights that lie there.
    """
    h, w, p, sets = mapping.tile_rows, mapping.tile_columns, mapping.filters_per_pe, mapping.filter_sets
    channel_folds = ceil_div(layer.group_channels, mapping.fold_channels)
    pairs = layer.T * h
    group_pairs = np.minimum(mapping.folds_per_group * fold_pairs(array, h), pairs)
    row_words = fold_words(layer, array, mapping)
    one_pass = np.minimum(fold_pairs(array, h), pairs) * layer.R * row_words
    timesteps = np.minimum(layer.T, ceil_div(group_pairs - 1, h) + 1) if mapping.kept == Kept.GROUP else layer.T
    kept = timesteps * input_rows(layer, h) * channel_folds * row_words
    inputs = one_pass + (one_pass if mapping.kept == Kept.PASS else kept)
    psums = sets * group_pairs * words_of(w * p, layer.psum_bits, array)
    owners = layer.groups * ceil_div(layer.group_filters, mapping.fold_filters) if mapping.kept == Kept.GROUP else 1
    potentials = owners * sets * h * words_of(w * p, layer.potential_bits, array)
    outputs = 2 * sets * group_pairs * words_of(w * p, 1, array)
    stay = (group_pairs < pairs) & (array.potentials_in_dram == 0)
    return inputs + psums + np.where(stay, potentials, 0) + outputs + weight_words
