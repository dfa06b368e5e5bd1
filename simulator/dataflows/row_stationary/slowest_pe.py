"""How long the slowest PE of every pass takes: its taps, and handing over its psums.

The PEs of an array row serve the same weights, and those of an array column the same pair (timestep, output row), so
the cycles of a PE are an inner product: active inputs of each tap x weights applied there. Where input pads skip zeros,
all timesteps and rows of the map go through a tap together, side by side in memory, taps without a weight are left out,
and each pass looks up the longest of its pairs. Where they do not, all pairs take as long as the weights say.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers, UInt64
from spikecycle.simulator.dataflows.row_stationary.counts import TapInputs, count_windows
from spikecycle.simulator.dataflows.row_stationary.kernel_types import LayerOnArray
from spikecycle.simulator.jit import called_kernel, disjoint_kernel, inner_kernel, lean_kernel
from spikecycle.simulator.workload.axis import WindowAxis, Windows

CYCLES = (np.uint16, np.int32, np.int64)
"""Types of the cycles of PEs that are gone through side by side: the narrower, the more at a time."""


def cycles_dtype(most: int) -> np.dtype[Any]:
    """The first of them that holds `most` cycles."""
    return np.dtype(next(dtype for dtype in CYCLES if most <= np.iinfo(dtype).max))


def slowest_by_weights(mapped: LayerOnArray, columns: Int64, hands_over: Int64) -> Int64:
    """Cycles of taps, and of handing over, where input pads skip nothing: int64 (2, ranges, F, K).

    columns: int64 (ranges,), output columns of each range. hands_over: int64 (K,), 1 in passes that hand psums over.
    """
    longest = _most_of_a_column(mapped, len(hands_over))
    total = longest + mapped.tables.filters[:, :, None] * hands_over
    # of filter sets that take equally long, the one with most cycles of taps
    slowest = total.max(axis=1)
    tap_cycles = np.where(total == slowest[:, None], longest, -1).max(axis=1)
    by_range = columns[:, None, None]
    return np.stack([by_range * tap_cycles, by_range * (slowest - tap_cycles)])


def most_cycles(mapped: LayerOnArray, columns: int, channel_folds: int) -> int:
    """The most cycles that taps, or handing over, of a pass of so many output columns may take, whatever is skipped."""
    longest = int(_most_of_a_column(mapped, channel_folds).max(initial=0))
    return columns * max(longest, int(mapped.tables.filters.max(initial=0)))


def _most_of_a_column(mapped: LayerOnArray, channel_folds: int) -> Int64:
    """int64 (F, J, K): cycles that the slowest PE takes for an output column, all of whose inputs are active."""
    layer, mapping = mapped.layer, mapped.mapping
    filter_folds, sets, rows, taps = mapped.applied_weights.shape
    filled_up = np.zeros((filter_folds, sets, rows, channel_folds * mapping.fold_channels * layer.S), np.int64)
    filled_up[..., :taps] = mapped.applied_weights
    by_set = filled_up.reshape(filter_folds, sets, rows, channel_folds, mapping.channel_sets, -1).sum(axis=-1)
    return np.asarray(by_set.max(axis=(2, 4)), np.int64)


class RangesOfInputs(NamedTuple):
    """Some timesteps of inputs, to be gone through by ranges of output columns.

    bits: uint64 (n, words), of inputs that are not 0; planes: uint64 (bits of an input, n, words), none where an input
    has one: see `workload.im2col.bit_words`. starts, ends: int64 (ranges,), output columns. folds: int64 (S, 4), first
    and last row and pair of the column folds of a range that have pairs of these timesteps, tile by tile, pairs counted
    from the first one.
    """

    bits: UInt64
    planes: UInt64
    starts: Int64
    ends: Int64
    folds: Int64


def count_ranges(
    mapped: LayerOnArray,
    inputs: RangesOfInputs,
    taps: TapInputs,
    hands_over: Int64,
    pe_cycles_out: Integers,
) -> None:
    """Add inputs at every tap, and where input pads skip zeros, fill in how long the slowest PE of every pass takes.

    taps: added to. hands_over: int64 (K,), 1 in passes that hand psums over; of no length where nothing is skipped.
    pe_cycles_out: of `cycles_dtype`, (2, ranges, F, K, S): cycles of taps, and of handing over. What stands there stays
    where it is slower.
    """
    layer, mapping = mapped.layer, mapped.mapping
    timesteps, dtype = len(inputs.bits), pe_cycles_out.dtype
    go_through_ranges(
        inputs,
        layer.windows,
        taps,
        mapped.applied_weights,
        mapped.tables.group * mapped.applied_weights.shape[3],
        mapped.tables.filters,
        hands_over,
        (mapping.channels_per_pe * layer.S, mapping.channel_sets),
        bool(mapped.array.time_batching),
        np.empty((layer.C * layer.S, layer.H * timesteps), dtype),
        np.empty(layer.H, np.int64),
        np.empty(layer.H * timesteps, dtype),
        np.empty(layer.P * timesteps, dtype),
        np.empty(len(inputs.folds), dtype),
        pe_cycles_out,
    )


@lean_kernel
def go_through_ranges(
    inputs: RangesOfInputs,
    windows: Windows,
    taps: TapInputs,
    applied_weights: Int64,
    first_taps: Int64,
    filters: Int64,
    hands_over: Int64,
    sets: tuple[int, int],
    time_batching: bool,
    counted: Integers,
    of_rows: Int64,
    cycles: Integers,
    pairs: Integers,
    longest: Integers,
    pe_cycles_out: Integers,
) -> None:
    """Of each range, count the windows of every tap, and find the slowest PEs; see `count_ranges` and `find_slowest`.

    Room: counted, (C · S, H · n); of_rows, int64 (H,); and what `find_slowest` needs.
    """
    for number in range(len(inputs.starts)):
        q0, q1 = inputs.starts[number], inputs.ends[number]
        for plane in range(len(inputs.planes)):
            count_windows(inputs.planes[plane], windows, q0, q1, of_rows, counted, taps.events)
        count_windows(inputs.bits, windows, q0, q1, of_rows, counted, taps.active_inputs)
        find_slowest(
            counted, applied_weights, first_taps, filters, q1 - q0, hands_over, sets, windows.rows, inputs.folds,
            time_batching, len(inputs.bits), cycles, pairs, longest, pe_cycles_out[0, number], pe_cycles_out[1, number],
        )  # fmt: skip


@called_kernel
def find_slowest(
    inputs: Integers,
    applied_weights: Int64,
    first_taps: Int64,
    filters: Int64,
    columns: int,
    hands_over: Int64,
    sets: tuple[int, int],
    rows: WindowAxis,
    folds: Int64,
    time_batching: bool,
    timesteps: int,
    cycles: Integers,
    pairs: Integers,
    longest: Integers,
    tap_cycles_out: Integers,
    hand_over_out: Integers,
) -> None:
    """Fill in `tap_cycles_out` and `hand_over_out`, (F, K, S), of a range, see `count_ranges`.

    inputs: (C · S, H · T), active inputs of a tap. applied_weights: int64 (F, J, R, C' · S). first_taps: int64 (F,),
    where the inputs of a filter fold's channel group begin. filters: int64 (F, J), of a set. columns: of the range.
    hands_over: int64 (K,). sets: taps of a channel set, and how many sets there are. rows: of windows. folds: see
    `RangesOfInputs`; without `time_batching` those of a tile are its timesteps. timesteps: T. cycles: (H · T,) and
    pairs: (P · T,), room for the cycles of one PE by input row, and of all array rows by output row; longest: (S,),
    room likewise. All but int64 are of one dtype, see `cycles_dtype`.
    """
    filter_folds, filter_sets, filter_rows, taps = applied_weights.shape
    set_taps, channel_sets = sets
    stride, padding = rows.stride, rows.padding
    for channel_fold in range(len(hands_over)):  # whose inputs stay in the cache for all filter folds
        first = channel_fold * set_taps * channel_sets
        end = min(taps, first + set_taps * channel_sets)
        for filter_fold in range(filter_folds):
            place = first_taps[filter_fold]
            tap_cycles, hand_over = tap_cycles_out[filter_fold, channel_fold], hand_over_out[filter_fold, channel_fold]
            for j in range(filter_sets):
                if filters[filter_fold, j] == 0:
                    continue  # a set without filters
                pairs[:] = 0
                for set_start in range(first, end, set_taps):
                    set_end = min(set_start + set_taps, end)
                    for r in range(filter_rows):
                        weights = applied_weights[filter_fold, j, r, set_start:set_end]
                        if add_taps(inputs[place + set_start : place + set_end], weights, cycles):
                            keep_longest(cycles, r - padding, stride, timesteps, pairs)
                handed = filters[filter_fold, j] * columns * hands_over[channel_fold]
                if time_batching:
                    for s in range(len(folds)):
                        row_start, row_end, pair_start, pair_end = folds[s]
                        longest[s] = longest_pair(pairs, timesteps, row_start, row_end, pair_start, pair_end)
                    keep_slowest(longest, handed, tap_cycles, hand_over)
                else:
                    for s in range(0, len(folds), timesteps):
                        row_start, row_end = folds[s, 0], folds[s, 1]
                        longest_of_timesteps(timesteps, row_start, row_end, pairs)
                        of_tile = slice(s, s + timesteps)
                        row = pairs[row_start * timesteps : (row_start + 1) * timesteps]
                        keep_slowest(row, handed, tap_cycles[of_tile], hand_over[of_tile])


@disjoint_kernel
def keep_slowest(longest: Integers, handed: int, tap_cycles_out: Integers, hand_over_out: Integers) -> None:
    """Cycles of taps and of handing over of some folds, become those of another filter set where that is slower: of
    sets that take equally long, the one with most cycles of taps."""
    for s in range(len(longest)):
        taps, before = np.int64(longest[s]), np.int64(tap_cycles_out[s])
        longer = taps + handed - before - np.int64(hand_over_out[s])
        is_slower = longer > 0 or (longer == 0 and taps > before)
        tap_cycles_out[s] = taps if is_slower else before
        hand_over_out[s] = handed if is_slower else hand_over_out[s]


@disjoint_kernel
def add_taps(inputs: Integers, weights: Int64, cycles_out: Integers) -> bool:
    """Cycles of one array row's PEs, (H · T,), set; whether there is any weight.

    inputs: (taps, H · T). weights: int64 (taps,).
    """
    is_empty = True
    for tap in range(len(weights)):
        if weights[tap] == 0:
            continue
        weight = cycles_out.dtype.type(weights[tap])
        row = inputs[tap]
        if is_empty:
            for i in range(len(cycles_out)):
                cycles_out[i] = row[i] * weight
        else:
            for i in range(len(cycles_out)):
                cycles_out[i] += row[i] * weight
        is_empty = False
    return not is_empty


@inner_kernel
def keep_longest(cycles: Integers, offset: int, stride: int, timesteps: int, pairs_out: Integers) -> None:
    """Raise each pair's cycles to those of its PE in an array row.

    cycles: (H · T,). Output row p meets input row p · stride + offset, if the map has it. timesteps: T. pairs_out:
    (P · T,).
    """
    rows, output_rows = len(cycles) // timesteps, len(pairs_out) // timesteps
    first = max(0, -(offset // stride))
    end = min(output_rows, (rows - 1 - offset) // stride + 1)
    at_once = max(0, end - first) if stride == 1 else 1  # output rows
    for p in range(first, end, max(1, at_once)):
        place = (p * stride + offset) * timesteps
        least = cycles[place : place + at_once * timesteps]
        raise_to(least, pairs_out[p * timesteps : (p + at_once) * timesteps])


@disjoint_kernel
def raise_to(least: Integers, values_out: Integers) -> None:
    """Make each of `values_out` at least what stands in `least`; one dimension each."""
    for i in range(len(values_out)):
        values_out[i] = max(values_out[i], least[i])


@inner_kernel
def longest_of_timesteps(timesteps: int, row_start: int, row_end: int, pairs: Integers) -> None:
    """Raise row `row_start` of `pairs`, (P · T,), to the most of the rows before `row_end`; the others are used up.

    Half of the rows is laid over the other half until one is left, all timesteps side by side.
    """
    first = row_start * timesteps
    rows = row_end - row_start
    while rows > 1:
        half = rows // 2 * timesteps
        last = first + rows * timesteps
        raise_to(pairs[last - half : last], pairs[first : first + half])
        rows -= rows // 2


@inner_kernel
def longest_pair(pairs: Integers, timesteps: int, row_start: int, row_end: int, pair_start: int, pair_end: int) -> int:
    """The most cycles of some pairs of a tile. pairs: (P · T,)."""
    tile_rows = row_end - row_start
    t = pair_start // tile_rows
    row = pair_start % tile_rows
    longest = 0
    for _ in range(pair_start, pair_end):
        longest = max(longest, int(np.int64(pairs[(row_start + row) * timesteps + t])))
        row += 1
        if row == tile_rows:
            row = 0
            t += 1
    return longest
