"""What the neuron unit does: the update after the last pass of a (tile, filter fold, time group).

MICROARCHITECTURE.md, section 5, for all updates at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers
from spikecycle.simulator.dataflows.row_stationary.global_buffer import result_words, row_bits
from spikecycle.simulator.dataflows.row_stationary.kernel_types import Count, LayerOnArray, LayerSpec
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.passes import ColumnFolds, PassOrder

GROUPS_AT_ONCE = 2**13
"""Time groups whose updates are counted together."""


class Updates(NamedTuple):
    """Some updates, int64 each.

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
    _counted: dict[bool, Int64] = field(default_factory=dict)

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
        self, sums: ColumnFolds, filter_fold: Int64, spikes: Int64 | None, outputs_on_chip: bool
    ) -> tuple[Updates, dict[Count, Int64]]:
        """Update neurons after passes of column folds that end their groups; and what each of these updates counts.

        filter_fold: int64, of a shape that goes with that of the columns of `sums`, as all results do. spikes: int64,
        output spikes of each; None where the format of a row does not depend on them.
        """
        layer, array = self.mapped.layer, self.mapped.array
        groups = neurons_of(layer, sums)
        height, columns, pairs = groups.rows, groups.columns, groups.group_end - groups.group_start
        filters = self.filters[filter_fold]
        # rows of the map that begin at t = 0; whose potentials the group takes up, or leaves for another: it begins
        # after t = 0, or ends before the last timestep
        rows = np.minimum(height, pairs)
        rows_started = np.maximum(0, np.minimum(groups.group_end, height) - groups.group_start)
        rows_read = rows - rows_started
        last_timestep = (layer.T - 1) * height
        rows_written = rows - np.maximum(0, groups.group_end - np.maximum(groups.group_start, last_timestep))
        neurons = columns * filters  # of a row of the map
        loaded_bits = rows_started * layer.starts_in_dram * layer.potential_bits
        loaded_bits = loaded_bits + rows_read * (array.potentials_in_dram == 1) * layer.state_bits
        loads = (loaded_bits + rows * layer.parameter_bits) * neurons
        stores = (rows_written * (array.potentials_in_dram > 0) * layer.state_bits) * neurons

        psum_words = pairs * layer.pool_rows * self.psum_words[columns * layer.pool_columns, filter_fold]
        output_words = pairs * self.output_words[columns, filter_fold]
        potential_words = self.potential_words[columns, filter_fold]
        stored_words = output_words * (not outputs_on_chip)
        updates = pairs * neurons
        output_bits = row_bits(
            self.mapped.output_row, pairs * (columns > 0) * filters, columns, 0 if spikes is None else spikes
        )
        output_bits = output_bits * (not outputs_on_chip)
        words = psum_words + (rows_read + rows_written) * potential_words + output_words + stored_words
        found = Updates(
            cycles=ceil_div(updates * layer.unit_cycles, array.update_lanes) + 2,
            buffer_cycles=ceil_div(words, array.words_per_cycle),
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

    def count(self, order: PassOrder, output_spikes: Integers | None, outputs_on_chip: bool, counts: Int64) -> None:
        """Add what all updates count. output_spikes: integers (time groups, F) of all ranges, or None."""
        if outputs_on_chip not in self._counted:
            self._counted[outputs_on_chip] = self._count_without_spikes(order, outputs_on_chip)
        counts += self._counted[outputs_on_chip]
        if output_spikes is not None and not outputs_on_chip:  # an entry each
            spikes = int(output_spikes.sum(dtype=np.int64))
            counts[Count.DRAM_WIRE_OUTPUTS] += spikes * self.mapped.output_row.entry_bits

    def _count_without_spikes(self, order: PassOrder, outputs_on_chip: bool) -> Int64:
        """int64 (len(Count),): what is the same for all samples, and where the format has an entry for each spike, what
        a sample without any counts."""
        counts = np.zeros(len(Count), np.int64)
        groups = groups_of(order.folds)
        size, filter_fold = len(groups.tile), np.arange(len(self.filters))
        for number in range(order.ranges):
            of_range = groups._replace(
                column_start=np.full(size, order.column_starts[number]),
                column_end=np.full(size, order.column_ends[number]),
            )
            for first in range(0, size, GROUPS_AT_ONCE):
                some = ColumnFolds(*(column[first : first + GROUPS_AT_ONCE, None] for column in of_range))
                _, found = self.update(some, filter_fold, None, outputs_on_chip)
                for what, numbers in found.items():
                    counts[what] += int(np.broadcast_to(numbers, (len(some.tile), len(filter_fold))).sum())
        return counts
