"""The latencies of all channel tiles: kept, where they are few, or made anew for every sample, block by block of tiles.

Where a PE owns few output channels, a fiber of few weights has sixteen bytes of latencies for each of its tap cases,
many times the memory of its weights. Which tiles are in a block, and whether blocks are kept, changes no result: every
channel tile is sent the same events, and knows nothing of other tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.dataflows.spike_array.alike_fibers import CYCLE_COLUMNS, FiberRecords
from spikecycle.simulator.dataflows.spike_array.channel_tiles import LayerFibers
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.pe_latency import (
    IDLE,
    LATENCY,
    UNTOUCHED_CYCLES,
    WORK_COLUMNS,
    PeSpec,
    Scratch,
    tabulate_latencies,
)
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling
from spikecycle.simulator.dataflows.spike_array.weight_layout import first_bits
from spikecycle.simulator.formats import goes_by
from spikecycle.simulator.formats.levels import FormatSpec

KEPT_BYTES = 3 * 10**8
"""Of a layer's latencies, up to which all of them are kept for its samples."""
BLOCK_BYTES = 2**25
"""Of the latencies of a block, if it has more than one tile."""
TURNED_TOGETHER = 16
"""Tiles that are laid side by side in one go: their numbers of one PE and tap case fill a line of the cache."""


def tile_bytes(tap_cases: int, pes_per_group: int) -> int:
    """Of the latencies of a channel tile."""
    return CYCLE_COLUMNS * (tap_cases + 1) * pes_per_group * np.dtype(np.int32).itemsize


def tiles_of_block(bytes_of_tile: int) -> int:
    """Channel tiles of a block that is made anew for every sample."""
    return max(1, BLOCK_BYTES // bytes_of_tile)


def tiles_together(full_tiles: int, bytes_of_tile: int) -> int:
    """Channel tiles of a block: all, where their latencies are kept. full_tiles: how many there are if no weight is 0,
    so that it is known beforehand what is kept."""
    some = tiles_of_block(bytes_of_tile)
    return max(full_tiles, some) if full_tiles * bytes_of_tile <= KEPT_BYTES else some


@dataclass(frozen=True, eq=False)
class LatencyBlock:
    """What an event takes by channel tile, tap case and PE; tap_case = (channel · row classes + row class) · column
    classes + column class.

    tiles: channel tiles of the block. cycles: LATENCY, IDLE, DECODE, CONFLICT, int32 (tiles, 4, tap cases + 1,
    pes_per_group), 0 behind the last tap case; where the tiles are worked on `abreast`, int32 (4, tap cases + 1,
    pes_per_group, tiles). work: int64 (tap cases, WORK_COLUMNS), summed over tiles and PEs.
    """

    tiles: slice
    cycles: Int32
    work: Int64
    abreast: bool

    def served(self, occurrences: Int64) -> Int64:
        """int64 (pes_per_group,): cycles of events that occurred so often, int64 (tap cases,), over all tiles."""
        latency = self.cycles[LATENCY, :-1] if self.abreast else self.cycles[:, LATENCY, :-1]
        axes = "cpt" if self.abreast else "tcp"
        return np.asarray(np.einsum(f"c,{axes}->p", occurrences, latency), np.int64)  # in pieces: no copy


@dataclass(eq=False)
class LatencyTables:
    """The latencies of a layer.

    fibers: of its channel tiles, which `tiling` cuts. full_tiles: says what `tiles_together` asks. spec: of the weight
    format. abreast: whether tiles are worked on `abreast`.
    """

    machine: SpikeArrayMachine
    fibers: LayerFibers
    tiling: Tiling
    full_tiles: Callable[[], int]
    spec: FormatSpec
    pe: PeSpec
    abreast: bool

    def __post_init__(self) -> None:
        self._tap_cases = self.tiling.input_tiles[-1][1] * self.tiling.map.place.cases_of_channel
        self._tiles = len(self.tiling.channel_tiles)
        bytes_of_tile = tile_bytes(self._tap_cases, self.machine.dataflow.pes_per_group)
        self._together = tiles_of_block(bytes_of_tile)
        if self._together < self._tiles:
            self._together = tiles_together(self.full_tiles(), bytes_of_tile)
        is_kept = self._together >= self._tiles
        self._kept = self._block(0, self._tiles, while_mapped=True) if is_kept else None
        self.fibers.let_go()

    def blocks(self) -> Iterator[LatencyBlock]:
        """All channel tiles, block by block; any thread may ask."""
        if self._kept is not None:
            yield self._kept
        else:
            for first in range(0, self._tiles, self._together):
                yield self._block(first, min(first + self._together, self._tiles))

    def _block(self, first: int, stop: int, while_mapped: bool = False) -> LatencyBlock:
        """Of channel tiles [first, stop). while_mapped: whether their fibers may still be held."""
        rows, pes = self._tap_cases + 1, self.machine.dataflow.pes_per_group
        shape = (CYCLE_COLUMNS, rows, pes, stop - first) if self.abreast else (stop - first, CYCLE_COLUMNS, rows, pes)
        cycles: Int32 = np.empty(shape, np.int32) if self.abreast else np.zeros(shape, np.int32)
        work = np.zeros((self._tap_cases, WORK_COLUMNS), np.int64)
        together = TURNED_TOGETHER if self.abreast else stop - first
        lay = self.fibers.take if while_mapped else self.fibers.lay
        lanes = self.tiling.map.lanes
        scratch, records = Scratch.of(self.tiling.own_channels * int(lanes.taps.max()), self.pe, lanes), self._records()
        for start in range(0, stop - first, together):
            number = min(together, stop - first - start)
            some = np.zeros((number, *shape[:3]), np.int32) if self.abreast else cycles
            some[:, LATENCY : IDLE + 1, :-1] = UNTOUCHED_CYCLES
            for tile in range(number):
                self._tabulate(lay(self.tiling.own_channels, first + start + tile), scratch, records, some[tile], work)
            if self.abreast:
                cycles[..., start : start + number] = some.transpose(1, 2, 3, 0)
        return LatencyBlock(slice(first, stop), cycles, work, self.abreast)

    def _records(self) -> FiberRecords:
        place, phases = self.tiling.map.place, len(self.tiling.map.lanes.taps)
        starts_of_word = self.pe.word_bits // self.pe.alignment_bits
        mean_length = self.fibers.weights / sum(tile.fibers for tile in self.tiling.channel_tiles)
        return FiberRecords.of(phases, starts_of_word, place.cases_of_channel, WORK_COLUMNS, mean_length)

    def _tabulate(
        self, fibers: TileFibers, scratch: Scratch, records: FiberRecords, cycles_out: Int32, work_out: Int64
    ) -> None:
        sizes, first = fibers.sizes, first_bits(fibers, self.tiling.input_channels, self.pe.alignment_bits)
        tabulate_latencies(
            fibers.values, fibers.starts, sizes.entries, sizes.stored_bits, first, fibers.own_channels,
            fibers.first_local, self.tiling.map.lanes, self.spec, self.pe, scratch, records, cycles_out, work_out,
            *goes_by(self.spec, self.pe.skip),
        )  # fmt: skip
