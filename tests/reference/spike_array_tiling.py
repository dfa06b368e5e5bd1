"""How a layer is cut for the spike array: MICROARCHITECTURE.md, sections 2 and 3, with lists instead of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.formats import WeightFormat, weight_format
from spikecycle.simulator.machine.schema import Buffer
from spikecycle.traces import Neuron
from tests.reference.formats import ceil_log2, codebook, groups, memory, size


class CannotMap(Exception):
    """The layer does not fit."""


@dataclass(frozen=True)
class Part:
    """What one PE owns of a tile.

    channels: its output channels, in order. neurons: (m, p, q) in the order of their addresses; with a pool, those of
    the sums. pooled: then its neurons, each with the sums of its window.
    """

    channels: list[int]
    neurons: list[tuple[int, int, int]]
    channels_a_group: int
    pooled: dict[tuple[int, int, int], list[tuple[int, int, int]]]

    def channels_of_group(self, group: int) -> list[int]:
        """Its output channels in one group."""
        return [m for m in self.channels if m // self.channels_a_group == group]


@dataclass(frozen=True)
class PackedWeights:
    """A weight memory: its bits in whole words, where the fiber of (channel, phase row, phase column) starts, its end.

    end: the first bit that no fiber and no padding of a fiber takes.
    """

    bits: str
    starts: dict[tuple[int, int, int], int]
    end: int


@dataclass(frozen=True)
class Tile:
    """An output tile and the inputs that it reads."""

    channel_tile: int
    map_tile: int
    channels: list[int]
    rows: list[int]
    columns: list[int]
    input_rows: range
    input_columns: range
    parts: list[Part]


def ceil_div(a: int, b: int) -> int:
    """⌈a / b⌉."""
    return -(-a // b)


def words_in(buffer: Buffer) -> int:
    """Words that a buffer holds."""
    return int(buffer.size_kib * 1024 * 8) // buffer.width_bits


def halvings(whole: int) -> list[int]:
    """whole, its half rounded up, ... 1."""
    sizes = [whole]
    while sizes[-1] > 1:
        sizes.append(ceil_div(sizes[-1], 2))
    return sizes


def pieces(count: int, size: int) -> list[list[int]]:
    """0 .. count - 1 in consecutive pieces."""
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]


class Cut:
    """A layer cut by the rules; raises CannotMap."""

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask) -> None:
        self.machine, self.task = machine, task
        self.weight_format: WeightFormat = weight_format(machine.formats.weights)
        self.word_bits = machine.buffers.weights.width_bits
        self.alignment_bits = machine.dataflow.fiber_alignment_bits
        self.stored_as = (self.weight_format, task.weight_bits, self.word_bits, self.alignment_bits)
        values = [int(weight) for weight in task.weights.reshape(-1)]
        index_bits = self.weight_format.index_bits
        self.table = codebook(values, index_bits) if index_bits else []
        if len(self.table) > 2**index_bits:
            raise CannotMap("too many values")
        self._layouts: dict[tuple[tuple[int, ...], tuple[int, ...]], PackedWeights] = {}
        self.pes_per_group = machine.dataflow.pes if machine.dataflow.partition == "channel" else 1
        self._check_neurons()
        self._cut_channels()
        self._check_weights()
        self._cut_map()
        self.tiles = list(self._tiles())

    def _check_neurons(self) -> None:
        task, width, neuron = self.task, self.machine.buffers.potentials.width_bits, self.task.neuron
        self.words = neuron_words(neuron, width)
        self.window = task.pool
        self.pools = task.pool != (1, 1)
        if self.pools and (self.machine.dataflow.partition == "space" or self.machine.dataflow.update == "sparse"):
            raise CannotMap("a pool of currents")
        sums = [
            sum(abs(int(weight)) for weight in task.weights[m].reshape(-1)) * (2**task.input_bits - 1)
            + abs(int(task.bias[m]))
            for m in range(task.shape.M)
        ]
        added_to = neuron.current_bits if self.words["states"] == 2 else neuron.potential_bits
        if max(neuron.potential_bits, neuron.current_bits) > width:
            raise CannotMap("a state is too wide")
        if self.pools:
            largest = max(int(abs(task.weights[m]).sum()) for m in range(task.shape.M)) * (2**task.input_bits - 1)
            if largest >= 2 ** (width - 1):
                raise CannotMap("sums are too wide")
        elif 2 ** (added_to - 1) + max(sums) > 2 ** (width - 1):
            raise CannotMap("potentials are too narrow")
        if self.machine.dataflow.update == "sparse":
            if any(task.bias):
                raise CannotMap("bias")
            if task.neuron.reset == "hard" and task.neuron.reset_value != 0:
                raise CannotMap("reset")

    def owners(self, channels: list[int]) -> list[list[int]]:
        """Of some output channels, those that each PE owns."""
        if self.machine.dataflow.partition == "space":
            return [channels for _ in range(self.machine.dataflow.pes)]
        return [[m for m in channels if m % self.pes_per_group == pe] for pe in range(self.machine.dataflow.pes)]

    def fibers(self, channels: list[int], input_channel: int) -> Iterator[list[int]]:
        """The fibers of an input channel in a PE that owns `channels` of the tile."""
        shape = self.task.shape
        own = self.own_of_group(channels, input_channel)
        for phase_row in range(shape.stride[0]):
            for phase_column in range(shape.stride[1]):
                yield [
                    int(self.task.weights[m, input_channel % (shape.C // shape.groups), r, s])
                    for r in range(phase_row, shape.R, shape.stride[0])
                    for s in range(phase_column, shape.S, shape.stride[1])
                    for m in own
                ]

    def own_of_group(self, channels: list[int], input_channel: int) -> list[int]:
        """Of some output channels, those of an input channel's group: the positions of a tap in a fiber."""
        shape = self.task.shape
        group = input_channel // (shape.C // shape.groups)
        return [m for m in channels if m // (shape.M // shape.groups) == group]

    def _check_weights(self) -> None:
        """The format can store the fibers of the tiles that were chosen."""
        chosen = self.weight_format
        for own in (own for channels in self.channel_tiles for own in self.owners(channels)):
            for c in range(self.task.shape.C):
                for fiber in self.fibers(own, c):
                    if chosen.codes == "trits" and any(abs(value) > 1 for value in fiber):
                        raise CannotMap("no trit")
                    if chosen.positions == "group_index":
                        for group in groups(len(fiber), max(1, len(self.own_of_group(own, c))), chosen.group):
                            if sum(fiber[i] != 0 for i in group) > chosen.kept:
                                raise CannotMap("too many weights of a group")

    def weight_layout(self, own: list[int], inputs: list[int]) -> PackedWeights:
        """What lies in the weight memory of a PE that owns `own` of a channel tile, for an input tile."""
        key = (tuple(own), tuple(inputs))
        if key not in self._layouts:
            fibers = [fiber for c in inputs for fiber in self.fibers(own, c)]
            lengths = [max(1, len(self.own_of_group(own, c))) for c in inputs for _ in self.fibers(own, c)]
            bits, starts = memory(fibers, *self.stored_as, lengths, self.table or None)
            stride = self.task.shape.stride
            names = [(c, i, j) for c in inputs for i in range(stride[0]) for j in range(stride[1])]
            self._layouts[key] = PackedWeights(bits, dict(zip(names, starts[:-1], strict=True)), starts[-1])
        return self._layouts[key]

    def _cut_channels(self) -> None:
        shape = self.task.shape
        every_local = ceil_div(shape.M, self.pes_per_group)
        for self.input_channels in halvings(shape.C):
            for local in halvings(every_local):
                self.channel_tiles = pieces(shape.M, local * self.pes_per_group)
                self.input_tiles = pieces(shape.C, self.input_channels)
                self.local = local
                if self._fits(halves=1 if local == every_local and self.input_channels == shape.C else 2):
                    return
        raise CannotMap("no tile fits")

    def _fits(self, halves: int) -> bool:
        buffers, phases = self.machine.buffers, self.task.shape.stride[0] * self.task.shape.stride[1]
        layouts = [
            self.weight_layout(own, c) for m in self.channel_tiles for own in self.owners(m) for c in self.input_tiles
        ]
        most_units = max(weight_layout.end // self.alignment_bits for weight_layout in layouts)
        most_words = max(len(weight_layout.bits) // self.word_bits for weight_layout in layouts)
        longest = max(
            len(fiber)
            for m in self.channel_tiles
            for own in self.owners(m)
            for c in range(self.task.shape.C)
            for fiber in self.fibers(own, c)
        )
        self.entry_bits = 0
        if self.weight_format.located == "offsets":
            self.entry_bits = ceil_log2(most_units + 1) + ceil_log2(longest + 1)
            if self.entry_bits > buffers.directory.width_bits:
                return False
            if self.input_channels * phases > words_in(buffers.directory) // halves:
                return False
        local = max(len(own) for m in self.channel_tiles for own in self.owners(m))
        return (
            most_words <= words_in(buffers.weights) // halves
            and self._neurons_fit(self._position_words(local), *self._smallest())
            and self._output_words(max(len(m) for m in self.channel_tiles)) <= words_in(buffers.outputs) // 2
        )

    def _cut_map(self) -> None:
        P, Q = self.task.shape.P, self.task.shape.Q
        down, right = self.window
        heights = [rows for rows in range(P, 0, -1) if rows == P or rows % down == 0]
        widths = [columns for columns in range(Q, 0, -1) if columns == Q or columns % right == 0]
        candidates = [(rows, Q) for rows in heights] + [(down, columns) for columns in widths]
        for self.rows, self.columns in candidates:
            if self._map_fits():
                return
        raise CannotMap("not even one position fits")

    def _position_words(self, local: int) -> int:
        """Words of potentials that a position with so many channels takes: whole rows, if rows are accessed."""
        lanes = self.machine.buffers.potentials.banks if self.machine.dataflow.potential_access == "row" else 1
        return ceil_div(local, lanes) * lanes

    def _smallest(self) -> tuple[int, int]:
        """Positions of sums and of neurons in the smallest tile: a position, or a window with what is left over."""
        down, right = self.window
        return (down + self.task.shape.P % down) * (right + self.task.shape.Q % right), 1

    def _neurons_fit(self, position_words: int, sums: int, neurons: int) -> bool:
        """Whether the words of so many positions fit: as many rows of banks in each part of the buffer."""
        parts, banks = self.words["states"] + self.words["parameters"], self.machine.buffers.potentials.banks
        words = words_in(self.machine.buffers.potentials)
        if parts == 1 and not self.pools:
            return position_words * neurons <= words
        lengths = [position_words * neurons] * parts + [position_words * sums] * self.pools
        return sum(len(range(0, length, banks)) * banks for length in lengths) <= words

    def _windows(self, size: int, length: int, window: int) -> list[list[int]]:
        """An axis in tiles of `length`; what does not fill a window at the end belongs to the last tile."""
        found = pieces(size, length)
        if len(found) > 1 and len(found[-1]) < window:
            found[-2:] = [found[-2] + found[-1]]
        return found

    def _output_words(self, neurons: int) -> int:
        """Words of what so many neurons send: spikes, or potentials that are not cut unless wider than a word."""
        width, neuron = self.machine.buffers.outputs.width_bits, self.task.neuron
        bits = neuron.potential_bits if neuron.kind == "readout" else 1
        return ceil_div(neurons, width // bits) if bits <= width else neurons * ceil_div(bits, width)

    def _map_fits(self) -> bool:
        buffers, dataflow = self.machine.buffers, self.machine.dataflow
        rows = max(len(tile) for tile in self._windows(self.task.shape.P, self.rows, self.window[0]))
        columns = max(len(tile) for tile in self._windows(self.task.shape.Q, self.columns, self.window[1]))
        block = ceil_div(rows, dataflow.pe_rows or 1) * ceil_div(columns, dataflow.pe_columns or 1)
        neurons = (rows // self.window[0]) * (columns // self.window[1])
        spikes = max(len(m) for m in self.channel_tiles) * neurons
        return (
            self._neurons_fit(self._position_words(self.local), block, neurons if self.pools else block)
            and self._output_words(spikes) <= words_in(buffers.outputs) // 2
        )

    def _tiles(self) -> Iterator[Tile]:
        shape = self.task.shape
        for channel_tile, channels in enumerate(self.channel_tiles):
            map_tile = 0
            for rows in self._windows(shape.P, self.rows, self.window[0]):
                for columns in self._windows(shape.Q, self.columns, self.window[1]):
                    yield Tile(
                        channel_tile,
                        map_tile,
                        channels,
                        rows,
                        columns,
                        reads(rows, shape.H, shape.R, shape.stride[0], shape.padding_top),
                        reads(columns, shape.W, shape.S, shape.stride[1], shape.padding_left),
                        self._parts(channels, rows, columns),
                    )
                    map_tile += 1

    def _parts(self, channels: list[int], rows: list[int], columns: list[int]) -> list[Part]:
        dataflow, a_group = self.machine.dataflow, self.task.shape.M // self.task.shape.groups
        owners = self.owners(channels)
        blocks = [(rows, columns) for _ in owners]
        if dataflow.partition == "space":
            assert dataflow.pe_rows and dataflow.pe_columns
            blocks = [
                (block_of(rows, i, dataflow.pe_rows), block_of(columns, j, dataflow.pe_columns))
                for i in range(dataflow.pe_rows)
                for j in range(dataflow.pe_columns)
            ]
        return [
            Part(
                own,
                [(m, p, q) for p in block_rows for q in block_columns for m in own],
                a_group,
                self._pooled(own, block_rows, block_columns),
            )
            for own, (block_rows, block_columns) in zip(owners, blocks, strict=True)
        ]

    def _pooled(
        self, own: list[int], rows: list[int], columns: list[int]
    ) -> dict[tuple[int, int, int], list[tuple[int, int, int]]]:
        """The neurons of a part in the order of their addresses, each with the places of its window."""
        down, right = self.window
        return {
            (m, top // down, left // right): [(m, top + r, left + s) for r in range(down) for s in range(right)]
            for top in rows if top % down == 0 and top + down - 1 in rows
            for left in columns if left % right == 0 and left + right - 1 in columns
            for m in own
        } if self.pools else {}  # fmt: skip

    def directory_entries(self, input_tile: int) -> int:
        """Directory entries that each PE loads."""
        if self.weight_format.located == "fixed":
            return 0
        return len(self.input_tiles[input_tile]) * self.task.shape.stride[0] * self.task.shape.stride[1]

    def storage(self) -> tuple[int, int, int]:
        """Payload, metadata (offsets of whole sets left out) and stored bits of all that lies in DRAM."""
        payload = 0
        metadata = stored = len(self.table) * self.task.weight_bits
        for channels in self.channel_tiles:
            for own in self.owners(channels)[: self.pes_per_group]:
                stored += sum(len(self.weight_layout(own, inputs).bits) for inputs in self.input_tiles)
                for c in range(self.task.shape.C):
                    length = max(1, len(self.own_of_group(own, c)))
                    for fiber in self.fibers(own, c):
                        bits = size(fiber, self.weight_format, self.task.weight_bits, length)
                        payload, metadata, stored = payload + bits[0], metadata + bits[1], stored + self.entry_bits
        return payload, metadata, stored


def neuron_words(neuron: Neuron, width: int) -> dict[str, int]:
    """Words of a neuron: states; parameters that differ from one neuron of a channel to another; and the bits of
    these."""
    bits = 0
    for values, each in (
        (neuron.threshold, neuron.potential_bits - 1),
        (neuron.leak_numerator, neuron.leak_shift + 1),
        (neuron.current_leak_numerator, neuron.current_leak_shift + 1),
    ):
        if values.ndim == 3 and any(len(set(channel.ravel().tolist())) > 1 for channel in values):
            bits += each
    states = 2 if neuron.kind == "synaptic" or len(neuron.current_leak_numerator) else 1
    return {"states": states, "parameters": ceil_div(bits, width), "parameter bits": bits}


def reads(outputs: list[int], inputs: int, taps: int, stride: int, padding: int) -> range:
    """The input positions of an axis that some outputs read."""
    return range(max(0, outputs[0] * stride - padding), min(inputs, outputs[-1] * stride - padding + taps))


def block_of(positions: list[int], number: int, blocks: int) -> list[int]:
    """Block `number` of `blocks`."""
    length = ceil_div(len(positions), blocks)
    return positions[number * length : (number + 1) * length]


def cut_layer(machine: SpikeArrayMachine, task: LayerTask) -> Cut:
    """Cut a layer."""
    return Cut(machine, task)
