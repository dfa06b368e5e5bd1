"""The loop over the passes of a sample on a mapped layer: MICROARCHITECTURE.md, section 2, order, loads and stores."""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator import activity as operands
from spikecycle.simulator.activity import SPIKES, WEIGHTS, Activity, Moves, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import starts_per_neuron
from spikecycle.simulator.dataflows.spike_array.abreast import TilesState, accumulate_abreast
from spikecycle.simulator.dataflows.spike_array.counters import counts_that_follow
from spikecycle.simulator.dataflows.spike_array.events import (
    BIT_OF_PRODUCT,
    Events,
    events_of_values,
    spiking_words,
)
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.input_passes import (
    FIRST_CHANNEL,
    INPUT_TILE,
    STOP_CHANNEL,
    WORDS,
    InputCutter,
)
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.map_tiles import PLACES, MapTile, SamplePasses
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.passes import (
    CYCLE_CATEGORIES,
    PHASES,
    TALLIES,
    UPDATE,
    ArrayState,
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
from spikecycle.simulator.workload import current_leaks, leaks


@dataclass(eq=False)
class ArrayReplay:
    """One sample on its way through the array."""

    machine: SpikeArrayMachine
    task: LayerTask
    spike_format: SpikeFormat
    tiling: Tiling
    latencies: PeLatencies
    sample: LayerSample
    counts: Counts[str] = field(default_factory=Counts)
    updates: int = 0
    updated_words: int = 0
    swept_sums: int = 0
    started_flags: int = 0

    def __post_init__(self) -> None:
        parameters = self.machine.dataflow
        block_rows, block_columns = parameters.blocks
        self.words = NeuronWords.of(self.machine, self.task)
        self.channel_tiles = self.tiling.channel_tiles
        # of all tiles at once: there may be thousands of map and channel tiles, and a sum of an array takes 2 us
        own_channels = np.array([fibers.own_channels for fibers in self.channel_tiles])
        self.most_own: list[int] = own_channels.max(axis=1).tolist()
        self.own_rows: list[int] = (-(-own_channels // self.machine.potentials_per_access)).sum(axis=1).tolist()
        self.starts = bool(self.task.neuron.start_potential.any())
        self.blocks = block_rows * block_columns
        self.served_by_block = np.zeros(self.blocks, np.int64)
        self.tallies = np.zeros((TALLIES, self.latencies.work.shape[1]), np.int64)
        self.events = Events.of(self.task.shape.input_count * self.task.input_bits)
        self.repeats = events_of_values(self.sample.inputs, self.task.input_bits)
        self.spiking = spiking_words(self.sample.inputs)
        self.bits_of_product = np.array(BIT_OF_PRODUCT, np.int64)

    @property
    def occurrences(self) -> Int64:
        """int64 (tap cases,): how often events met a block in each."""
        return np.asarray(self.tallies.sum(axis=0), np.int64)

    def run(self) -> Activity:
        """All passes; of the order channel tile, map rows, map columns, timestep, input tile, input channels, only what
        is loaded depends on the order, so that every map tile is computed for all channel tiles together."""
        cutter = InputCutter(self.machine, self.task, self.spike_format, self.tiling.input_tiles, self.sample.inputs)
        map_tiles = self.tiling.map.tiles
        cut = [cutter.passes(rows, columns) for rows, columns in map_tiles]
        sample = SamplePasses.of(map_tiles, cut, self.task.pool, len(self.channel_tiles))
        self._accumulate(sample)
        for map_tile in sample.tiles:
            for channel_tile, fibers in enumerate(self.channel_tiles):
                self._start(map_tile, channel_tile, fibers)
                sweeps = self._update(map_tile, channel_tile, fibers)
                self._encode(map_tile, channel_tile, fibers, sweeps)
        sample.finish()
        self._count_updates()
        occurrences = self.occurrences
        work = np.array([occurrences @ of_tile for of_tile in self.latencies.work])
        self._count(work.sum(axis=0))
        self._load_weights(sample.passes[:, INPUT_TILE], sample.loads)
        loads, stores, breakdown = (
            each.reshape(-1, each.shape[2]) for each in (sample.loads, sample.stores, sample.breakdown)
        )
        return self._activity(sample.places(), breakdown, Moves(loads, stores), int(work[:, BUSY].sum()))

    def _load_weights(self, input_tiles: Int64, loads: Int64) -> None:
        """Load the weights of another channel tile or input tile than the pass before had.

        input_tiles: int64 (n,), of the passes of a channel tile, all map tiles. loads: int64 (channel tiles, n,
        operands), added to.
        """
        loads_of_tile = loads[:, :, WEIGHTS]
        codebook_bits = self.channel_tiles[0].sizes.table_bits
        if codebook_bits:  # the whole layer's, for the first pass
            loads_of_tile[0, 0] += codebook_bits
            self.counts["codebook.write"] += codebook_bits // self.task.weight_bits * self.machine.dataflow.pes
        if self.sample.weights_on_chip:
            return
        loading = np.flatnonzero(np.diff(input_tiles, prepend=-1))
        width = self.machine.buffers.weights.width_bits
        copies = self.machine.dataflow.pes // self.machine.dataflow.pes_per_group
        channels = np.diff(np.array(self.tiling.input_tiles), axis=1)[input_tiles[loading], 0]
        fibers_of_channel = self.channel_tiles[0].stored_bits[:, 0].size
        entries = channels * (fibers_of_channel if self.tiling.entry_bits else 0)
        words = np.array([layout.words for layout in self.tiling.layouts]).sum(axis=1)[:, input_tiles[loading]]
        loads_of_tile[:, loading] += words * width + entries * self.tiling.entry_bits
        self.counts["weights.write"] += int(words.sum()) * copies
        self.counts["directory.write"] += int(entries.sum()) * len(words) * copies

    def _start(self, tile: MapTile, channel_tile: int, fibers: TileFibers) -> None:
        """Before the first pass: write parameters of neurons, and start potentials that are not 0, whose flags are set
        with them (update: sparse)."""
        neuron, parameters = self.task.neuron, self.machine.dataflow
        written = self.words.parameters + int(self.starts)
        if not written:
            return
        loaded_bits = self.words.parameter_bits + (neuron.potential_bits if starts_per_neuron(neuron) else 0)
        tile.loads[channel_tile, 0, operands.POTENTIALS] = tile.outputs(fibers).positions * loaded_bits
        cycles = written * start_cycles(self._most_words(tile, channel_tile), parameters.update_lanes)
        tile.breakdown[channel_tile, 0, UPDATE] += cycles
        positions = tile.outputs(fibers).channel_positions
        self.counts["potentials.write"] += written * self._sweep_accesses(channel_tile, positions)
        if self.starts and parameters.update == "sparse":
            self.started_flags += self._flag_groups(tile, fibers)

    def _most_words(self, tile: MapTile, channel_tile: int) -> int:
        """Words of a part of the potentials buffer that the PE which has most of a tile takes."""
        own = self.machine.position_words(self.most_own[channel_tile])
        rows, columns = tile.pool
        return own * (tile.rows.largest_block // rows) * (tile.columns.largest_block // columns)

    def _sweep_accesses(self, channel_tile: int, positions: int) -> int:
        """Words, or rows of them, that all PEs have for so many positions in a part of the potentials buffer."""
        return positions * self.own_rows[channel_tile]

    def _flag_groups(self, tile: MapTile, fibers: TileFibers) -> int:
        """Groups of flags of a tile, in all PEs."""
        return flag_groups(
            fibers.own_channels, tile.rows.block_starts, tile.columns.block_starts,
            self.machine.dataflow.flags_per_cycle,
        )  # fmt: skip

    def _accumulate(self, sample: SamplePasses) -> None:
        width = self.machine.buffers.spikes.width_bits
        shape, place, passes = self.task.shape, self.tiling.map.place, sample.passes
        parts = np.repeat(place.parts, np.diff(sample.ends, prepend=0), axis=0)
        positions = (passes[:, STOP_CHANNEL] - passes[:, FIRST_CHANNEL]) * (
            (parts[:, 1] - parts[:, 0]) * (parts[:, 3] - parts[:, 2])
        )
        sizes, number = np.unique(positions, return_inverse=True)
        layouts = np.array(
            [self.spike_format.layout(size, self.task.input_bits, width) for size in sizes.tolist()], np.int64
        )
        arguments = (
            self.repeats, self.spiking, passes, sample.ends, shape.H, shape.W, layouts[number], place,
            self.latencies.cycles, self.bits_of_product,
        )  # fmt: skip
        parameters, tiles = self.machine.dataflow, len(self.channel_tiles)
        if self.latencies.abreast:
            state = TilesState.of(parameters.fifo_depth, parameters.pes_per_group, tiles)
            events = accumulate_abreast(*arguments, state, self.events, sample.breakdown, self.tallies)
        else:
            array = ArrayState.of(parameters.fifo_depth, self.blocks * parameters.pes_per_group)
            events = accumulate_passes(
                *arguments, array, self.events, sample.breakdown, self.tallies, self.served_by_block
            )
        words = int(passes[:, WORDS].sum())
        if not self.sample.inputs_on_chip:
            sample.loads[:, :, SPIKES] = passes[:, WORDS] * width
            self.counts["spikes.write"] += words * tiles
        self.counts["spikes.read"] += words * tiles
        self.counts["dispatcher.broadcast"] += events * tiles
        self.counts["fifo.push"] += events * tiles * parameters.pes
        self.counts["fifo.pop"] += events * tiles * parameters.pes

    def _update(self, tile: MapTile, channel_tile: int, fibers: TileFibers) -> Int64:
        """Update the neurons of a channel tile behind the last pass of every timestep; returns cycles, int64 (T,)."""
        parameters, update_cycles = self.machine.dataflow, self.words.cycles(self.machine.cycles_per_access)
        timesteps, outputs = self.task.timesteps, tile.outputs(fibers)
        if parameters.update == "dense":
            cycles = dense_sweep_cycles(self._most_words(tile, channel_tile), parameters.update_lanes, update_cycles)
            sweeps = np.full(timesteps, cycles, np.int64)
            updates = outputs.positions * timesteps
            accesses = timesteps * self._sweep_accesses(channel_tile, outputs.channel_positions)
        else:
            assert self.sample.active is not None, "a sparse update needs to know which neurons are active"
            swept = [
                sparse_sweep(
                    active, outputs, parameters.pes_per_group, tile.rows.block_starts,
                    tile.columns.block_starts, parameters.flags_per_cycle, update_cycles,
                )
                for active in self.sample.active
            ]  # fmt: skip
            sweeps = np.array([cycles for cycles, _ in swept], np.int64)
            accesses = updates = sum(updates for _, updates in swept)
            self.counts["flags.read"] += timesteps * self._flag_groups(tile, fibers)
        if self.words.sums_apart:
            sweeps += self._sweep_sums(tile, channel_tile, updates)
        tile.sweeps[channel_tile] = sweeps
        self.updates += updates
        self.updated_words += accesses
        return sweeps

    def _count_updates(self) -> None:
        """Add what all updates did."""
        counts, neuron, updates = self.counts, self.task.neuron, self.updates
        counts["neuron.compare"] += updates if neuron.fires else 0
        counts["neuron.leak"] += updates if leaks(neuron) else 0
        counts["neuron.bias"] += updates if self.task.bias.any() else 0
        if neuron.has_current:
            counts["neuron.current_leak"] += updates if current_leaks(neuron) else 0
        if self.words.additions:
            counts["neuron.integrate"] += updates * self.words.additions
        counts["potentials.read"] += self.updated_words * self.words.read
        counts["potentials.write"] += self.updated_words * self.words.states

    def _sweep_sums(self, tile: MapTile, channel_tile: int, updates: int) -> int:
        """Read all sums of a tile, compare those of each window, and clear them; returns the cycles of a sweep."""
        timesteps, parameters = self.task.timesteps, self.machine.dataflow
        accesses = timesteps * self._sweep_accesses(channel_tile, tile.positions)
        self.counts["potentials.read"] += accesses
        self.counts["potentials.write"] += accesses
        self.counts["neuron.pool"] += updates * (tile.pool[0] * tile.pool[1] - 1)
        self.swept_sums += timesteps * tile.positions * self.channel_tiles[channel_tile].channels
        most = self.machine.position_words(self.most_own[channel_tile]) * tile.positions
        return -(-most // parameters.update_lanes) * self.machine.cycles_per_access

    def _encode(self, tile: MapTile, channel_tile: int, fibers: TileFibers, sweeps: Int64) -> None:
        """Encode the output spikes of a channel tile behind the last pass of every timestep; potentials of neurons that
        do not fire are written beside the sweep, int64 (T,) cycles, from its first group on."""
        width = self.machine.buffers.outputs.width_bits
        outputs = tile.outputs(fibers)
        positions = outputs.positions
        layout = self.spike_format.layout(positions, 1, width)
        if not self.task.neuron.fires:
            sent = output_words(self.machine, self.task, positions)
            words, written = np.full(self.task.timesteps, sent, np.int64), sent * self.task.timesteps
            tile.encodes[channel_tile] = np.maximum(words - (sweeps - PIPELINE_CYCLES), 0)
        elif layout.explicit:
            encoded = [explicit_encode(spikes, outputs, layout) for spikes in self.sample.outputs]
            tile.encodes[channel_tile] = [cycles for cycles, _ in encoded]
            words = np.array([layout.words(spikes) for _, spikes in encoded], np.int64)
            written = int(words.sum())
        else:
            sent = layout.words(positions)
            words, written = np.full(self.task.timesteps, sent, np.int64), sent * self.task.timesteps
            tile.encodes[channel_tile] = words
        self.counts["outputs.write"] += written
        self.counts["outputs.read"] += written
        if self.sample.outputs_on_chip:
            self.counts["spikes.write"] += int((-(-words * width // self.machine.buffers.spikes.width_bits)).sum())
        else:
            tile.stored[channel_tile] = words * width

    def _count(self, work: Int64) -> None:
        """Add what PEs did for all events; work: int64 (WORK_COLUMNS,)."""
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

    def _activity(self, places: Int64, breakdown: Int64, moves: Moves, busy_pe_cycles: int) -> Activity:
        """places: int64 (n, len(PLACES)); breakdown: int64 (n, categories)."""
        swept = self.updates * self.words.read + self.swept_sums
        updated = self.updates * self.words.states
        following = counts_that_follow(self.machine, self.counts, updated, swept, self.started_flags)
        named = dict(zip(PLACES, places.T, strict=True))
        return Activity.of(
            work=Work.of(CYCLE_CATEGORIES, breakdown, step=named["timestep"], places=named, phases=PHASES),
            moves=moves,
            counts=Counts({**self.counts, **following}),
            busy={"pe": busy_pe_cycles},
            synaptic_operations=self.counts["accumulator.add"],
            # PEs share out either the channels or the map: there is one block, or one PE in a group
            busy_by_pe=self.latencies.served(self.occurrences) if self.blocks == 1 else self.served_by_block,
        )
