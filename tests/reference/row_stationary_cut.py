"""How a mapping cuts a layer, and what its weights are in streams and pads: MICROARCHITECTURE.md of the row-stationary
array, sections 1 to 3, as literally as it goes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from tests.reference import formats, formats_spikes


@dataclass
class Cut:
    """A layer on a machine, cut by `mapping` (see simulator.dataflows.row_stationary.kernel_types.ArrayMapping)."""

    machine: Any
    task: Any
    mapping: Any
    weight_format: Any
    rows: range = range(0)

    def __post_init__(self) -> None:
        self.shape = self.task.shape
        self.parameters = self.machine.dataflow
        self.zeros = self.parameters.zeros
        self.word = self.machine.buffers.global_buffer.width_bits
        buffer = self.machine.buffers.global_buffer
        self.words_per_cycle = buffer.banks * buffer.ports
        self.group_channels = self.shape.C // self.shape.groups
        self.group_filters = self.shape.M // self.shape.groups
        largest = (1 << self.task.input_bits) - 1
        self.psum_bits = width_of(max(int(abs(w.astype(int)).sum()) for w in self.task.weights) * largest)
        input_pad = self.machine.buffers.input_pad
        entries = input_pad.capacity_bits // input_pad.width_bits
        q = max(1, min(self.group_channels, entries // self.shape.S))
        self.psums_in_pads = self.parameters.psums_wait_in == "psum_pad"
        self.pad_psum_bits = min(
            self.psum_bits, width_of(q * self.shape.S * 2 ** (self.task.weight_bits - 1) * largest)
        )
        if self.psums_in_pads:
            self.pad_psum_bits = self.psum_bits
        self.masked = self.weight_format.positions == "mask"
        self.zeros_left_out = leaves_zeros_out(self.machine, self.weight_format)
        self.packed = self.weight_format.values == "packed" or self.zeros_left_out
        self.tells_positions = self.packed or self.masked
        self.stored_bits = activation_bits(self.machine, self.task)
        neuron = self.task.neuron
        self.leaks = any(0 < leak < 2**neuron.leak_shift for leak in neuron.leak_numerator.flat)
        self.current_leaks = any(0 < leak < 2**neuron.current_leak_shift for leak in neuron.current_leak_numerator.flat)
        self.window = self.task.pool
        self.state_bits = state_bits(neuron)
        self.parameter_bits = parameter_bits(neuron)
        self.reads_out = neuron.kind == "readout"
        self.outputs_per_word = self.word // neuron.potential_bits if self.reads_out else self.word
        start = neuron.start_potential
        self.start_in_dram = start.any() and start.ndim == 3 and start.shape[1] * start.shape[2] > 1
        tagged = self.packed and not self.masked
        tag = formats.ceil_log2(self.mapping.filters_per_pe) if tagged else 0
        pad = self.machine.buffers.weight_pad.width_bits
        self.entries_per_weight = ceil((self.task.weight_bits + tag) / pad)
        self.entries_per_input = ceil(self.task.input_bits / input_pad.width_bits)
        self.entries_per_psum = ceil(self.pad_psum_bits / self.machine.buffers.psum_pad.width_bits)

    def dram_row_bits(self, values: list[int], positions: int, bits: int) -> int:
        """Bits of a row in the spike format; `positions` are those of the whole row."""
        name = self.machine.formats.spikes.format
        entry = formats_spikes.entry_bits(name, positions, bits)
        if name == "bitmap":
            return len(values) * entry
        return formats.ceil_log2(positions + 1) + sum(1 for value in values if value) * entry

    def dram_input_row_bits(self, values: list[int], positions: int, bits: int) -> int:
        """Bits of a row of inputs: in the spike format, or in the manner of the weights'."""
        if self.machine.dataflow.inputs_stored == "spike_format":
            return self.dram_row_bits(values, positions, bits)
        in_place = self.weight_format.values == "in_place" and not self.weight_format.offset_pairs
        if in_place:
            return sum(bits + (self.machine.dataflow.mask_bits if self.masked else 0) for _ in values)
        address = formats.ceil_log2(positions)
        return formats.ceil_log2(positions + 1) + sum(address + bits for value in values if value)

    def dram_output_row_bits(self, values: list[int]) -> int:
        """Bits of a row of outputs: potentials are plain values."""
        width = self.stored_bits["outputs"]
        return (
            len(values) * width if self.reads_out else self.dram_row_bits(values, self.shape.Q // self.window[1], width)
        )

    def filter_folds(self) -> list[list[list[int]]]:
        """For each filter fold the filters of each of its sets."""
        p, sets = self.mapping.filters_per_pe, self.mapping.filter_sets
        folds = []
        for group in range(self.shape.groups):
            filters = list(range(group * self.group_filters, (group + 1) * self.group_filters))
            for start in range(0, len(filters), p * sets):
                fold = filters[start : start + p * sets]
                folds.append([fold[j * p : (j + 1) * p] for j in range(sets)])
        return folds

    def channel_folds(self) -> list[list[list[int]]]:
        """For each channel fold the channels (within the group) of each of its sets."""
        q, sets = self.mapping.channels_per_pe, self.mapping.channel_sets
        folds = []
        for start in range(0, self.group_channels, q * sets):
            fold = list(range(start, min(start + q * sets, self.group_channels)))
            folds.append([fold[i * q : (i + 1) * q] for i in range(sets)])
        return folds

    def fiber(self, m: int, channel_fold: int) -> list[int]:
        """The weights of a filter and channel fold: channel, row, column."""
        channels = [c for members in self.channel_folds()[channel_fold] for c in members]
        return [int(w) for c in channels for row in self.task.weights[m, c] for w in row]

    def stored_fiber(self, m: int, channel_fold: int) -> tuple[list[int], int]:
        """The same in the order of the format's groups, and how many neighbours there are before groups begin anew."""
        fiber, taps = self.fiber(m, channel_fold), self.shape.R * self.shape.S
        channels = len(fiber) // taps
        axis = self.weight_format.group_axis
        if axis == "input_channel":
            return [fiber[c * taps + tap] for tap in range(taps) for c in range(channels)], channels
        return fiber, taps if axis == "kernel" else len(fiber)

    def dram_weight_bits(self) -> int:
        """Bits of a weight that is stored as a plain value."""
        return max(self.task.weight_bits, self.machine.dataflow.weight_word_bits)

    def stream_bits(self, filters: list[int], k: int) -> int:
        """Encoded bits of the fibers of some filters in a channel fold."""
        b = self.dram_weight_bits()
        bits = 0
        longest = min(self.group_channels, self.mapping.channels_per_pe * self.mapping.channel_sets)
        if self.zeros_left_out:
            return sum(self.bits_without_zeros(self.fiber(m, k)) for m in filters)
        for m in filters:
            fiber, segment = self.stored_fiber(m, k)
            payload, metadata, _ = formats.size(fiber, self.weight_format, b, segment)
            metadata *= self.machine.dataflow.mask_bits if self.masked else 1
            if self.weight_format.positions == "coordinate":
                entries = sum(value != 0 for value in fiber)
                metadata = max(metadata, entries * self.machine.dataflow.coordinate_bits)
            if self.machine.dataflow.metadata_entries == "expected":
                payload, metadata = self.expected_bits(fiber, payload, metadata)
            bits += payload + metadata if formats.is_stored(fiber, self.weight_format) else 0
            if self.weight_format.code_word_bits:
                bits += 1
            elif self.weight_format.located == "offsets" and not self.weight_format.offset_pairs:
                bits += formats.ceil_log2(longest * self.shape.R * self.shape.S + 1)
        if self.weight_format.offset_pairs:
            folds = range(len(self.channel_folds()))
            everything = [self.fiber(m, fold) for m in range(self.shape.M) for fold in folds]
            offsets = formats.offsets_of_set(everything, self.weight_format, b)
            bits += (len(filters) + 1) * (len(offsets) // (len(everything) + 1))
        return bits

    def expected_bits(self, fiber: list[int], payload: int, metadata: int) -> tuple[int, int]:
        """Values and their positions, these as many as the density of the whole layer promises."""
        chosen, weights = self.weight_format, [int(w) for w in self.task.weights.reshape(-1)]
        there = [value for value in fiber if value != 0]
        value_bits = chosen.index_bits if chosen.codes == "codebook" else self.dram_weight_bits()
        if chosen.positions == "coordinate":
            density = Fraction(sum(w != 0 for w in weights), len(weights))
            return len(there) * value_bits, ceil(len(fiber) * density) * self.machine.dataflow.coordinate_bits
        if chosen.positions == "run" and not chosen.code_word_bits:
            return len(there) * value_bits, len(there) * chosen.run_bits
        return payload, metadata

    def bits_without_zeros(self, fiber: list[int]) -> int:
        """What moves of a fiber with values in place, written down bit by bit and read back."""
        values = [formats.digits(value, self.dram_weight_bits()) for value in fiber if value != 0]
        size = len(fiber) if self.masked else self.shape.R * self.shape.S
        width = 1 if self.masked else formats.ceil_log2(size + 1)
        metadata, found = "", []
        for start in range(0, len(fiber), size):
            part = fiber[start : start + size]
            offsets = [sum(value != 0 for value in part[:i]) for i in range(size + 1)]
            numbers = [int(value != 0) for value in part] if self.masked else offsets
            written = "".join(formats.digits(number, width) for number in numbers)
            read = [formats.number_of(written[i : i + width]) for i in range(0, len(written), width)]
            is_there = [bool(n) for n in read] if self.masked else [a != b for a, b in itertools.pairwise(read)]
            found += is_there
            metadata += written
        stored = iter(values)
        assert [formats.signed_number_of(next(stored)) if there else 0 for there in found] == fiber
        return len(metadata) * (self.machine.dataflow.mask_bits if self.masked else 1) + sum(map(len, values))

    def column_fold_size(self) -> int:
        """Pairs of a column fold of the tile at hand."""
        return self.parameters.columns if self.parameters.time_batching else len(self.rows)

    def tap_entries(self, filters: list[int], k: int, c: int, r: int, s: int) -> int:
        """Entries of the weight pad for one tap."""
        pad = self.machine.buffers.weight_pad.width_bits
        entries = ceil(len(filters) / pad) if self.masked else 0
        for m in filters:
            in_place = not self.packed and formats.is_stored(self.fiber(m, k), self.weight_format)
            if in_place or (self.packed and self.task.weights[m, c, r, s] != 0):
                entries += self.entries_per_weight
        return entries

    def takes(self, f: int, j: int, c: int, r: int) -> bool:
        """Whether the array row of filter set j and filter row r takes a channel."""
        filters = self.filter_folds()[f][j]
        if self.zeros.inputs_at_global_buffer == "none":
            return bool(filters)
        return any(self.task.weights[m, c, r].any() for m in filters)


def leaves_zeros_out(machine: Any, weight_format: Any) -> bool:
    """Whether zeros of values in place stay in DRAM: the machine does it where the format tells."""
    told = weight_format.positions == "mask" or weight_format.offset_pairs
    return machine.dataflow.zeros.weights_at_dram == "skip" and weight_format.values == "in_place" and told


def activation_bits(machine: Any, task: Any) -> dict[str, int]:
    """Bits of an input and of an output in DRAM."""
    least = machine.dataflow.activation_bits
    least = task.weight_bits if least == "as_weights" else least
    sent = task.neuron.potential_bits if task.neuron.kind == "readout" else 1
    return {"inputs": max(task.input_bits, least), "outputs": max(sent, least)}


def state_bits(neuron: Any) -> list[int]:
    """Of each number that a neuron keeps."""
    return [neuron.potential_bits] + ([neuron.current_bits] if len(neuron.current_leak_numerator) else [])


def parameter_bits(neuron: Any) -> int:
    """Of those thresholds and leaks that are not the same all over a channel."""
    widths = {
        "threshold": neuron.potential_bits - 1,
        "leak_numerator": neuron.leak_shift + 1,
        "current_leak_numerator": neuron.current_leak_shift + 1,
    }
    found = 0
    for name, width in widths.items():
        values = getattr(neuron, name)
        if values.ndim == 3 and any(channel.min() < channel.max() for channel in values):
            found += width
    return found


def width_of(magnitude: int) -> int:
    """Bits of the narrowest signed word that holds -magnitude to magnitude."""
    return next(bits for bits in range(1, 64) if magnitude < 2 ** (bits - 1) or magnitude == 0)
