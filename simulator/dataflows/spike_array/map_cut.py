"""How a layer's output map is cut, and where its inputs land then: what follows from sizes alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.neuron_unit import potential_words
from spikecycle.simulator.dataflows.spike_array.axes import (
    AxisTile,
    Place,
    cut_axis,
    taps_of_classes,
    taps_of_phase,
    tile_ends,
)
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.tap_lanes import TapLanes, tap_lanes
from spikecycle.simulator.workload import WindowAxis, Windows


@dataclass(frozen=True, eq=False)
class MapCut:
    """A map in tiles.

    rows, columns: the tiles of each axis. row_classes, column_classes: their tables of tap classes, int64 (classes, 4).
    row_taps, column_taps: the taps that an input of each class meets, see `taps_of_classes`. tiles: rows and columns of
    each map tile, in order. place: where the events of each land. lanes: the tap cases of an input channel.
    """

    rows: tuple[AxisTile, ...]
    columns: tuple[AxisTile, ...]
    row_classes: Int64
    column_classes: Int64
    row_taps: Int64
    column_taps: Int64
    tiles: tuple[tuple[AxisTile, AxisTile], ...]
    place: Place
    lanes: TapLanes


class MapRoom(NamedTuple):
    """What the tiles of a map are held against.

    rows, columns: of the map. pool: rows and columns of a pool's window, of which tiles have whole ones. blocks: rows
    and columns of PEs that share a tile. words: of a neuron. position_words: of potentials, that an output position
    takes in a PE, which has so many `potentials` in `banks`. channels: of a tile; outputs: words for what they send, of
    output_bits, each neuron sent_bits.
    """

    rows: int
    columns: int
    pool: tuple[int, int]
    blocks: tuple[int, int]
    words: NeuronWords
    banks: int
    position_words: int
    potentials: int
    channels: int
    sent_bits: int
    output_bits: int
    outputs: int

    def has(self, rows: int, columns: int) -> bool:
        """Whether there is room for tiles of so many."""
        pool, position = self.pool, self.position_words
        height, width = (
            max(stop - start for start, stop in tile_ends(outputs, size, pooled))
            for outputs, size, pooled in ((self.rows, rows, pool[0]), (self.columns, columns, pool[1]))
        )
        block_rows, block_columns = -(-height // self.blocks[0]), -(-width // self.blocks[1])
        sums, neurons = block_rows * block_columns, (block_rows // pool[0]) * (block_columns // pool[1])
        sent = potential_words(
            self.channels * (height // pool[0]) * (width // pool[1]), self.sent_bits, self.output_bits
        )
        taken = self.words.taken(self.banks, position * sums, position * neurons)
        return taken <= self.potentials and sent <= self.outputs


@lru_cache(maxsize=256)
def largest_map_tile(room: MapRoom) -> tuple[int, int]:
    """Rows and columns of a map tile: all columns and most rows, or one row, or window, and most columns."""
    pool = room.pool
    for rows in (room.rows, *range((room.rows - 1) // pool[0] * pool[0], 0, -pool[0])):
        if room.has(rows, room.columns):
            return rows, room.columns
    wide = (room.columns, *range((room.columns - 1) // pool[1] * pool[1], 0, -pool[1]))
    return pool[0], next(columns for columns in wide if room.has(pool[0], columns))


@lru_cache(maxsize=32)
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
        taps_of_classes(row_classes, windows.rows),
        taps_of_classes(column_classes, windows.columns),
        tiles,
        Place.of(tiles, len(row_classes), len(column_classes)),
        tap_lanes(row_classes, column_classes, _taps(windows.rows), _taps(windows.columns)),
    )


def _taps(axis: WindowAxis) -> Int64:
    """int64 (stride,), taps of each phase."""
    return np.array([taps_of_phase(axis.taps, axis.stride, phase) for phase in range(axis.stride)], np.int64)
