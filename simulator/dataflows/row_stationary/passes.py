"""The passes of a mapped layer in order, as arrays: MICROARCHITECTURE.md, section 2.

Every column fold of every tile meets every filter fold and every channel fold in one pass. So what happens in a pass
stands in tables by column fold, filter fold and channel fold, which the other modules compute without going through the
passes; here is where each pass finds its entry. Kernels go through passes in runs that have their weights in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArrayMapping, ArraySpec, Kept, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div, fold_pairs
from spikecycle.simulator.jit import inner_kernel, lean_kernel


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


class PassSequence(NamedTuple):
    """How the passes follow each other, for kernels that go through some of them.

    tile_sizes: int64 (tiles of a range of output columns,), column folds of each. folds_per_group: column folds of a
    time group at most. by_group: 1 where all filter folds follow each other within a time group, 0 where the time
    groups do within a filter fold.
    """

    tile_sizes: Int64
    filter_folds: int
    channel_folds: int
    folds_per_group: int
    by_group: int


class PassRun(NamedTuple):
    """Passes that follow each other with the same weights: the column folds of a time group.

    range: of output columns. tile: of the range. fold_start: its first column fold, of the range. start: the first
    column fold of the time group, within the tile. folds: how many it has.
    """

    range: int
    tile: int
    fold_start: int
    start: int
    folds: int
    filter_fold: int
    channel_fold: int


class Passes(NamedTuple):
    """Some passes that follow each other: int64 (n,) each. tile: of all ranges. column_fold: within its tile."""

    tile: Int64
    filter_fold: Int64
    channel_fold: Int64
    column_fold: Int64


@dataclass(frozen=True, eq=False)
class PassOrder:
    """All passes in order; there may be millions of them, so that they are worked out some at a time.

    folds: column folds of the first range of output columns. column_starts, column_ends: int64 (ranges,), output
    columns of each range; the column folds of ranges follow each other, and differ in columns and tile only.
    tile_sizes: int64 (tiles of a range,), column folds of each. shape: (S, filter folds, channel folds), S the column
    folds of all ranges.
    """

    mapping: ArrayMapping
    folds: ColumnFolds
    column_starts: Int64
    column_ends: Int64
    tile_sizes: Int64
    shape: tuple[int, int, int]

    @property
    def ranges(self) -> int:
        """Ranges of output columns."""
        return len(self.column_starts)

    @property
    def count(self) -> int:
        """Passes."""
        return math.prod(self.shape)

    @property
    def tiles(self) -> int:
        """Tiles of all ranges."""
        return self.ranges * len(self.tile_sizes)

    @property
    def group_folds(self) -> Int64:
        """int64 (tiles of a range,): column folds of a time group."""
        return np.minimum(self.mapping.folds_per_group, self.tile_sizes)

    @property
    def fills_of_tiles(self) -> Int64:
        """int64 (tiles of all ranges,): how often each weight is put into the pads."""
        _, filter_folds, channel_folds = self.shape
        if filter_folds * channel_folds == 1:
            fills = np.zeros(self.tiles, np.int64)
            fills[:1] = 1
            return fills
        groups = ceil_div(self.tile_sizes, self.group_folds)
        if channel_folds == 1 and self.mapping.kept != Kept.GROUP:
            groups = np.ones_like(groups)  # the groups of a filter fold follow each other with the same weights
        return np.tile(groups, self.ranges)

    @computed_once
    def sequence(self) -> PassSequence:
        """The same for kernels."""
        by_group = int(self.mapping.kept == Kept.GROUP)
        return PassSequence(self.tile_sizes, *self.shape[1:], self.mapping.folds_per_group, by_group)

    def passes(self, first: int, stop: int) -> Passes:
        """Passes `first` to `stop` - 1."""
        found = Passes(*np.empty((len(Passes._fields), stop - first), np.int64))
        number_passes(self.sequence, first, found)
        return found


@inner_kernel
def find_run(sequence: PassSequence, number: int) -> tuple[PassRun, int]:
    """The run that has the pass with this number, and which one of the run it is."""
    sizes, folds_per_group = sequence.tile_sizes, sequence.folds_per_group
    channel_folds = sequence.channel_folds
    weights = sequence.filter_folds * channel_folds
    folds_of_range = 0
    for size in sizes:
        folds_of_range += size
    in_range = number // (folds_of_range * weights)
    number -= in_range * folds_of_range * weights
    fold_start, tile = 0, 0
    while number >= sizes[tile] * weights:
        number -= sizes[tile] * weights
        fold_start += sizes[tile]
        tile += 1
    size = sizes[tile]
    most = min(folds_per_group, size)
    if sequence.by_group:
        start = number // (most * weights) * most
        number -= start * weights
        folds = min(most, size - start)
        filter_fold = number // (folds * channel_folds)
        number -= filter_fold * folds * channel_folds
    else:
        filter_fold = number // (size * channel_folds)
        number -= filter_fold * size * channel_folds
        start = number // (most * channel_folds) * most
        number -= start * channel_folds
        folds = min(most, size - start)
    channel_fold = number // folds
    run = PassRun(in_range, tile, fold_start, start, folds, filter_fold, channel_fold)
    return run, number - channel_fold * folds


@inner_kernel
def next_run(sequence: PassSequence, run: PassRun) -> PassRun:
    """The run behind another one; nobody looks at what is behind the last."""
    sizes = sequence.tile_sizes
    in_range, tile, fold_start, start, folds, filter_fold, channel_fold = run
    channel_fold += 1
    if channel_fold == sequence.channel_folds:
        channel_fold = 0
        # the time group is done with the filter fold
        if sequence.by_group:
            filter_fold += 1
            if filter_fold == sequence.filter_folds:
                filter_fold = 0
                start += folds
        else:
            start += folds
            if start == sizes[tile]:
                start = 0
                filter_fold += 1
        if start == sizes[tile] or filter_fold == sequence.filter_folds:
            start = filter_fold = 0
            fold_start += sizes[tile]
            tile += 1
            if tile == len(sizes):
                fold_start = tile = 0
                in_range += 1
        folds = min(sequence.folds_per_group, sizes[tile] - start)
    return PassRun(in_range, tile, fold_start, start, folds, filter_fold, channel_fold)


@lean_kernel
def number_passes(sequence: PassSequence, first: int, passes_out: Passes) -> None:
    """Fill in passes that follow each other from number `first` on."""
    run, fold = find_run(sequence, first)
    for i in range(len(passes_out.tile)):
        passes_out.tile[i] = run.range * len(sequence.tile_sizes) + run.tile
        passes_out.filter_fold[i] = run.filter_fold
        passes_out.channel_fold[i] = run.channel_fold
        passes_out.column_fold[i] = run.start + fold
        fold += 1
        if fold == run.folds:
            fold = 0
            run = next_run(sequence, run)


class Places(NamedTuple):
    """Where a flat table has what it has of a pass: steps from one range of output columns, column fold of the range,
    filter fold (or what follows from it) and channel fold to the next; 0 where the table does not tell them apart."""

    range: int
    column_fold: int
    filter_fold: int
    channel_fold: int


@lean_kernel
def look_up(
    tables: Integers, places: Places, columns: Int64, sequence: PassSequence, first: int, found_out: Int64
) -> None:
    """found_out: int64 (m, n), what m tables have of n passes from number `first` on.

    tables: integers (m, size). columns: int64 (filter folds,), what the tables tell filter folds apart by.
    """
    n = found_out.shape[1]
    run, fold = find_run(sequence, first)
    i = 0
    while i < n:
        column_fold = run.fold_start + run.start + fold
        place = run.range * places.range + column_fold * places.column_fold
        place += columns[run.filter_fold] * places.filter_fold + run.channel_fold * places.channel_fold
        for _ in range(min(run.folds - fold, n - i)):
            for table in range(len(tables)):
                found_out[table, i] = tables[table, place]
            place += places.column_fold
            i += 1
        fold = 0
        run = next_run(sequence, run)


def order_passes(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> PassOrder:
    """Tiles one after the other, and in each of them filter folds and time groups in the order that `kept` asks for."""
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))
    folds = _column_folds(layer, array, mapping)
    column_starts = np.arange(0, layer.Q, mapping.tile_columns)
    ranges = len(column_starts)
    tile_sizes = np.bincount(folds.tile)
    return PassOrder(
        mapping,
        folds,
        column_starts,
        np.minimum(column_starts + mapping.tile_columns, layer.Q),
        tile_sizes,
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
