"""The kernels of a replay: a timestep's events scatter their weights onto sums, and neurons integrate the sums.

Only inputs that are not zero are visited; each scatters its weights, times its value, to the neurons it reaches. Sums
are exact in 64 bits and saturate once a timestep, so the order of events does not matter (`spikecycle.traces.Neuron`).
Output channels lie innermost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers, UInt8, WeightCodes
from spikecycle.simulator.jit import called_kernel, lean_kernel
from spikecycle.traces import LayerShape, Neuron

TOGETHER = 4
"""Events of a position that are added in one sweep over the output channels, so that sums are read and written
a quarter as often; the inner loop of `_add` is written for this number."""


class Geometry(NamedTuple):
    """A layer's shape for the kernel; (h, w) of input and kernel as in LayerShape."""

    groups: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    padding_top: int
    padding_left: int
    dilation_h: int
    dilation_w: int

    @classmethod
    def of(cls, shape: LayerShape) -> Geometry:
        """The geometry of a layer."""
        return cls(
            shape.groups, shape.R, shape.S, *shape.stride, shape.padding_top, shape.padding_left, *shape.dilation
        )  # fmt: skip


class Arithmetic(NamedTuple):
    """A neuron for the kernel, apart from what may differ from neuron to neuron; flags are 0 or 1.

    keeps_rest: a spike leaves the potential, less what is subtracted at once.
    """

    leak_shift: int
    lowest: int
    highest: int
    adds_bias: int
    soft_reset: int
    late_reset: int
    keeps_rest: int
    reset_value: int
    has_current: int
    current_leak_shift: int
    current_lowest: int
    current_highest: int

    @classmethod
    def of(cls, neuron: Neuron, adds_bias: bool) -> Arithmetic:
        """The arithmetic of a neuron."""
        soft, late = neuron.reset == "soft", neuron.reset_timing == "next"
        current = (neuron.current_leak_shift, *neuron.current_range) if neuron.has_current else (0, 0, 0)
        return cls(
            neuron.leak_shift,
            *neuron.potential_range,
            int(adds_bias),
            int(soft),
            int(late),
            int(soft or late),
            neuron.reset_value,
            int(neuron.has_current),
            *current,
        )


@lean_kernel
def accumulate(
    frame: Integers,
    weights: WeightCodes,
    geometry: Geometry,
    track_active: bool,
    channels: Int64,
    values: Int64,
    sums: Int64,
    flags: UInt8,
) -> None:
    """Scatter the events of a timestep, frame (H, W, C), onto sums (P, Q, M), and set the flags of neurons they reach.

    channels, values: room for the events of one position and group, C / groups + TOGETHER.
    """
    rows, columns, input_channels = frame.shape
    out_rows, out_columns, _ = sums.shape
    fan_out = weights.shape[3]
    fan_in = input_channels // geometry.groups
    for h in range(rows):
        for w in range(columns):
            for group in range(geometry.groups):
                events = _collect(frame[h, w], group * fan_in, fan_in, channels, values)
                for r in range(geometry.kernel_h if events else 0):
                    row = h + geometry.padding_top - r * geometry.dilation_h
                    p = row // geometry.stride_h
                    if row < 0 or row % geometry.stride_h != 0 or p >= out_rows:
                        continue
                    for s in range(geometry.kernel_w):
                        column = w + geometry.padding_left - s * geometry.dilation_w
                        q = column // geometry.stride_w
                        if column < 0 or column % geometry.stride_w != 0 or q >= out_columns:
                            continue
                        own = slice(group * fan_out, (group + 1) * fan_out)
                        _add(channels, values, events, weights[r, s], sums[p, q, own])
                        if track_active:
                            _flag(channels, events, weights[r, s], flags[p, q, own])


@called_kernel
def _collect(position: Integers, first: int, count: int, channels: Int64, values: Int64) -> int:
    """List the events of one position and group: channels and values, filled up with values 0 to whole sweeps."""
    events = 0
    for c in range(first, first + count):
        if position[c] != 0:
            channels[events] = c
            values[events] = np.int64(position[c])
            events += 1
    for i in range(events, events + TOGETHER):
        channels[i] = first
        values[i] = 0
    return events


@called_kernel
def _add(channels: Int64, values: Int64, events: int, weights: WeightCodes, sums: Int64) -> None:
    """Add the weights (C, M / groups) of the listed events, times their values, to sums (M / groups,)."""
    for i in range(0, events, TOGETHER):
        value_0, value_1, value_2, value_3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        weights_0, weights_1 = weights[channels[i]], weights[channels[i + 1]]
        weights_2, weights_3 = weights[channels[i + 2]], weights[channels[i + 3]]
        for m in range(len(sums)):
            sums[m] += (
                value_0 * np.int64(weights_0[m])
                + value_1 * np.int64(weights_1[m])
                + value_2 * np.int64(weights_2[m])
                + value_3 * np.int64(weights_3[m])
            )


@called_kernel
def _flag(channels: Int64, events: int, weights: WeightCodes, flags: UInt8) -> None:
    """Set the flags (M / groups,) of neurons that get a weight other than zero."""
    for i in range(events):
        row = weights[channels[i]]
        for m in range(len(flags)):
            flags[m] |= np.uint8(row[m] != 0)


@lean_kernel
def update(
    sums: Int64,
    bias: Int64,
    threshold: Int64,
    subtracted: Int64,
    leak: Int64,
    current_leak: Int64,
    neuron: Arithmetic,
    track_active: bool,
    potentials: Int32,
    currents: Int32,
    spikes: UInt8,
    flags: UInt8,
) -> None:
    """Leak, add, saturate, fire and reset all neurons (P, Q, M); clear the sums, set the flags by what is stored.

    threshold, subtracted, leak, current_leak: (1, M), or (P x Q, M) where neurons of one channel differ; subtracted is
    what a soft reset takes off at once. currents: synaptic currents (P, Q, M), of any size where there are none.
    """
    rows, columns, output_channels = sums.shape
    for p in range(rows):
        for q in range(columns):
            place = p * columns + q
            row = place if len(threshold) > 1 else 0
            leak_row = place if len(leak) > 1 else 0
            current_row = place if len(current_leak) > 1 else 0
            if neuron.has_current:
                _filter(sums[p, q], bias, current_leak[current_row], neuron, currents[p, q])
            elif neuron.adds_bias:
                _add_bias(sums[p, q], bias)
            if neuron.late_reset:
                _reset_late(sums[p, q], threshold[row], leak[leak_row], neuron, potentials[p, q])
            # Indices rather than rows: compilers then check once, not in every row, that the arrays do not overlap.
            for m in range(output_channels):
                leaked = (np.int64(potentials[p, q, m]) * leak[leak_row, m]) >> neuron.leak_shift
                potential = min(max(leaked + sums[p, q, m], neuron.lowest), neuron.highest)
                fires = potential >= threshold[row, m]
                after_spike = potential - subtracted[row, m] if neuron.keeps_rest else np.int64(neuron.reset_value)
                stored = after_spike if fires else potential
                sums[p, q, m] = 0
                potentials[p, q, m] = stored
                spikes[p, q, m] = fires
                if track_active:
                    flags[p, q, m] = stored != 0
            if track_active and neuron.has_current:
                for m in range(output_channels):
                    flags[p, q, m] |= np.uint8(currents[p, q, m] != 0)


@called_kernel
def _filter(sums: Int64, bias: Int64, leak: Int64, neuron: Arithmetic, currents: Int32) -> None:
    """Integrate the synaptic currents of one position, and let them be what arrives."""
    for m in range(len(sums)):
        remaining = (np.int64(currents[m]) * leak[m]) >> neuron.current_leak_shift
        current = min(max(remaining + sums[m] + bias[m], neuron.current_lowest), neuron.current_highest)
        currents[m] = current
        sums[m] = current


@called_kernel
def _add_bias(sums: Int64, bias: Int64) -> None:
    for m in range(len(sums)):
        sums[m] += bias[m]


@called_kernel
def _reset_late(sums: Int64, threshold: Int64, leak: Int64, neuron: Arithmetic, potentials: Int32) -> None:
    """Let the resets of the last timestep's spikes, which are taken after the leak, be part of what arrives."""
    for m in range(len(sums)):
        potential = np.int64(potentials[m])
        if potential >= threshold[m]:
            leaked = (potential * leak[m]) >> neuron.leak_shift
            sums[m] += -threshold[m] if neuron.soft_reset else neuron.reset_value - leaked
