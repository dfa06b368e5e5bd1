"""How a layer is cut, and into which passes: MICROARCHITECTURE.md, section 2, in plain Python.

Written from the text, not from the simulator's planner, so that a pass too many or a tile of another size shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.rtl.harness.fibers import Range, fiber_values
from tests.rtl.harness.simulator import Buffer, LayerTask, SpikeArrayMachine, measure, spike_format, weight_format


class CannotMap(Exception):
    """The text says that the layer cannot be mapped."""


@dataclass(frozen=True)
class Tile:
    """An output tile: local channels, rows and columns of the output map."""

    own: Range
    rows: Range
    columns: Range


@dataclass(frozen=True)
class Pass:
    """The innermost unit of work: a chunk of input channels of an input tile, in a timestep of a tile."""

    tile: Tile
    timestep: int
    inputs: Range
    chunk: Range
    rows: Range
    columns: Range
    last: bool


@dataclass(frozen=True, eq=False)
class Cut:
    """A layer cut for a machine: its output tiles in order, its input tiles, and the bits of a directory entry's
    start and count."""

    machine: SpikeArrayMachine
    task: LayerTask
    tiles: list[Tile]
    input_tiles: list[Range]
    entry: tuple[int, int]

    def passes(self, inputs: np.ndarray) -> list[Pass]:
        """The passes of a sample, inputs (T, C, H, W); CannotMap where a channel's spikes do not fit."""
        shape = self.task.shape
        found = []
        for tile in self.tiles:
            rows = _region(tile.rows, shape.stride[0], shape.padding_top, shape.R, shape.H)
            columns = _region(tile.columns, shape.stride[1], shape.padding_left, shape.S, shape.W)
            for t in range(self.task.timesteps):
                region = inputs[t, :, rows.first : rows.end, columns.first : columns.end]
                chunks = [
                    (input_tile, chunk)
                    for input_tile in self.input_tiles
                    for chunk in _chunks(self.machine, self.task, input_tile, region)
                ]
                for number, (input_tile, chunk) in enumerate(chunks):
                    found.append(Pass(tile, t, input_tile, chunk, rows, columns, number == len(chunks) - 1))
        return found


def pieces(size: int, piece: int) -> list[Range]:
    """0 .. size in consecutive ranges of `piece`."""
    return [Range(first, min(first + piece, size)) for first in range(0, size, piece)]


def halves(size: int) -> Iterator[int]:
    """size, half of it, ... 1, rounded up."""
    while size > 1:
        yield size
        size = -(-size // 2)
    yield 1


def words_in(buffer: Buffer, parts: int) -> int:
    """Whole words of a buffer, or of its half."""
    return buffer.capacity_bits // buffer.width_bits // parts


def cut(machine: SpikeArrayMachine, task: LayerTask) -> Cut:
    """Cut a layer; CannotMap where the text says so."""
    _check_potentials(machine, task)
    channels, own, entry = _channel_tiles(machine, task)
    return Cut(machine, task, _map_tiles(machine, task, own), pieces(task.shape.C, channels), entry)


def _check_potentials(machine: SpikeArrayMachine, task: LayerTask) -> None:
    weights = np.abs(task.weights.astype(np.int64)).sum(axis=(1, 2, 3)) * ((1 << task.input_bits) - 1)
    worst = (1 << (task.neuron.potential_bits - 1)) + int((weights + np.abs(task.bias.astype(np.int64))).max())
    if worst > 1 << (machine.buffers.potentials.width_bits - 1):
        raise CannotMap("potentials are too narrow")
    if machine.dataflow.update == "sparse":
        if task.bias.any():
            raise CannotMap("a sparse update and a bias")
        if task.neuron.reset == "hard" and task.neuron.reset_value:
            raise CannotMap("a sparse update and a reset to another value than 0")


def _channel_tiles(machine: SpikeArrayMachine, task: LayerTask) -> tuple[int, int, tuple[int, int]]:
    """Rule 1: input channels of an input tile, local channels of a channel tile, and the directory's entry."""
    most = -(-task.shape.M // machine.dataflow.pes_per_group)
    sizes = {own: _sizes(machine, task, own) for own in halves(most)}
    for channels in halves(task.shape.C):
        for own in halves(most):
            whole = channels == task.shape.C and own == most
            entry = _fits(machine, task, channels, own, sizes[own], 1 if whole else 2)
            if entry:
                return channels, own, entry
    raise CannotMap("no tile fits")


def _sizes(machine: SpikeArrayMachine, task: LayerTask, own: int) -> tuple[np.ndarray, int]:
    """Units that the fibers of each input channel take, (channel tiles and PEs, C), and the longest fiber's length."""
    pes_per_group = machine.dataflow.pes_per_group
    units, longest = [], 0
    for owned in pieces(-(-task.shape.M // pes_per_group), own):
        for pe in range(pes_per_group):
            values, starts = fiber_values(task, owned, Range(0, task.shape.C), pe, pes_per_group)
            measured = measure(values, starts, weight_format(machine.formats.weights), task.weight_bits)
            units.append(measured.units(machine.dataflow.fiber_alignment_bits).reshape(task.shape.C, -1).sum(axis=1))
            longest = max(longest, int(np.diff(starts).max()))
    return np.array(units), longest


def _fits(
    machine: SpikeArrayMachine, task: LayerTask, channels: int, own: int, sizes: tuple[np.ndarray, int], parts: int
) -> tuple[int, int] | None:
    """The directory's entry if tiles of this size fit, in the whole of buffers (1 part) or half of them (2)."""
    buffers, flow = machine.buffers, machine.dataflow
    units = max(int(sizes[0][:, tile.first : tile.end].sum(axis=1).max()) for tile in pieces(task.shape.C, channels))
    entry = units.bit_length(), sizes[1].bit_length()
    needed = [
        (buffers.weights, -(-units * flow.fiber_alignment_bits // buffers.weights.width_bits), parts),
        (buffers.potentials, own, 1),
        (buffers.outputs, -(-min(own * flow.pes_per_group, task.shape.M) // buffers.outputs.width_bits), 2),
    ]
    if weight_format(machine.formats.weights).located == "offsets":
        needed.append((buffers.directory, channels * task.shape.stride[0] * task.shape.stride[1], parts))
        if sum(entry) > buffers.directory.width_bits:
            return None
    return entry if all(words <= words_in(buffer, share) for buffer, words, share in needed) else None


def _map_tiles(machine: SpikeArrayMachine, task: LayerTask, own: int) -> list[Tile]:
    """Rule 2, and the order of the tiles."""
    pes_per_group = machine.dataflow.pes_per_group
    block_rows, block_columns = machine.dataflow.blocks
    potentials, outputs = words_in(machine.buffers.potentials, 1), words_in(machine.buffers.outputs, 2)
    output_channels = min(own * pes_per_group, task.shape.M)

    def fits(rows: int, columns: int) -> bool:
        part = -(-rows // block_rows) * -(-columns // block_columns) * own
        return part <= potentials and output_channels * rows * columns <= outputs * machine.buffers.outputs.width_bits

    rows = max((r for r in range(1, task.shape.P + 1) if fits(r, task.shape.Q)), default=0)
    columns = task.shape.Q if rows else max(q for q in range(1, task.shape.Q + 1) if fits(1, q))
    return [
        Tile(owned, tile_rows, tile_columns)
        for owned in pieces(-(-task.shape.M // pes_per_group), own)
        for tile_rows in pieces(task.shape.P, rows or 1)
        for tile_columns in pieces(task.shape.Q, columns)
    ]


def _region(tile: Range, stride: int, padding: int, kernel: int, size: int) -> Range:
    """The input rows that a tile's output rows read, or columns."""
    first = max(0, tile.first * stride - padding)
    return Range(first, max(first, min(size, (tile.end - 1) * stride - padding + kernel)))


def _chunks(machine: SpikeArrayMachine, task: LayerTask, inputs: Range, region: np.ndarray) -> Iterator[Range]:
    """Rule 3: as many whole input channels as fit half the spikes buffer, in turn."""
    chosen, buffer = spike_format(machine.formats.spikes), machine.buffers.spikes
    plane = region[0].size
    non_zeros = np.count_nonzero(region.reshape(len(region), -1), axis=1)
    first = inputs.first
    while first < inputs.end:
        end = first
        while end < inputs.end:
            positions, stored = plane * (end + 1 - first), int(non_zeros[first : end + 1].sum())
            if chosen.words(positions, stored, task.input_bits, buffer.width_bits) > words_in(buffer, 2):
                break
            end += 1
        if end == first:
            raise CannotMap("a channel's spikes do not fit")
        yield Range(first, end)
        first = end
