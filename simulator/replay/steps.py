"""Synapses and populations as the kernels hold them: arrays with output channels innermost, one timestep at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers, UInt8, WeightCodes
from spikecycle.simulator.replay.kernels import TOGETHER, Arithmetic, Geometry, accumulate, update
from spikecycle.traces import LayerShape, Neuron
from spikecycle.traces.weights import code_dtype

_UINT16_RANGE = (0, 2**16 - 1)


class SynapseStep:
    """A synaptic operator: adds what one timestep of its inputs brings to sums (P, Q, M).

    weights: (M, C / groups, R, S), codes of weight_bits. values: lowest and highest input.
    """

    def __init__(
        self, shape: LayerShape, weights: WeightCodes, weight_bits: int, values: tuple[int, int] = _UINT16_RANGE
    ) -> None:
        self._shape = shape
        self._geometry = Geometry.of(shape)
        self._weights = by_input_channel(weights, shape, code_dtype(weight_bits))
        narrow = _UINT16_RANGE[0] <= values[0] and values[1] <= _UINT16_RANGE[1]
        self._frame: Integers = np.zeros((shape.H, shape.W, shape.C), np.uint16 if narrow else np.int64)
        self._channels = np.zeros(shape.C // shape.groups + TOGETHER, np.int64)
        self._values = np.zeros_like(self._channels)

    def add(self, inputs: Integers, sums: Int64, flags: UInt8, track_active: bool) -> None:
        """Add one timestep, inputs (C, H, W), onto sums (P, Q, M); set the flags of the neurons it reaches."""
        self._frame[...] = inputs.reshape(self._shape.input_shape).transpose(1, 2, 0)
        accumulate(
            self._frame, self._weights, self._geometry, track_active, self._channels, self._values, sums, flags
        )  # fmt: skip


class PopulationStep:
    """Neurons (P, Q, M) with their state: `add_to` takes what arrives, `advance` integrates it.

    shape: (M, P, Q). bias: int64 (M,), arrives in every timestep. With track_active, each neuron has a flag as
    described in `spikecycle.simulator.replay.layer`.
    """

    def __init__(self, neuron: Neuron, shape: tuple[int, int, int], bias: Int64, track_active: bool = False) -> None:
        neurons = (shape[1], shape[2], shape[0])
        self.track_active = track_active
        self.sums = np.zeros(neurons, np.int64)
        self._neuron = neuron
        self._arithmetic = Arithmetic.of(neuron, bool(bias.any()))
        self._bias = bias
        never = np.array([neuron.potential_range[1] + 1])  # beyond every potential of a readout
        self._threshold, self._leak, self._current_leak, start = (
            _rows(parameter, shape)
            for parameter in (
                neuron.threshold if neuron.fires else never,
                neuron.leak_numerator,
                neuron.current_leak_numerator,
                neuron.start_potential,
            )
        )
        late = neuron.reset_timing == "next"
        self._subtracted = np.zeros_like(self._threshold) if late else self._threshold
        self._potentials = np.zeros(neurons, np.int32)
        self._potentials.reshape(-1, shape[0])[...] = start
        self._currents = np.zeros(neurons if neuron.has_current else (1, 1, 1), np.int32)
        self._spikes = np.zeros(neurons, np.uint8)
        # Without tracking, the flags are never read; one flag keeps the kernels' types the same.
        self.flags = np.zeros(neurons if track_active else (1, 1, 1), np.uint8)
        if track_active:
            self.flags[...] = self._potentials != 0
        self._active = np.zeros_like(self.flags)

    def add(self, values: Integers) -> None:
        """Add a current or count per neuron, (M, P, Q), to what arrives."""
        arriving = values.transpose(1, 2, 0)
        self.sums += arriving
        if self.track_active:
            self.flags |= (arriving != 0).view(np.uint8)

    def advance(self) -> None:
        """End the timestep: integrate what arrived."""
        self._active[...] = self.flags
        update(
            self.sums,
            self._bias,
            self._threshold,
            self._subtracted,
            self._leak,
            self._current_leak,
            self._arithmetic,
            self.track_active,
            self._potentials,
            self._currents,
            self._spikes,
            self.flags,
        )

    @property
    def outputs(self) -> UInt8 | Int32:
        """Spikes, uint8 (M, P, Q), or potentials of a readout, int32; a view that the next timestep overwrites, as
        are the others."""
        return self.spikes if self._neuron.fires else self.potentials

    @property
    def spikes(self) -> UInt8:
        """uint8 (M, P, Q) of the current timestep."""
        return self._spikes.transpose(2, 0, 1)

    @property
    def active(self) -> UInt8:
        """uint8 (M, P, Q): the flags when the update of the current timestep began."""
        return self._active.transpose(2, 0, 1)

    @property
    def potentials(self) -> Int32:
        """int32 (M, P, Q) stored by the current timestep."""
        return self._potentials.transpose(2, 0, 1)


_TURNED_AT_ONCE = 64
"""Output channels."""
_APART = 16
"""Numbers between rows that are turned together: a line of the cache."""


def by_input_channel(weights: WeightCodes, shape: LayerShape, dtype: type[np.signedinteger[Any]]) -> WeightCodes:
    """Weights as (R, S, C, M / groups) of a dtype: what an event scatters through a tap lies side by side."""
    groups, (m, c, r, s) = shape.groups, weights.shape
    by_input = np.empty((r, s, groups, c, m // groups), dtype)
    turn(weights, by_input.transpose(2, 3, 0, 1, 4))
    return by_input.reshape(r, s, shape.C, m // groups)


def turn(weights: WeightCodes, weights_out: WeightCodes) -> None:
    """Copy weights (M, C / groups, R, S) to (groups, C / groups, R, S, M / groups or more).

    Some output channels are turned at a time, from a copy whose rows do not fall on the same lines of the cache: where
    the fan-in is a power of two, that is many times as fast as turning all at once.
    """
    groups, *taps, _ = weights_out.shape
    outputs = len(weights) // groups
    split = weights.reshape(groups, outputs, -1)
    fan_in = split.shape[2]
    room = np.empty((groups, min(_TURNED_AT_ONCE, outputs), fan_in + _APART), weights_out.dtype)[..., :fan_in]
    for first in range(0, outputs, _TURNED_AT_ONCE):
        some = split[:, first : first + _TURNED_AT_ONCE]
        copied = room[:, : some.shape[1]]
        copied[...] = some
        by_tap = copied.reshape(*copied.shape[:2], *taps)
        weights_out[..., first : first + some.shape[1]] = by_tap.transpose(0, 2, 3, 4, 1)


def _rows(parameter: Integers, shape: tuple[int, int, int]) -> Int64:
    """A neuron's parameter, (1,), (M,), (M, P, Q) or absent, as int64 (1, M), or (P x Q, M) where it has positions."""
    m, p, q = shape
    if parameter.ndim == 3 and p * q > 1:
        return np.ascontiguousarray(parameter.reshape(m, p * q).T, np.int64)
    values = parameter.reshape(-1) if parameter.size else np.zeros(1, np.int32)
    return np.array(np.broadcast_to(values, (1, m)), np.int64, order="C")
