"""How a mapping cuts a layer, and what its weights are in streams and pads: MICROARCHITECTURE.md of the row-stationary
array, sections 1 to 3, as literally as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from tests.reference import formats


@dataclass
class Cut:
    """A layer on a machine, cut by `mapping` (see simulator.dataflows.row_stationary.specs.ArrayMapping)."""

    machine: Any
    task: Any
    mapping: Any
    weight_format: Any

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
        self.packed = self.weight_format.values == "packed"
        tagged = self.packed and not self.masked
        tag = formats.ceil_log2(self.mapping.filters_per_pe) if tagged else 0
        pad = self.machine.buffers.weight_pad.width_bits
        self.entries_per_weight = ceil((self.task.weight_bits + tag) / pad)
        self.entries_per_input = ceil(self.task.input_bits / input_pad.width_bits)
        self.entries_per_psum = ceil(self.pad_psum_bits / self.machine.buffers.psum_pad.width_bits)

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

    def stream_bits(self, filters: list[int], k: int) -> int:
        """Encoded bits of the fibers of some filters in a channel fold."""
        b = self.task.weight_bits
        bits = 0
        longest = min(self.group_channels, self.mapping.channels_per_pe * self.mapping.channel_sets)
        for m in filters:
            fiber = self.fiber(m, k)
            payload, metadata, _ = formats.size(fiber, self.weight_format, b)
            bits += payload + metadata if formats.is_stored(fiber, self.weight_format) else 0
            if self.weight_format.located == "offsets" and not self.weight_format.offset_pairs:
                bits += formats.ceil_log2(longest * self.shape.R * self.shape.S + 1)
        if self.weight_format.offset_pairs:
            folds = range(len(self.channel_folds()))
            everything = [self.fiber(m, fold) for m in range(self.shape.M) for fold in folds]
            offsets = formats.offsets_of_set(everything, self.weight_format, b)
            bits += (len(filters) + 1) * (len(offsets) // (len(everything) + 1))
        return bits

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


def width_of(magnitude: int) -> int:
    """Bits of the narrowest signed word that holds -magnitude to magnitude."""
    return next(bits for bits in range(1, 64) if magnitude < 2 ** (bits - 1) or magnitude == 0)
