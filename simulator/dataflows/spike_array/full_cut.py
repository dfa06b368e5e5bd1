"""How a layer is cut if none of its weights is 0: what is known of a cut without looking at them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.axes import taps_of_phase, tile_ends
from spikecycle.simulator.dataflows.spike_array.channel_tiles import LargestTile
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.tiling import halvings, map_tile_sizes, what_does_not_fit, words_of
from spikecycle.simulator.formats import WeightFormat, measure, spike_format
from spikecycle.traces.weights import code_dtype

SPIKING_SHARE = 4
"""One in so many inputs is taken not to be 0, where spikes take memory by their number."""


class FullCut(NamedTuple):
    """The cut of a layer of whose weights none is 0. With others, tiles are as large or larger, in most cases.

    rows, columns: of a map tile. passes: of a channel tile in a timestep, in all map tiles.
    """

    channel_tiles: int
    rows: int
    columns: int
    map_tiles: int
    passes: int


def cut_if_full(machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat) -> FullCut:
    """The cut of a layer at whose weights nobody looks; the smallest tiles where nothing fits."""
    own, inputs = _cut_channels(machine, task, weight_format)
    rows, columns = map_tile_sizes(machine, task, own)
    shape = task.shape
    map_tiles = len(tile_ends(shape.P, rows, task.pool[0])) * len(tile_ends(shape.Q, columns, task.pool[1]))
    height = min(shape.H, (rows - 1) * shape.stride[0] + shape.R)
    width = min(shape.W, (columns - 1) * shape.stride[1] + shape.S)
    passes = -(-shape.C // inputs) * -(-inputs // _channels_of_pass(machine, task, inputs, height * width))
    all_own = -(-shape.M // machine.dataflow.pes_per_group)
    return FullCut(-(-all_own // own), rows, columns, map_tiles, passes * map_tiles)


def channel_tiles_if_full(machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat) -> int:
    """How many channel tiles that cut has."""
    return cut_if_full(machine, task, weight_format).channel_tiles


def _cut_channels(machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat) -> tuple[int, int]:
    """Output channels of a PE and input channels, as `tiling` finds them."""
    all_own = -(-task.shape.M // machine.dataflow.pes_per_group)
    alignment, width = machine.dataflow.fiber_alignment_bits, machine.buffers.weights.width_bits
    for inputs in halvings(task.shape.C):
        for own in halvings(all_own):
            halves = 1 if own == all_own and inputs == task.shape.C else 2
            largest = _largest_tile(machine, task, weight_format, own, inputs)
            if -(-largest.units * alignment // width) > words_of(machine.buffers.weights, halves):
                continue  # found out sooner than all else
            if not what_does_not_fit(machine, task, weight_format, largest, inputs, halves)[0]:
                return own, inputs
    return 1, 1


def _largest_tile(
    machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat, own: int, inputs: int
) -> LargestTile:
    shape, pes = task.shape, machine.dataflow.pes_per_group
    of_group = min(own, -(-shape.M // shape.groups // pes))  # channels of a fiber
    rows, columns = (
        [taps_of_phase(taps, stride, phase) for phase in range(min(taps, stride))]
        for taps, stride in zip((shape.R, shape.S), shape.stride, strict=True)
    )
    lengths = [row * column * of_group for row, column in product(rows, columns)]
    bits = [_full_bits(weight_format, task.weight_bits, length, of_group) for length in lengths]
    units = sum(-(-each // machine.dataflow.fiber_alignment_bits) for each in bits)
    channels = min(inputs, own * shape.C // shape.groups)  # in whose group the PE owns an output channel
    return LargestTile(own, min(shape.M, own * pes), max(lengths), channels * units)


@lru_cache(maxsize=4096)
def _full_bits(weight_format: WeightFormat, weight_bits: int, positions: int, segment: int) -> int:
    """Bits of a fiber without zeros; segment: see `measure`."""
    values = np.ones(positions, code_dtype(weight_bits))
    starts, segments = np.array([0, positions]), np.array([segment])
    return int(measure(values, starts, weight_format, weight_bits, segments).stored_bits[0])


def _channels_of_pass(machine: SpikeArrayMachine, task: LayerTask, inputs: int, positions: int) -> int:
    """Input channels of so many positions that a pass takes at most, at least one."""
    chosen, buffer = spike_format(machine.formats.spikes), machine.buffers.spikes
    held = words_of(buffer, parts=4 if machine.residency.activations == "chip" else 2)

    def fits(channels: int) -> bool:
        layout = chosen.layout(channels * positions, task.input_bits, buffer.width_bits)
        entries = channels * positions if chosen.positions == "implicit" else -(-channels * positions // SPIKING_SHARE)
        return layout.words(entries) <= held

    if fits(inputs):
        return inputs
    fewest, too_many = 1, inputs
    while too_many - fewest > 1:
        middle = (fewest + too_many) // 2
        fewest, too_many = (middle, too_many) if fits(middle) else (fewest, middle)
    return fewest
