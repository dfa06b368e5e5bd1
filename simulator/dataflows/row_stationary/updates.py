"""What the neuron unit does: the update after the last pass of a (tile, filter fold, time group).

MICROARCHITECTURE.md, section 5, for all updates at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers
from spikecycle.simulator.dataflows.row_stationary.global_buffer import result_words, row_bits
from spikecycle.simulator.dataflows.row_stationary.kernel_types import Count, LayerOnArray, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.passes import ColumnFolds, PassOrder

GROUPS_AT_ONCE = 2**13
"""Time groups that are looked at together."""


class Updates(NamedTuple):
    """Some updates, int64 each.

    cycles: of the neuron unit. buffer_cycles: of the global buffer, beyond those. loaded_potentials, stored_potentials,
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


class GroupRows(NamedTuple):
    """Rows of the map in time groups, int64 (n,) each.

    pairs: timesteps and rows. rows: of whatever timestep. started: those that begin at t = 0; the group takes up the
    potentials of all others. written: those whose potentials it leaves for another, since it ends before the last
    timestep.
    """

    pairs: Int64
    rows: Int64
    started: Int64
    written: Int64

    @classmethod
    def of(cls, layer: LayerSpec, sums: ColumnFolds) -> GroupRows:
        """Of the groups that these folds end."""
        groups = neurons_of(layer, sums)
        height, pairs = groups.rows, groups.group_end - groups.group_start
        rows = np.minimum(height, pairs)
        started = np.maximum(0, np.minimum(groups.group_end, height) - groups.group_start)
        last_timestep = (layer.T - 1) * height
        ended = np.maximum(0, groups.group_end - np.maximum(groups.group_start, last_timestep))
        return cls(pairs, rows, started, rows - ended)

    @classmethod
    def distinct(cls, layer: LayerSpec, folds: ColumnFolds) -> tuple[GroupRows, Int32]:
        """Those that differ of all time groups, and which of them each is: int32 (time groups,)."""
        last = np.flatnonzero(folds.pair_end == folds.group_end)
        found: dict[tuple[int, ...], int] = {}
        number = np.empty(len(last), np.int32)
        for first in range(0, len(last), GROUPS_AT_ONCE):
            some = last[first : first + GROUPS_AT_ONCE]
            of_some = cls.of(layer, ColumnFolds(*(column[some] for column in folds)))
            differing, which = np.unique(np.stack(of_some, axis=1), axis=0, return_inverse=True)
            numbers = [found.setdefault(tuple(rows), len(found)) for rows in differing.tolist()]
            number[first : first + GROUPS_AT_ONCE] = np.array(numbers, np.int32)[which.reshape(-1)]
        return cls(*np.array(list(found), np.int64).reshape(-1, len(cls._fields)).T), number


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


@dataclass(frozen=True, eq=False)
class ArrayNeurons:
    """What the neuron unit of an array takes for a mapped layer.

    filters: int64 (F,), of each filter fold. Words of a result by its columns and its filter fold, int64 (tile columns
    + 1, F): psum_words, output_words, potential_words (0 where potentials wait in DRAM).
    """

    mapped: LayerOnArray
    filters: Int64
    psum_words: Int64
    output_words: Int64
    potential_words: Int64

    @classmethod
    def of(cls, mapped: LayerOnArray) -> ArrayNeurons:
        """Tables of words."""
        layer, array, widths = mapped.layer, mapped.array, mapped.widths
        potential_words = result_words(mapped, widths.potentials_per_word)
        if layer.current_bits:
            potential_words += result_words(mapped, widths.currents_per_word)
        return cls(
            mapped,
            mapped.tables.filters.sum(axis=1),
            result_words(mapped, widths.psums_per_word),
            result_words(mapped, array.word_bits // layer.output_bits),
            potential_words * (not array.potentials_in_dram),
        )

    def update(
        self, rows_of_groups: GroupRows, columns: int, outputs_on_chip: bool
    ) -> tuple[Updates, dict[Count, Int64]]:
        """Update neurons of some time groups (n,) of so many columns in every filter fold, int64 (n, F) each; and what
        each of these updates counts. Where the format has an entry for each spike, without those."""
        layer, array = self.mapped.layer, self.mapped.array
        pairs, rows, rows_started, rows_written = (numbers[:, None] for numbers in rows_of_groups)
        rows_read = rows - rows_started
        neurons = columns * self.filters  # of a row of the map
        loaded_bits = rows_started * layer.starts_in_dram * layer.potential_bits
        loaded_bits = loaded_bits + rows_read * (array.potentials_in_dram == 1) * layer.state_bits
        loads = (loaded_bits + rows * layer.parameter_bits) * neurons
        stores = (rows_written * (array.potentials_in_dram > 0) * layer.state_bits) * neurons

        psum_words = pairs * layer.pool_rows * self.psum_words[columns * layer.pool_columns]
        output_words = pairs * self.output_words[columns]
        potential_words = self.potential_words[columns]
        stored_words = output_words * (not outputs_on_chip)
        updates = pairs * neurons
        output_bits = row_bits(self.mapped.output_row, pairs * (columns > 0) * self.filters, columns, 0)
        output_bits = output_bits * (not outputs_on_chip)
        words = psum_words + (rows_read + rows_written) * potential_words + output_words + stored_words
        cycles = ceil_div(updates * layer.unit_cycles, array.update_lanes) + 2
        found = Updates(
            cycles=cycles,
            buffer_cycles=np.maximum(ceil_div(words, array.words_per_cycle) - cycles, 0),
            loaded_potentials=loads,
            stored_potentials=stores,
            stored_outputs=output_bits,
        )
        return found, {
            Count.PSUM_WORDS_READ: psum_words,
            Count.POTENTIAL_WORDS_READ: rows_read * potential_words,
            Count.POTENTIAL_WORDS_WRITTEN: rows_written * potential_words,
            Count.OUTPUT_WORDS_WRITTEN: output_words,
            Count.OUTPUT_WORDS_READ: stored_words,
            Count.UPDATES: updates,
            Count.DRAM_WIRE_POTENTIALS: loads + stores,
            Count.DRAM_WIRE_OUTPUTS: output_bits,
        }


class UpdateTables(NamedTuple):
    """All updates of a mapped layer: many are alike.

    found: int64 (widths, patterns, F) each. width: int64 (ranges,), which one a range of output columns has. pattern:
    int32 (time groups of a range,), which rows of the map a group has. spike_bits: bits of an output spike in DRAM;
    0 where they do not depend on spikes. counts: int64 (len(Count),), what all updates count but for spikes.
    """

    found: Updates
    width: Int64
    pattern: Int32
    spike_bits: int
    counts: Int64

    @classmethod
    def of(cls, neurons: ArrayNeurons, order: PassOrder, outputs_on_chip: bool) -> UpdateTables:
        """Update the neurons of each width and pattern once."""
        mapped = neurons.mapped
        rows_of_groups, pattern = GroupRows.distinct(mapped.layer, order.folds)
        groups = np.bincount(pattern, minlength=len(rows_of_groups.rows))
        pool = mapped.layer.pool_columns
        widths, width = np.unique(order.column_ends // pool - order.column_starts // pool, return_inverse=True)
        counts, tables = np.zeros(len(Count), np.int64), []
        for columns, ranges in zip(widths.tolist(), np.bincount(width).tolist(), strict=True):
            table, counted = neurons.update(rows_of_groups, columns, outputs_on_chip)
            tables.append(table)
            for what, numbers in counted.items():
                of_groups = np.broadcast_to(numbers, table.cycles.shape).sum(axis=1)
                counts[what] += int((of_groups * groups).sum()) * ranges
        spike_bits = 0 if outputs_on_chip or not mapped.output_row.explicit else mapped.output_row.entry_bits
        found = Updates(*(np.stack(np.broadcast_arrays(*parts)) for parts in zip(*tables, strict=True)))
        return cls(found, width, pattern, spike_bits, counts)
