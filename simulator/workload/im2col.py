"""Kernels: the im2col matrix, bit-packed.

Row (t, p, q) of the matrix has one bit for each weight of an output's fan-in: what the inputs have there at that
timestep, 0 for padding. Bits are moved many windows at a time: the bits that a window has of one input row and channel
make a *field*, fields of neighbouring windows lie side by side, and one shift puts them into the windows' words. Maps
that are too narrow for that, those of linear layers above all, take their bits one by one.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Inputs, UInt32, UInt64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload.axis import WindowAxis, Windows, outputs_of_tap

WORD_BITS = 64
"""Bits of a word of a packed row."""
FIELD_BITS = 32
"""Bits of a field at most; kernels with wider rows take several."""
FEW_COLUMNS = 8
"""Outputs in a row below which bits are moved one by one: fields of so few windows side by side are not worth it."""


@kernel
def pack_fields(
    values: Inputs, columns: WindowAxis, first_tap: int, stop_tap: int, bit: int, fields_out: UInt32
) -> None:
    """For every input row and output column the bits that taps [first_tap, stop_tap) meet, side by side.

    values: (H, W). fields_out: uint32 (H, Q); bit s is that of tap first_tap + s.
    """
    fields_out[:] = 0
    for s in range(first_tap, stop_tap):
        first, last = outputs_of_tap(columns, s)
        start = first * columns.stride + s * columns.dilation - columns.padding
        shift = np.uint32(s - first_tap)
        for h in range(len(values) if first < last else 0):
            source, target = values[h, start:], fields_out[h, first:last]
            if columns.stride == 1:
                for i in range(len(target)):
                    target[i] |= ((np.uint32(source[i]) >> np.uint32(bit)) & np.uint32(1)) << shift
            else:
                for i in range(len(target)):
                    target[i] |= ((np.uint32(source[i * columns.stride]) >> np.uint32(bit)) & np.uint32(1)) << shift


@kernel
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


@kernel
def pack_by_fields(inputs: Inputs, windows: Windows, bit: int, rows_out: UInt64) -> None:
    """The same as `pack_bit_by_bit`, field by field of many windows."""
    timesteps, channels, height, _ = inputs.shape
    groups, _, _, words = rows_out.shape
    rows, columns = windows.rows, windows.columns
    group_channels = channels // groups
    # one word of all windows at a time: neighbouring outputs lie side by side
    fields = np.zeros((height, columns.outputs), np.uint32)
    packed = np.zeros((words + 1, rows.outputs, columns.outputs), np.uint64)
    for group in range(groups):
        for t in range(timesteps):
            packed[:] = 0
            for c in range(group_channels):
                for first_tap in range(0, columns.taps, FIELD_BITS):
                    stop_tap = min(first_tap + FIELD_BITS, columns.taps)
                    pack_fields(inputs[t, group * group_channels + c], columns, first_tap, stop_tap, bit, fields)
                    for r in range(rows.taps):
                        k = (c * rows.taps + r) * columns.taps + first_tap
                        shift = k % WORD_BITS
                        first, last = outputs_of_tap(rows, r)
                        # rows of outputs that read rows of inputs side by side are taken together
                        together = max(1, last - first) if rows.stride == 1 else 1
                        for p in range(first, last, together):
                            h = p * rows.stride + r * rows.dilation - rows.padding
                            field = fields[h : h + together].reshape(-1)
                            or_shifted(field, shift, packed[k // WORD_BITS, p : p + together].reshape(-1))
                            if shift + stop_tap - first_tap > WORD_BITS:
                                next_words = packed[k // WORD_BITS + 1, p : p + together].reshape(-1)
                                or_shifted(field, shift - WORD_BITS, next_words)
            for p in range(rows.outputs):
                for q in range(columns.outputs):
                    row = rows_out[group, t, p * columns.outputs + q]
                    for word in range(words):
                        row[word] = packed[word, p, q]


def pack_rows(inputs: Inputs, windows: Windows, groups: int, bit: int) -> UInt64:
    """The im2col matrix of one bit of the inputs, (T, C, H, W): uint64 (groups, T, P * Q, ceil(K / 64))."""
    timesteps, channels, _, _ = inputs.shape
    fan_in = channels // groups * windows.rows.taps * windows.columns.taps
    positions = windows.rows.outputs * windows.columns.outputs
    rows = np.zeros((groups, timesteps, positions, -(-fan_in // WORD_BITS)), np.uint64)
    if windows.columns.outputs < FEW_COLUMNS:
        pack_bit_by_bit(inputs, windows, bit, rows)
    else:
        pack_by_fields(inputs, windows, bit, rows)
    return rows
