"""Kernels: what the spikes come to for the windows of an output column range, row by row and tap by tap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.specs import LayerSpec
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload import input_range

Inputs = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@kernel
def count_windows(
    inputs: Inputs, layer: LayerSpec, q0: int, q1: int, active_inputs_out: Int64, events_out: Int64, spikes_out: Int64
) -> None:
    """Count, for the output columns q0 to q1 - 1.

    inputs: uint8 or uint16 (T, C, H, W).
    active_inputs_out: int64 (T, H, C, S), windows whose input at tap s of the row is not 0.
    events_out: int64 (T, H, C, S), set bits of those inputs.
    spikes_out: int64 (T, H, C), non-zero inputs of the row within the columns that the windows cover.
    """
    columns = layer.windows.columns
    first, end = input_range(columns, q0, q1)
    active_inputs_out[:] = 0
    events_out[:] = 0
    for t in range(layer.T):
        for c in range(layer.C):
            for y in range(layer.H):
                spikes = 0
                for x in range(first, end):
                    value = int(inputs[t, c, y, x])
                    if value == 0:
                        continue
                    spikes += 1
                    events = 0
                    while value > 0:
                        events += value & 1
                        value >>= 1
                    for s in range(layer.S):
                        offset = x + columns.padding - s
                        if offset % columns.stride == 0 and q0 * columns.stride <= offset < q1 * columns.stride:
                            active_inputs_out[t, y, c, s] += 1
                            events_out[t, y, c, s] += events
                spikes_out[t, y, c] = spikes


@kernel
def count_outputs(outputs: npt.NDArray[np.uint8], q0: int, q1: int, spikes_out: Int64) -> None:
    """spikes_out: int64 (T, M, P), output spikes of columns q0 to q1 - 1; outputs: uint8 (T, M, P, Q)."""
    timesteps, filters, rows, _ = outputs.shape
    for t in range(timesteps):
        for m in range(filters):
            for p in range(rows):
                spikes = 0
                for q in range(q0, q1):
                    spikes += int(outputs[t, m, p, q])
                spikes_out[t, m, p] = spikes
