"""How many sums of a synapse on binary spikes are not 0, in every timestep.

Nobody keeps these sums, so they are made one output position after the other: of the events in its window, weights lie
side by side for all output channels, and are added in 16 bits as long as no sum can go beyond. The events of a row of
inputs are listed column by column and channel by channel, so that those of all taps of a kernel row lie side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int16, Int32, Int64, UInt64, WeightCodes
from spikecycle.simulator.jit import inner_kernel, lean_kernel
from spikecycle.simulator.replay.steps import by_input_channel
from spikecycle.simulator.workload.axis import Windows
from spikecycle.simulator.workload.words import WORD_BITS, WORD_BYTES, lowest_one
from spikecycle.traces import LayerShape
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.tensors import ValueRange
from spikecycle.traces.weights import code_dtype

TOGETHER = 4
"""Events that are added in one sweep over the output channels; `_add` is written for this number."""
FEWEST_EVENTS = 8 * TOGETHER
"""Events that a sum of 16 bits must hold at least: with fewer, sums of 32 bits are faster."""
FEWEST_CHANNELS = 4
"""Of a group, if there are several: with fewer, to scatter every event is faster."""
BLOCK_BYTES = 2**20
"""Of packed spikes whose rows are filled up to whole words together."""
_NARROW, _WIDE = np.iinfo(np.int16), np.iinfo(np.int32)


class OutputSums(NamedTuple):
    """The sums of one output position and group.

    bias: int32 (groups, M / groups). narrow: (M / groups,), the sum of the last events, at most `most_events` of them.
    wide: int32 (M / groups,), the bias and the sum of all events before.
    """

    bias: Int32
    narrow: Int16 | Int32
    wide: Int32
    most_events: int

    @classmethod
    def of(cls, bias: Int32, largest: int) -> OutputSums:
        """Of weights up to `largest`, in 16 bits if those hold enough of them."""
        most_events = _NARROW.max // largest if largest else _WIDE.max
        wide = np.zeros(bias.shape[1], np.int32)
        if most_events >= FEWEST_EVENTS:
            return cls(bias.copy(), wide.astype(np.int16), wide, most_events)
        return cls(bias.copy(), wide.copy(), wide, _WIDE.max)


class ListedEvents(NamedTuple):
    """Room for the events of a timestep, listed by group, row, column and channel.

    starts: int32 (groups x H x W + 2,): where the events of each position and group begin; those of the last end with
    the number behind it. numbers: int32 (C x H x W,), each event as (h x W + w) x C + c.
    """

    starts: Int32
    numbers: Int32


@lean_kernel
def list_events(spiking: UInt64, positions: int, channels: int, groups: int, events: ListedEvents) -> None:
    """List the set bits of a timestep, (words,): bit c x positions + i is channel c of input position i."""
    starts, numbers = events
    starts[:] = 0
    for is_counted in range(2):
        c = 0
        stop = positions  # of the channel
        place = 2 - is_counted  # of its group
        for index in range(len(spiking)):
            word = spiking[index]
            while word:
                bit = index * WORD_BITS + lowest_one(word)
                word &= word - np.uint64(1)
                while bit >= stop:
                    c += 1
                    stop += positions
                    if c * groups % channels == 0:
                        place += positions
                position = bit - stop + positions
                if is_counted:
                    numbers[starts[place + position]] = position * channels + c
                starts[place + position] += 1
        if not is_counted:
            for i in range(2, len(starts)):
                starts[i] += starts[i - 1]


@inner_kernel
def _add(weights: WeightCodes, numbers: Int32, first: int, last: int, row: int, sums: Int16 | Int32) -> None:
    """Add the weights, (rows, M / groups), of events [first, last) to sums; `row` is that of an event of number 0."""
    whole = last - (last - first) % TOGETHER
    for i in range(first, whole, TOGETHER):
        at = np.uint64(i)
        weights_0, weights_1 = (
            weights[np.uint64(numbers[at] + row)],
            weights[np.uint64(numbers[at + np.uint64(1)] + row)],
        )
        weights_2 = weights[np.uint64(numbers[at + np.uint64(2)] + row)]
        weights_3 = weights[np.uint64(numbers[at + np.uint64(3)] + row)]
        for m in range(len(sums)):
            sums[m] += np.int64(weights_0[m]) + np.int64(weights_1[m]) + np.int64(weights_2[m]) + np.int64(weights_3[m])
    for i in range(whole, last):
        of_event = weights[np.uint64(numbers[np.uint64(i)] + row)]
        for m in range(len(sums)):
            sums[m] += np.int64(of_event[m])


@inner_kernel
def _within(place: int, stop: int) -> int:
    return 0 if place < 0 else (stop if place > stop else place)


@lean_kernel
def count_non_zero_sums(
    spiking: UInt64,
    windows: Windows,
    groups: int,
    weights: WeightCodes,
    sums: OutputSums,
    events: ListedEvents,
    counts_out: Int64,
) -> None:
    """How many sums are not 0.

    spiking: uint64 (T, words), inputs (C, H, W) as bits. weights: (R x S x C, M / groups). counts_out: int64 (T,).
    """
    rows, columns = windows
    narrow, wide = sums.narrow, sums.wide
    channels = len(weights) // (rows.taps * columns.taps)
    inputs = rows.inputs * columns.inputs
    taps = columns.taps if columns.dilation == 1 else 1  # whose events lie side by side
    for t in range(len(spiking)):
        list_events(spiking[t], inputs, channels, groups, events)
        count = 0
        for group in range(groups):
            is_changed = True  # wide sums, by the positions of another group
            for p in range(rows.outputs):
                for q in range(columns.outputs):
                    narrow[:] = 0
                    if is_changed:
                        for m in range(len(narrow)):
                            wide[m] = sums.bias[group, m]
                        is_changed = False
                    room = sums.most_events
                    for r in range(rows.taps):
                        h = p * rows.stride + r * rows.dilation - rows.padding
                        if h < 0 or h >= rows.inputs:
                            continue
                        begin = h * columns.inputs
                        listed = group * inputs + begin
                        for s in range(0, columns.taps, taps):
                            w = q * columns.stride + s * columns.dilation - columns.padding
                            first = int(events.starts[np.uint64(listed + _within(w, columns.inputs))])
                            last = int(events.starts[np.uint64(listed + _within(w + taps, columns.inputs))])
                            row = (r * columns.taps + s - begin - w) * channels
                            while first < last:
                                if room == 0:
                                    for m in range(len(narrow)):
                                        wide[m] += narrow[m]
                                        narrow[m] = 0
                                    room = sums.most_events
                                    is_changed = True
                                stop = min(last, first + room)
                                _add(weights, events.numbers, first, stop, row, narrow)
                                room -= stop - first
                                first = stop
                    found = np.int32(0)
                    for m in range(len(narrow)):
                        found = np.int32(found + np.int32(np.int32(wide[m] + narrow[m]) != 0))
                    count += int(found)
        counts_out[t] = count


def non_zero_sums(
    shape: LayerShape, spikes: PackedSpikes, weights: Int32, weight_bits: int, bias: Int32, allowed: ValueRange
) -> Int64 | None:
    """int64 (T,): sums of each timestep that are not 0. None where they may leave a range, or where there is no gain.

    weights: int32 (M, C / groups, R, S), codes of weight_bits. bias: int32 (M,). allowed: the range.
    """
    outputs = shape.M // shape.groups
    is_scattered = shape.groups > 1 and outputs < FEWEST_CHANNELS
    if is_scattered or shape.input_count > _WIDE.max - WORD_BITS:
        return None
    rows = by_input_channel(weights, shape, code_dtype(weight_bits)).reshape(-1, outputs)
    largest = max(int(rows.max()), -int(rows.min()))
    magnitude = shape.fan_in * largest + int(np.abs(bias.astype(np.int64)).max())
    if magnitude > _WIDE.max or not _stays_within(allowed, magnitude, weights.reshape(shape.M, -1), bias):
        return None
    sums = OutputSums.of(bias.reshape(shape.groups, outputs), largest)
    places = shape.groups * shape.H * shape.W
    events = ListedEvents(np.zeros(places + 2, np.int32), np.zeros(shape.input_count, np.int32))
    windows = Windows.of(shape)
    counts = np.zeros(len(spikes), np.int64)
    size = spikes.packed.shape[1]
    block = max(1, BLOCK_BYTES // size)
    for first in range(0, len(spikes), block):
        some = spikes.packed[first : first + block]
        filled = np.zeros((len(some), -(-size // WORD_BYTES) * WORD_BYTES), np.uint8)
        filled[:, :size] = some
        of_block = counts[first : first + block]
        count_non_zero_sums(filled.view("<u8"), windows, shape.groups, rows, sums, events, of_block)
    return counts


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
