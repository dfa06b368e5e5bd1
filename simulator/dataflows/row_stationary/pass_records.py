"""What happens in each of some passes: cycles by category, loads and stores.

All of it stands in tables, by what decides it: here it is put together, MICROARCHITECTURE.md, sections 4, 5 and 7.
"""

from __future__ import annotations

from typing import NamedTuple

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.dataflows.row_stationary.global_buffer import InputRows, PassWords
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CycleCategory, Operand, RowBits
from spikecycle.simulator.dataflows.row_stationary.passes import Passes
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


@lean_kernel
def record_passes(
    passes: Passes,
    weights_before: int,
    rules: PassRules,
    tables: PassTables,
    updates: UpdateTables,
    input_spikes: Int64,
    output_spikes: Int32,
    breakdown_out: Int64,
    loads_out: Int64,
    stores_out: Int64,
) -> None:
    """Put together what happens in n passes.

    weights_before: filter fold · K + channel fold of the pass before, -1 if there is none. input_spikes: int64 (n,),
    non-zero inputs of the rows that are loaded; of no length where no row's size depends on them. output_spikes: int32
    (time groups of all ranges, F), or empty likewise. breakdown_out: int64 (categories, n), with the slowest PE's
    cycles as compute and reduction, and 0 else. loads_out, stores_out: int64 (operands, n), 0.
    """
    rows, fills, words_of = tables.rows, tables.fills, tables.words
    ended_groups, found = tables.ended_groups, updates.found
    channel_folds = len(tables.in_chains)
    folds_of_range = len(ended_groups)
    groups_of_range = len(updates.pattern)
    for i in range(len(passes.place)):
        in_range, filter_fold, channel_fold = passes.range[i], passes.filter_fold[i], passes.channel_fold[i]
        fold = passes.fold[i] - in_range * folds_of_range
        words = words_of.words[words_of.width[in_range], words_of.pattern[fold], filter_fold, channel_fold]

        if rules.loads_inputs and rows.loading[filter_fold] and rows.covered[in_range] > 0:
            loaded = rows.loaded[fold]
            words += loaded * rows.words[in_range, channel_fold]
            loaded *= rows.channels[channel_fold]
            entries = input_spikes[i] if rules.input_row.explicit else loaded * rows.covered[in_range]
            loads_out[Operand.SPIKES, i] = loaded * rules.input_row.count_bits + entries * rules.input_row.entry_bits

        weights = filter_fold * channel_folds + channel_fold
        is_filled = weights != weights_before
        weights_before = weights
        if is_filled:
            breakdown_out[CycleCategory.WEIGHT_FILL, i] = fills.cycles[filter_fold, channel_fold]
            words += fills.words[filter_fold, channel_fold]
        # resident weights are loaded for their first use: every tile meets all of them
        is_loaded = passes.fold[i] == 0 if rules.resident else is_filled
        if is_loaded and rules.loads_weights:
            loads_out[Operand.WEIGHTS, i] = fills.bits[filter_fold, channel_fold]
            words += fills.words[filter_fold, channel_fold]

        beside = breakdown_out[CycleCategory.COMPUTE, i] + breakdown_out[CycleCategory.REDUCTION, i]
        longer = max(0, -(-words // rules.words_per_cycle) - beside)
        breakdown_out[CycleCategory.REDUCTION, i] += tables.in_chains[channel_fold]

        group = ended_groups[fold]
        if channel_fold == channel_folds - 1 and group >= 0:
            width, pattern = updates.width[in_range], updates.pattern[group]
            breakdown_out[CycleCategory.UPDATE, i] = found.cycles[width, pattern, filter_fold]
            longer += found.buffer_cycles[width, pattern, filter_fold]
            loads_out[Operand.POTENTIALS, i] = found.loaded_potentials[width, pattern, filter_fold]
            stores_out[Operand.POTENTIALS, i] = found.stored_potentials[width, pattern, filter_fold]
            outputs = found.stored_outputs[width, pattern, filter_fold]
            if updates.spike_bits:
                spikes = output_spikes[in_range * groups_of_range + group, filter_fold]
                outputs += spikes * updates.spike_bits
            stores_out[Operand.OUTPUTS, i] = outputs
        breakdown_out[CycleCategory.GLOBAL_BUFFER, i] = longer
