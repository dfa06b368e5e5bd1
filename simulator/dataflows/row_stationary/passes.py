"""The passes of a mapped layer in order, as arrays: MICROARCHITECTURE.md, section 2.

Every column fold of every tile meets every filter fold and every channel fold in one pass. So what happens in a pass
stands in tables by column fold, filter fold and channel fold, which the other modules compute without going through the
passes; here is where each pass finds its entry.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Bools, Int64
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArrayMapping, ArraySpec, Kept, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div, fold_pairs


class ColumnFolds(NamedTuple):
    """Column folds of tiles, tile by tile: int64 (S,) each. Ends are exclusive; pairs are numbered within the tile.

    tile: number of the tile. number: of the column fold within the tile. column_start, column_end, row_start, row_end:
    output columns and rows of the tile. pair_start, pair_end: its pairs (timestep, output row). group_start, group_end:
    those of its time group.
    """

    tile: Int64
    number: Int64
    column_start: Int64
    column_end: Int64
    row_start: Int64
    row_end: Int64
    pair_start: Int64
    pair_end: Int64
    group_start: Int64
    group_end: Int64

    @property
    def columns(self) -> Int64:
        """Output columns of the tile."""
        return self.column_end - self.column_start

    @property
    def rows(self) -> Int64:
        """Output rows of the tile."""
        return self.row_end - self.row_start

    @property
    def pairs(self) -> Int64:
        """How many pairs."""
        return self.pair_end - self.pair_start

    def of_timesteps(self, first: int, last: int) -> tuple[Int64, ColumnFolds]:
        """Which folds have pairs of timesteps first to last - 1, and those pairs of them, numbered from `first` on."""
        start = np.maximum(self.pair_start, first * self.rows)
        end = np.minimum(self.pair_end, last * self.rows)
        chosen = np.flatnonzero(start < end)
        before = first * self.rows
        moved = self._replace(pair_start=start - before, pair_end=end - before)
        return chosen, ColumnFolds(*(column[chosen] for column in moved))


class PassOrder(NamedTuple):
    """n passes in order.

    folds: the S column folds that `column_fold` numbers. ranges: ranges of output columns; their column folds follow
    each other, and differ in columns and tile only.
    shape: (S, filter folds, channel folds), of tables. column_fold, filter_fold, channel_fold: int64 (n,).
    place: int64 (n,), index of the pass in a flattened table; weights: the same in one without column folds.
    fills: bool (n,), weights are put into the pads. loads_weights: bool (n,), those come from DRAM.
    updates: int64 (u,), passes after which their time group's neurons are updated.
    """

    folds: ColumnFolds
    ranges: int
    shape: tuple[int, int, int]
    column_fold: Int64
    filter_fold: Int64
    channel_fold: Int64
    place: Int64
    weights: Int64
    fills: Bools
    loads_weights: Bools
    updates: Int64

    @property
    def folds_of_range(self) -> ColumnFolds:
        """The column folds of the first range of output columns."""
        return ColumnFolds(*(column[: len(column) // self.ranges] for column in self.folds))


def order_passes(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> PassOrder:
    """Tiles one after the other, and in each of them filter folds and time groups in the order that `kept` asks for."""
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))
    folds, ranges = _column_folds(layer, array, mapping)
    starts = np.flatnonzero(folds.number == 0)
    sizes = np.diff(np.append(starts, len(folds.tile))).tolist()
    orders = {size: _order_of_tile(mapping, size, filter_folds, channel_folds) for size in set(sizes)}
    column_fold = np.concatenate([orders[size][0] + start for start, size in zip(starts, sizes, strict=True)])
    filter_fold = np.concatenate([orders[size][1] for size in sizes])
    channel_fold = np.concatenate([orders[size][2] for size in sizes])

    weights = filter_fold * channel_folds + channel_fold
    fills = np.ones(len(weights), bool)
    fills[1:] = weights[1:] != weights[:-1]
    loads_weights = fills
    if mapping.resident:
        loads_weights = np.zeros(len(weights), bool)
        loads_weights[np.unique(weights, return_index=True)[1]] = True  # first uses
    ends_group = folds.pair_end == folds.group_end
    return PassOrder(
        folds=folds,
        ranges=ranges,
        shape=(len(folds.tile), filter_folds, channel_folds),
        column_fold=column_fold,
        filter_fold=filter_fold,
        channel_fold=channel_fold,
        place=column_fold * (filter_folds * channel_folds) + weights,
        weights=weights,
        fills=fills,
        loads_weights=loads_weights,
        updates=np.flatnonzero((channel_fold == channel_folds - 1) & ends_group[column_fold]),
    )


def _column_folds(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> tuple[ColumnFolds, int]:
    """The column folds of all tiles, and how many ranges of output columns there are."""
    row_starts = np.arange(0, layer.P, mapping.tile_rows)
    heights = np.minimum(mapping.tile_rows, layer.P - row_starts)
    pairs_of_tile = layer.T * heights
    size_of_tile = np.broadcast_to(fold_pairs(array, heights), heights.shape)
    folds_of_tile = ceil_div(pairs_of_tile, size_of_tile)
    tile = np.repeat(np.arange(len(heights)), folds_of_tile)
    number = np.arange(len(tile)) - (np.cumsum(folds_of_tile) - folds_of_tile)[tile]
    size, pairs = size_of_tile[tile], pairs_of_tile[tile]
    group_size = mapping.folds_per_group * size
    pair_start = number * size
    group_start = pair_start // group_size * group_size
    of_rows = (
        number,
        row_starts[tile],
        (row_starts + heights)[tile],
        pair_start,
        np.minimum(pair_start + size, pairs),
        group_start,
        np.minimum(group_start + group_size, pairs),
    )
    column_starts = np.arange(0, layer.Q, mapping.tile_columns)
    ranges = len(column_starts)
    number, *others = (np.tile(column, ranges) for column in of_rows)
    tiles = (np.arange(ranges)[:, None] * len(heights) + tile).reshape(-1)
    column_start = np.repeat(column_starts, len(tile))
    column_end = np.minimum(column_start + mapping.tile_columns, layer.Q)
    return ColumnFolds(tiles, number, column_start, column_end, *others), ranges


def _order_of_tile(
    mapping: ArrayMapping, column_folds: int, filter_folds: int, channel_folds: int
) -> tuple[Int64, Int64, Int64]:
    """The passes of a tile: their column folds, numbered within the tile, filter folds and channel folds."""
    group_folds = min(mapping.folds_per_group, column_folds)
    groups = int(ceil_div(column_folds, group_folds))
    grid = np.indices((groups, filter_folds, channel_folds, group_folds), sparse=True)
    if mapping.kept != Kept.GROUP:
        grid = tuple(axis.swapaxes(0, 1) for axis in grid)
    group, filter_fold, channel_fold, of_group = np.broadcast_arrays(*grid)
    column_fold = group * group_folds + of_group
    exists = column_fold < column_folds  # the last group may have fewer
    return column_fold[exists], filter_fold[exists], channel_fold[exists]
