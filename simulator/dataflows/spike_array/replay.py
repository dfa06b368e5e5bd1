"""The loop over the passes of a sample on a mapped layer: MICROARCHITECTURE.md, section 2, order, loads and stores."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator.activity import OPERANDS, OUTPUTS, SPIKES, WEIGHTS, Activity, Moves, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.counters import counts_that_follow
from spikecycle.simulator.dataflows.spike_array.events import Events, Region, count_region_entries, list_events
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.passes import (
    CYCLE_CATEGORIES,
    ENCODE,
    PHASES,
    UPDATE,
    ArrayState,
    Place,
    Waits,
    broadcast,
    charge_waits,
    count_tap_cases,
)
from spikecycle.simulator.dataflows.spike_array.pe_latency import (
    ACCUMULATES,
    BUSY,
    DIRECTORY,
    DROPPED,
    FIBERS,
    GATED,
    LATENCY,
    LOOKUPS,
    POTENTIALS,
    WORDS,
    PeLatencies,
)
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling, words_of
from spikecycle.simulator.dataflows.spike_array.update import (
    dense_sweep_cycles,
    explicit_encode,
    flag_groups,
    sparse_sweep,
)
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat
from spikecycle.simulator.workload import leaks

PLACES = ("channel_tile", "map_tile", "timestep", "pass")


@dataclass(frozen=True, eq=False)
class _Tile:
    """An output tile: channels, rows, columns, and the latencies of its fibers."""

    fibers: TileFibers
    latencies: PeLatencies
    occurrences: Int64
    rows: AxisTile
    columns: AxisTile

    @property
    def outputs(self) -> Region:
        """Its part of the output map."""
        return Region(
            self.fibers.first, self.fibers.stop, self.rows.start, self.rows.stop, self.columns.start, self.columns.stop
        )


@dataclass(eq=False)
class ArrayReplay:
    """One sample on its way through the array."""

    machine: SpikeArrayMachine
    task: LayerTask
    spike_format: SpikeFormat
    tiling: Tiling
    latencies: Sequence[PeLatencies]
    sample: LayerSample
    counts: Counts[str] = field(default_factory=Counts)
    breakdown: list[Int64] = field(default_factory=list)
    loads: list[Int64] = field(default_factory=list)
    stores: list[Int64] = field(default_factory=list)
    places: list[tuple[int, int, int, int]] = field(default_factory=list)
    busy_pe_cycles: int = 0
    loaded: tuple[int, int] = (-1, -1)

    def __post_init__(self) -> None:
        parameters = self.machine.dataflow
        block_rows, block_columns = parameters.blocks
        self.array = ArrayState.of(parameters.fifo_depth, block_rows * block_columns, parameters.pes_per_group)
        self.served_by_block = np.zeros(block_rows * block_columns, np.int64)
        self.served_in_group = np.zeros(parameters.pes_per_group, np.int64)
        most_events = self.task.shape.input_count * self.task.input_bits
        self.codebook_bits = self.tiling.channel_tiles[0].sizes.table_bits
        # room for the worst case; pages that no event touches are never backed by memory
        self.events = Events(*(np.empty(most_events, dtype=np.int32) for _ in Events._fields))
        self.waits = Waits(*(np.empty(most_events, dtype=np.int32) for _ in Waits._fields))

    def run(self) -> Activity:
        """All passes, in the order: channel tile, map rows, map columns, timestep, input tile, input channels."""
        for channel_tile, (fibers, latencies) in enumerate(zip(self.tiling.channel_tiles, self.latencies, strict=True)):
            occurrences = np.zeros(len(latencies.work), dtype=np.int64)
            map_tiles = ((rows, columns) for rows in self.tiling.rows for columns in self.tiling.columns)
            for map_tile, (rows, columns) in enumerate(map_tiles):
                tile = _Tile(fibers, latencies, occurrences, rows, columns)
                for timestep in range(self.task.timesteps):
                    self._timestep(tile, timestep, (channel_tile, map_tile))
            self._count(occurrences @ latencies.work)
            self.served_in_group += np.einsum("t,tp->p", occurrences, latencies.cycles[LATENCY])  # in pieces: no copy
        return self._activity()

    def _timestep(self, tile: _Tile, timestep: int, place: tuple[int, int]) -> None:
        number = 0
        for input_tile, channels in enumerate(self.tiling.input_tiles):
            for region, words in self._regions(tile, timestep, channels):
                self.breakdown.append(np.zeros(len(CYCLE_CATEGORIES), dtype=np.int64))
                self.loads.append(np.zeros(len(OPERANDS), dtype=np.int64))
                self.stores.append(np.zeros(len(OPERANDS), dtype=np.int64))
                self.places.append((*place, timestep, number))
                self._load_weights(tile, place[0], input_tile)
                self._accumulate(tile, timestep, region, words)
                number += 1
        self._update(tile, timestep)
        self._encode(tile, timestep)

    def _regions(self, tile: _Tile, timestep: int, channels: tuple[int, int]) -> Iterator[tuple[Region, int]]:
        """The input regions of a timestep's passes and their words: as many whole channels as half the buffer holds."""
        map_range = tile.rows.first_input, tile.rows.last_input, tile.columns.first_input, tile.columns.last_input
        non_zeros = self._non_zeros(timestep, Region(*channels, *map_range))
        width = self.machine.buffers.spikes.width_bits
        keeps_tensors = self.machine.residency.activations == "chip"
        held = words_of(self.machine.buffers.spikes, parts=4 if keeps_tensors else 2)

        def words(first: int, stop: int) -> int:
            stored = int(non_zeros[stop - channels[0]] - non_zeros[first - channels[0]])
            region = Region(first, stop, *map_range)
            positions = region.positions
            if not self.spike_format.sized_by_count:
                layout = self.spike_format.layout(positions, self.task.input_bits, width)
                return layout.words(count_region_entries(self.sample.inputs[timestep], region, layout))
            return self.spike_format.words(positions, stored, self.task.input_bits, width)

        first = channels[0]
        while first < channels[1]:
            if words(first, first + 1) > held:
                raise MappingError.of(
                    self.task.name,
                    self.machine.name,
                    f"the spikes of input channel {first} in timestep {timestep} take {words(first, first + 1)} words, "
                    f"{'a quarter' if keeps_tensors else 'half'} of buffers.spikes holds {held}",
                )
            stop, too_far = channels[1], channels[1] + 1
            if words(first, stop) > held:
                stop, too_far = first + 1, stop
            while too_far - stop > 1:
                middle = (stop + too_far) // 2
                stop, too_far = (middle, too_far) if words(first, middle) <= held else (stop, middle)
            yield Region(first, stop, *map_range), words(first, stop)
            first = stop

    def _non_zeros(self, timestep: int, region: Region) -> Int64:
        """int64 (channels + 1,): non-zero inputs before each channel; zeros for a format that stores all positions."""
        counts = np.zeros(region.stop_channel - region.first_channel + 1, dtype=np.int64)
        if self.spike_format.positions != "implicit":
            values = self.sample.inputs[
                timestep,
                region.first_channel : region.stop_channel,
                region.first_row : region.stop_row,
                region.first_column : region.stop_column,
            ]
            np.cumsum(np.count_nonzero(values, axis=(1, 2)), out=counts[1:])
        return counts

    def _load_weights(self, tile: _Tile, channel_tile: int, input_tile: int) -> None:
        """Load the weights of another channel tile or input tile than the pass before had."""
        if self.codebook_bits:  # the whole layer's, for the first pass
            self.loads[-1][WEIGHTS] += self.codebook_bits
            self.counts["codebook.write"] += self.codebook_bits // self.task.weight_bits * self.machine.dataflow.pes
            self.codebook_bits = 0
        if self.sample.weights_on_chip or self.loaded == (channel_tile, input_tile):
            return
        self.loaded = (channel_tile, input_tile)
        first, stop = self.tiling.input_tiles[input_tile]
        words = int(self.tiling.layouts[channel_tile].words[:, input_tile].sum())
        entries = tile.fibers.stored_bits[:, first:stop].size if self.tiling.entry_bits else 0
        width = self.machine.buffers.weights.width_bits
        self.loads[-1][WEIGHTS] += words * width + entries * self.tiling.entry_bits
        copies = self.machine.dataflow.pes // self.machine.dataflow.pes_per_group
        self.counts["weights.write"] += words * copies
        self.counts["directory.write"] += entries * copies

    def _accumulate(self, tile: _Tile, timestep: int, region: Region, words: int) -> None:
        width = self.machine.buffers.spikes.width_bits
        layout = self.spike_format.layout(region.positions, self.task.input_bits, width)
        events = list_events(self.sample.inputs[timestep], region, layout, self.events)
        place = Place(
            tile.rows.classes, tile.columns.classes, len(self.tiling.row_classes), len(self.tiling.column_classes)
        )
        cycles = tile.latencies.cycles
        broadcast(self.events, events, words, place, cycles, self.array, self.waits, self.breakdown[-1])
        charge_waits(
            self.events, events, place, cycles, self.machine.dataflow.fifo_depth, self.waits, self.breakdown[-1]
        )
        count_tap_cases(self.events, events, place, cycles, tile.occurrences, self.served_by_block)
        if not self.sample.inputs_on_chip:
            self.loads[-1][SPIKES] = words * width
            self.counts["spikes.write"] += words
        self.counts["spikes.read"] += words
        self.counts["dispatcher.broadcast"] += events
        self.counts["fifo.push"] += events * self.machine.dataflow.pes
        self.counts["fifo.pop"] += events * self.machine.dataflow.pes

    def _update(self, tile: _Tile, timestep: int) -> None:
        parameters, cycles_per_access = self.machine.dataflow, self.machine.cycles_per_access
        if parameters.update == "dense":
            own = (
                self.machine.position_words(int(tile.fibers.own_channels.max()))
                * tile.rows.largest_block
                * tile.columns.largest_block
            )
            cycles = dense_sweep_cycles(own, parameters.update_lanes, cycles_per_access)
            updates = tile.outputs.positions
            rows = -(-tile.fibers.own_channels // self.machine.potentials_per_access)  # per output position, by PE
            accesses = updates // tile.fibers.channels * int(rows.sum())
        else:
            assert self.sample.active is not None, "a sparse update needs to know which neurons are active"
            cycles, updates = sparse_sweep(
                self.sample.active[timestep], tile.outputs, parameters.pes_per_group, tile.rows.block_starts,
                tile.columns.block_starts, parameters.flags_per_cycle, cycles_per_access,
            )  # fmt: skip
            accesses = updates
            self.counts["flags.read"] += flag_groups(
                tile.fibers.own_channels, tile.rows.block_starts, tile.columns.block_starts, parameters.flags_per_cycle
            )
        self.breakdown[-1][UPDATE] = cycles
        self.counts["neuron.compare"] += updates
        self.counts["neuron.leak"] += updates if leaks(self.task.neuron) else 0
        self.counts["neuron.bias"] += updates if self.task.bias.any() else 0
        self.counts["potentials.read"] += accesses
        self.counts["potentials.write"] += accesses

    def _encode(self, tile: _Tile, timestep: int) -> None:
        width = self.machine.buffers.outputs.width_bits
        positions = tile.outputs.positions
        layout = self.spike_format.layout(positions, 1, width)
        if layout.explicit:
            cycles, spikes = explicit_encode(self.sample.outputs[timestep], tile.outputs, layout)
            words = layout.words(spikes)
        else:
            cycles = words = layout.words(positions)
        self.breakdown[-1][ENCODE] = cycles
        self.counts["outputs.write"] += words
        self.counts["outputs.read"] += words
        if self.sample.outputs_on_chip:
            self.counts["spikes.write"] += -(-words * width // self.machine.buffers.spikes.width_bits)
        else:
            self.stores[-1][OUTPUTS] = words * width

    def _count(self, work: Int64) -> None:
        """Add what the latencies of a channel tile did."""
        counts = self.counts
        counts["weights.read"] += int(work[WORDS])
        counts["directory.read"] += int(work[DIRECTORY])
        counts["accumulator.add"] += int(work[ACCUMULATES])
        counts["potentials.read"] += int(work[POTENTIALS])
        counts["potentials.write"] += int(work[POTENTIALS])
        counts["decoder.gated"] += int(work[GATED])
        counts["decoder.dropped"] += int(work[DROPPED])
        counts["decoder.fibers"] += int(work[FIBERS])
        if self.tiling.channel_tiles[0].sizes.table_bits:
            counts["codebook.read"] += int(work[LOOKUPS])
        self.busy_pe_cycles += int(work[BUSY])

    def _activity(self) -> Activity:
        places = np.array(self.places, np.int64)
        named = dict(zip(PLACES, places.T, strict=True))
        return Activity(
            work=Work.of(
                CYCLE_CATEGORIES, np.array(self.breakdown), step=named["timestep"], places=named, phases=PHASES
            ),
            moves=Moves(np.array(self.loads), np.array(self.stores)),
            counts=Counts({**self.counts, **counts_that_follow(self.machine, self.counts)}),
            busy={"pe": self.busy_pe_cycles},
            synaptic_operations=self.counts["accumulator.add"],
            # PEs share out either the channels or the map: there is one block, or one PE in a group
            busy_by_pe=self.served_in_group if len(self.served_by_block) == 1 else self.served_by_block,
        )
