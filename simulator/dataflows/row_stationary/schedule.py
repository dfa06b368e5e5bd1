"""The passes of a mapped layer, in order: MICROARCHITECTURE.md, section 2."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import numpy as np

from simulator.activity import Int64
from simulator.dataflows.row_stationary.capacity import ceil_div
from simulator.dataflows.row_stationary.specs import Array, ArrayMapping, Kept, Layer


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


def schedule(layer: Layer, array: Array, mapping: ArrayMapping) -> Int64:
    """int64 (passes, len(Step))."""
    rows: list[tuple[int, ...]] = []
    units: dict[tuple[int, ...], int] = {}
    loaded: set[tuple[int, int]] = set()
    filled: tuple[int, int] | None = None
    last_channel_fold = ceil_div(layer.group_channels, mapping.fold_channels) - 1
    group_folds = ceil_div(layer.group_filters, mapping.fold_filters)
    for tile, (columns, lines) in enumerate(_tiles(layer, mapping)):
        pairs = layer.T * (lines[1] - lines[0])
        for filter_fold, group in _filter_folds_and_groups(layer, mapping, pairs, array.columns):
            for channel_fold in range(last_channel_fold + 1):
                for start in range(group[0], group[1], array.columns):
                    end = min(start + array.columns, group[1])
                    weights = (filter_fold, channel_fold)
                    fills = weights != filled
                    loads = fills and not (mapping.resident and weights in loaded)
                    filled = weights
                    loaded.add(weights)
                    unit = {
                        Kept.TILE: (tile, filter_fold // group_folds),
                        Kept.GROUP: (tile, filter_fold // group_folds, group[0]),
                        Kept.PASS: (len(rows),),
                    }[Kept(mapping.kept)]
                    updates = channel_fold == last_channel_fold and end == group[1]
                    rows.append(
                        (
                            *columns,
                            *lines,
                            *weights,
                            start,
                            end,
                            *group,
                            units.setdefault(unit, len(units) + 1),
                            int(fills),
                            int(loads),
                            int(updates),
                            tile,
                            start // array.columns,
                        )
                    )
    return np.array(rows, np.int64)


def _ranges(size: int, length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, length):
        yield start, min(start + length, size)


def _tiles(layer: Layer, mapping: ArrayMapping) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for columns in _ranges(layer.Q, mapping.tile_columns):
        for rows in _ranges(layer.P, mapping.tile_rows):
            yield columns, rows


def _filter_folds_and_groups(
    layer: Layer, mapping: ArrayMapping, pairs: int, columns: int
) -> Iterator[tuple[int, tuple[int, int]]]:
    """Filter folds and the pairs of time groups, in the order that `kept` asks for."""
    folds = ceil_div(layer.group_filters, mapping.fold_filters)
    groups = list(_ranges(pairs, mapping.folds_per_group * columns))
    if mapping.kept == Kept.GROUP:
        for group in groups:
            for filter_fold in range(layer.groups * folds):
                yield filter_fold, group
    else:
        for filter_fold in range(layer.groups * folds):
            for group in groups:
                yield filter_fold, group
