"""Kernels: set bits of the inputs, at every tap and in every window, without building the im2col matrix.

Sums are separable: spikes are added up over timesteps (for taps) or over channels (for windows) first, then along the
columns, then along the rows. A multi-bit value counts its set bits: as many as it would be spikes.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64
from spikecycle.simulator.jit import kernel, lean_kernel
from spikecycle.simulator.workload.axis import Windows, outputs_of_tap


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


@kernel
def sum_taps(maps: Int32, windows: Windows, taps_out: Int64) -> None:
    """Sum of each map over all outputs, tap by tap: maps int32 (C, H, W), taps_out int64 (C, R, S)."""
    channels, height, _ = maps.shape
    rows, columns = windows.rows, windows.columns
    of_row = np.zeros(height, np.int64)
    for c in range(channels):
        for s in range(columns.taps):
            first, last = outputs_of_tap(columns, s)
            offset = s * columns.dilation - columns.padding
            for h in range(height):
                total = np.int64(0)
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
