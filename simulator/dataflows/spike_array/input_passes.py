"""Which input channels each pass of an output tile takes: as many whole ones as half the spike buffer holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int64
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.events import Region, count_region_entries
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.tiling import words_of
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat
from spikecycle.traces.packing import PackedSpikes

TIMESTEP, INPUT_TILE, FIRST_CHANNEL, STOP_CHANNEL, WORDS = range(5)
"""Columns of passes: channels [first, stop), and the words that their encoded spikes take."""

WordsOf = Callable[[int, int], int]


@dataclass(frozen=True, eq=False)
class InputCutter:
    """Cuts one sample's inputs, (T, C, H, W), binary spikes maybe packed, for the passes of an output tile.

    input_tiles: input channels [first, stop) whose weights are on chip together.
    """

    machine: SpikeArrayMachine
    task: LayerTask
    spike_format: SpikeFormat
    input_tiles: list[tuple[int, int]]
    inputs: Inputs | PackedSpikes

    def passes(self, rows: AxisTile, columns: AxisTile) -> Int64:
        """int64 (passes, 5): all passes of a tile in order; MappingError where a single channel does not fit."""
        map_range = rows.first_input, rows.last_input, columns.first_input, columns.last_input
        if self.spike_format.positions == "implicit":  # every timestep takes the same words
            one = np.array(list(self._of_timestep(0, map_range)), np.int64)
            all_passes = np.empty((self.task.timesteps, *one.shape), np.int64)
            all_passes[:] = one
            all_passes[:, :, TIMESTEP] = np.arange(self.task.timesteps)[:, None]
            return all_passes.reshape(-1, one.shape[1])
        found = [one for timestep in range(self.task.timesteps) for one in self._of_timestep(timestep, map_range)]
        return np.array(found, np.int64)

    def _of_timestep(
        self, timestep: int, map_range: tuple[int, int, int, int]
    ) -> Iterator[tuple[int, int, int, int, int]]:
        keeps_tensors = self.machine.residency.activations == "chip"
        held = words_of(self.machine.buffers.spikes, parts=4 if keeps_tensors else 2)
        words = self._words(timestep, map_range)
        for input_tile, (first, end) in enumerate(self.input_tiles):
            while first < end:
                stop, taken = end, words(first, end)
                if taken > held:
                    stop, taken, too_far = first + 1, words(first, first + 1), end
                    if taken > held:
                        raise MappingError.of(
                            self.task.name,
                            self.machine.name,
                            f"the spikes of input channel {first} in timestep {timestep} take {taken} words, "
                            f"{'a quarter' if keeps_tensors else 'half'} of buffers.spikes holds {held}",
                        )
                    while too_far - stop > 1:
                        middle = (stop + too_far) // 2
                        some = words(first, middle)
                        if some <= held:
                            stop, taken = middle, some
                        else:
                            too_far = middle
                yield timestep, input_tile, first, stop, taken
                first = stop

    def _words(self, timestep: int, map_range: tuple[int, int, int, int]) -> WordsOf:
        """Words of the encoded spikes of channels [first, stop) in a timestep."""
        width, bits = self.machine.buffers.spikes.width_bits, self.task.input_bits

        def by_place(first: int, stop: int) -> int:
            region = Region(first, stop, *map_range)
            layout = self.spike_format.layout(region.positions, bits, width)
            return layout.words(count_region_entries(self.inputs[timestep], region, layout))

        def by_size(first: int, stop: int) -> int:
            return self.spike_format.words(Region(first, stop, *map_range).positions, 0, bits, width)

        if self.spike_format.positions == "implicit":
            return by_size
        if not self.spike_format.sized_by_count:
            return by_place
        before = np.zeros(self.task.shape.C + 1, np.int64)  # non-zero inputs before each channel
        inside = self.inputs[timestep][:, map_range[0] : map_range[1], map_range[2] : map_range[3]]
        np.cumsum(np.count_nonzero(inside, axis=(1, 2)), out=before[1:])

        def by_count(first: int, stop: int) -> int:
            positions = Region(first, stop, *map_range).positions
            return self.spike_format.words(positions, int(before[stop] - before[first]), bits, width)

        return by_count
