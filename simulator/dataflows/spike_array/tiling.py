"""How a layer is cut to fit the buffers: the rules of MICROARCHITECTURE.md, section 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.neuron_unit import potential_words
from spikecycle.simulator.dataflows.spike_array.channel_tiles import (
    ChannelTile,
    LargestTile,
    LayerFibers,
    MeasuredTile,
)
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.map_cut import MapCut, MapRoom, cut_map, largest_map_tile
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import WeightFormat, directory_entry_bits
from spikecycle.simulator.machine.schema import Buffer
from spikecycle.simulator.workload import Windows


@dataclass(frozen=True, eq=False)
class Tiling:
    """A layer cut to fit.

    own_channels: output channels of a tile that one PE owns at most. input_channels: of an input tile.
    map: how the output map is cut. entry_bits: bits of a directory entry, 0 without a directory. table_bits: of the
    layer's codebook, 0 without one.
    """

    own_channels: int
    input_channels: int
    channel_tiles: list[ChannelTile]
    input_tiles: list[tuple[int, int]]
    map: MapCut
    entry_bits: int
    table_bits: int


def words_of(buffer: Buffer, parts: int = 1) -> int:
    """Whole words of a buffer, or of one of its equal parts."""
    return buffer.capacity_bits // buffer.width_bits // parts


def output_words(machine: SpikeArrayMachine, task: LayerTask, neurons: int) -> int:
    """Words of `buffers.outputs` that what so many neurons send takes: a bit each, or potentials."""
    return potential_words(neurons, _sent_bits(task), machine.buffers.outputs.width_bits)


def _sent_bits(task: LayerTask) -> int:
    return 1 if task.neuron.fires else task.neuron.potential_bits


def cut_layer(machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat, fibers: LayerFibers) -> Tiling:
    """Tile a layer; raises MappingError naming machine, layer and buffer where nothing fits."""
    own, inputs, tiles, entry_bits = _cut_channels(machine, task, weight_format, fibers)
    return Tiling(
        own_channels=own,
        input_channels=inputs,
        channel_tiles=tiles,
        input_tiles=[(c, min(c + inputs, task.shape.C)) for c in range(0, task.shape.C, inputs)],
        map=cut_map(Windows.of(task.shape), map_tile_sizes(machine, task, own), machine.dataflow.blocks, task.pool),
        entry_bits=entry_bits,
        table_bits=weight_format.table_bits(task.weight_bits),
    )


def halvings(size: int) -> Iterator[int]:
    """size, ⌈size / 2⌉, ... 1."""
    yield size
    while size > 1:
        size = -(-size // 2)
        yield size


def _cut_channels(
    machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat, fibers: LayerFibers
) -> tuple[int, int, list[ChannelTile], int]:
    """Rule 1: the first pair (input channels, own output channels) of a tile that fits, and its channel tiles.

    Others beside it make no channel tile smaller, so that a cut is given up at the first one that does not fit. It is
    remembered, and so is the first of all: most cuts are given up for them, and are not laid again with fewer inputs.
    """
    remembered: dict[int, list[MeasuredTile]] = {}
    problem = ""
    for inputs in halvings(task.shape.C):
        for own in halvings(fibers.all_own):
            halves = 1 if own == fibers.all_own and inputs == task.shape.C else 2
            is_smallest = (own, inputs) == (1, 1)  # of which the largest tile is told
            known = remembered.setdefault(own, [])
            if known and not is_smallest:
                largest = reduce(LargestTile.joined, (tile.largest(inputs) for tile in known))
                problem, entry_bits = what_does_not_fit(machine, task, weight_format, largest, inputs, halves)
                if problem:
                    continue
            tiles: list[ChannelTile] = []
            largest, problem = LargestTile(0, 0, 0, 0), ""
            for number in range(fibers.tiles(own)):
                laid = fibers.hold(own, number)
                measured = MeasuredTile.of(machine, laid)
                tiles.append(ChannelTile.of(machine, weight_format, laid, measured, inputs))
                before, largest = largest, largest.joined(measured.largest(inputs))
                is_last = len(tiles) == fibers.tiles(own)
                if is_last or (largest != before and not is_smallest):
                    problem, entry_bits = what_does_not_fit(machine, task, weight_format, largest, inputs, halves)
                if not known or problem:
                    known.append(measured)
                if problem:
                    break
            if not problem:
                return own, inputs, tiles, entry_bits
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


def what_does_not_fit(
    machine: SpikeArrayMachine,
    task: LayerTask,
    weight_format: WeightFormat,
    largest: LargestTile,
    inputs: int,
    halves: int,
) -> tuple[str, int]:
    """Why tiles do not fit, or nothing; and the bits of a directory entry."""
    buffers = machine.buffers
    words = -(-largest.units * machine.dataflow.fiber_alignment_bits // buffers.weights.width_bits)
    entries = inputs * task.shape.stride[0] * task.shape.stride[1]
    entry_bits = directory_entry_bits(weight_format, largest.units, largest.longest)
    needs = [
        _Words(words, "words of weights", "weights", halves),
        _Words(entries if entry_bits else 0, "directory entries", "directory", halves),
        *_words_of_a_place(machine, task, largest.own_channels, largest.channels),
    ]
    problem = next((problem for needed in needs if (problem := needed.problem(machine))), "")
    if problem:
        return problem, 0
    if entry_bits > buffers.directory.width_bits:
        width = buffers.directory.width_bits
        return f"its directory entries take {entry_bits} bits, buffers.directory.width_bits is {width}", 0
    return "", entry_bits


def map_tile_sizes(machine: SpikeArrayMachine, task: LayerTask, own: int) -> tuple[int, int]:
    """Rule 2: rows and columns of a map tile whose channels are as many as make `own` in a PE."""
    buffers = machine.buffers
    room = MapRoom(
        rows=task.shape.P,
        columns=task.shape.Q,
        pool=task.pool,
        blocks=machine.dataflow.blocks,
        words=NeuronWords.of(machine, task),
        banks=buffers.potentials.banks,
        position_words=machine.position_words(own),
        potentials=words_of(buffers.potentials),
        channels=min(task.shape.M, own * machine.dataflow.pes_per_group),
        sent_bits=_sent_bits(task),
        output_bits=buffers.outputs.width_bits,
        outputs=words_of(buffers.outputs, parts=2),
    )
    return largest_map_tile(room)
