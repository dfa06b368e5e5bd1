"""Kernels: the im2col matrix, bit-packed.

Row (t, p, q) of the matrix has one bit for each weight of an output's fan-in: what the inputs have there at that
timestep, 0 for padding. Bits are moved many windows at a time. Where outputs lie as the inputs do (stride 1, as many
columns), a column of the matrix is a map of the inputs, moved on by some bits: 64 such columns are made, 64 outputs to
a word, and turned into 64 rows. Elsewhere, the bits that a window has of one input row and channel make a *field*,
fields of neighbouring windows lie side by side, and one shift puts them into the windows' words. Maps that are too
narrow for that take their bits one by one.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Inputs, UInt32, UInt64
from spikecycle.simulator.jit import called_kernel, kernel, lean_kernel
from spikecycle.simulator.workload.axis import WindowAxis, Windows, outputs_of_tap
from spikecycle.traces.packing import PackedSpikes

WORD_BITS = 64
"""Bits of a word of a packed row."""
WORD_SHIFT, LAST_BIT = 6, WORD_BITS - 1
"""A number of bits as words, and what is left of it: quotients and remainders take long to compile."""
FIELD_BITS = 32
"""Bits of a field at most; kernels with wider rows take several."""
FEW_COLUMNS = 8
"""Outputs in a row below which bits are moved one by one: fields of so few windows side by side are not worth it."""


class FieldRoom(NamedTuple):
    """Room for fields and words of all windows of one timestep and group: neighbouring windows lie side by side.

    fields: uint32 (H x Q,), of every input row and output column. words: uint64 (words + 1, P x Q).
    """

    fields: UInt32
    words: UInt64

    @classmethod
    def of(cls, windows: Windows, words: int) -> FieldRoom:
        """For these windows, whose rows have so many words."""
        rows, columns = windows
        return cls(
            np.empty(rows.inputs * columns.outputs, np.uint32),
            np.empty((words + 1, rows.outputs * columns.outputs), np.uint64),
        )


@called_kernel
def pack_fields(
    values: Inputs, columns: WindowAxis, first_tap: int, stop_tap: int, bit: int, fields_out: UInt32
) -> None:
    """For every input row and output column the bits that taps [first_tap, stop_tap) meet, side by side.

    values: (H, W). fields_out: uint32 (H x Q,); bit s is that of tap first_tap + s.
    """
    for i in range(len(fields_out)):
        fields_out[i] = 0
    for s in range(first_tap, stop_tap):
        first, last = outputs_of_tap(columns, s)
        start = first * columns.stride + s * columns.dilation - columns.padding
        shift = np.uint32(s - first_tap)
        for h in range(len(values) if first < last else 0):
            source = values[h, start:]
            target = fields_out[h * columns.outputs + first : h * columns.outputs + last]
            if columns.stride == 1:
                for i in range(len(target)):
                    target[i] |= ((np.uint32(source[i]) >> np.uint32(bit)) & np.uint32(1)) << shift
            else:
                for i in range(len(target)):
                    target[i] |= ((np.uint32(source[i * columns.stride]) >> np.uint32(bit)) & np.uint32(1)) << shift


@called_kernel
def or_shifted(fields: UInt32, shift: int, words_out: UInt64) -> None:
    """Set in every word, (n,), the bits of its field, shifted to the left, or to the right if `shift` is negative."""
    if shift >= 0:
        for i in range(len(words_out)):
            words_out[i] |= np.uint64(fields[i]) << np.uint64(shift)
    else:
        for i in range(len(words_out)):
            words_out[i] |= np.uint64(fields[i]) >> np.uint64(-shift)


@kernel
def pack_bit_by_bit(inputs: Inputs, windows: Windows, bit: int, rows_out: UInt64) -> None:
    """Fill in the im2col matrix of one bit of the inputs, (T, C, H, W), tap by tap of every window.

    rows_out: uint64 (groups, T, P * Q, words), all zeros; bit k of a row is tap k of its window, counted channel by
    channel, kernel row by kernel row; bits without a tap stay 0.
    """
    timesteps, channels, _, _ = inputs.shape
    groups = len(rows_out)
    rows, columns = windows.rows, windows.columns
    group_channels = channels // groups
    for group in range(groups):
        for t in range(timesteps):
            for p in range(rows.outputs):
                for q in range(columns.outputs):
                    row = rows_out[group, t, p * columns.outputs + q]
                    k = 0
                    for c in range(group * group_channels, (group + 1) * group_channels):
                        for r in range(rows.taps):
                            h = p * rows.stride + r * rows.dilation - rows.padding
                            for s in range(columns.taps):
                                w = q * columns.stride + s * columns.dilation - columns.padding
                                if 0 <= h < rows.inputs and 0 <= w < columns.inputs:
                                    one = (np.uint64(inputs[t, c, h, w]) >> np.uint64(bit)) & np.uint64(1)
                                    row[k // WORD_BITS] |= one << np.uint64(k % WORD_BITS)
                                k += 1


@lean_kernel
def pack_by_fields(inputs: Inputs, windows: Windows, bit: int, room: FieldRoom, rows_out: UInt64) -> None:
    """The same as `pack_bit_by_bit`, field by field of many windows."""
    timesteps, channels, _, _ = inputs.shape
    groups, _, positions, words = rows_out.shape
    rows, columns = windows
    group_channels = channels // groups
    for group in range(groups):
        for t in range(timesteps):
            for word in range(words + 1):
                of_word = room.words[word]
                for i in range(positions):
                    of_word[i] = 0
            for c in range(group_channels):
                for first_tap in range(0, columns.taps, FIELD_BITS):
                    stop_tap = min(first_tap + FIELD_BITS, columns.taps)
                    of_channel = inputs[t, group * group_channels + c]
                    pack_fields(of_channel, columns, first_tap, stop_tap, bit, room.fields)
                    for r in range(rows.taps):
                        k = (c * rows.taps + r) * columns.taps + first_tap
                        shift = k % WORD_BITS
                        first, last = outputs_of_tap(rows, r)
                        # rows of outputs that read rows of inputs side by side are taken together
                        together = max(1, last - first) if rows.stride == 1 else 1
                        for p in range(first, last, together):
                            h = p * rows.stride + r * rows.dilation - rows.padding
                            field = room.fields[h * columns.outputs : (h + together) * columns.outputs]
                            begin, end = p * columns.outputs, (p + together) * columns.outputs
                            or_shifted(field, shift, room.words[k // WORD_BITS, begin:end])
                            if shift + stop_tap - first_tap > WORD_BITS:
                                or_shifted(field, shift - WORD_BITS, room.words[k // WORD_BITS + 1, begin:end])
            for position in range(positions):
                row = rows_out[group, t, position]
                for word in range(words):
                    row[word] = room.words[word, position]


class MovedMaps(NamedTuple):
    """Room for maps of the inputs that are moved on by some bits.

    inside: uint64 (S, blocks), outputs, 64 to a word, whose tap in this kernel column is no padding. before: words of
    zeros ahead of the channel. channel: uint64 (words,), the map of one channel and timestep, with zeros around it.
    columns: uint64 (64, blocks), columns of the matrix.
    """

    inside: UInt64
    before: int
    channel: UInt64
    columns: UInt64

    @classmethod
    def of(cls, windows: Windows) -> MovedMaps:
        """For these windows."""
        rows, columns = windows
        blocks = -(-rows.outputs * columns.outputs // WORD_BITS)
        lowest = -rows.padding * columns.inputs - columns.padding
        highest = (rows.taps - 1) * rows.dilation * columns.inputs + (columns.taps - 1) * columns.dilation + lowest
        before = -(-max(0, -lowest) // WORD_BITS)
        behind = max(-(-rows.inputs * columns.inputs // WORD_BITS), blocks + max(0, highest) // WORD_BITS + 1)
        room = np.empty((WORD_BITS, blocks), np.uint64)
        return cls(_outputs_inside(columns, blocks), before, np.zeros(before + behind + 1, np.uint64), room)


@lru_cache(maxsize=16)
def _outputs_inside(columns: WindowAxis, blocks: int) -> UInt64:
    """See `MovedMaps`; the same for all samples of layers of the same size."""
    tap = np.arange(columns.taps)[:, None] * columns.dilation - columns.padding
    column = np.arange(blocks * WORD_BITS) % columns.outputs + tap
    inside = np.packbits((column >= 0) & (column < columns.inputs), axis=1, bitorder="little").view("<u8")
    inside.setflags(write=False)
    return inside


def lie_alike(windows: Windows) -> bool:
    """Whether outputs lie as the inputs do: `pack_moved` needs that."""
    rows, columns = windows
    return rows.stride == columns.stride == 1 and columns.outputs == columns.inputs


@called_kernel
def take_channel(spiking: UInt64, first: int, count: int, channel_out: UInt64) -> None:
    """Move bits [first, first + count) of words to the beginning of others; bits behind them in the last word are 0."""
    start, shift = first >> WORD_SHIFT, np.uint64(first & LAST_BIT)
    words = (count + LAST_BIT) >> WORD_SHIFT
    for i in range(words):
        upper = (spiking[start + i + 1] << np.uint64(1)) << (np.uint64(WORD_BITS - 1) - shift)
        channel_out[i] = (spiking[start + i] >> shift) | upper
    if count & LAST_BIT:
        channel_out[words - 1] &= (np.uint64(1) << np.uint64(count & LAST_BIT)) - np.uint64(1)


@lean_kernel
def turn_bits(words: UInt64) -> None:
    """Turn squares of bits, uint64 (64, n): bit i of word j of a square becomes bit j of word i.

    Two halves of rows and columns change places, then halves of those: Warren, "Hacker's Delight", section 7-3.
    """
    lower_half = np.uint64(0xFFFFFFFF)
    size = len(words) // 2  # not a constant: compilers would write out every round
    while size > 0:
        shift = np.uint64(size)
        for first in range(0, len(words), 2 * size):
            for row in range(first, first + size):
                above, below = words[row], words[row + size]
                for i in range(len(above)):
                    swapped = ((above[i] >> shift) ^ below[i]) & lower_half
                    above[i] ^= swapped << shift
                    below[i] ^= swapped
        size //= 2
        lower_half ^= lower_half << np.uint64(size)


@lean_kernel
def pack_moved(spiking: UInt64, group_channels: int, windows: Windows, maps: MovedMaps, rows_out: UInt64) -> None:
    """The same where outputs lie as the inputs do. spiking: uint64 (T, words), inputs (C, H, W) as bits, and a word
    behind them."""
    rows, columns = windows
    groups, timesteps, _, _ = rows_out.shape
    size = rows.inputs * columns.inputs
    fan_in = group_channels * rows.taps * columns.taps
    of_channel = maps.channel[maps.before :]
    for group in range(groups):
        for t in range(timesteps):
            k = 0
            for c in range(group_channels):
                take_channel(spiking[t], (group * group_channels + c) * size, size, of_channel)
                for r in range(rows.taps):
                    for s in range(columns.taps):
                        row, column = r * rows.dilation - rows.padding, s * columns.dilation - columns.padding
                        first = maps.before * WORD_BITS + row * columns.inputs + column
                        moved, shift = maps.channel[first >> WORD_SHIFT :], np.uint64(first & LAST_BIT)
                        inside, of_column = maps.inside[s], maps.columns[k & LAST_BIT]
                        for i in range(len(inside)):
                            upper = (moved[i + 1] << np.uint64(1)) << (np.uint64(WORD_BITS - 1) - shift)
                            of_column[i] = ((moved[i] >> shift) | upper) & inside[i]
                        k += 1
                        if k & LAST_BIT == 0 or k == fan_in:
                            word = (k - 1) >> WORD_SHIFT
                            for behind in range(k, (word + 1) * WORD_BITS):
                                maps.columns[behind & LAST_BIT] = 0
                            turn_bits(maps.columns)
                            for i in range(len(inside)):
                                of_block = rows_out[group, t, i * WORD_BITS : (i + 1) * WORD_BITS]
                                for place in range(len(of_block)):
                                    of_block[place, word] = maps.columns[place, i]


def bit_words(inputs: Inputs | PackedSpikes, bit: int) -> UInt64:
    """A bit of inputs, (T, C, H, W), flattened: uint64 (T, words), and a word of zeros behind."""
    if isinstance(inputs, PackedSpikes):
        packed = inputs.packed
    else:  # of no timesteps, maybe
        bits = ((inputs >> bit) & 1).reshape(len(inputs), math.prod(inputs.shape[1:]))
        packed = np.packbits(bits, axis=1, bitorder="little")
    size = packed.shape[1]
    words = np.empty((len(packed), -(-size // 8) * 8 + 8), np.uint8)
    words[:, :size] = packed
    words[:, size:] = 0
    return words.view("<u8")


def pack_rows(
    inputs: Inputs | PackedSpikes, windows: Windows, groups: int, bit: int, word_major: bool = False
) -> UInt64:
    """The im2col matrix of one bit of the inputs, (T, C, H, W): uint64 (groups, T, P * Q, ceil(K / 64)).

    word_major: where outputs lie as the inputs do, the first words of all rows of a group come first in memory, then
    their second words.
    """
    timesteps, group_channels = len(inputs), inputs.shape[-3] // groups
    fan_in = group_channels * windows.rows.taps * windows.columns.taps
    positions = windows.rows.outputs * windows.columns.outputs
    words = -(-fan_in // WORD_BITS)
    if word_major and lie_alike(windows):
        rows = np.empty((groups, words, timesteps, positions), np.uint64).transpose(0, 2, 3, 1)
    else:
        rows = np.empty((groups, timesteps, positions, words), np.uint64)
    if groups == positions == fan_in // group_channels == inputs.shape[-1] * inputs.shape[-2] == 1:
        rows[0, :, 0] = bit_words(inputs, bit)[:, :-1]  # a linear layer: the inputs themselves
    elif lie_alike(windows):
        pack_moved(bit_words(inputs, bit), group_channels, windows, MovedMaps.of(windows), rows)
    elif windows.columns.outputs < FEW_COLUMNS:
        rows[...] = 0
        pack_bit_by_bit(np.asarray(inputs), windows, bit, rows)
    else:
        pack_by_fields(np.asarray(inputs), windows, bit, FieldRoom.of(windows, words), rows)
    return rows
