"""The parts of the map that a sample is computed in, one after the other, and what is counted of their passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.activity import OPERANDS, OUTPUTS
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.events import Region
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.input_passes import TIMESTEP
from spikecycle.simulator.dataflows.spike_array.passes import CYCLE_CATEGORIES, ENCODE, UPDATE

PLACES = ("channel_tile", "map_tile", "timestep", "pass")


@dataclass(frozen=True, eq=False)
class MapTile:
    """A part of the map, and the passes in which every channel tile computes it.

    pool: rows and columns of a window of sums for each neuron. breakdown: int64 (channel tiles, n, categories). loads:
    int64 (channel tiles, n, operands), bits. sweeps, encodes, stored: of the last pass of every timestep, see
    `SamplePasses`.
    """

    rows: AxisTile
    columns: AxisTile
    pool: tuple[int, int]
    breakdown: Int64
    loads: Int64
    sweeps: Int64
    encodes: Int64
    stored: Int64

    def outputs(self, fibers: TileFibers) -> Region:
        """Its part of the map of neurons, with the channels of a channel tile."""
        rows, columns = (
            (axis.start // pooled, axis.stop // pooled)
            for axis, pooled in zip((self.rows, self.columns), self.pool, strict=True)
        )
        return Region(fibers.first, fibers.stop, *rows, *columns)

    @property
    def positions(self) -> int:
        """Sums of an output channel."""
        return self.rows.outputs * self.columns.outputs


@dataclass(frozen=True, eq=False)
class SamplePasses:
    """All passes of a sample: of every map tile one after the other, each computed for all channel tiles together.

    passes: int64 (n, 5), see `input_passes`. ends: int64 (map tiles,), the pass behind the last of each.
    breakdown: int64 (channel tiles, n, categories). loads, stores: int64 (channel tiles, n, operands), bits.
    last: int64 (map tiles, T), the last pass of every timestep. sweeps, encodes, stored: int64 (channel tiles, map
    tiles, T), cycles of update and encoder and bits of outputs behind these, which `finish` adds to them.
    tiles: their parts of these.
    """

    passes: Int64
    ends: Int64
    breakdown: Int64
    loads: Int64
    stores: Int64
    last: Int64
    sweeps: Int64
    encodes: Int64
    stored: Int64
    tiles: list[MapTile]

    @classmethod
    def of(
        cls,
        map_tiles: Sequence[tuple[AxisTile, AxisTile]],
        passes_of_tiles: Sequence[Int64],
        pool: tuple[int, int],
        channel_tiles: int,
    ) -> SamplePasses:
        """Before anything is counted. map_tiles: rows and columns of each."""
        passes = np.concatenate(passes_of_tiles)
        ends = np.cumsum([len(one) for one in passes_of_tiles])
        breakdown, loads, stores = (
            np.zeros((channel_tiles, len(passes), columns), np.int64)
            for columns in (len(CYCLE_CATEGORIES), len(OPERANDS), len(OPERANDS))
        )
        is_last = np.diff(passes[:, TIMESTEP], append=-1) != 0
        is_last[ends - 1] = True
        last = np.flatnonzero(is_last).reshape(len(ends), -1)  # every tile has passes in every timestep
        sweeps, encodes, stored = (np.zeros((channel_tiles, *last.shape), np.int64) for _ in range(3))
        begins = ends - [len(one) for one in passes_of_tiles]
        tiles = []
        for number, (rows, columns) in enumerate(map_tiles):
            own = slice(begins[number], ends[number])
            behind = sweeps[:, number], encodes[:, number], stored[:, number]
            tiles.append(MapTile(rows, columns, pool, breakdown[:, own], loads[:, own], *behind))
        return cls(passes, ends, breakdown, loads, stores, last, sweeps, encodes, stored, tiles)

    def finish(self) -> None:
        """Add what happened behind the last pass of every timestep.

        Of all tiles at once: NumPy gives Python's lock up twice to assign to an array of indices, however short it is,
        and a thread that finds the lock taken then sleeps.
        """
        last = self.last.reshape(-1)
        of_last = (len(self.breakdown), -1)
        self.breakdown[:, last, UPDATE] += self.sweeps.reshape(of_last)
        self.breakdown[:, last, ENCODE] += self.encodes.reshape(of_last)
        self.stores[:, last, OUTPUTS] += self.stored.reshape(of_last)

    def places(self) -> Int64:
        """int64 (channel tiles · n, len(PLACES)): where each pass is in the order of all."""
        channel_tiles, count = self.breakdown.shape[:2]
        places = np.empty((channel_tiles, count, len(PLACES)), np.int64)
        places[:, :, 0] = np.arange(channel_tiles)[:, None]
        places[:, :, 1] = np.repeat(np.arange(len(self.ends)), np.diff(self.ends, prepend=0))
        places[:, :, 2] = self.passes[:, TIMESTEP]
        begins = np.diff(places[0, :, 1] * (1 + self.passes[:, TIMESTEP].max()) + places[0, :, 2], prepend=-1) != 0
        numbers = np.arange(count)
        places[:, :, 3] = numbers - np.maximum.accumulate(np.where(begins, numbers, 0))
        return places.reshape(-1, len(PLACES))
