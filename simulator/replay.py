"""Recompute a layer's output spikes from its inputs and weights, event by event, in the trace's integer arithmetic.

Only inputs that are not zero are visited; each scatters its weights, times its value, to the neurons it reaches. Sums
are exact in 64 bits and saturate once a timestep, so the order of events does not matter (`spikecycle.traces.Neuron`).

**Active.** A neuron has a flag, clear when a sample begins. In timestep t the flag is set by every accumulate: an input
that is not zero meets a weight that is not zero, even if all of them add up to zero. `active[t]` is the flag when the
update of t begins. The update stores the potential of t, after threshold and reset and before the leak of t + 1, and
the flag becomes "the stored potential is not 0". So active[t] = the potential stored in t - 1 is not 0, or there is an
accumulate in t; the bias and the spike by themselves set no flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.activity import Int64
from spikecycle.simulator.jit import kernel
from spikecycle.traces import LayerShape, Neuron, TraceError

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
Int32 = npt.NDArray[np.int32]

_TOGETHER = 4
"""Events of a position that are added in one sweep over the output channels, so that sums are read and written
a quarter as often; the inner loop of `_accumulate` is written for this number."""


class IntegerLayer(Protocol):
    """What a replay needs of a layer; `spikecycle.simulator.dataflows.base.LayerTask` has it.

    weights: int32 (M, C / groups, R, S). bias: int32 (M,). Inputs have `timesteps` T and values below 2 ** input_bits.
    """

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def shape(self) -> LayerShape:
        """Geometry."""

    @property
    def timesteps(self) -> int:
        """T."""

    @property
    def weights(self) -> Int32:
        """Integer codes."""

    @property
    def bias(self) -> Int32:
        """Added once a timestep."""

    @property
    def neuron(self) -> Neuron:
        """Leak, threshold, reset, potential bits."""


@dataclass(frozen=True, eq=False)
class Replay:
    """One sample of a layer, recomputed.

    outputs: uint8 (T, M, P, Q) spikes. active: uint8 (T, M, P, Q), see the module, or None where not asked for.
    potentials: int32 (M, P, Q), stored by the last timestep.
    """

    outputs: UInt8
    active: UInt8 | None
    potentials: Int32


@dataclass(frozen=True)
class Verification:
    """How a recording compares with the replay.

    spikes_compared: outputs compared, silent ones included: T x M x P x Q.
    mismatches: how many differ. first_mismatch: (t, m, p, q) of the first in this order, or None.
    """

    spikes_compared: int
    mismatches: int
    first_mismatch: tuple[int, int, int, int] | None


def replay_layer(task: IntegerLayer, inputs: UInt8 | UInt16, track_active: bool = False) -> Replay:
    """Output spikes of one sample.

    inputs: (T, C, H, W) values. Raises TraceError, naming the layer, on arrays of another shape.
    """
    shape = task.shape
    steps = _Timesteps(task, inputs, track_active)
    outputs = np.empty((task.timesteps, shape.M, shape.P, shape.Q), np.uint8)
    active = np.empty_like(outputs) if track_active else None
    for t in steps:
        outputs[t] = steps.spikes
        if active is not None:
            active[t] = steps.active
    return Replay(outputs, active, np.ascontiguousarray(steps.potentials))


def verify_layer(task: IntegerLayer, inputs: UInt8 | UInt16, recorded: UInt8) -> Verification:
    """Recompute one sample and compare its output spikes with the recording, uint8 (T, M, P, Q)."""
    shape = task.shape
    _check_shape(task, "outputs", recorded.shape, (task.timesteps, shape.M, shape.P, shape.Q))
    steps = _Timesteps(task, inputs, track_active=False)
    mismatches = 0
    first: tuple[int, int, int, int] | None = None
    for t in steps:
        differs = steps.spikes != recorded[t]
        mismatches += int(np.count_nonzero(differs))
        if first is None and mismatches:
            m, p, q = (int(index) for index in np.unravel_index(int(differs.argmax()), differs.shape))
            first = (t, m, p, q)
    return Verification(recorded.size, mismatches, first)


class _Timesteps:
    """A sample, timestep by timestep: iterating advances the state and yields t. Output channels lie innermost."""

    def __init__(self, task: IntegerLayer, inputs: UInt8 | UInt16, track_active: bool) -> None:
        shape = task.shape
        _check_shape(task, "inputs", inputs.shape, (task.timesteps, shape.C, shape.H, shape.W))
        _check_shape(task, "weights", task.weights.shape, shape.weight_shape)
        _check_shape(task, "bias", task.bias.shape, (shape.M,))
        _check_shape(task, "threshold", task.neuron.threshold.shape, (shape.M,))
        self._inputs = inputs
        self._track_active = track_active
        self._geometry = _Geometry.of(shape)
        self._weights = _by_input_channel(task.weights, shape)
        self._bias = task.bias.astype(np.int64)
        self._threshold = task.neuron.threshold.astype(np.int64)
        self._arithmetic = _Arithmetic.of(task.neuron)
        neurons = (shape.P, shape.Q, shape.M)
        self._frame = np.zeros((shape.H, shape.W, shape.C), np.uint16)
        self._channels = np.zeros(shape.C // shape.groups + _TOGETHER, np.int64)
        self._values = np.zeros_like(self._channels)
        self._sums = np.zeros(neurons, np.int64)
        self._potentials = np.zeros(neurons, np.int32)
        self._spikes = np.zeros(neurons, np.uint8)
        # Without tracking, the flags are never read; one flag keeps the kernels' types the same.
        self._flags = np.zeros(neurons if track_active else (1, 1, 1), np.uint8)
        self._active = np.zeros_like(self._flags)

    def __iter__(self) -> Iterator[int]:
        for t in range(len(self._inputs)):
            self._frame[...] = self._inputs[t].transpose(1, 2, 0)
            _accumulate(
                self._frame,
                self._weights,
                self._geometry,
                self._track_active,
                self._channels,
                self._values,
                self._sums,
                self._flags,
            )
            self._active[...] = self._flags
            _update(
                self._sums,
                self._bias,
                self._threshold,
                self._arithmetic,
                self._track_active,
                self._potentials,
                self._spikes,
                self._flags,
            )
            yield t

    @property
    def spikes(self) -> UInt8:
        """uint8 (M, P, Q) of the current timestep; a view that the next one overwrites, as are the others."""
        return self._spikes.transpose(2, 0, 1)

    @property
    def active(self) -> UInt8:
        """uint8 (M, P, Q) of the current timestep."""
        return self._active.transpose(2, 0, 1)

    @property
    def potentials(self) -> Int32:
        """int32 (M, P, Q) stored by the current timestep."""
        return self._potentials.transpose(2, 0, 1)


def _check_shape(task: IntegerLayer, what: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise TraceError(f"layer {task.name}: {what}: found shape {found}, expected {expected}")


def _by_input_channel(weights: Int32, shape: LayerShape) -> Int32:
    """Weights as int32 (R, S, C, M / groups): what an event scatters through a tap lies side by side."""
    groups, (m, c, r, s) = shape.groups, weights.shape
    split = weights.reshape(groups, m // groups, c, r, s).transpose(3, 4, 0, 2, 1)
    return np.array(split.reshape(r, s, shape.C, m // groups), np.int32, order="C")


class _Geometry(NamedTuple):
    """A layer's shape for the kernel; (h, w) of input and kernel as in LayerShape."""

    groups: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    padding_h: int
    padding_w: int

    @classmethod
    def of(cls, shape: LayerShape) -> _Geometry:
        return cls(shape.groups, shape.R, shape.S, *shape.stride, *shape.padding)


class _Arithmetic(NamedTuple):
    """A neuron for the kernel."""

    leak_numerator: int
    leak_shift: int
    lowest: int
    highest: int
    soft_reset: int
    reset_value: int

    @classmethod
    def of(cls, neuron: Neuron) -> _Arithmetic:
        highest = (1 << (neuron.potential_bits - 1)) - 1
        soft = int(neuron.reset == "soft")
        return cls(neuron.shared_leak_numerator, neuron.leak_shift, -highest - 1, highest, soft, neuron.reset_value)


@kernel
def _accumulate(
    frame: UInt16,
    weights: Int32,
    geometry: _Geometry,
    track_active: bool,
    channels: Int64,
    values: Int64,
    sums: Int64,
    flags: UInt8,
) -> None:
    """Scatter the events of a timestep, frame (H, W, C), onto sums (P, Q, M), and set the flags of neurons they reach.

    channels, values: room for the events of one position and group, C / groups + _TOGETHER.
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
                    row = h + geometry.padding_h - r
                    p = row // geometry.stride_h
                    if row < 0 or row % geometry.stride_h != 0 or p >= out_rows:
                        continue
                    for s in range(geometry.kernel_w):
                        column = w + geometry.padding_w - s
                        q = column // geometry.stride_w
                        if column < 0 or column % geometry.stride_w != 0 or q >= out_columns:
                            continue
                        own = slice(group * fan_out, (group + 1) * fan_out)
                        _add(channels, values, events, weights[r, s], sums[p, q, own])
                        if track_active:
                            _flag(channels, events, weights[r, s], flags[p, q, own])


@kernel
def _collect(position: UInt16, first: int, count: int, channels: Int64, values: Int64) -> int:
    """List the events of one position and group: channels and values, filled up with values 0 to whole sweeps."""
    events = 0
    for c in range(first, first + count):
        if position[c] != 0:
            channels[events] = c
            values[events] = np.int64(position[c])
            events += 1
    for i in range(events, events + _TOGETHER):
        channels[i] = first
        values[i] = 0
    return events


@kernel
def _add(channels: Int64, values: Int64, events: int, weights: Int32, sums: Int64) -> None:
    """Add the weights (C, M / groups) of the listed events, times their values, to sums (M / groups,)."""
    for i in range(0, events, _TOGETHER):
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


@kernel
def _flag(channels: Int64, events: int, weights: Int32, flags: UInt8) -> None:
    """Set the flags (M / groups,) of neurons that get a weight other than zero."""
    for i in range(events):
        row = weights[channels[i]]
        for m in range(len(flags)):
            flags[m] |= np.uint8(row[m] != 0)


@kernel
def _update(
    sums: Int64,
    bias: Int64,
    threshold: Int64,
    neuron: _Arithmetic,
    track_active: bool,
    potentials: Int32,
    spikes: UInt8,
    flags: UInt8,
) -> None:
    """Leak, add, saturate, fire and reset all neurons (P, Q, M); clear the sums, set the flags by what is stored."""
    rows, columns, output_channels = sums.shape
    for p in range(rows):
        for q in range(columns):
            for m in range(output_channels):
                leaked = (np.int64(potentials[p, q, m]) * neuron.leak_numerator) >> neuron.leak_shift
                potential = min(max(leaked + sums[p, q, m] + bias[m], neuron.lowest), neuron.highest)
                fires = potential >= threshold[m]
                after_spike = potential - threshold[m] if neuron.soft_reset else np.int64(neuron.reset_value)
                stored = after_spike if fires else potential
                sums[p, q, m] = 0
                potentials[p, q, m] = stored
                spikes[p, q, m] = fires
                if track_active:
                    flags[p, q, m] = stored != 0
