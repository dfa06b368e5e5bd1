"""Kernels: set bits of the inputs, at every tap and in every window, without building the im2col matrix.

Sums are separable: spikes are added up over timesteps (for taps) or over channels (for windows) first, then along the
columns, then along the rows. A multi-bit value counts its set bits: as many as it would be spikes.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64, UInt64
from spikecycle.simulator.jit import disjoint_kernel, kernel, lean_kernel
from spikecycle.simulator.workload.axis import Windows, outputs_of_tap
from spikecycle.simulator.workload.words import WORD_BITS

DIGITS = 5
"""Binary digits of counts of spikes; `_count` is written for this number."""
MOST_COUNTED = 2**DIGITS - 1
HALF_BITS = WORD_BITS // 2
WORDS_AT_ONCE = 2**7
"""Words whose counts stay in a cache."""


@lean_kernel
def add_up(inputs: Inputs, groups: int, binary: bool, of_channel: Int32, of_step: Int32, non_zeros: Int64) -> None:
    """Set bits of every position, added up over timesteps and over channels, in one scan.

    inputs: (T, C, H * W), of which `binary` says that all values are 0 or 1. The others are added to.
    of_channel: int32 (C, H * W), sums over timesteps. of_step: int32 (groups, T, H * W), sums over channels of a group.
    non_zeros: int64 (T,), values that are not 0.
    """
    timesteps, channels, positions = inputs.shape
    for t in range(timesteps):
        for c in range(channels):
            values, channel, step = inputs[t, c], of_channel[c], of_step[c * groups // channels, t]
            count = 0
            if binary:
                for i in range(positions):
                    value = np.int32(values[i])
                    channel[i] += value
                    step[i] += value
                    count += int(value)
            else:
                for i in range(positions):
                    value = np.int32(values[i])
                    count += int(value != 0)
                    # set bits of 16, two, four and eight bits at a time
                    value = (value & np.int32(0x5555)) + ((value >> np.int32(1)) & np.int32(0x5555))
                    value = (value & np.int32(0x3333)) + ((value >> np.int32(2)) & np.int32(0x3333))
                    value = (value & np.int32(0x0F0F)) + ((value >> np.int32(4)) & np.int32(0x0F0F))
                    value = (value + (value >> np.int32(8))) & np.int32(0x1F)
                    channel[i] += value
                    step[i] += value
            non_zeros[t] += count


@disjoint_kernel
def _count(words: UInt64, ones: UInt64, twos: UInt64, fours: UInt64, eights: UInt64, sixteens: UInt64) -> None:
    """Count the set bits of words, (n,), each in its place: one more to each of 64 x n numbers of 5 digits."""
    for i in range(len(words)):
        word = words[i]
        carry = ones[i] & word
        ones[i] ^= word
        word = twos[i] & carry
        twos[i] ^= carry
        carry = fours[i] & word
        fours[i] ^= word
        word = eights[i] & carry
        eights[i] ^= carry
        sixteens[i] ^= word


@disjoint_kernel
def _add_counts(digits: UInt64, half: int, counts_out: Int32) -> None:
    """Add the numbers of half a word, counted in halves, to int32 (n,), n up to 32."""
    word, shift, one = np.uint64(half >> 1), np.uint64((half & 1) * HALF_BITS), np.uint32(1)
    for digit in range(len(digits)):  # not a constant: compilers would write out every round
        bits, place = np.uint32(digits[np.uint64(digit), word] >> shift), np.uint32(digit)
        for i in range(len(counts_out)):
            counts_out[i] += np.int32(((bits >> np.uint32(i)) & one) << place)


@lean_kernel
def add_spikes(spiking: UInt64, digits: UInt64, counts_out: Int32) -> None:
    """Spikes of every position, added up over timesteps, 64 positions side by side.

    spiking: uint64 (T, words), binary inputs (C, H, W) as bits. digits: uint64 (DIGITS, WORDS_AT_ONCE), room.
    counts_out: int32 (C x H x W,), added to.
    """
    timesteps, words = spiking.shape
    for first in range(0, words, WORDS_AT_ONCE):
        some = min(WORDS_AT_ONCE, words - first)
        for begin in range(0, timesteps, MOST_COUNTED):
            for digit in range(DIGITS):
                for i in range(some):
                    digits[digit, i] = 0
            for t in range(begin, min(timesteps, begin + MOST_COUNTED)):
                _count(spiking[t, first : first + some], digits[0], digits[1], digits[2], digits[3], digits[4])
            for half in range(2 * some):
                place = first * WORD_BITS + half * HALF_BITS
                _add_counts(digits, half, counts_out[place : place + HALF_BITS])


@lean_kernel
def sum_taps(maps: Int32, windows: Windows, of_row: Int64, taps_out: Int64) -> None:
    """Sum of each map over all outputs, tap by tap: maps int32 (C, H, W), taps_out int64 (C, R, S). of_row: (H,),
    room."""
    channels, height, _ = maps.shape
    rows, columns = windows.rows, windows.columns
    for c in range(channels):
        for s in range(columns.taps):
            first, last = outputs_of_tap(columns, s)
            offset = s * columns.dilation - columns.padding
            for h in range(height):
                total = np.int64(0)
                if columns.stride == 1:
                    met = maps[c, h, first + offset : max(first, last) + offset]
                    for i in range(len(met)):
                        total += np.int64(met[i])
                else:
                    for q in range(first, last):
                        total += maps[c, h, q * columns.stride + offset]
                of_row[h] = total
            for r in range(rows.taps):
                first_row, last_row = outputs_of_tap(rows, r)
                total = np.int64(0)
                for p in range(first_row, last_row):
                    total += of_row[p * rows.stride + r * rows.dilation - rows.padding]
                taps_out[c, r, s] = total


@kernel
def sum_windows(maps: Int32, windows: Windows, sums_out: Int64) -> None:
    """Sum of each map over the taps of every window: maps int32 (n, H, W), sums_out int64 (n, P, Q), all zeros."""
    count, height, _ = maps.shape
    rows, columns = windows.rows, windows.columns
    across = np.zeros((height, columns.outputs), np.int64)
    for i in range(count):
        across[:] = 0
        for h in range(height):
            for s in range(columns.taps):
                first, last = outputs_of_tap(columns, s)
                offset = s * columns.dilation - columns.padding
                for q in range(first, last):
                    across[h, q] += maps[i, h, q * columns.stride + offset]
        for r in range(rows.taps):
            first, last = outputs_of_tap(rows, r)
            for p in range(first, last):
                h = p * rows.stride + r * rows.dilation - rows.padding
                for q in range(columns.outputs):
                    sums_out[i, p, q] += across[h, q]
