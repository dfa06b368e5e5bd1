"""The passes of a mapped layer in order, as arrays: MICROARCHITECTURE.md, section 2.

Every column fold of every tile meets every filter fold and every channel fold in one pass. So what happens in a pass
stands in tables by column fold, filter fold and channel fold, which the other modules compute without going through the
passes; here is where each pass finds its entry, for some passes at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArrayMapping, ArraySpec, Kept, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div, fold_pairs
from spikecycle.simulator.jit import lean_kernel


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
    """Some passes that follow each other: int64 (n,) each.

    range: of output columns. tile: of all ranges. fold: the column fold, of all ranges; number: the same within its
    tile. place: where a flat table (S, F, K) has what happens in the pass.
    """

    range: Int64
    tile: Int64
    fold: Int64
    number: Int64
    filter_fold: Int64
    channel_fold: Int64
    place: Int64


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

    def passes(self, first: int, stop: int) -> Passes:
        """Passes `first` to `stop` - 1."""
        found = Passes(*np.empty((len(Passes._fields), stop - first), np.int64))
        tile = bisect_right(self.tile_starts, first) - 1
        by_group = self.mapping.kept == Kept.GROUP
        number_passes(
            first - int(self.tile_starts[tile]),
            tile,
            self.tile_sizes,
            self.shape,
            self.mapping.folds_per_group,
            by_group,
            found,
        )
        return found

    def weights_of(self, number: int) -> int:
        """Filter fold and channel fold of a pass, in one number."""
        only = self.passes(number, number + 1)
        return int(only.filter_fold[0] * self.shape[2] + only.channel_fold[0])


@lean_kernel
def number_passes(
    first: int,
    tile: int,
    tile_sizes: Int64,
    shape: tuple[int, int, int],
    folds_per_group: int,
    by_group: bool,
    passes_out: Passes,
) -> None:
    """Fill in passes that follow each other, the first one being number `first` of the tile.

    tile_sizes, shape: see `PassOrder`. by_group: whether all filter folds follow each other within a time group.
    """
    _, filter_folds, channel_folds = shape
    tiles = len(tile_sizes)
    number_of_range, tile_of_range = tile // tiles, tile % tiles
    size = tile_sizes[tile_of_range]
    fold_start = 0  # of the tile
    for earlier in range(tiles):
        fold_start += tile_sizes[earlier] * (number_of_range + (earlier < tile_of_range))
    # where the first pass is: its time group begins at column fold `start` and has `folds` of them
    most = min(folds_per_group, size)
    if by_group:
        start = first // (most * filter_folds * channel_folds) * most
        folds = min(most, size - start)
        rest = first - start * filter_folds * channel_folds
        filter_fold = rest // (folds * channel_folds)
        rest -= filter_fold * (folds * channel_folds)
    else:
        filter_fold = first // (size * channel_folds)
        rest = first - filter_fold * (size * channel_folds)
        start = rest // (most * channel_folds) * most
        folds = min(most, size - start)
        rest -= start * channel_folds
    channel_fold, of_group = rest // folds, rest % folds
    for i in range(len(passes_out.place)):
        fold = fold_start + start + of_group
        passes_out.range[i] = number_of_range
        passes_out.tile[i] = tile
        passes_out.fold[i] = fold
        passes_out.number[i] = start + of_group
        passes_out.filter_fold[i] = filter_fold
        passes_out.channel_fold[i] = channel_fold
        passes_out.place[i] = (fold * filter_folds + filter_fold) * channel_folds + channel_fold
        of_group += 1
        if of_group < folds:
            continue
        of_group = 0
        channel_fold += 1
        if channel_fold < channel_folds:
            continue
        channel_fold = 0
        # the group is done with the filter fold
        if by_group:
            filter_fold += 1
            if filter_fold == filter_folds:
                filter_fold = 0
                start += folds
        else:
            start += folds
            if start == size:
                start = 0
                filter_fold += 1
        if start == size or filter_fold == filter_folds:
            start = filter_fold = 0
            fold_start += size
            tile += 1
            tile_of_range += 1
            if tile_of_range == tiles:
                tile_of_range = 0
                number_of_range += 1
            size = tile_sizes[tile_of_range]
            most = min(folds_per_group, size)
        folds = min(most, size - start)


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
