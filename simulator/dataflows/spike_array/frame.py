"""What a sample does on a mapped layer around its events: passes, loads and stores, updates and encoding.

MICROARCHITECTURE.md, section 2, order, loads and stores, and section 5. Where spikes are encoded position by position
and all neurons are updated, nothing of it depends on the spikes, and all samples do the same.
"""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator import activity as operands
from spikecycle.simulator.activity import SPIKES, WEIGHTS, Moves
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import starts_per_neuron
from spikecycle.simulator.dataflows.spike_array.channel_tiles import ChannelTile
from spikecycle.simulator.dataflows.spike_array.events import Region
from spikecycle.simulator.dataflows.spike_array.input_passes import (
    FIRST_CHANNEL,
    INPUT_TILE,
    STOP_CHANNEL,
    WORDS,
    InputCutter,
)
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.map_tiles import MapTile, SamplePasses
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
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


@dataclass(frozen=True, eq=False)
class SampleFrame:
    """All that a sample does but for its events.

    layouts: int64 (n, len(SpikeLayout)), how each pass's inputs are encoded. moves: traffic of all passes of all
    channel tiles. counts: of it. updated_states, swept_words: of all updates, and words that they read. started_flags:
    groups of flags that are written with start potentials.
    """

    passes: SamplePasses
    layouts: Int64
    moves: Moves
    counts: Counts[str]
    updated_states: int
    swept_words: int
    started_flags: int

    @classmethod
    def of(
        cls,
        machine: SpikeArrayMachine,
        task: LayerTask,
        spike_format: SpikeFormat,
        tiling: Tiling,
        sample: LayerSample,
    ) -> SampleFrame:
        """What a sample does on a mapped layer; MappingError where a single input channel does not fit."""
        return _Framing(machine, task, spike_format, tiling, sample).frame()


def frames_are_alike(machine: SpikeArrayMachine, spike_format: SpikeFormat) -> bool:
    """Whether the frames of all samples are the same that find the same on chip."""
    return machine.dataflow.update == "dense" and spike_format.positions == "implicit"


@dataclass(eq=False)
class _Framing:
    """Works out the frame of one sample."""

    machine: SpikeArrayMachine
    task: LayerTask
    spike_format: SpikeFormat
    tiling: Tiling
    sample: LayerSample
    counts: Counts[str] = field(default_factory=Counts)
    updates: int = 0
    updated_words: int = 0
    swept_sums: int = 0
    started_flags: int = 0

    def __post_init__(self) -> None:
        self.words = NeuronWords.of(self.machine, self.task)
        self.channel_tiles = self.tiling.channel_tiles
        # of all tiles at once: there may be thousands of map and channel tiles, and a sum of an array takes 2 us
        own_channels = np.array([tile.own_channels for tile in self.channel_tiles])
        self.most_own: list[int] = own_channels.max(axis=1).tolist()
        self.own_rows: list[int] = (-(-own_channels // self.machine.potentials_per_access)).sum(axis=1).tolist()
        self.starts = bool(self.task.neuron.start_potential.any())

    def frame(self) -> SampleFrame:
        """All passes; of the order channel tile, map rows, map columns, timestep, input tile, input channels, only what
        is loaded depends on the order, so that every map tile is computed for all channel tiles together."""
        cutter = InputCutter(self.machine, self.task, self.spike_format, self.tiling.input_tiles, self.sample.inputs)
        map_tiles = self.tiling.map.tiles
        cut = [cutter.passes(rows, columns) for rows, columns in map_tiles]
        passes = SamplePasses.of(map_tiles, cut, self.task.pool, len(self.channel_tiles))
        self._load_spikes(passes)
        for map_tile in passes.tiles:
            for channel_tile, channels in enumerate(self.channel_tiles):
                outputs = map_tile.outputs(channels)
                self._start(map_tile, channel_tile, outputs, channels)
                sweeps = self._update(map_tile, channel_tile, outputs, channels)
                self._encode(map_tile, channel_tile, outputs, sweeps)
        passes.store()
        self._count_updates()
        self._load_weights(passes.passes[:, INPUT_TILE], passes.loads)
        loads, stores = (each.reshape(-1, each.shape[2]) for each in (passes.loads, passes.stores))
        return SampleFrame(
            passes,
            self._layouts(passes),
            Moves(loads, stores),
            self.counts,
            self.updates * self.words.states,
            self.updates * self.words.read + self.swept_sums,
            self.started_flags,
        )

    def _layouts(self, passes: SamplePasses) -> Int64:
        place = self.tiling.map.place
        parts = place.parts.repeat(passes.numbers, axis=0)
        channels = passes.passes[:, STOP_CHANNEL] - passes.passes[:, FIRST_CHANNEL]
        positions = channels * ((parts[:, 1] - parts[:, 0]) * (parts[:, 3] - parts[:, 2]))
        width = self.machine.buffers.spikes.width_bits
        sizes = sorted(set(positions.tolist()))
        layouts = np.array([self.spike_format.layout(size, self.task.input_bits, width) for size in sizes], np.int64)
        return layouts[np.array(sizes).searchsorted(positions)]

    def _load_spikes(self, passes: SamplePasses) -> None:
        """Load the inputs of each pass, for every channel tile."""
        words_of_pass, tiles = passes.passes[:, WORDS], len(self.channel_tiles)
        words = int(words_of_pass.sum())
        if not self.sample.inputs_on_chip:
            passes.loads[:, :, SPIKES] = words_of_pass * self.machine.buffers.spikes.width_bits
            self.counts["spikes.write"] += words * tiles
        self.counts["spikes.read"] += words * tiles

    def _load_weights(self, input_tiles: Int64, loads: Int64) -> None:
        """Load the weights of another channel tile or input tile than the pass before had.

        input_tiles: int64 (n,), of the passes of a channel tile, all map tiles. loads: int64 (channel tiles, n,
        operands), added to.
        """
        loads_of_tile = loads[:, :, WEIGHTS]
        codebook_bits = self.tiling.table_bits
        if codebook_bits:  # the whole layer's, for the first pass
            loads_of_tile[0, 0] += codebook_bits
            self.counts["codebook.write"] += codebook_bits // self.task.weight_bits * self.machine.dataflow.pes
        if self.sample.weights_on_chip:
            return
        words = np.array([tile.words for tile in self.channel_tiles])
        fibers_of_channel = self.channel_tiles[0].fibers // self.task.shape.C if self.tiling.entry_bits else 0
        entries = np.array([(stop - first) * fibers_of_channel for first, stop in self.tiling.input_tiles])
        bits = words * self.machine.buffers.weights.width_bits + entries * self.tiling.entry_bits
        # times: that each input tile is loaded
        if len(entries) == 1:
            times = np.ones(1, np.int64)
            loads_of_tile[:, :1] += bits
        else:
            loading = np.flatnonzero(np.diff(input_tiles, prepend=-1))
            loads_of_tile[:, loading] += bits[:, input_tiles[loading]]
            times = np.bincount(input_tiles[loading], minlength=len(entries))
        copies = self.machine.dataflow.pes // self.machine.dataflow.pes_per_group
        self.counts["weights.write"] += int((words @ times).sum()) * copies
        self.counts["directory.write"] += int(entries @ times) * len(words) * copies

    def _start(self, tile: MapTile, channel_tile: int, outputs: Region, channels: ChannelTile) -> None:
        """Before the first pass: write parameters of neurons, and start potentials that are not 0, whose flags are set
        with them (update: sparse)."""
        neuron, parameters = self.task.neuron, self.machine.dataflow
        written = self.words.parameters + int(self.starts)
        if not written:
            return
        loaded_bits = self.words.parameter_bits + (neuron.potential_bits if starts_per_neuron(neuron) else 0)
        tile.loads[channel_tile, 0, operands.POTENTIALS] = outputs.positions * loaded_bits
        tile.starts[channel_tile] = written * start_cycles(
            self._most_words(tile, channel_tile), parameters.update_lanes
        )
        self.counts["potentials.write"] += written * self._sweep_accesses(channel_tile, outputs.channel_positions)
        if self.starts and parameters.update == "sparse":
            self.started_flags += self._flag_groups(tile, channels)

    def _most_words(self, tile: MapTile, channel_tile: int) -> int:
        """Words of a part of the potentials buffer that the PE which has most of a tile takes."""
        own = self.machine.position_words(self.most_own[channel_tile])
        rows, columns = tile.pool
        return own * (tile.rows.largest_block // rows) * (tile.columns.largest_block // columns)

    def _sweep_accesses(self, channel_tile: int, positions: int) -> int:
        """Words, or rows of them, that all PEs have for so many positions in a part of the potentials buffer."""
        return positions * self.own_rows[channel_tile]

    def _flag_groups(self, tile: MapTile, channels: ChannelTile) -> int:
        """Groups of flags of a tile, in all PEs."""
        return flag_groups(
            channels.own_channels, tile.rows.block_starts, tile.columns.block_starts,
            self.machine.dataflow.flags_per_cycle,
        )  # fmt: skip

    def _update(self, tile: MapTile, channel_tile: int, outputs: Region, channels: ChannelTile) -> Int64:
        """Update the neurons of a channel tile behind the last pass of every timestep; returns cycles, int64 (T,)."""
        parameters, update_cycles = self.machine.dataflow, self.words.cycles(self.machine.cycles_per_access)
        timesteps = self.task.timesteps
        sweeps: Int64 = tile.sweeps[channel_tile]
        if parameters.update == "dense":
            sweeps[:] = dense_sweep_cycles(self._most_words(tile, channel_tile), parameters.update_lanes, update_cycles)
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
            sweeps[:] = [cycles for cycles, _ in swept]
            accesses = updates = sum(updates for _, updates in swept)
            self.counts["flags.read"] += timesteps * self._flag_groups(tile, channels)
        if self.words.sums_apart:
            sweeps += self._sweep_sums(tile, channel_tile, updates)
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

    def _encode(self, tile: MapTile, channel_tile: int, outputs: Region, sweeps: Int64) -> None:
        """Encode the output spikes of a channel tile behind the last pass of every timestep; potentials of neurons that
        do not fire are written beside the sweep, int64 (T,) cycles, from its first group on."""
        width, positions = self.machine.buffers.outputs.width_bits, outputs.positions
        layout = self.spike_format.layout(positions, 1, width)
        words = tile.stored[channel_tile]  # in words until they are known, and 0 if they stay on chip
        if not self.task.neuron.fires:
            words[:] = output_words(self.machine, self.task, positions)
            tile.encodes[channel_tile] = np.maximum(words - (sweeps - PIPELINE_CYCLES), 0)
        elif layout.explicit:
            encoded = [explicit_encode(spikes, outputs, layout) for spikes in self.sample.outputs]
            tile.encodes[channel_tile] = [cycles for cycles, _ in encoded]
            words[:] = [layout.words(spikes) for _, spikes in encoded]
        else:
            words[:] = layout.words(positions)
            tile.encodes[channel_tile] = words
        written = int(words.sum())
        self.counts["outputs.write"] += written
        self.counts["outputs.read"] += written
        if self.sample.outputs_on_chip:
            self.counts["spikes.write"] += int((-(-words * width // self.machine.buffers.spikes.width_bits)).sum())
        words *= 0 if self.sample.outputs_on_chip else width
