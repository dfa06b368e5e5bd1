"""The loop over the passes of a sample on a mapped layer: MICROARCHITECTURE.md, section 2, order, loads and stores."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator import activity as operands
from spikecycle.simulator.activity import OPERANDS, OUTPUTS, SPIKES, WEIGHTS, Activity, Moves, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import starts_per_neuron
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.counters import counts_that_follow
from spikecycle.simulator.dataflows.spike_array.events import Events, Region
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.input_passes import (
    FIRST_CHANNEL,
    INPUT_TILE,
    STOP_CHANNEL,
    TIMESTEP,
    WORDS,
    InputCutter,
)
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.passes import (
    CYCLE_CATEGORIES,
    ENCODE,
    PHASES,
    UPDATE,
    ArrayState,
    Place,
    Waits,
    accumulate_passes,
)
from spikecycle.simulator.dataflows.spike_array.pe_latency import (
    ACCUMULATES,
    BUSY,
    DIRECTORY,
    DROPPED,
    FETCHED_WORDS,
    FIBERS,
    GATED,
    LATENCY,
    LOOKUPS,
    POTENTIALS,
    PeLatencies,
)
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling, output_words
from spikecycle.simulator.dataflows.spike_array.update import (
    PIPELINE_CYCLES,
    dense_sweep_cycles,
    explicit_encode,
    flag_groups,
    sparse_sweep,
    start_cycles,
)
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
    places: list[Int64] = field(default_factory=list)
    busy_pe_cycles: int = 0
    updates: int = 0
    started_flags: int = 0
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
        cutter = InputCutter(self.machine, self.task, self.spike_format, self.tiling.input_tiles, self.sample.inputs)
        for channel_tile, (fibers, latencies) in enumerate(zip(self.tiling.channel_tiles, self.latencies, strict=True)):
            occurrences = np.zeros(len(latencies.work), dtype=np.int64)
            map_tiles = ((rows, columns) for rows in self.tiling.rows for columns in self.tiling.columns)
            for map_tile, (rows, columns) in enumerate(map_tiles):
                tile = _Tile(fibers, latencies, occurrences, rows, columns)
                self._run_tile(tile, cutter.passes(rows, columns), (channel_tile, map_tile))
            self._count(occurrences @ latencies.work)
            self.served_in_group += np.einsum("t,tp->p", occurrences, latencies.cycles[LATENCY])  # in pieces: no copy
        return self._activity()

    def _run_tile(self, tile: _Tile, passes: Int64, place: tuple[int, int]) -> None:
        """All timesteps of an output tile. passes: int64 (n, 5), see `input_passes`."""
        timesteps = passes[:, TIMESTEP]
        first = np.searchsorted(timesteps, np.arange(self.task.timesteps))
        last = np.append(first[1:], len(passes)) - 1
        numbers = np.arange(len(passes)) - first[timesteps]
        self.breakdown.append(np.zeros((len(passes), len(CYCLE_CATEGORIES)), dtype=np.int64))
        self.loads.append(np.zeros((len(passes), len(OPERANDS)), dtype=np.int64))
        self.stores.append(np.zeros((len(passes), len(OPERANDS)), dtype=np.int64))
        places = (np.full(len(passes), place[0]), np.full(len(passes), place[1]), timesteps, numbers)
        self.places.append(np.stack(places, axis=1))
        self._load_weights(tile, place[0], passes[:, INPUT_TILE])
        self._start(tile)
        self._accumulate(tile, passes)
        sweeps = self._update(tile, last)
        self._encode(tile, last, sweeps)

    def _load_weights(self, tile: _Tile, channel_tile: int, input_tiles: Int64) -> None:
        """Load the weights of another channel tile or input tile than the pass before had.

        input_tiles: int64 (passes,).
        """
        loads = self.loads[-1][:, WEIGHTS]
        if self.codebook_bits:  # the whole layer's, for the first pass
            loads[0] += self.codebook_bits
            self.counts["codebook.write"] += self.codebook_bits // self.task.weight_bits * self.machine.dataflow.pes
            self.codebook_bits = 0
        if self.sample.weights_on_chip:
            return
        before = self.loaded[1] if self.loaded[0] == channel_tile else -1
        loading = np.flatnonzero(np.diff(input_tiles, prepend=before))
        self.loaded = (channel_tile, int(input_tiles[-1]))
        width = self.machine.buffers.weights.width_bits
        copies = self.machine.dataflow.pes // self.machine.dataflow.pes_per_group
        words = self.tiling.layouts[channel_tile].words.sum(axis=0)[input_tiles[loading]]
        channels = np.diff(np.array(self.tiling.input_tiles), axis=1)[input_tiles[loading], 0]
        entries = channels * (tile.fibers.stored_bits[:, 0].size if self.tiling.entry_bits else 0)
        loads[loading] += words * width + entries * self.tiling.entry_bits
        self.counts["weights.write"] += int(words.sum()) * copies
        self.counts["directory.write"] += int(entries.sum()) * copies

    def _start(self, tile: _Tile) -> None:
        """Before the first pass: write start potentials that are not 0, and set their flags (update: sparse)."""
        neuron, parameters = self.task.neuron, self.machine.dataflow
        if not neuron.start_potential.any():
            return
        if starts_per_neuron(neuron):
            self.loads[-1][0, operands.POTENTIALS] = tile.outputs.positions * neuron.potential_bits
        self.breakdown[-1][0, UPDATE] += start_cycles(self._most_words(tile), parameters.update_lanes)
        self.counts["potentials.write"] += self._sweep_accesses(tile)
        if parameters.update == "sparse":
            self.started_flags += self._flag_groups(tile)

    def _most_words(self, tile: _Tile) -> int:
        """Words of potentials of the PE that has most of a tile."""
        own = self.machine.position_words(int(tile.fibers.own_channels.max()))
        return own * tile.rows.largest_block * tile.columns.largest_block

    def _sweep_accesses(self, tile: _Tile) -> int:
        """Words, or rows of them, that all potentials of a tile take."""
        rows = -(-tile.fibers.own_channels // self.machine.potentials_per_access)  # per output position, by PE
        return tile.outputs.positions // tile.fibers.channels * int(rows.sum())

    def _flag_groups(self, tile: _Tile) -> int:
        """Groups of flags of a tile, in all PEs."""
        return flag_groups(
            tile.fibers.own_channels, tile.rows.block_starts, tile.columns.block_starts,
            self.machine.dataflow.flags_per_cycle,
        )  # fmt: skip

    def _accumulate(self, tile: _Tile, passes: Int64) -> None:
        width = self.machine.buffers.spikes.width_bits
        place = Place(
            tile.rows.classes, tile.columns.classes, len(self.tiling.row_classes), len(self.tiling.column_classes)
        )
        tile_inputs = Region(
            0, self.task.shape.C, tile.rows.first_input, tile.rows.last_input, tile.columns.first_input,
            tile.columns.last_input,
        )  # fmt: skip
        channels = passes[:, STOP_CHANNEL] - passes[:, FIRST_CHANNEL]
        layouts = {
            int(count): self.spike_format.layout(
                int(count) * tile_inputs.channel_positions, self.task.input_bits, width
            )
            for count in np.unique(channels)
        }
        events = accumulate_passes(
            self.sample.inputs, passes, tile_inputs, np.array([layouts[int(count)] for count in channels], np.int64),
            place, tile.latencies.cycles, self.array, self.events, self.waits, self.breakdown[-1], tile.occurrences,
            self.served_by_block,
        )  # fmt: skip
        words = int(passes[:, WORDS].sum())
        if not self.sample.inputs_on_chip:
            self.loads[-1][:, SPIKES] = passes[:, WORDS] * width
            self.counts["spikes.write"] += words
        self.counts["spikes.read"] += words
        self.counts["dispatcher.broadcast"] += events
        self.counts["fifo.push"] += events * self.machine.dataflow.pes
        self.counts["fifo.pop"] += events * self.machine.dataflow.pes

    def _update(self, tile: _Tile, last: Int64) -> Int64:
        """Update the neurons behind the last pass, int64 (T,), of every timestep; returns cycles, int64 (T,)."""
        parameters, cycles_per_access = self.machine.dataflow, self.machine.cycles_per_access
        timesteps = self.task.timesteps
        if parameters.update == "dense":
            cycles = dense_sweep_cycles(self._most_words(tile), parameters.update_lanes, cycles_per_access)
            sweeps = np.full(timesteps, cycles, np.int64)
            updates = tile.outputs.positions * timesteps
            accesses = timesteps * self._sweep_accesses(tile)
        else:
            assert self.sample.active is not None, "a sparse update needs to know which neurons are active"
            swept = [
                sparse_sweep(
                    active, tile.outputs, parameters.pes_per_group, tile.rows.block_starts,
                    tile.columns.block_starts, parameters.flags_per_cycle, cycles_per_access,
                )
                for active in self.sample.active
            ]  # fmt: skip
            sweeps = np.array([cycles for cycles, _ in swept], np.int64)
            accesses = updates = sum(updates for _, updates in swept)
            self.counts["flags.read"] += timesteps * self._flag_groups(tile)
        self.breakdown[-1][last, UPDATE] += sweeps
        self.updates += updates
        self.counts["neuron.compare"] += updates if self.task.neuron.fires else 0
        self.counts["neuron.leak"] += updates if leaks(self.task.neuron) else 0
        self.counts["neuron.bias"] += updates if self.task.bias.any() else 0
        self.counts["potentials.read"] += accesses
        self.counts["potentials.write"] += accesses
        return sweeps

    def _encode(self, tile: _Tile, last: Int64, sweeps: Int64) -> None:
        """Encode the output spikes behind the last pass, int64 (T,), of every timestep; potentials of neurons that do
        not fire are written beside the sweep, int64 (T,) cycles, from its first group on."""
        width = self.machine.buffers.outputs.width_bits
        positions = tile.outputs.positions
        layout = self.spike_format.layout(positions, 1, width)
        if not self.task.neuron.fires:
            words = np.full(len(last), output_words(self.machine, self.task, positions), np.int64)
            self.breakdown[-1][last, ENCODE] = np.maximum(words - (sweeps - PIPELINE_CYCLES), 0)
        elif layout.explicit:
            encoded = [explicit_encode(spikes, tile.outputs, layout) for spikes in self.sample.outputs]
            self.breakdown[-1][last, ENCODE] = [cycles for cycles, _ in encoded]
            words = np.array([layout.words(spikes) for _, spikes in encoded], np.int64)
        else:
            words = np.full(len(last), layout.words(positions), np.int64)
            self.breakdown[-1][last, ENCODE] = words
        written = int(words.sum())
        self.counts["outputs.write"] += written
        self.counts["outputs.read"] += written
        if self.sample.outputs_on_chip:
            self.counts["spikes.write"] += int((-(-words * width // self.machine.buffers.spikes.width_bits)).sum())
        else:
            self.stores[-1][last, OUTPUTS] = words * width

    def _count(self, work: Int64) -> None:
        """Add what the latencies of a channel tile did."""
        counts = self.counts
        counts["weights.read"] += int(work[FETCHED_WORDS])
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
        places = np.concatenate(self.places)
        named = dict(zip(PLACES, places.T, strict=True))
        following = counts_that_follow(self.machine, self.counts, self.updates, self.started_flags)
        return Activity(
            work=Work.of(
                CYCLE_CATEGORIES, np.concatenate(self.breakdown), step=named["timestep"], places=named, phases=PHASES
            ),
            moves=Moves(np.concatenate(self.loads), np.concatenate(self.stores)),
            counts=Counts({**self.counts, **following}),
            busy={"pe": self.busy_pe_cycles},
            synaptic_operations=self.counts["accumulator.add"],
            # PEs share out either the channels or the map: there is one block, or one PE in a group
            busy_by_pe=self.served_in_group if len(self.served_by_block) == 1 else self.served_by_block,
        )
