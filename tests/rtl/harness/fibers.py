"""Which weights a fiber holds, and where the fibers of a PE lie: MICROARCHITECTURE.md, section 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.rtl.harness.simulator import EncodedFibers, LayerTask, SpikeArrayMachine, encode, measure, weight_format


class Range(NamedTuple):
    """first .. end - 1."""

    first: int
    end: int

    @property
    def size(self) -> int:
        """How many."""
        return self.end - self.first


def own_channels(task: LayerTask, own: Range, group: int, pe: int, pes_per_group: int) -> Range:
    """The local channels of a tile that PE `pe` owns of a group's output channels."""
    size = task.shape.M // task.shape.groups
    first, end = (max(0, -(-(channel - pe) // pes_per_group)) for channel in (group * size, (group + 1) * size))
    first = min(max(first, own.first), own.end)
    return Range(first, max(first, min(end, own.end)))


def taps(kernel: int, stride: int, phase: int) -> range:
    """The taps of a phase along one axis."""
    return range(phase, kernel, stride)


def fiber_values(
    task: LayerTask, own: Range, inputs: Range, pe: int, pes_per_group: int
) -> tuple[np.ndarray, np.ndarray]:
    """The values of all fibers of a PE's weight layout, int32, one fiber behind the other, and where each starts."""
    shape = task.shape
    group_inputs = shape.C // shape.groups
    values, lengths = [], [0]
    for group in range(inputs.first // group_inputs, -(-inputs.end // group_inputs)):
        local = own_channels(task, own, group, pe, pes_per_group)
        outputs = np.arange(local.first, local.end) * pes_per_group + pe
        before = group * group_inputs
        channels = slice(max(inputs.first, before) - before, min(inputs.end, before + group_inputs) - before)
        kernels = task.weights[outputs, channels].transpose(1, 2, 3, 0)
        phases = [
            kernels[:, row :: shape.stride[0], column :: shape.stride[1]].reshape(len(kernels), -1)
            for row in range(shape.stride[0])
            for column in range(shape.stride[1])
        ]
        values.append(np.concatenate(phases, axis=1).ravel())
        lengths += [phase.shape[1] for phase in phases] * len(kernels)
    return np.concatenate(values).astype(np.int32), np.cumsum(lengths).astype(np.int64)


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """A PE's fibers of one channel tile and input tile as they lie in its weights buffer."""

    encoded: EncodedFibers
    stored_bits: np.ndarray

    @property
    def fiber_words(self) -> int:
        """Words that the fiber with most of them lies in."""
        first = self.encoded.first_bits[:-1] % self.encoded.word_bits
        return int(((first + self.stored_bits - 1) // self.encoded.word_bits).max(initial=0)) + 1

    @property
    def words(self) -> int:
        """Of the weights buffer."""
        return -(-int(self.encoded.first_bits[-1]) // self.encoded.word_bits)

    def unit(self, fiber: int) -> int:
        """Where a fiber starts."""
        return int(self.encoded.first_bits[fiber]) // self.encoded.alignment_bits

    def word_chunks(self, chunk: int) -> np.ndarray:
        """The words, uint32 (words, chunk), lowest bits first."""
        return in_chunks(self.encoded.words, self.words, self.encoded.word_bits, chunk)

    def entries(self, start_bits: int) -> list[int]:
        """The directory: start, then the number of values above it."""
        return [
            (self.unit(fiber) if count else 0) | int(count) << start_bits
            for fiber, count in enumerate(self.encoded.entries)
        ]


def weight_layout(machine: SpikeArrayMachine, task: LayerTask, own: Range, inputs: Range, pe: int) -> PackedWeights:
    """Encode a PE's fibers."""
    values, starts = fiber_values(task, own, inputs, pe, machine.dataflow.pes_per_group)
    chosen = weight_format(machine.formats.weights)
    width, alignment = machine.buffers.weights.width_bits, machine.dataflow.fiber_alignment_bits
    stored_bits = measure(values, starts, chosen, task.weight_bits).stored_bits
    return PackedWeights(encode(values, starts, chosen, task.weight_bits, width, alignment), stored_bits)


def in_chunks(stream: np.ndarray, words: int, word_bits: int, chunk: int) -> np.ndarray:
    """A stream of bits, uint8, as words of `chunk` 32-bit chunks each: uint32 (words, chunk)."""
    bits = np.unpackbits(stream, bitorder="little")[: words * word_bits]
    padded = np.zeros((words, chunk * 32), np.uint8)
    padded[:, :word_bits] = np.pad(bits, (0, words * word_bits - len(bits))).reshape(words, word_bits)
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")
