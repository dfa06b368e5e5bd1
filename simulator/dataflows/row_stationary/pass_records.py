"""What happens in each of some passes: cycles by category, loads and stores.

All of it stands in tables, by what decides it: here it is put together, MICROARCHITECTURE.md, sections 4, 5 and 7.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import OPERANDS
from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.dataflows.row_stationary.global_buffer import InputRows, PassWords
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CYCLE_CATEGORIES, CycleCategory, Operand, RowBits
from spikecycle.simulator.dataflows.row_stationary.passes import PassSequence, find_run, next_run
from spikecycle.simulator.dataflows.row_stationary.updates import UpdateTables
from spikecycle.simulator.jit import lean_kernel


class PadFills(NamedTuple):
    """What it takes to fill the pads with the weights of a filter fold and channel fold: int64 (F, K) each.

    bits: encoded, from DRAM. cycles: of the weight bus. words: of the global buffer, 0 where weights bypass it.
    """

    bits: Int64
    cycles: Int64
    words: Int64


class PassRules(NamedTuple):
    """words_per_cycle: of the global buffer. input_row: bits of an input row in DRAM. Others are 0 or 1: loads_inputs,
    loads_weights, whether they come from DRAM; resident, whether all weights stay in the global buffer."""

    words_per_cycle: int
    input_row: RowBits
    loads_inputs: int
    loads_weights: int
    resident: int


class PassTables(NamedTuple):
    """What is the same for every sample.

    words: of the global buffer, but for loads and fills. in_chains: int64 (K,), cycles for which psums go up the
    chains. ended_groups: int32 (folds of a range,), the time group of which a column fold is the last one; -1 of
    others.
    """

    words: PassWords
    rows: InputRows
    fills: PadFills
    in_chains: Int64
    ended_groups: Int32


class PassRecords(NamedTuple):
    """What happens in n passes. breakdown: int64 (categories, n), and cycles, int64 (n,), their sums. loads, stores:
    bits, int64 (operands, n)."""

    cycles: Int64
    breakdown: Int64
    loads: Int64
    stores: Int64

    @property
    def of_pes(self) -> Int64:
        """Of the breakdown, compute and reduction: int64 (2, n)."""
        return self.breakdown[: CycleCategory.REDUCTION + 1]

    @classmethod
    def of(cls, passes: int) -> PassRecords:
        """Room for those of so many passes."""
        categories, operands = len(CYCLE_CATEGORIES), len(OPERANDS)
        room = np.empty((1 + categories + 2 * operands, passes), np.int64)
        loads, stores = 1 + categories, 1 + categories + operands
        return cls(room[0], room[1:loads], room[loads:stores], room[stores:])


@lean_kernel
def record_passes(
    sequence: PassSequence,
    first: int,
    rules: PassRules,
    tables: PassTables,
    updates: UpdateTables,
    input_spikes: Int64,
    output_spikes: Int32,
    records_out: PassRecords,
) -> None:
    """Put together what happens in n passes from number `first` on.

    input_spikes: int64 (n,), non-zero inputs of the rows that are loaded; of no length where no row's size depends on
    them. output_spikes: int32 (time groups of all ranges, F), or empty likewise. records_out: with the slowest PE's
    cycles as compute and reduction.
    """
    rows, fills, words_of = tables.rows, tables.fills, tables.words
    ended_groups, found = tables.ended_groups, updates.found
    breakdown_out, loads_out, stores_out = records_out.breakdown, records_out.loads, records_out.stores
    channel_folds = sequence.channel_folds
    groups_of_range = len(updates.pattern)
    # the first pass finds the weights of the one before it in the pads
    run, of_run = find_run(sequence, max(0, first - 1))
    weights_before = -1
    if first > 0:
        weights_before = run.filter_fold * channel_folds + run.channel_fold
        of_run += 1
        if of_run == run.folds:
            run, of_run = next_run(sequence, run), 0
    i, n = 0, len(records_out.cycles)
    while i < n:
        in_range, filter_fold, channel_fold = run.range, run.filter_fold, run.channel_fold
        weights = filter_fold * channel_folds + channel_fold
        is_filled = weights != weights_before
        weights_before = weights
        loads_inputs = rules.loads_inputs and rows.loading[filter_fold] and rows.covered[in_range] > 0
        words_width, updates_width = words_of.width[in_range], updates.width[in_range]
        in_chains = tables.in_chains[channel_fold]
        fold_start = run.fold_start + run.start
        for fold in range(fold_start + of_run, fold_start + min(run.folds, of_run + n - i)):
            words = words_of.words[words_width, words_of.pattern[fold], filter_fold, channel_fold]

            row_bits = 0
            if loads_inputs:
                loaded = rows.loaded[fold]
                words += loaded * rows.words[in_range, channel_fold]
                loaded *= rows.channels[channel_fold]
                entries = input_spikes[i] if rules.input_row.explicit else loaded * rows.covered[in_range]
                row_bits = loaded * rules.input_row.count_bits + entries * rules.input_row.entry_bits

            fill_cycles, weight_bits = 0, 0
            if is_filled:
                fill_cycles = fills.cycles[filter_fold, channel_fold]
                words += fills.words[filter_fold, channel_fold]
            # resident weights are loaded for their first use: every tile meets all of them
            is_loaded = in_range == 0 and fold == 0 if rules.resident else is_filled
            if is_loaded and rules.loads_weights:
                weight_bits = fills.bits[filter_fold, channel_fold]
                words += fills.words[filter_fold, channel_fold]
            is_filled = False

            of_pes = breakdown_out[CycleCategory.COMPUTE, i] + breakdown_out[CycleCategory.REDUCTION, i]
            buffer_cycles = 0
            if words > of_pes * rules.words_per_cycle:  # few passes, and a division takes longer than all else here
                buffer_cycles = -(-words // rules.words_per_cycle) - of_pes

            group = ended_groups[fold]
            update_cycles, loaded_potentials, stored_potentials, output_bits = 0, 0, 0, 0
            if channel_fold == channel_folds - 1 and group >= 0:
                width, pattern = updates_width, updates.pattern[group]
                update_cycles = found.cycles[width, pattern, filter_fold]
                buffer_cycles += found.buffer_cycles[width, pattern, filter_fold]
                loaded_potentials = found.loaded_potentials[width, pattern, filter_fold]
                stored_potentials = found.stored_potentials[width, pattern, filter_fold]
                output_bits = found.stored_outputs[width, pattern, filter_fold]
                if updates.spike_bits:
                    spikes = output_spikes[in_range * groups_of_range + group, filter_fold]
                    output_bits += spikes * updates.spike_bits

            breakdown_out[CycleCategory.REDUCTION, i] += in_chains
            breakdown_out[CycleCategory.WEIGHT_FILL, i] = fill_cycles
            breakdown_out[CycleCategory.GLOBAL_BUFFER, i] = buffer_cycles
            breakdown_out[CycleCategory.UPDATE, i] = update_cycles
            records_out.cycles[i] = of_pes + in_chains + fill_cycles + buffer_cycles + update_cycles
            loads_out[Operand.WEIGHTS, i], loads_out[Operand.SPIKES, i] = weight_bits, row_bits
            loads_out[Operand.POTENTIALS, i], loads_out[Operand.OUTPUTS, i] = loaded_potentials, 0
            stores_out[Operand.WEIGHTS, i], stores_out[Operand.SPIKES, i] = 0, 0
            stores_out[Operand.POTENTIALS, i], stores_out[Operand.OUTPUTS, i] = stored_potentials, output_bits
            i += 1
        of_run = 0
        run = next_run(sequence, run)
