"""How a layer's output map is cut, and where its inputs land then: what follows from sizes alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile, Place, cut_axis, taps_of_phase
from spikecycle.simulator.dataflows.spike_array.tap_lanes import TapLanes, tap_lanes
from spikecycle.simulator.workload import WindowAxis, Windows


@dataclass(frozen=True, eq=False)
class MapCut:
    """A map in tiles.

    rows, columns: the tiles of each axis. row_classes, column_classes: their tables of tap classes, int64 (classes, 4).
    tiles: rows and columns of each map tile, in order. place: where the events of each land. lanes: the tap cases of
    an input channel.
    """

    rows: tuple[AxisTile, ...]
    columns: tuple[AxisTile, ...]
    row_classes: Int64
    column_classes: Int64
    tiles: tuple[tuple[AxisTile, AxisTile], ...]
    place: Place
    lanes: TapLanes


@lru_cache(maxsize=8)
def cut_map(windows: Windows, tile: tuple[int, int], blocks: tuple[int, int], pool: tuple[int, int]) -> MapCut:
    """Cut the map of these windows in tiles of so many rows and columns, and those in blocks; not to be written to,
    since it is remembered: a network has many layers of few sizes, and is simulated again and again.

    pool: rows and columns of a pool's window, of which tiles have whole ones.
    """
    rows, row_classes = cut_axis(windows.rows, tile[0], blocks[0], by_block_size=False, pooled=pool[0])
    columns, column_classes = cut_axis(windows.columns, tile[1], blocks[1], by_block_size=True, pooled=pool[1])
    tiles = tuple((of_rows, of_columns) for of_rows in rows for of_columns in columns)
    return MapCut(
        rows,
        columns,
        row_classes,
        column_classes,
        tiles,
        Place.of(tiles, len(row_classes), len(column_classes)),
        tap_lanes(row_classes, column_classes, _taps(windows.rows), _taps(windows.columns)),
    )


def _taps(axis: WindowAxis) -> Int64:
    """int64 (stride,), taps of each phase."""
    return np.array([taps_of_phase(axis.taps, axis.stride, phase) for phase in range(axis.stride)], np.int64)
