"""The passes of a mapped layer in order, as arrays: MICROARCHITECTURE.md, section 2.

Every column fold of every tile meets every filter fold and every channel fold in one pass. So what happens in a pass
stands in tables by column fold, filter fold and channel fold, which the other modules compute without going through the
passes; here is where each pass finds its entry, for some passes at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.array_types import Int64
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


class Passes(NamedTuple):
    """Some passes that follow each other, n of them.

    column_fold: int64 (n,), within the range of output columns; range: int64 (n,). filter_fold, channel_fold: int64
    (n,). weights: int64 (n,), both in one number: an index into a flat table (F, K). Indices of some of these passes,
    int64 each: fills, weights are put into the pads; loads, those come from DRAM; updates, after which the neurons of
    their time group are updated.
    """

    range: Int64
    column_fold: Int64
    filter_fold: Int64
    channel_fold: Int64
    weights: Int64
    fills: Int64
    loads: Int64
    updates: Int64


@dataclass(frozen=True, eq=False)
class PassOrder:
    """All passes in order; there may be millions of them, so that they are worked out some at a time.

    folds: column folds of the first range of output columns. column_starts, column_ends: int64 (ranges,), output
    columns of each range; the column folds of ranges follow each other, and differ in columns and tile only.
    tile_sizes: int64 (tiles of a range,), column folds of each. tile_starts: int64 (tiles of all ranges + 1,), the
    first pass of each. shape: (S, filter folds, channel folds), S the column folds of all ranges.
    """

    mapping: ArrayMapping
    folds: ColumnFolds
    column_starts: Int64
    column_ends: Int64
    tile_sizes: Int64
    tile_starts: Int64
    shape: tuple[int, int, int]
    _of_tiles: dict[int, tuple[Int64, Int64, Int64]] = field(default_factory=dict)

    @property
    def ranges(self) -> int:
        """Ranges of output columns."""
        return len(self.column_starts)

    @property
    def count(self) -> int:
        """Passes."""
        return int(self.tile_starts[-1])

    @property
    def group_folds(self) -> Int64:
        """int64 (tiles of a range,): column folds of a time group."""
        return np.minimum(self.mapping.folds_per_group, self.tile_sizes)

    @property
    def fills_of_tiles(self) -> Int64:
        """int64 (tiles of all ranges,): how often each weight is put into the pads."""
        _, filter_folds, channel_folds = self.shape
        if filter_folds * channel_folds == 1:
            fills = np.zeros(len(self.tile_starts) - 1, np.int64)
            fills[:1] = 1
            return fills
        groups = ceil_div(self.tile_sizes, self.group_folds)
        if channel_folds == 1 and self.mapping.kept != Kept.GROUP:
            groups = np.ones_like(groups)  # the groups of a filter fold follow each other with the same weights
        return np.tile(groups, self.ranges)

    def of_range(self, number: int) -> ColumnFolds:
        """The column folds of a range, their tiles numbered within it."""
        size = len(self.folds.tile)
        start, end = int(self.column_starts[number]), int(self.column_ends[number])
        return self.folds._replace(column_start=np.full(size, start), column_end=np.full(size, end))

    def passes(self, first: int, stop: int) -> Passes:
        """Passes `first` to `stop` - 1."""
        _, _, channel_folds = self.shape
        before = int(first > 0)  # one more, to know whether the weights are the same
        begin = first - before
        tiles = range(
            int(np.searchsorted(self.tile_starts, begin, side="right")) - 1,
            int(np.searchsorted(self.tile_starts, stop, side="left")),
        )
        parts = [self._of_tile(tile, begin, stop) for tile in tiles]
        ranges, column_fold, filter_fold, channel_fold = (np.concatenate(column) for column in zip(*parts, strict=True))
        weights = filter_fold * channel_folds + channel_fold
        fills = np.flatnonzero(weights[1:] != weights[:-1])
        if not before:
            fills = np.concatenate([[0], fills + 1])
        ranges, column_fold, filter_fold, channel_fold, weights = (
            column[before:] for column in (ranges, column_fold, filter_fold, channel_fold, weights)
        )
        loads = fills
        if self.mapping.resident:  # their first use: every tile meets all weights
            loads = np.flatnonzero((ranges == 0) & (column_fold == 0))
        updates = np.flatnonzero(channel_fold == channel_folds - 1)
        last_folds = column_fold.take(updates)
        updates = updates[self.folds.pair_end.take(last_folds) == self.folds.group_end.take(last_folds)]
        return Passes(ranges, column_fold, filter_fold, channel_fold, weights, fills, loads, updates)

    def places(self, passes: Passes) -> tuple[Int64, Int64, Int64, Int64]:
        """int64 (n,): tile, filter fold, channel fold, and column fold within the tile, of some passes."""
        tile = self.folds.tile.take(passes.column_fold)
        tile += passes.range * len(self.tile_sizes)
        return tile, passes.filter_fold, passes.channel_fold, self.folds.number.take(passes.column_fold)

    def _of_tile(self, tile: int, begin: int, stop: int) -> tuple[Int64, Int64, Int64, Int64]:
        """Range, column fold, filter fold and channel fold of the passes of a tile that are in `begin` to `stop`."""
        number, of_range = divmod(tile, len(self.tile_sizes))
        start, end = int(self.tile_starts[tile]), int(self.tile_starts[tile + 1])
        first, last = max(begin, start) - start, min(stop, end) - start
        size = int(self.tile_sizes[of_range])
        if end - start > activity.ROWS_AT_ONCE:
            column_fold, filter_fold, channel_fold = self._order_of_tile(size, np.arange(first, last))
        else:
            if size not in self._of_tiles:
                self._of_tiles[size] = self._order_of_tile(size, np.arange(end - start))
            column_fold, filter_fold, channel_fold = (column[first:last] for column in self._of_tiles[size])
        offset = int(self.tile_sizes[:of_range].sum())
        return np.full(last - first, number), column_fold + offset, filter_fold, channel_fold

    def _order_of_tile(self, size: int, passes: Int64) -> tuple[Int64, Int64, Int64]:
        """Of passes of a tile of `size` column folds: column folds, numbered within it, filter and channel folds."""
        _, filter_folds, channel_folds = self.shape
        group_folds = min(self.mapping.folds_per_group, size)
        if self.mapping.kept == Kept.GROUP:
            group, rest = np.divmod(passes, group_folds * filter_folds * channel_folds)
            filter_fold = np.zeros_like(group)
        else:
            filter_fold, rest = np.divmod(passes, size * channel_folds)
            group, rest = np.divmod(rest, group_folds * channel_folds)
        column_fold = group * group_folds
        channel_fold, of_group = np.zeros_like(group), np.zeros_like(group)
        full, left = divmod(size, group_folds)
        for chosen, folds in ((group < full, group_folds), (group == full, left)):  # the last group may have fewer
            if not folds or not chosen.any():
                continue
            places = slice(None) if chosen.all() else chosen
            of_filter = rest[places]
            if self.mapping.kept == Kept.GROUP:
                filter_fold[places], of_filter = np.divmod(of_filter, folds * channel_folds)
            channel_fold[places], of_group[places] = np.divmod(of_filter, folds)
        return column_fold + of_group, filter_fold, channel_fold


def order_passes(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> PassOrder:
    """Tiles one after the other, and in each of them filter folds and time groups in the order that `kept` asks for."""
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))
    folds = _column_folds(layer, array, mapping)
    column_starts = np.arange(0, layer.Q, mapping.tile_columns)
    ranges = len(column_starts)
    tile_sizes = np.bincount(folds.tile)
    passes_of_tiles = np.tile(tile_sizes * (filter_folds * channel_folds), ranges)
    return PassOrder(
        mapping,
        folds,
        column_starts,
        np.minimum(column_starts + mapping.tile_columns, layer.Q),
        tile_sizes,
        np.concatenate([[0], np.cumsum(passes_of_tiles)]),
        (ranges * len(folds.tile), filter_folds, channel_folds),
    )


def _column_folds(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> ColumnFolds:
    """The column folds of the tiles of the first range of output columns."""
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
    return ColumnFolds(
        tile=tile,
        number=number,
        column_start=np.zeros_like(tile),
        column_end=np.full_like(tile, min(mapping.tile_columns, layer.Q)),
        row_start=row_starts[tile],
        row_end=(row_starts + heights)[tile],
        pair_start=pair_start,
        pair_end=np.minimum(pair_start + size, pairs),
        group_start=group_start,
        group_end=np.minimum(group_start + group_size, pairs),
    )
