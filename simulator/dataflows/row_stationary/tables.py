"""What a mapped layer's weights mean for the array: tables by filter fold, filter set and channel fold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.row_stationary.capacity import ceil_div, entries_per_weight, pad_psum_bits, tag_bits
from spikecycle.simulator.dataflows.row_stationary.specs import (
    ArrayMapping,
    ArraySpec,
    LayerSpec,
    PadLayout,
    Storage,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.streams import WeightStreams, fold_starts


class WeightTables(NamedTuple):
    """Tables that kernels look up; F filter folds, J filter sets, K channel folds.

    group: int64 (F,), channel group of a filter fold. filters: int64 (F, J), filters of a set (0 = takes no part).
    non_zeros: int64 (F, J, C', R, S), non-zero weights of a tap over the filters of a set.
    stored: int64 (F, J, K), filters of a set whose fiber of the channel fold is stored.
    takes: int64 (F, J, C', R), 1 if the array row of a set takes input rows of the channel.
    receiving_rows: int64 (F, C', R), how many sets do.
    fold_bits: int64 (F, K), encoded bits that are loaded. pad_entries: int64 (F, K), entries written into the pads of
    one column when they are filled.
    """

    group: Int64
    filters: Int64
    non_zeros: Int64
    stored: Int64
    takes: Int64
    receiving_rows: Int64
    fold_bits: Int64
    pad_entries: Int64


class Widths(NamedTuple):
    """Accesses and words that follow from widths.

    entries_per_weight: of the weight pad. psums_per_word, potentials_per_word: of the global buffer.
    pad_psum_bits: of psums in pads. tag_bits: of the filter number beside a weight.
    """

    entries_per_weight: int
    psums_per_word: int
    potentials_per_word: int
    pad_psum_bits: int
    tag_bits: int


def widths(layer: LayerSpec, array: ArraySpec, storage: Storage, mapping: ArrayMapping) -> Widths:
    """Accesses and words of a mapped layer."""
    return Widths(
        entries_per_weight=entries_per_weight(layer, array, storage, mapping.filters_per_pe),
        psums_per_word=array.word_bits // layer.psum_bits,
        potentials_per_word=array.word_bits // layer.potential_bits,
        pad_psum_bits=pad_psum_bits(layer, array),
        tag_bits=tag_bits(storage, mapping.filters_per_pe),
    )


def weight_tables(
    task: LayerTask, layer: LayerSpec, array: ArraySpec, storage: Storage, mapping: ArrayMapping, streams: WeightStreams
) -> WeightTables:
    """Tables of a mapped layer."""
    starts = fold_starts(layer.M, layer.group_filters, mapping.fold_filters)
    ends = [*starts[1:], layer.M]
    channels, sets = layer.group_channels, mapping.filter_sets
    channel_starts = np.arange(0, channels, mapping.fold_channels)
    shape = (len(starts), sets)
    filters = np.zeros(shape, np.int64)
    non_zeros = np.zeros((*shape, channels, layer.R, layer.S), np.int64)
    stored = np.zeros((*shape, len(channel_starts)), np.int64)
    is_stored = streams.stored(mapping.fold_channels)
    if not storage.droppable:
        is_stored = np.ones_like(is_stored)
    for fold, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for j in range(sets):
            first = min(start + j * mapping.filters_per_pe, end)
            last = min(first + mapping.filters_per_pe, end)
            filters[fold, j] = last - first
            non_zeros[fold, j] = np.count_nonzero(task.weights[first:last], axis=0)
            stored[fold, j] = is_stored[first:last].sum(axis=0)
    takes = np.broadcast_to((filters > 0)[:, :, None, None], (*shape, channels, layer.R)).astype(np.int64)
    if array.row_zeros != Zero.NONE:
        takes *= non_zeros.any(axis=-1)
    return WeightTables(
        group=np.array(starts, np.int64) // layer.group_filters,
        filters=filters,
        non_zeros=non_zeros,
        stored=stored,
        takes=takes,
        receiving_rows=takes.sum(axis=1),
        fold_bits=streams.fold_bits(mapping.fold_filters, mapping.fold_channels),
        pad_entries=_pad_entries(layer, array, storage, mapping, filters, non_zeros, stored, channel_starts),
    )


def _pad_entries(
    layer: LayerSpec,
    array: ArraySpec,
    storage: Storage,
    mapping: ArrayMapping,
    filters: Int64,
    non_zeros: Int64,
    stored: Int64,
    channel_starts: Int64,
) -> Int64:
    fold_channels = np.diff(np.append(channel_starts, layer.group_channels))
    taps = fold_channels * layer.R * layer.S  # of all array rows of a filter set
    weights = stored * taps
    if storage.layout == PadLayout.PACKED:
        weights = np.add.reduceat(non_zeros.sum(axis=(3, 4)), channel_starts, axis=2)
    masks = storage.masked * ceil_div(filters, array.weight_width)[:, :, None] * taps
    entries = weights * entries_per_weight(layer, array, storage, mapping.filters_per_pe) + masks
    return np.asarray(entries.sum(axis=1), np.int64)
