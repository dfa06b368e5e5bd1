"""What the neuron unit does: the update after the last pass of a (tile, filter fold, time group).

MICROARCHITECTURE.md, section 5, for all updates at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers
from spikecycle.simulator.dataflows.row_stationary.global_buffer import result_words, row_bits
from spikecycle.simulator.dataflows.row_stationary.kernel_types import Count, LayerOnArray, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.passes import ColumnFolds, PassOrder


class Updates(NamedTuple):
    """All updates in order, int64 (u,) each.

    cycles: of the neuron unit. buffer_cycles: of the global buffer, meanwhile. loaded_potentials, stored_potentials,
    stored_outputs: bits from and to DRAM; potentials with synaptic currents, and loaded with parameters of neurons.
    """

    cycles: Int64
    buffer_cycles: Int64
    loaded_potentials: Int64
    stored_potentials: Int64
    stored_outputs: Int64


def groups_of(folds: ColumnFolds) -> ColumnFolds:
    """The last column fold of each time group."""
    is_last = folds.pair_end == folds.group_end
    return ColumnFolds(*(column[is_last] for column in folds))


def neurons_of(layer: LayerSpec, sums: ColumnFolds) -> ColumnFolds:
    """The folds with the neurons of a pool in place of their sums: whole windows. Groups have whole timesteps then."""
    if layer.window == 1:
        return sums
    height = sums.rows // layer.pool_rows
    row_start = sums.row_start // layer.pool_rows
    return sums._replace(
        column_start=sums.column_start // layer.pool_columns,
        column_end=sums.column_end // layer.pool_columns,
        row_start=row_start,
        row_end=row_start + height,
        group_start=sums.group_start // sums.rows * height,
        group_end=sums.group_end // sums.rows * height,
    )


def spikes_of_folds(mapped: LayerOnArray, spikes: Int64) -> Int64:
    """int64 (n, rows, F), by filter fold, of output spikes (n, M, rows) of some timesteps."""
    filters = mapped.tables.filters.sum(axis=1)
    return np.add.reduceat(spikes, np.cumsum(filters) - filters, axis=1).transpose(0, 2, 1)


def output_spikes(mapped: LayerOnArray, of_folds: Integers, folds: ColumnFolds) -> Int64:
    """int64 (time groups, F): output spikes of each time group and filter fold.

    of_folds: (T, rows of neurons, F), those of the columns of a range. folds: the column folds of the range.
    """
    layer, groups = mapped.layer, neurons_of(mapped.layer, groups_of(folds))
    # all pairs of a tile behind each other, tile by tile
    row, tile_rows = np.arange(layer.neuron_rows), mapped.mapping.tile_rows // layer.pool_rows
    row_start = row // tile_rows * tile_rows
    by_tile = np.concatenate(
        [
            of_folds[:, row_start == start].reshape(-1, of_folds.shape[2])
            for start in range(0, layer.neuron_rows, tile_rows)
        ]
    )
    has_neurons = groups.group_end > groups.group_start  # not what is left over of windows
    starts = (layer.T * groups.row_start + groups.group_start)[has_neurons]
    found = np.zeros((len(has_neurons), by_tile.shape[1]), np.int64)
    found[has_neurons] = np.add.reduceat(by_tile, starts, axis=0, dtype=np.int64)
    return found


def update_neurons(
    mapped: LayerOnArray, order: PassOrder, output_spikes: Int64 | None, outputs_on_chip: bool, counts: Int64
) -> Updates:
    """Update all neurons; what that counts.

    output_spikes: int64 (time groups, F) of all ranges; None where the format of a row does not depend on them.
    """
    layer, array, widths, sums = mapped.layer, mapped.array, mapped.widths, groups_of(order.folds)
    groups = neurons_of(layer, sums)
    height, columns, pairs = groups.rows, groups.columns, groups.group_end - groups.group_start
    filters = mapped.tables.filters.sum(axis=1)
    # rows of the map that begin at t = 0; whose potentials the group takes up, or leaves for another: it begins after
    # t = 0, or ends before the last timestep
    rows = np.minimum(height, pairs)
    rows_started = np.maximum(0, np.minimum(groups.group_end, height) - groups.group_start)
    rows_read = rows - rows_started
    last_timestep = (layer.T - 1) * height
    rows_written = rows - np.maximum(0, groups.group_end - np.maximum(groups.group_start, last_timestep))
    neurons = columns[:, None] * filters  # of a row of the map
    in_dram = array.potentials_in_dram > 0
    loaded_bits = rows_started * layer.starts_in_dram * layer.potential_bits
    loaded_bits = loaded_bits + rows_read * (array.potentials_in_dram == 1) * layer.state_bits
    loads = (loaded_bits + rows * layer.parameter_bits)[:, None] * neurons
    stores = (rows_written * in_dram * layer.state_bits)[:, None] * neurons

    in_windows = sums._replace(column_end=sums.column_start + columns * layer.pool_columns)
    psum_words = (pairs * layer.pool_rows)[:, None] * result_words(mapped, in_windows, widths.psums_per_word)
    output_words = pairs[:, None] * result_words(mapped, groups, array.word_bits // layer.output_bits)
    potential_words = result_words(mapped, groups, widths.potentials_per_word) * (not in_dram)
    if layer.current_bits:
        potential_words += result_words(mapped, groups, widths.currents_per_word) * (not in_dram)
    stored_words = output_words * (not outputs_on_chip)
    updates = (pairs * columns)[:, None] * filters
    spikes = 0 if output_spikes is None else output_spikes
    output_rows = (pairs * (columns > 0))[:, None] * filters
    output_bits = row_bits(mapped.output_row, output_rows, columns[:, None], spikes)
    output_bits = output_bits * (not outputs_on_chip)

    counts[Count.PSUM_WORDS_READ] += int(psum_words.sum())
    counts[Count.POTENTIAL_WORDS_READ] += int((rows_read[:, None] * potential_words).sum())
    counts[Count.POTENTIAL_WORDS_WRITTEN] += int((rows_written[:, None] * potential_words).sum())
    counts[Count.OUTPUT_WORDS_WRITTEN] += int(output_words.sum())
    counts[Count.OUTPUT_WORDS_READ] += int(stored_words.sum())
    counts[Count.UPDATES] += int(updates.sum())
    counts[Count.DRAM_WIRE_POTENTIALS] += int(loads.sum()) + int(stores.sum())
    counts[Count.DRAM_WIRE_OUTPUTS] += int(output_bits.sum())

    words = psum_words + (rows_read + rows_written)[:, None] * potential_words + output_words + stored_words
    group_of = np.cumsum(order.folds.pair_end == order.folds.group_end) - 1
    place = group_of[order.column_fold[order.updates]], order.filter_fold[order.updates]
    return Updates(
        cycles=(ceil_div(updates * layer.unit_cycles, array.update_lanes) + 2)[place],
        buffer_cycles=ceil_div(words, array.words_per_cycle)[place],
        loaded_potentials=loads[place],
        stored_potentials=stores[place],
        stored_outputs=output_bits[place],
    )
