"""A sample on a mapped layer: what happens in all passes, put together.

MICROARCHITECTURE.md, sections 4 to 7. What follows from the mapping alone (`Steady`) is computed once, what depends on
spikes for every sample: the slowest PEs, and rows in formats whose size the spikes decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt8
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.row_stationary.counts import (
    TapInputs,
    count_outputs,
    count_pe_work,
    count_windows,
)
from spikecycle.simulator.dataflows.row_stationary.global_buffer import (
    RowLoads,
    channels_of_folds,
    covered_columns,
    deliver_rows,
    move_psums,
    row_bits,
    sets_in_chains,
)
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    Count,
    CycleCategory,
    Kept,
    LayerOnArray,
    Operand,
    Records,
    Zero,
    empty_records,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.passes import ColumnFolds, PassOrder
from spikecycle.simulator.dataflows.row_stationary.slowest_pe import slowest_by_weights, slowest_skipping
from spikecycle.simulator.dataflows.row_stationary.updates import output_spikes, spikes_of_folds, update_neurons

BLOCK_BYTES = 2**24
"""Of what is counted of each input and tap of some timesteps."""


@dataclass(frozen=True, eq=False)
class Steady:
    """What is the same for every sample of a mapped layer.

    words: int64 (S, F, K), of the global buffer in a pass, but for loads and fills. loaded_rows: int64 (folds of a
    range,), input rows that are loaded; row_loads: which, if all timesteps are gone through together. counts: int64
    (len(Count),), of what `words` are for.
    """

    words: Int64
    loaded_rows: Int64
    row_loads: RowLoads | None
    counts: Int64

    @classmethod
    def of(cls, mapped: LayerOnArray, order: PassOrder) -> Steady:
        """Deliver rows and move psums in all passes."""
        counts = np.zeros(len(Count), np.int64)
        words = deliver_rows(mapped, order, counts)
        psum_words, times = move_psums(mapped, order, counts)
        for channel_fold in np.flatnonzero(times):
            words[:, :, channel_fold] += psum_words * times[channel_fold]
        folds = order.folds_of_range
        loaded_rows = np.zeros(len(folds.tile), np.int64)
        row_loads = None
        blocks = blocks_of_timesteps(mapped)
        for timesteps in blocks:
            row_loads = RowLoads.of(mapped, folds, timesteps)
            row_loads.add_rows(loaded_rows)
        return cls(words, loaded_rows, row_loads if len(blocks) == 1 else None, counts)


def blocks_of_timesteps(mapped: LayerOnArray) -> list[range]:
    """Timesteps that are gone through together."""
    layer = mapped.layer
    of_timestep = 8 * max(2 * layer.H * layer.C * layer.S, layer.M * layer.P, layer.H * layer.P)
    together = max(1, BLOCK_BYTES // of_timestep)
    return [range(first, min(first + together, layer.T)) for first in range(0, layer.T, together)]


@dataclass
class _SpikeWork:
    """What spikes decide, by range of output columns as they are added.

    tap_cycles, hand_over: int64 (S, F, K), of the slowest PE. input_spikes: int64 (S, groups, K), non-zero inputs of
    the rows that passes load; output_spikes: a part (time groups, F) for each range. Both empty where no row's size
    depends on them. taps: inputs at every tap, of all ranges.
    """

    tap_cycles: Int64
    hand_over: Int64
    input_spikes: Int64
    output_spikes: list[Int64]
    taps: TapInputs


def replay(mapped: LayerOnArray, order: PassOrder, steady: Steady, sample: LayerSample) -> Records:
    """Run all passes on a sample."""
    records = empty_records(len(order.place))
    counts = records.counts
    counts += steady.counts
    work = _work_of_spikes(mapped, order, steady, sample, records)
    words = steady.words.reshape(-1)[order.place]
    words += _load_rows(mapped, order, steady, work.input_spikes, sample.inputs_on_chip, records)
    words += _fill_pads(mapped, order, sample.weights_on_chip, records)

    tap_cycles, hand_over = (table.reshape(-1)[order.place] for table in (work.tap_cycles, work.hand_over))
    breakdown = records.breakdown
    breakdown[:, CycleCategory.COMPUTE] = tap_cycles
    in_chains = (mapped.layer.R * sets_in_chains(mapped))[order.channel_fold]
    breakdown[:, CycleCategory.REDUCTION] = hand_over + in_chains
    buffer_cycles = ceil_div(words, mapped.array.words_per_cycle) - tap_cycles - hand_over
    np.maximum(buffer_cycles, 0, out=breakdown[:, CycleCategory.GLOBAL_BUFFER])

    spikes = np.concatenate(work.output_spikes) if work.output_spikes else None
    updates = update_neurons(mapped, order, spikes, sample.outputs_on_chip, counts)
    breakdown[order.updates, CycleCategory.UPDATE] = updates.cycles
    breakdown[order.updates, CycleCategory.GLOBAL_BUFFER] += np.maximum(updates.buffer_cycles - updates.cycles, 0)
    records.loads[order.updates, Operand.POTENTIALS] = updates.loaded_potentials
    records.stores[order.updates, Operand.POTENTIALS] = updates.stored_potentials
    records.stores[order.updates, Operand.OUTPUTS] = updates.stored_outputs
    return records


def _work_of_spikes(
    mapped: LayerOnArray, order: PassOrder, steady: Steady, sample: LayerSample, records: Records
) -> _SpikeWork:
    """Go through the ranges of output columns; counts the work of PEs."""
    layer, folds, folds_of_range = mapped.layer, order.folds, order.folds_of_range
    size = len(folds_of_range.tile)
    hands_over = (sets_in_chains(mapped) > 0).astype(np.int64)
    skips = mapped.array.input_zeros == Zero.SKIP
    if skips:
        tap_cycles, hand_over = np.zeros(order.shape, np.int64), np.zeros(order.shape, np.int64)
    else:
        tap_cycles, hand_over = slowest_by_weights(mapped, folds, hands_over)
    loaded = (order.shape[0] if mapped.input_row.explicit else 0, layer.groups, order.shape[2])
    work = _SpikeWork(tap_cycles, hand_over, np.zeros(loaded, np.int64), [], TapInputs.none(mapped))
    for first in range(0, order.shape[0], size):
        _add_range(mapped, order, steady, sample, slice(first, first + size), work)
    count_pe_work(mapped, work.taps, records)
    return work


def _add_range(
    mapped: LayerOnArray, order: PassOrder, steady: Steady, sample: LayerSample, here: slice, work: _SpikeWork
) -> None:
    """Go through a range of output columns, whose column folds are `here`, some timesteps at a time."""
    layer, folds = mapped.layer, order.folds_of_range
    of_range = ColumnFolds(*(column[here] for column in order.folds))
    q0, q1 = int(of_range.column_start[0]), int(of_range.column_end[0])
    hands_over = (sets_in_chains(mapped) > 0).astype(np.int64)
    group_starts = np.arange(layer.groups)[:, None] * layer.group_channels
    channel_starts = (group_starts + np.arange(order.shape[2]) * mapped.mapping.fold_channels).reshape(-1)
    is_explicit = mapped.output_row.explicit
    of_folds = np.empty((layer.T, layer.neuron_rows, order.shape[1]) if is_explicit else (0, 0, 0), np.int32)
    for timesteps in blocks_of_timesteps(mapped):
        first, last = timesteps.start, timesteps.stop
        active_inputs = np.zeros((len(timesteps), layer.H, layer.C, layer.S), np.int64)
        events, spikes = np.zeros_like(active_inputs), np.zeros(active_inputs.shape[:3], np.int64)
        count_windows(sample.inputs[first:last], layer, q0, q1, active_inputs, events, spikes)
        work.taps.add(mapped, active_inputs, events)
        if mapped.array.input_zeros == Zero.SKIP:
            chosen, some = of_range.of_timesteps(first, last)
            tap_cycles, hand_over = (table[here][chosen] for table in (work.tap_cycles, work.hand_over))
            slowest_skipping(mapped, active_inputs, some, hands_over, tap_cycles, hand_over)
            work.tap_cycles[here][chosen], work.hand_over[here][chosen] = tap_cycles, hand_over
        if mapped.input_row.explicit:
            loaded = work.input_spikes[here].reshape(len(folds.tile), -1)
            row_loads = steady.row_loads or RowLoads.of(mapped, folds, timesteps)
            row_loads.add_spikes(spikes, channel_starts, loaded)
        if is_explicit:
            outputs = np.zeros((len(timesteps), layer.M, layer.neuron_rows), np.int64)
            columns = q0 // layer.pool_columns, q1 // layer.pool_columns  # of neurons
            count_outputs(cast("UInt8", sample.outputs[first:last]), *columns, outputs)
            of_folds[first:last] = spikes_of_folds(mapped, outputs)
    if is_explicit:
        work.output_spikes.append(output_spikes(mapped, of_folds, folds))


def _load_rows(
    mapped: LayerOnArray, order: PassOrder, steady: Steady, spikes: Int64, are_on_chip: bool, records: Records
) -> Int64:
    """int64 (n,): words of the global buffer for input rows that are loaded.

    spikes: int64 (S, groups, K), non-zero inputs of those rows, or nothing where their size does not depend on them.
    """
    layer, array = mapped.layer, mapped.array
    shape = (order.shape[0], layer.groups, order.shape[2])
    positions = covered_columns(layer, order.folds)[:, None, None]
    channels = channels_of_folds(mapped)
    rows = np.tile(steady.loaded_rows, order.ranges)[:, None, None]
    rows = rows * ((positions > 0) & (not are_on_chip))
    bits = row_bits(mapped.input_row, rows * channels, positions, spikes * (rows > 0) if spikes.size else 0)
    words = rows * ceil_div(channels * positions * layer.input_bits, array.word_bits)
    bits, words = np.broadcast_to(bits, shape), np.broadcast_to(words, shape)

    # an earlier filter fold of the channel group has loaded the same rows, unless they are kept for one pass only
    group = mapped.tables.group
    loads = np.ones(len(group), bool) if mapped.mapping.kept == Kept.PASS else np.diff(group, prepend=-1) > 0
    passes = np.flatnonzero(loads[order.filter_fold])
    place = order.column_fold[passes], group[order.filter_fold[passes]], order.channel_fold[passes]
    records.loads[passes, Operand.SPIKES] = bits[place]
    words_of_passes = np.zeros(len(order.place), np.int64)
    words_of_passes[passes] = words[place]
    times = np.bincount(group[loads])[:, None]
    records.counts[Count.DRAM_WIRE_SPIKES] += int((bits * times).sum())
    records.counts[Count.INPUT_WORDS_WRITTEN] += int((words * times).sum())
    return words_of_passes


def _fill_pads(mapped: LayerOnArray, order: PassOrder, are_on_chip: bool, records: Records) -> Int64:
    """Load weights and fill the pads; int64 (n,), or 0: words of the global buffer for that."""
    layer, array, tables = mapped.layer, mapped.array, mapped.tables
    loads = order.loads_weights & (not are_on_chip)
    bits_of_folds = tables.fold_bits.reshape(-1)
    fills = np.flatnonzero(order.fills)
    filled = order.weights[fills]
    bits = bits_of_folds[filled]
    records.breakdown[fills, CycleCategory.WEIGHT_FILL] = ceil_div(bits_of_folds, array.weight_bus_bits)[filled]
    records.loads[fills, Operand.WEIGHTS] = bits * loads[fills]
    height = order.folds.rows
    columns_in_use = np.minimum(array.columns, layer.T * height) if array.time_batching else height
    counts = records.counts
    counts[Count.DRAM_WIRE_WEIGHTS] += int(records.loads[:, Operand.WEIGHTS].sum())
    entries = tables.pad_entries.reshape(-1)[filled] * columns_in_use[order.column_fold[fills]]
    counts[Count.WEIGHT_PAD_WRITES] += int(entries.sum())
    counts[Count.TRUNK_WEIGHTS] += int(bits.sum())
    counts[Count.BRANCH_WEIGHTS] += int(bits.sum())
    words = np.zeros(1 if array.bypass else len(order.place), np.int64)
    if not array.bypass:
        stream_words = ceil_div(bits_of_folds, array.word_bits)[order.weights]
        counts[Count.WEIGHT_WORDS_READ] += int(stream_words[order.fills].sum())
        counts[Count.WEIGHT_WORDS_WRITTEN] += int(stream_words[loads].sum())
        words = stream_words * order.fills + stream_words * loads
    return words
