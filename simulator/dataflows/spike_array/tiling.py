"""How a layer is cut to fit the buffers: the rules of MICROARCHITECTURE.md, section 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.neuron_unit import potential_words
from spikecycle.simulator.dataflows.spike_array.axes import tile_ends
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers, channel_tile
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.map_cut import MapCut, cut_map
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.weight_layout import WeightLayout, lay_out_weights, layout_units
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import WeightFormat, directory_entry_bits
from spikecycle.simulator.machine.schema import Buffer
from spikecycle.simulator.workload import Windows
from spikecycle.traces.weights import code_dtype


@dataclass(frozen=True, eq=False)
class Tiling:
    """A layer cut to fit.

    own_channels: output channels of a tile that one PE owns at most. input_channels: of an input tile.
    layouts: the fibers of each channel tile in memory. map: how the output map is cut.
    entry_bits: bits of a directory entry, 0 without a directory.
    """

    own_channels: int
    input_channels: int
    channel_tiles: list[TileFibers]
    layouts: list[WeightLayout]
    input_tiles: list[tuple[int, int]]
    map: MapCut
    entry_bits: int


def words_of(buffer: Buffer, parts: int = 1) -> int:
    """Whole words of a buffer, or of one of its equal parts."""
    return buffer.capacity_bits // buffer.width_bits // parts


def output_words(machine: SpikeArrayMachine, task: LayerTask, neurons: int) -> int:
    """Words of `buffers.outputs` that what so many neurons send takes: a bit each, or potentials."""
    width = machine.buffers.outputs.width_bits
    return potential_words(neurons, 1 if task.neuron.fires else task.neuron.potential_bits, width)


def cut_layer(machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat) -> Tiling:
    """Tile a layer; raises MappingError naming machine, layer and buffer where nothing fits."""
    own, inputs, tiles, entry_bits = _cut_channels(machine, task, weight_format)
    return Tiling(
        own_channels=own,
        input_channels=inputs,
        channel_tiles=tiles,
        layouts=[
            lay_out_weights(tile, inputs, machine.dataflow.fiber_alignment_bits, machine.buffers.weights.width_bits)
            for tile in tiles
        ],
        input_tiles=[(c, min(c + inputs, task.shape.C)) for c in range(0, task.shape.C, inputs)],
        map=cut_map(Windows.of(task.shape), _map_tile(machine, task, own), machine.dataflow.blocks, task.pool),
        entry_bits=entry_bits,
    )


def _halvings(size: int) -> Iterator[int]:
    """size, ⌈size / 2⌉, ... 1."""
    yield size
    while size > 1:
        size = -(-size // 2)
        yield size


def _cut_channels(
    machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat
) -> tuple[int, int, list[TileFibers], int]:
    """Rule 1: the first pair (input channels, own output channels) of a tile that fits, and its channel tiles.

    Others beside it make no channel tile smaller, so that a cut is given up where the first one does not fit.
    """
    shape, pes_per_group = task.shape, machine.dataflow.pes_per_group
    weights = np.ascontiguousarray(task.weights, code_dtype(task.weight_bits))
    all_own = -(-shape.M // pes_per_group)
    measured: dict[int, list[TileFibers]] = {}
    problem = ""

    def lay(own: int, number: int) -> TileFibers:
        first = number * own * pes_per_group
        stop = min(first + own * pes_per_group, shape.M)
        return channel_tile(shape, weights, first, stop, pes_per_group, weight_format, task.weight_bits)

    for inputs in _halvings(shape.C):
        for own in _halvings(all_own):
            halves = 1 if own == all_own and inputs == shape.C else 2
            tiles = measured.pop(own, None) or [lay(own, 0)]
            is_smallest = (own, inputs) == (1, 1)  # of which the largest tile is told
            if not is_smallest:
                problem, entry_bits = _what_does_not_fit(machine, task, weight_format, tiles[:1], inputs, halves)
            if is_smallest or not problem:
                tiles += [lay(own, number) for number in range(len(tiles), -(-all_own // own))]
                if is_smallest or tiles[1:]:
                    problem, entry_bits = _what_does_not_fit(machine, task, weight_format, tiles, inputs, halves)
                if not problem:
                    laid = [tile if tile.is_laid else lay(own, number) for number, tile in enumerate(tiles)]
                    return own, inputs, laid, entry_bits
            measured[own] = [tile.sizes_alone() for tile in tiles]  # for fewer input channels
    raise MappingError.of(task.name, machine.name, problem)


@dataclass(frozen=True)
class _Words:
    """Words that the smallest tile has in a PE. parts: that the buffer is divided in, one of which holds them."""

    needed: int
    what: str
    buffer: str
    parts: int

    def problem(self, machine: SpikeArrayMachine) -> str:
        """Why they do not fit, or nothing."""
        held = words_of(getattr(machine.buffers, self.buffer), self.parts)
        share = "half of buffers" if self.parts == 2 else "buffers"
        return (
            f"its smallest tile has {self.needed} {self.what} in a PE, {share}.{self.buffer} holds {held}"
            if self.needed > held
            else ""
        )


def check_smallest_tile(machine: SpikeArrayMachine, task: LayerTask) -> None:
    """Raise MappingError where not even one output position, or window, of one channel per PE fits, whatever the
    weights are."""
    for words in _words_of_a_place(machine, task, 1, min(task.shape.M, machine.dataflow.pes_per_group)):
        problem = words.problem(machine)
        if problem:
            raise MappingError.of(task.name, machine.name, problem)


def _words_of_a_place(machine: SpikeArrayMachine, task: LayerTask, own: int, channels: int) -> list[_Words]:
    """Of neurons and what they send: of one position, or one window with what is left over of the map.

    own: output channels of a PE. channels: of the tile.
    """
    words, position = NeuronWords.of(machine, task), machine.position_words(own)
    shape, (rows, columns) = task.shape, task.pool
    sums = position * (rows + shape.P % rows) * (columns + shape.Q % columns)
    kept = "potentials" if words.read == 1 else f"words of states and parameters ({words.read} per neuron)"
    if words.sums_apart:
        kept = f"words of sums, states and parameters ({words.read} per neuron)"
    place = "window" if words.sums_apart else "output position"
    sent = "output spikes" if task.neuron.fires else "output potentials"
    return [
        _Words(
            words.taken(machine.buffers.potentials.banks, sums, position), f"{kept} of one {place}", "potentials", 1
        ),
        _Words(output_words(machine, task, channels), f"words of {sent} of one position", "outputs", 2),
    ]


def _what_does_not_fit(
    machine: SpikeArrayMachine,
    task: LayerTask,
    weight_format: WeightFormat,
    tiles: list[TileFibers],
    inputs: int,
    halves: int,
) -> tuple[str, int]:
    """Why tiles do not fit, or nothing; and the bits of a directory entry."""
    buffers, alignment_bits = machine.buffers, machine.dataflow.fiber_alignment_bits
    most_units = max(int(layout_units(tile, inputs, alignment_bits).max()) for tile in tiles)
    most_words = -(-most_units * alignment_bits // buffers.weights.width_bits)
    entries = inputs * task.shape.stride[0] * task.shape.stride[1]
    entry_bits = directory_entry_bits(weight_format, most_units, max(tile.longest for tile in tiles))
    needs = [
        _Words(most_words, "words of weights", "weights", halves),
        _Words(entries if entry_bits else 0, "directory entries", "directory", halves),
        *_words_of_a_place(
            machine, task, max(int(tile.own_channels.max()) for tile in tiles), max(tile.channels for tile in tiles)
        ),
    ]
    problem = next((problem for needed in needs if (problem := needed.problem(machine))), "")
    if problem:
        return problem, 0
    if entry_bits > buffers.directory.width_bits:
        width = buffers.directory.width_bits
        return f"its directory entries take {entry_bits} bits, buffers.directory.width_bits is {width}", 0
    return "", entry_bits


def _map_tile(machine: SpikeArrayMachine, task: LayerTask, own: int) -> tuple[int, int]:
    """Rule 2: rows and columns of a map tile."""
    block_rows, block_columns = machine.dataflow.blocks
    channels = min(task.shape.M, own * machine.dataflow.pes_per_group)
    potentials, outputs = words_of(machine.buffers.potentials), words_of(machine.buffers.outputs, parts=2)
    words, banks, position = (
        NeuronWords.of(machine, task),
        machine.buffers.potentials.banks,
        machine.position_words(own),
    )
    P, Q, pool = task.shape.P, task.shape.Q, task.pool

    def fits(rows: int, columns: int) -> bool:
        height, width = (
            max(stop - start for start, stop in tile_ends(outputs, size, pooled))
            for outputs, size, pooled in ((P, rows, pool[0]), (Q, columns, pool[1]))
        )
        sums = -(-height // block_rows) * -(-width // block_columns)
        neurons = (-(-height // block_rows) // pool[0]) * (-(-width // block_columns) // pool[1])
        spike_words = output_words(machine, task, channels * (height // pool[0]) * (width // pool[1]))
        return words.taken(banks, position * sums, position * neurons) <= potentials and spike_words <= outputs

    for rows in (P, *range((P - 1) // pool[0] * pool[0], 0, -pool[0])):
        if fits(rows, Q):
            return rows, Q
    wide = (Q, *range((Q - 1) // pool[1] * pool[1], 0, -pool[1]))
    return pool[0], next(columns for columns in wide if fits(pool[0], columns))
