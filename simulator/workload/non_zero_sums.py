"""How many sums of a synapse on binary spikes are not 0, in every timestep.

Nobody keeps these sums, so they are made one output position after the other, and for some output channels at a time,
so that they stay in registers: the weights of all events in a window, listed one after the other, are added in 16 bits.
Before such a sum could go beyond, what is above its lowest 8 bits is added to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikecycle.simulator.aligned import aligned_zeros
from spikecycle.simulator.array_types import Int16, Int32, Int64, UInt64, WeightCodes
from spikecycle.simulator.jit import disjoint_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.replay.steps import turn
from spikecycle.simulator.workload.axis import Windows
from spikecycle.simulator.workload.event_lists import (
    INPUT_EVENT_BYTES,
    ROW_EVENT_BYTES,
    InputEvents,
    RowEvents,
    join_rows,
    list_events,
)
from spikecycle.simulator.workload.words import WORD_BITS, WORD_BYTES
from spikecycle.traces import LayerShape
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.tensors import ValueRange
from spikecycle.traces.weights import code_dtype

TOGETHER = 4
"""Events that are added in one sweep over the output channels; `_non_zero` is written for this number."""
LANES = 64
"""Output channels whose sums are made together, and to a multiple of which those of a group are filled up. With fewer,
LLVM takes the loop over them apart before it looks for wide registers."""
FEWEST_EVENTS = 8 * TOGETHER
"""Events that sums of 16 bits must hold at least."""
FEWEST_CHANNELS = 4
"""Of a group, if there are several: with fewer, to scatter every event is faster."""
BLOCK_BYTES = 2**20
"""Of packed spikes whose rows are filled up to whole words together."""
_LOW_BITS = 8
_HIGHEST_LOW = 2**_LOW_BITS - 1
_NARROW, _WIDE = np.iinfo(np.int16), np.iinfo(np.int32)


class OutputSums(NamedTuple):
    """Room for the sums of LANES output channels, low + 256 x high. Nobody leaves another high than 0.

    bias: (groups, lanes). most_events: so many, a multiple of TOGETHER, low holds beside what is there before them.
    """

    bias: Int16 | Int32
    low: Int16 | Int32
    high: Int16 | Int32
    most_events: int

    @classmethod
    def of(cls, bias: Int32, largest: int, magnitude: int) -> OutputSums:
        """Of weights up to `largest` and sums up to `magnitude`, in 16 bits if those hold enough of them."""
        room = _NARROW.max - _HIGHEST_LOW - int(np.abs(bias.astype(np.int64)).max())
        most_events = (room // max(largest, 1) - TOGETHER) // TOGETHER * TOGETHER
        if most_events >= FEWEST_EVENTS and magnitude >> _LOW_BITS < _NARROW.max:
            low = np.zeros(LANES, np.int16)
            return cls(bias.astype(np.int16), low, low.copy(), most_events)
        wide = np.zeros(LANES, np.int32)
        return cls(bias, wide, wide.copy(), _WIDE.max)


@inner_kernel
def _row(events: Int64, i: int, stop: int, origin: int, zeros: int) -> int:
    """Where the weights of event i begin, or those that are 0 from event `stop` on; without a branch."""
    row: int = zeros + (events[np.uint64(i)] + origin - zeros) * np.int64(i < stop)
    return row


@disjoint_kernel
def _non_zero(
    weights: WeightCodes,
    zeros: int,
    origin: int,
    events: Int64,
    first: int,
    last: int,
    bias: Int16 | Int32,
    low: Int16 | Int32,
    high: Int16 | Int32,
    most_events: int,
) -> int:
    """How many sums of a window are not 0.

    events: where the weights of each begin, from an origin; [first, last) are added. zeros: where weights of 0 are.

    The first ones are added together with the bias, and weights of 0 where there are fewer than three, so that windows
    of few events differ in nothing that a processor would have to guess.
    """
    few = first + (last - first) % TOGETHER
    row_0 = _row(events, first, few, origin, zeros)
    row_1 = _row(events, first + 1, few, origin, zeros)
    row_2 = _row(events, first + 2, few, origin, zeros)
    count = 0
    for lane in range(0, len(bias), LANES):
        for m in range(LANES):
            at = np.uint64(lane + m)
            low[np.uint64(m)] = (
                np.int64(bias[at])
                + np.int64(weights[np.uint64(row_0) + at])
                + np.int64(weights[np.uint64(row_1) + at])
                + np.int64(weights[np.uint64(row_2) + at])
            )
        start = few
        is_high = False
        while start < last:
            stop = last if last - start <= most_events else start + most_events
            for i in range(start, stop, TOGETHER):
                at_0 = np.uint64(events[np.uint64(i)] + origin + lane)
                at_1 = np.uint64(events[np.uint64(i + 1)] + origin + lane)
                at_2 = np.uint64(events[np.uint64(i + 2)] + origin + lane)
                at_3 = np.uint64(events[np.uint64(i + 3)] + origin + lane)
                for m in range(LANES):
                    low[np.uint64(m)] += (
                        np.int64(weights[at_0 + np.uint64(m)])
                        + np.int64(weights[at_1 + np.uint64(m)])
                        + np.int64(weights[at_2 + np.uint64(m)])
                        + np.int64(weights[at_3 + np.uint64(m)])
                    )
            is_high |= stop < last
            if is_high:
                for m in range(LANES):
                    value = np.int64(low[np.uint64(m)])
                    high[np.uint64(m)] += value >> _LOW_BITS
                    low[np.uint64(m)] = value & _HIGHEST_LOW
            start = stop
        found = np.uint16(0)
        for m in range(LANES):
            found = np.uint16(found + np.uint16((low[np.uint64(m)] | high[np.uint64(m)]) != 0))
        count += int(found)
        if is_high:
            for m in range(LANES):
                high[np.uint64(m)] = 0
    return count


@lean_kernel
def count_non_zero_sums(
    spiking: UInt64,
    windows: Windows,
    weights: WeightCodes,
    sums: OutputSums,
    events: InputEvents,
    joined: RowEvents,
    counts_out: Int64,
) -> None:
    """How many sums are not 0.

    spiking: uint64 (T, words + 1), inputs (C, H, W) as bits. weights: see `event_weights`. counts_out: int64 (T,).
    """
    rows, columns = windows
    groups, lanes = sums.bias.shape
    positions = rows.inputs * columns.inputs
    zeros = weights.shape[1] - lanes
    row_step = zeros // (rows.taps * columns.taps)
    channels = row_step // lanes
    column_step = row_step * rows.taps
    for t in range(len(spiking)):
        count = 0
        for group in range(groups):
            list_events(spiking[t], group * channels * positions, positions, channels, lanes, events)
            for p in range(rows.outputs):
                join_rows(windows, p, row_step, events, joined)
                for q in range(columns.outputs):
                    column = q * columns.stride
                    if columns.dilation > 1:
                        column = column % columns.dilation * joined.apart + column // columns.dilation
                    first = int(joined.starts[np.uint64(column)])
                    last = int(joined.starts[np.uint64(column + columns.taps)])
                    origin = -column * column_step
                    count += _non_zero(
                        weights[group], zeros, origin, joined.weights, first, last,
                        sums.bias[group], sums.low, sums.high, sums.most_events,
                    )  # fmt: skip
        counts_out[t] = count


@dataclass(frozen=True, eq=False)
class SummedWeights:
    """Weights of a synapse and its bias as its sums take them: the same for all samples.

    rows: see `event_weights`. bias: int32 (groups, lanes). largest: weight. magnitude: no sum is beyond it.
    """

    shape: LayerShape
    rows: WeightCodes
    bias: Int32
    largest: int
    magnitude: int

    @classmethod
    def of(
        cls, shape: LayerShape, weights: Int32, weight_bits: int, bias: Int32, allowed: ValueRange
    ) -> SummedWeights | None:
        """None where sums may leave a range, or where there is no gain.

        weights: int32 (M, C / groups, R, S), codes of weight_bits. bias: int32 (M,). allowed: the range.
        """
        outputs, lanes = shape.M // shape.groups, _lanes(shape)
        listed = max(shape.input_count, (shape.C // shape.groups + WORD_BITS) * lanes)  # the largest number in lists
        if _is_scattered(shape) or listed > _WIDE.max - WORD_BITS:
            return None
        rows = event_weights(weights, shape, code_dtype(weight_bits))
        largest = max(int(rows.max()), -int(rows.min()))
        magnitude = shape.fan_in * largest + int(np.abs(bias.astype(np.int64)).max())
        if magnitude > _WIDE.max or not _stays_within(allowed, magnitude, weights.reshape(shape.M, -1), bias):
            return None
        filled_bias = np.zeros((shape.groups, lanes), np.int32)
        filled_bias[:, :outputs] = bias.reshape(shape.groups, outputs)
        return cls(shape, rows, filled_bias, largest, magnitude)

    def non_zero_sums(self, spikes: PackedSpikes) -> Int64:
        """int64 (T,): sums of each timestep that are not 0."""
        sums = OutputSums.of(self.bias, self.largest, self.magnitude)
        events, joined = InputEvents.of(self.shape), RowEvents.of(self.shape)
        windows = Windows.of(self.shape)
        counts = np.zeros(len(spikes), np.int64)
        size = spikes.packed.shape[1]
        block = max(1, BLOCK_BYTES // size)
        for first in range(0, len(spikes), block):
            some = spikes.packed[first : first + block]
            filled = np.empty((len(some), (-(-size // WORD_BYTES) + 1) * WORD_BYTES), np.uint8)
            filled[:, :size], filled[:, size:] = some, 0
            of_block = counts[first : first + block]
            count_non_zero_sums(filled.view("<u8"), windows, self.rows, sums, events, joined, of_block)
        return counts


def sums_bytes(shape: LayerShape, weight_bits: int) -> int:
    """Memory that sums take: weights by event, and lists of events; 0 where sums are not made so."""
    if _is_scattered(shape):
        return 0
    channels, item_bytes = shape.C // shape.groups, np.dtype(code_dtype(weight_bits)).itemsize
    weights = item_bytes * shape.groups * (shape.fan_in + 1) * _lanes(shape)
    return weights + channels * (INPUT_EVENT_BYTES * shape.H * shape.W + ROW_EVENT_BYTES * shape.R * shape.W)


def _lanes(shape: LayerShape) -> int:
    """Output channels of a group, filled up."""
    return -(-shape.M // shape.groups // LANES) * LANES


def _is_scattered(shape: LayerShape) -> bool:
    """Whether every event is scattered over the outputs that it reaches."""
    return shape.groups > 1 and shape.M // shape.groups < FEWEST_CHANNELS


def event_weights(weights: Int32, shape: LayerShape, dtype: type[np.signedinteger[Any]]) -> WeightCodes:
    """Weights (M, C / groups, R, S) as (groups, (S x R x C / groups + 1) x lanes) of a dtype.

    Those of an event lie side by side, filled up to whole lanes with 0; the last are those of no event, all 0.
    """
    groups, lanes, (_, c, r, s) = shape.groups, _lanes(shape), weights.shape
    rows: WeightCodes = aligned_zeros((groups, s * r * c + 1, lanes), dtype)
    turn(weights, rows[:, :-1].reshape(groups, s, r, c, lanes).transpose(0, 3, 2, 1, 4))
    return rows.reshape(groups, -1)


def _stays_within(allowed: ValueRange, magnitude: int, weights: Int32, bias: Int32) -> bool:
    """Whether no sum of weights, (M, K), and bias leaves a range, whatever spikes there are.

    magnitude: what none can exceed by the largest weight.
    """
    if magnitude <= min(-allowed.lowest, allowed.highest):
        return True
    rows = max(1, BLOCK_BYTES // weights.shape[1])
    for first in range(0, len(weights), rows):
        some = weights[first : first + rows]
        total, magnitudes = some.sum(axis=1, dtype=np.int64), np.abs(some).sum(axis=1, dtype=np.int64)
        start = bias[first : first + rows].astype(np.int64)
        lowest, highest = start + (total - magnitudes) // 2, start + (total + magnitudes) // 2
        if lowest.min() < allowed.lowest or highest.max() > allowed.highest:
            return False
    return True
