"""The passes of a mapped layer, in order: MICROARCHITECTURE.md, section 2."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.capacity import ceil_div, fold_pairs
from spikecycle.simulator.dataflows.row_stationary.specs import ArrayMapping, ArraySpec, Kept, LayerSpec
from spikecycle.simulator.jit import kernel


class Step(IntEnum):
    """Columns of a schedule; ends are exclusive."""

    COLUMN_START = 0
    """Output columns of the tile."""
    COLUMN_END = 1
    ROW_START = 2
    """Output rows of the tile."""
    ROW_END = 3
    FILTER_FOLD = 4
    CHANNEL_FOLD = 5
    PAIR_START = 6
    """Pairs of the column fold, within the tile."""
    PAIR_END = 7
    GROUP_START = 8
    """Pairs of the time group."""
    GROUP_END = 9
    LOAD_UNIT = 10
    """Number of the span of passes in which an input row is loaded only once."""
    FILLS = 11
    """1 if weights are put into the pads."""
    LOADS_WEIGHTS = 12
    """1 if those come from DRAM."""
    UPDATES = 13
    """1 if the time group's neurons are updated after this pass."""
    TILE = 14
    COLUMN_FOLD = 15


def schedule(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> Int64:
    """int64 (passes, len(Step))."""
    passes = 0
    for rows in range(0, layer.P, mapping.tile_rows):
        tile_rows = min(mapping.tile_rows, layer.P - rows)
        passes += int(ceil_div(layer.T * tile_rows, fold_pairs(array, tile_rows)))
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))
    passes *= int(ceil_div(layer.Q, mapping.tile_columns)) * filter_folds * channel_folds
    steps = np.zeros((passes, len(Step)), np.int64)
    _fill_in(layer, array, mapping, filter_folds, channel_folds, steps)
    return steps


@kernel
def _fill_in(
    layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, filter_folds: int, channel_folds: int, steps: Int64
) -> None:
    """Tiles one after the other, and in each of them filter folds and time groups in the order that `kept` asks for."""
    used = np.zeros((filter_folds, channel_folds), np.int64)
    index = 0
    tile = 0
    for column in range(0, layer.Q, mapping.tile_columns):
        for row in range(0, layer.P, mapping.tile_rows):
            row_end = min(row + mapping.tile_rows, layer.P)
            pairs = layer.T * (row_end - row)
            size = array.columns if array.time_batching == 1 else row_end - row
            group_pairs = mapping.folds_per_group * size
            groups = -(-pairs // group_pairs)
            for place in range(filter_folds * groups):
                filter_fold, group = place // groups, place % groups
                if mapping.kept == Kept.GROUP:
                    filter_fold, group = place % filter_folds, place // filter_folds
                start = group * group_pairs
                end = min(start + group_pairs, pairs)
                first = index
                index = _add_group(mapping, size, channel_folds, filter_fold, start, end, used, steps, index)
                # load units: numbers that no other tile, channel group (and time group, or pass) has
                unit = tile * layer.groups + filter_fold // (filter_folds // layer.groups)
                if mapping.kept == Kept.GROUP:
                    unit = unit * layer.T * layer.P + group
                for step in range(first, index):
                    steps[step, Step.COLUMN_START] = column
                    steps[step, Step.COLUMN_END] = min(column + mapping.tile_columns, layer.Q)
                    steps[step, Step.ROW_START] = row
                    steps[step, Step.ROW_END] = row_end
                    steps[step, Step.TILE] = tile
                    steps[step, Step.LOAD_UNIT] = 1 + (step if mapping.kept == Kept.PASS else unit)
            tile += 1


@kernel
def _add_group(
    mapping: ArrayMapping,
    fold_size: int,
    channel_folds: int,
    filter_fold: int,
    group_start: int,
    group_end: int,
    used: Int64,
    steps: Int64,
    index: int,
) -> int:
    """The passes of a filter fold and time group, from `index` on; returns the index after them.

    fold_size: pairs of a column fold.
    """
    for channel_fold in range(channel_folds):
        for start in range(group_start, group_end, fold_size):
            fills = 1
            if index > 0:
                before = steps[index - 1]
                same = before[Step.FILTER_FOLD] == filter_fold and before[Step.CHANNEL_FOLD] == channel_fold
                fills = 0 if same else 1
            end = min(start + fold_size, group_end)
            step = steps[index]
            step[Step.FILTER_FOLD] = filter_fold
            step[Step.CHANNEL_FOLD] = channel_fold
            step[Step.PAIR_START] = start
            step[Step.PAIR_END] = end
            step[Step.GROUP_START] = group_start
            step[Step.GROUP_END] = group_end
            step[Step.FILLS] = fills
            step[Step.LOADS_WEIGHTS] = fills * (1 - mapping.resident * used[filter_fold, channel_fold])
            step[Step.UPDATES] = 1 if channel_fold == channel_folds - 1 and end == group_end else 0
            step[Step.COLUMN_FOLD] = start // fold_size
            used[filter_fold, channel_fold] = 1
            index += 1
    return index
