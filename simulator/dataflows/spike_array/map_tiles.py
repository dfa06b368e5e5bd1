"""The parts of the map that a sample is computed in, one after the other, and what is counted of their passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikecycle.simulator.activity import OPERANDS, OUTPUTS
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.channel_tiles import ChannelTile
from spikecycle.simulator.dataflows.spike_array.events import Region
from spikecycle.simulator.dataflows.spike_array.input_passes import TIMESTEP
from spikecycle.simulator.dataflows.spike_array.passes import CYCLE_CATEGORIES, ENCODE, UPDATE

PLACES = ("channel_tile", "map_tile", "timestep", "pass")


@dataclass(frozen=True, eq=False)
class MapTile:
    """A part of the map, and the passes in which every channel tile computes it.

    pool: rows and columns of a window of sums for each neuron. loads: int64 (channel tiles, n, operands), bits.
    starts: int64 (channel tiles,), cycles of its first pass; sweeps, encodes, stored: of the last pass of every
    timestep; see `SamplePasses`.
    """

    rows: AxisTile
    columns: AxisTile
    pool: tuple[int, int]
    loads: Int64
    starts: Int64
    sweeps: Int64
    encodes: Int64
    stored: Int64

    def outputs(self, channels: ChannelTile) -> Region:
        """Its part of the map of neurons, with the channels of a channel tile."""
        rows, columns = (
            (axis.start // pooled, axis.stop // pooled)
            for axis, pooled in zip((self.rows, self.columns), self.pool, strict=True)
        )
        return Region(channels.first, channels.stop, *rows, *columns)

    @property
    def positions(self) -> int:
        """Sums of an output channel."""
        return self.rows.outputs * self.columns.outputs


@dataclass(frozen=True, eq=False)
class SamplePasses:
    """All passes of a sample: of every map tile one after the other, each computed for all channel tiles together.

    passes: int64 (n, 5), see `input_passes`. numbers, ends: int64 (map tiles,), how many each has, and the pass behind
    the last of each. loads, stores: int64 (channel tiles, n, operands), bits. starts: int64 (channel tiles, map tiles),
    cycles ahead of the first pass of each.
    last: int64 (map tiles, T), the last pass of every timestep. sweeps, encodes, stored: int64 (channel tiles, map
    tiles, T), cycles of update and encoder and bits of outputs behind these. tiles: their parts of these.
    """

    passes: Int64
    numbers: Int64
    ends: Int64
    loads: Int64
    stores: Int64
    starts: Int64
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
        numbers = np.array([len(one) for one in passes_of_tiles])
        ends = numbers.cumsum()
        loads, stores = np.zeros((2, channel_tiles, len(passes), len(OPERANDS)), np.int64)
        is_last = np.empty(len(passes), np.bool_)
        is_last[:-1] = passes[1:, TIMESTEP] != passes[:-1, TIMESTEP]
        is_last[ends - 1] = True
        last = is_last.nonzero()[0].reshape(len(ends), -1)  # every tile has passes in every timestep
        starts = np.zeros((channel_tiles, len(ends)), np.int64)
        sweeps, encodes, stored = np.zeros((3, channel_tiles, *last.shape), np.int64)
        tiles = []
        for number, (rows, columns) in enumerate(map_tiles):
            own = slice(ends[number] - numbers[number], ends[number])
            behind = sweeps[:, number], encodes[:, number], stored[:, number]
            tiles.append(MapTile(rows, columns, pool, loads[:, own], starts[:, number], *behind))
        return cls(passes, numbers, ends, loads, stores, starts, last, sweeps, encodes, stored, tiles)

    @property
    def _behind(self) -> slice | Int64:
        """The last pass of every timestep: all of them, where each timestep has one.

        NumPy gives Python's lock up twice to assign to an array of indices, however short it is, and a thread that
        finds the lock taken then sleeps.
        """
        return slice(None) if self.last.size == len(self.passes) else self.last.reshape(-1)

    def store(self) -> None:
        """Add the outputs to the stores of the last pass of every timestep."""
        self.stores[:, self._behind, OUTPUTS] = self.stored.reshape(len(self.stored), -1)

    def breakdown(self) -> Int64:
        """int64 (channel tiles, n, categories): cycles of updates and the encoder, and 0 of all others."""
        channel_tiles = len(self.sweeps)
        behind = self._behind
        cycles = np.empty((channel_tiles, len(self.passes), len(CYCLE_CATEGORIES)), np.int64)
        cycles.fill(0)  # `np.zeros` gives Python's lock up for fewer numbers
        cycles[:, behind, UPDATE] = self.sweeps.reshape(channel_tiles, -1)
        cycles[:, behind, ENCODE] = self.encodes.reshape(channel_tiles, -1)
        if self.starts.any():
            cycles[:, self.ends - self.numbers, UPDATE] += self.starts
        return cycles

    @cached_property
    def places(self) -> Mapping[str, Int64]:
        """int64 (channel tiles · n,) by name of PLACES: where each pass is in the order of all."""
        return self.places_of(0, len(self.loads))

    def places_of(self, first: int, stop: int) -> Mapping[str, Int64]:
        """The same of the passes of channel tiles `first` to `stop` - 1."""
        channel_tiles, count = stop - first, self.loads.shape[1]
        places = np.empty((len(PLACES), channel_tiles, count), np.int64)
        places[0] = np.arange(first, stop)[:, None]
        places[1] = np.arange(len(self.ends)).repeat(self.numbers)
        places[2] = self.passes[:, TIMESTEP]
        places[3] = 0
        if self.last.size < count:  # some timesteps have several passes
            last = self.last.reshape(-1)
            of_timestep = np.diff(last, prepend=-1)
            places[3] = np.arange(count) - np.repeat(last + 1 - of_timestep, of_timestep)
        return dict(zip(PLACES, places.reshape(len(PLACES), -1), strict=True))
