"""Kernels: the passes of a mapped layer in order, and their replay one after the other.

MICROARCHITECTURE.md, sections 2 (order) and 4 to 7 (what happens in a pass).
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.global_buffer import (
    deliver_rows,
    load_rows,
    load_weights,
    result_words,
    update_neurons,
)
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    ArrayMapping,
    ArraySpec,
    Count,
    CycleCategory,
    Kept,
    LayerOnArray,
    LayerSpec,
    Records,
    Sample,
    Step,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div, fold_pairs
from spikecycle.simulator.jit import kernel


def schedule(layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping) -> Int64:
    """int64 (passes, len(Step))."""
    passes = 0
    for rows in range(0, layer.P, mapping.tile_rows):
        tile_rows = min(mapping.tile_rows, layer.P - rows)
        passes += int(ceil_div(layer.T * tile_rows, fold_pairs(array, tile_rows)))
    filter_folds = layer.groups * int(ceil_div(layer.group_filters, mapping.fold_filters))
    channel_folds = int(ceil_div(layer.group_channels, mapping.fold_channels))
    passes *= int(ceil_div(layer.Q, mapping.tile_columns)) * filter_folds * channel_folds
    steps = np.zeros((passes, len(Step)), np.int64)
    _fill_in(layer, array, mapping, filter_folds, channel_folds, steps)
    return steps


@kernel
def _fill_in(
    layer: LayerSpec, array: ArraySpec, mapping: ArrayMapping, filter_folds: int, channel_folds: int, steps: Int64
) -> None:
    """Tiles one after the other, and in each of them filter folds and time groups in the order that `kept` asks for."""
    used = np.zeros((filter_folds, channel_folds), np.int64)
    index = 0
    tile = 0
    for column in range(0, layer.Q, mapping.tile_columns):
        for row in range(0, layer.P, mapping.tile_rows):
            row_end = min(row + mapping.tile_rows, layer.P)
            pairs = layer.T * (row_end - row)
            size = array.columns if array.time_batching == 1 else row_end - row
            group_pairs = mapping.folds_per_group * size
            groups = -(-pairs // group_pairs)
            for place in range(filter_folds * groups):
                filter_fold, group = place // groups, place % groups
                if mapping.kept == Kept.GROUP:
                    filter_fold, group = place % filter_folds, place // filter_folds
                start = group * group_pairs
                end = min(start + group_pairs, pairs)
                first = index
                index = _add_group(mapping, size, channel_folds, filter_fold, start, end, used, steps, index)
                # load units: numbers that no other tile, channel group (and time group, or pass) has
                unit = tile * layer.groups + filter_fold // (filter_folds // layer.groups)
                if mapping.kept == Kept.GROUP:
                    unit = unit * layer.T * layer.P + group
                for step in range(first, index):
                    steps[step, Step.COLUMN_START] = column
                    steps[step, Step.COLUMN_END] = min(column + mapping.tile_columns, layer.Q)
                    steps[step, Step.ROW_START] = row
                    steps[step, Step.ROW_END] = row_end
                    steps[step, Step.TILE] = tile
                    steps[step, Step.LOAD_UNIT] = 1 + (step if mapping.kept == Kept.PASS else unit)
            tile += 1


@kernel
def _add_group(
    mapping: ArrayMapping,
    fold_size: int,
    channel_folds: int,
    filter_fold: int,
    group_start: int,
    group_end: int,
    used: Int64,
    steps: Int64,
    index: int,
) -> int:
    """The passes of a filter fold and time group, from `index` on; returns the index after them.

    fold_size: pairs of a column fold.
    """
    for channel_fold in range(channel_folds):
        for start in range(group_start, group_end, fold_size):
            fills = 1
            if index > 0:
                before = steps[index - 1]
                same = before[Step.FILTER_FOLD] == filter_fold and before[Step.CHANNEL_FOLD] == channel_fold
                fills = 0 if same else 1
            end = min(start + fold_size, group_end)
            step = steps[index]
            step[Step.FILTER_FOLD] = filter_fold
            step[Step.CHANNEL_FOLD] = channel_fold
            step[Step.PAIR_START] = start
            step[Step.PAIR_END] = end
            step[Step.GROUP_START] = group_start
            step[Step.GROUP_END] = group_end
            step[Step.FILLS] = fills
            step[Step.LOADS_WEIGHTS] = fills * (1 - mapping.resident * used[filter_fold, channel_fold])
            step[Step.UPDATES] = 1 if channel_fold == channel_folds - 1 and end == group_end else 0
            step[Step.COLUMN_FOLD] = start // fold_size
            used[filter_fold, channel_fold] = 1
            index += 1
    return index


@kernel
def replay(
    mapped: LayerOnArray,
    sample: Sample,
    longest: Int64,
    delivered: Int64,
    steps: Int64,
    first: int,
    end: int,
    records: Records,
) -> None:
    """Run the passes `first` to `end` - 1 of one column range. steps: int64 (passes, len(Step)), the schedule.

    longest: int64 (end - first, filter sets), cycles of the slowest PE of each set, see `skipping_pes`; (1, filter
    sets) where input pads do not skip zeros. delivered: see `deliver_rows`.
    """
    for index in range(first, end):
        step = steps[index]
        fill_cycles, weight_words = load_weights(mapped, step, index, records)
        words = weight_words + load_rows(mapped, sample, step, index, records)
        words += deliver_rows(mapped, step, delivered, records)
        words += move_psums(mapped, step, records)
        compute_cycles, hand_over_cycles = slowest_pe(mapped, longest[(index - first) % len(longest)], step)
        slowest = compute_cycles + hand_over_cycles
        breakdown = records.breakdown[index]
        breakdown[CycleCategory.WEIGHT_FILL] = fill_cycles
        breakdown[CycleCategory.COMPUTE] = compute_cycles
        breakdown[CycleCategory.REDUCTION] = hand_over_cycles + mapped.layer.R * sets_in_chains(mapped, step)
        breakdown[CycleCategory.GLOBAL_BUFFER] = max(0, -(-words // mapped.array.words_per_cycle) - slowest)
        if step[Step.UPDATES] == 1:
            filters = mapped.tables.filters[step[Step.FILTER_FOLD]].sum()
            update_cycles, buffer_cycles = update_neurons(mapped, sample, step, filters, index, records)
            breakdown[CycleCategory.UPDATE] = update_cycles
            breakdown[CycleCategory.GLOBAL_BUFFER] += max(0, buffer_cycles - update_cycles)


@kernel
def channel_sets_in_use(mapped: LayerOnArray, channel_fold: int) -> int:
    """Channel sets that have channels in a channel fold."""
    fold_channels = mapped.mapping.channels_per_pe * mapped.mapping.channel_sets
    left = mapped.layer.C // mapped.layer.groups - channel_fold * fold_channels
    return int(min(mapped.mapping.channel_sets, -(-left // mapped.mapping.channels_per_pe)))


@kernel
def sets_in_chains(mapped: LayerOnArray, step: Int64) -> int:
    """Channel sets whose PEs hand psums to their chains in this pass; 0 if psums stay in the pads."""
    if mapped.array.psums_in_pads == 0:
        return channel_sets_in_use(mapped, step[Step.CHANNEL_FOLD])
    # the psums of all channel folds are handed over in the last one
    channels = mapped.mapping.channels_per_pe * mapped.mapping.channel_sets
    last = -(-(mapped.layer.C // mapped.layer.groups) // channels) - 1
    return channel_sets_in_use(mapped, 0) if step[Step.CHANNEL_FOLD] == last else 0


@kernel
def move_psums(mapped: LayerOnArray, step: Int64, records: Records) -> int:
    """Psums up the chains, and from and to the global buffer; returns its words."""
    sets = sets_in_chains(mapped, step)
    if sets == 0:
        return 0
    layer = mapped.layer
    columns = step[Step.COLUMN_END] - step[Step.COLUMN_START]
    pairs = step[Step.PAIR_END] - step[Step.PAIR_START]
    adds_fold_before = 1 if step[Step.CHANNEL_FOLD] > 0 and mapped.array.psums_in_pads == 0 else 0
    psum_rows = mapped.tables.filters[step[Step.FILTER_FOLD]].sum() * pairs
    words = pairs * result_words(mapped, step, mapped.widths.psums_per_word)
    hops = layer.R * sets - 1
    moved_bits = psum_rows * columns * (1 + adds_fold_before) * layer.psum_bits
    records.counts[Count.PSUM_WORDS_WRITTEN] += words
    records.counts[Count.PSUM_WORDS_READ] += words * adds_fold_before
    records.counts[Count.TRUNK_PSUMS] += moved_bits
    records.counts[Count.BRANCH_PSUMS] += moved_bits
    records.counts[Count.CHAIN_PSUMS] += psum_rows * columns * hops * layer.psum_bits
    records.counts[Count.CHAIN_ADDITIONS] += psum_rows * columns * (hops + adds_fold_before)
    return int(words * (1 + adds_fold_before))


@kernel
def slowest_pe(mapped: LayerOnArray, longest_by_set: Int64, step: Int64) -> tuple[int, int]:
    """Cycles of the PE that takes longest: of its taps, and of handing over its psums.

    longest_by_set: int64 (filter sets,), see `skipping_pes`; not looked at where input pads do not skip.
    """
    layer, mapping = mapped.layer, mapped.mapping
    fold = step[Step.FILTER_FOLD]
    taps = mapping.channels_per_pe * layer.S
    group_taps = layer.C // layer.groups * layer.S
    fold_start = step[Step.CHANNEL_FOLD] * taps * mapping.channel_sets
    fold_end = min(group_taps, fold_start + taps * mapping.channel_sets)
    windows = step[Step.COLUMN_END] - step[Step.COLUMN_START]
    handing_over = windows if sets_in_chains(mapped, step) > 0 else 0
    slowest_taps = 0
    slowest_hand_over = 0
    for j in range(mapping.filter_sets):
        if mapped.tables.filters[fold, j] == 0:
            continue
        longest = 0
        if mapped.array.input_zeros == Zero.SKIP:
            longest = longest_by_set[j]
        else:
            for first in range(fold_start, fold_end, taps):
                end = min(first + taps, fold_end)
                longest = max(longest, windows * most_applied(mapped.applied_weights[fold, j], first, end))
        hand_over = handing_over * mapped.tables.filters[fold, j]
        if (longest + hand_over, longest) > (slowest_taps + slowest_hand_over, slowest_taps):
            slowest_taps = longest
            slowest_hand_over = hand_over
    return slowest_taps, slowest_hand_over


@kernel
def most_applied(applied_weights: Int64, first: int, end: int) -> int:
    """Weights served for the taps `first` to `end` - 1, in the array row that has most; applied_weights: int64 (R,
    taps)."""
    most = 0
    for r in range(len(applied_weights)):
        row = 0
        for tap in range(first, end):
            row += applied_weights[r, tap]
        most = max(most, row)
    return most
