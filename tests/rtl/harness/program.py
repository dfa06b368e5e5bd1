"""A sample of a layer as what the DMA does: load memories and registers, run passes. main.cpp has the commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.rtl.harness.bundles import CHUNK_BITS, chunks, constants, pack
from tests.rtl.harness.coverage import Capacities, check_layer, check_machine
from tests.rtl.harness.cut import Pass, Tile, cut
from tests.rtl.harness.fibers import PackedWeights, Range, in_chunks, own_channels, taps, weight_layout
from tests.rtl.harness.simulator import LayerTask, SpikeArrayMachine, encode_spikes, spike_format, weight_format

LOAD, RUN, END = 0, 1, 2
WEIGHTS, DIRECTORY, FIBERS, CHANNELS, PART, SPIKES, SCAN, LAYER = range(8)


@dataclass(frozen=True, eq=False)
class Program:
    """What the DMA does for one sample.

    passes: what RUN commands stand for, in order. commands: uint32. capacities: what the RTL has to have room for.
    """

    machine: SpikeArrayMachine
    task: LayerTask
    passes: list[Pass]
    commands: np.ndarray
    capacities: Capacities


class Programmer:
    """Writes the programs of a layer's samples on a machine."""

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask) -> None:
        check_machine(machine)
        check_layer(task)
        self.machine, self.task = machine, task
        self._cut = cut(machine, task)
        self._weight_loads: dict[tuple[Range, Range], list[np.ndarray]] = {}
        self._capacities = Capacities(
            tap_rows=len(taps(task.shape.R, task.shape.stride[0], 0)),
            tap_columns=len(taps(task.shape.S, task.shape.stride[1], 0)),
        )
        self._parts: list[np.ndarray] = []

    def program(self, inputs: np.ndarray) -> Program:
        """The program of a sample, inputs (T, C, H, W); CannotMap where its spikes do not fit."""
        passes = self._cut.passes(inputs)
        self._parts = []
        self._bundle(LAYER, 0, 2, self.task.weight_bits << 5 | self._cut.entry[0], 10)
        before: Pass | None = None
        for current in passes:
            last_timestep = current.timestep == self.task.timesteps - 1
            if before is None or (before.tile.own, before.inputs) != (current.tile.own, current.inputs):
                self._parts += self._loads_of_weights(current.tile.own, current.inputs)
            if before is None or before.tile != current.tile:
                self._tile(current.tile)
            if before is None or before.timestep != current.timestep:
                self._bundle(LAYER, 0, 0, *self._neuron(last_timestep))
            self._spikes(current, inputs)
            self._parts.append(np.array([RUN, int(current.last)], np.uint32))
            before = current
        self._parts.append(np.array([END], np.uint32))
        return Program(self.machine, self.task, passes, np.concatenate(self._parts), self._capacities)

    def _loads_of_weights(self, own: Range, inputs: Range) -> list[np.ndarray]:
        """The commands that load all PEs' weights; they are the same for every sample."""
        if (own, inputs) not in self._weight_loads:
            others, self._parts = self._parts, []
            self._weights(own, inputs)
            self._weight_loads[own, inputs] = self._parts
            self._parts = others
        return self._weight_loads[own, inputs]

    def _load(self, memory: int, pe: int, address: int, words: np.ndarray) -> None:
        """Words uint32 (count, chunk) into a memory."""
        if len(words):
            header = np.array([LOAD, memory, pe, address, *words.shape], np.uint32)
            self._parts += [header, words.astype(np.uint32).ravel()]

    def _bundle(self, memory: int, pe: int, address: int, value: int, bits: int) -> None:
        self._numbers(memory, pe, address, [value], bits)

    def _numbers(self, memory: int, pe: int, address: int, values: list[int], bits: int) -> None:
        chunk = -(-bits // CHUNK_BITS)
        self._load(memory, pe, address, np.array([chunks(value, chunk) for value in values], np.uint32))

    # --- what belongs to the layer

    def _neuron(self, last_timestep: bool) -> tuple[int, int]:
        neuron = self.task.neuron
        return pack(
            "neuron_t",
            maximum=(1 << (neuron.potential_bits - 1)) - 1,
            leak_numerator=neuron.shared_leak_numerator,
            leak_shift=neuron.leak_shift,
            soft_reset=int(neuron.reset == "soft"),
            reset_value=neuron.reset_value,
            last_timestep=int(last_timestep),
        )

    # --- what belongs to a channel tile and an input tile

    def _weights(self, own: Range, inputs: Range) -> None:
        pes_per_group = self.machine.dataflow.pes_per_group
        layouts = [weight_layout(self.machine, self.task, own, inputs, group_pe) for group_pe in range(pes_per_group)]
        for pe in range(self.machine.dataflow.pes):
            group_pe = pe % pes_per_group
            found = layouts[group_pe]
            self._load(WEIGHTS, pe, 0, found.word_chunks(-(-self.machine.buffers.weights.width_bits // CHUNK_BITS)))
            if weight_format(self.machine.formats.weights).located == "offsets":
                width = self.machine.buffers.directory.width_bits
                self._numbers(DIRECTORY, pe, 0, found.entries(self._cut.entry[0]), width)
            self._fibers(own, inputs, pe, group_pe, found)
            self._capacities = self._capacities.at_least(
                Capacities(fibers=self.task.shape.groups, fiber_words=found.fiber_words + 1, channels=own.size)
            )

    def _fibers(self, own: Range, inputs: Range, pe: int, group_pe: int, found: PackedWeights) -> None:
        """The fiber table: a row a group and phase."""
        shape = self.task.shape
        group_inputs = shape.C // shape.groups
        phases = shape.stride[0] * shape.stride[1]
        located = weight_format(self.machine.formats.weights).located
        rows = []
        for group in range(inputs.first // group_inputs, -(-inputs.end // group_inputs)):
            local = own_channels(self.task, own, group, group_pe, self.machine.dataflow.pes_per_group)
            first = max(inputs.first, group * group_inputs)
            for phase in range(phases):
                rows_of, columns_of = (
                    len(taps(kernel, stride, number))
                    for kernel, stride, number in (
                        (shape.R, shape.stride[0], phase // shape.stride[1]),
                        (shape.S, shape.stride[1], phase % shape.stride[1]),
                    )
                )
                fiber = (first - inputs.first) * phases + phase
                if located == "offsets":
                    place, pitch = fiber, phases
                else:
                    channel = fiber - phase
                    place, pitch = found.unit(fiber), found.unit(channel + phases) - found.unit(channel)
                length = rows_of * columns_of * local.size
                packed, bits = pack(
                    "fiber_t",
                    start=(place - (first - group * group_inputs) * pitch) % (1 << constants()["UNIT_BITS"]),
                    pitch=pitch,
                    length=length,
                    position_bits=max(0, length - 1).bit_length(),
                    channels=local.size,
                    first=local.first - own.first,
                    row_positions=columns_of * local.size,
                    tap_rows=rows_of,
                    tap_columns=columns_of,
                )
                rows.append(packed)
        base = inputs.first // group_inputs * phases
        self._numbers(FIBERS, pe, base, rows, bits)
        self._capacities = self._capacities.at_least(Capacities(fibers=base + len(rows)))

    # --- what belongs to an output tile

    def _tile(self, tile: Tile) -> None:
        shape, pes_per_group = self.task.shape, self.machine.dataflow.pes_per_group
        channels = Range(tile.own.first * pes_per_group, min(tile.own.end * pes_per_group, shape.M))
        positions = tile.rows.size * tile.columns.size
        for pe, (rows, columns) in enumerate(self._blocks(tile)):
            group_pe = pe % pes_per_group
            outputs = list(range(channels.first + group_pe, channels.end, pes_per_group))
            packed = 0
            total = 0
            for name, values in (
                ("origin_t", {"row": rows.first, "column": columns.first}),
                (
                    "shape_t",
                    {
                        "rows": rows.size,
                        "columns": columns.size,
                        "channels": len(outputs),
                        "row_potentials": columns.size * len(outputs),
                    },
                ),
                (
                    "order_t",
                    {
                        "neurons": rows.size * columns.size * len(outputs),
                        "base": group_pe * positions
                        + (rows.first - tile.rows.first) * tile.columns.size
                        + columns.first
                        - tile.columns.first,
                        "channel_pitch": pes_per_group * positions,
                        "row_pitch": tile.columns.size,
                    },
                ),
            ):
                value, bits = pack(name, **values)
                packed = packed << bits | value
                total += bits
            self._bundle(PART, pe, 0, packed, total)
            self._thresholds(pe, outputs)
        neurons = channels.size * positions
        layout = spike_format(self.machine.formats.spikes).layout(neurons, 1, self.machine.buffers.outputs.width_bits)
        self._bundle(
            LAYER,
            0,
            1,
            *pack(
                "encode_t",
                positions=neurons,
                entry_bits=layout.entry_bits,
                entries_per_word=layout.entries_per_word,
                words_per_entry=layout.words_per_entry,
            ),
        )
        self._capacities = self._capacities.at_least(Capacities(tile_neurons=neurons))

    def _thresholds(self, pe: int, outputs: list[int]) -> None:
        width = self.machine.buffers.potentials.width_bits
        mask = (1 << width) - 1
        values = [(int(self.task.bias[m]) & mask) << width | int(self.task.neuron.threshold[m]) & mask for m in outputs]
        self._numbers(CHANNELS, pe, 0, values, 2 * width)

    def _blocks(self, tile: Tile) -> Iterator[tuple[Range, Range]]:
        """Each PE's part of the tile's rows and columns."""
        if self.machine.dataflow.partition == "channel":
            for _ in range(self.machine.dataflow.pes):
                yield tile.rows, tile.columns
            return
        block_rows, block_columns = self.machine.dataflow.blocks

        def block(of: Range, count: int, number: int) -> Range:
            size = -(-of.size // count)
            first = min(of.end, of.first + number * size)
            return Range(first, min(of.end, first + size))

        for row in range(block_rows):
            for column in range(block_columns):
                yield block(tile.rows, block_rows, row), block(tile.columns, block_columns, column)

    # --- what belongs to a pass

    def _spikes(self, current: Pass, inputs: np.ndarray) -> None:
        shape, width = self.task.shape, self.machine.buffers.spikes.width_bits
        region = inputs[
            current.timestep,
            current.chunk.first : current.chunk.end,
            current.rows.first : current.rows.end,
            current.columns.first : current.columns.end,
        ].ravel()
        encoded = encode_spikes(region, spike_format(self.machine.formats.spikes), self.task.input_bits, width)
        layout = encoded.layout
        words = layout.words(encoded.entries)
        group_channels = shape.C // shape.groups
        word_rows, word_columns = divmod(layout.entries_per_word, max(1, current.columns.size))
        word_channels, word_rows = divmod(word_rows, max(1, current.rows.size))
        word_groups, word_channels = divmod(word_channels, group_channels)
        self._load(SPIKES, 0, 0, in_chunks(encoded.words, words, width, -(-width // CHUNK_BITS)))
        self._bundle(
            SCAN,
            0,
            0,
            *pack(
                "scan_t",
                words=words,
                entries=encoded.entries,
                entry_bits=layout.entry_bits,
                entries_per_word=layout.entries_per_word,
                words_per_entry=layout.words_per_entry,
                address_bits=layout.address_bits,
                input_bits=self.task.input_bits,
                rows=current.rows.size,
                columns=current.columns.size,
                group_channels=group_channels,
                word_groups=word_groups,
                word_channels=word_channels,
                word_rows=word_rows,
                word_columns=word_columns,
                first_group=current.chunk.first // group_channels,
                first_channel=current.chunk.first % group_channels,
                first_row=current.rows.first + shape.padding_top,
                first_column=current.columns.first + shape.padding_left,
                stride_rows=shape.stride[0],
                stride_columns=shape.stride[1],
                phases=shape.stride[0] * shape.stride[1],
            ),
        )
