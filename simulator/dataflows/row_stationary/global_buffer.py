"""Kernels: what the global buffer does in a pass, and the neuron unit's update."""

from __future__ import annotations

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    Count,
    Delivered,
    LayerOnArray,
    Operand,
    Records,
    RowBits,
    Sample,
    Step,
    Zero,
)
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload import input_range


@kernel
def row_bits(row: RowBits, positions: int, spikes: int) -> int:
    """Bits in DRAM of a row of `positions` positions, `spikes` of them not 0."""
    entries = spikes if row.explicit == 1 else positions
    return int(row.count_bits + entries * row.entry_bits)


@kernel
def input_columns_of(mapped: LayerOnArray, step: Int64) -> int:
    """Input columns that the tile's windows cover."""
    first, end = input_range(mapped.layer.windows.columns, step[Step.COLUMN_START], step[Step.COLUMN_END])
    return int(end - first)


@kernel
def load_rows(mapped: LayerOnArray, sample: Sample, step: Int64, index: int, records: Records) -> int:
    """Load the input rows that no pass of the load unit has loaded before; returns words written."""
    layer, mapping = mapped.layer, mapped.mapping
    group_channels = layer.C // layer.groups
    fold_channels = mapping.channels_per_pe * mapping.channel_sets
    first_channel = step[Step.CHANNEL_FOLD] * fold_channels
    end_channel = min(group_channels, first_channel + fold_channels)
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    positions = input_columns_of(mapped, step)
    if positions == 0 or sample.inputs_on_chip == 1:
        return 0
    group = mapped.tables.group[step[Step.FILTER_FOLD]]
    if sample.last_unit[group, step[Step.CHANNEL_FOLD], step[Step.COLUMN_FOLD]] == step[Step.LOAD_UNIT]:
        return 0  # an earlier filter fold of this unit has loaded the same rows of the same channels
    sample.last_unit[group, step[Step.CHANNEL_FOLD], step[Step.COLUMN_FOLD]] = step[Step.LOAD_UNIT]
    group_start = group * group_channels
    t = step[Step.PAIR_START] // tile_rows
    row = step[Step.PAIR_START] % tile_rows
    rows = 0
    bits = 0
    for _ in range(step[Step.PAIR_START], step[Step.PAIR_END]):
        output_row = step[Step.ROW_START] + row
        lowest, highest = input_range(layer.windows.rows, output_row, output_row + 1)
        for y in range(lowest, highest):
            # all channels of a fold are loaded together, so the first one tells
            if sample.loaded[t, y, group_start + first_channel] != step[Step.LOAD_UNIT]:
                sample.loaded[t, y, group_start + first_channel] = step[Step.LOAD_UNIT]
                rows += 1
                for c in range(group_start + first_channel, group_start + end_channel):
                    bits += row_bits(mapped.input_row, positions, sample.spikes[t, y, c])
        row += 1
        if row == tile_rows:
            row = 0
            t += 1
    words = rows * -(-(end_channel - first_channel) * positions * layer.input_bits // mapped.array.word_bits)
    records.loads[index, Operand.SPIKES] = bits
    records.counts[Count.DRAM_WIRE_SPIKES] += bits
    records.counts[Count.INPUT_WORDS_WRITTEN] += words
    return int(words)


@kernel
def load_weights(mapped: LayerOnArray, step: Int64, index: int, records: Records) -> tuple[int, int]:
    """Load weights and fill the pads; returns the cycles of the fill and the global buffer's words."""
    if step[Step.FILLS] == 0:
        return 0, 0
    array = mapped.array
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    bits = mapped.tables.fold_bits[step[Step.FILTER_FOLD], step[Step.CHANNEL_FOLD]]
    entries = mapped.tables.pad_entries[step[Step.FILTER_FOLD], step[Step.CHANNEL_FOLD]]
    words = 0
    if step[Step.LOADS_WEIGHTS] == 1:
        records.loads[index, Operand.WEIGHTS] = bits
        records.counts[Count.DRAM_WIRE_WEIGHTS] += bits
    if array.bypass == 0:
        stream_words = -(-bits // array.word_bits)
        records.counts[Count.WEIGHT_WORDS_READ] += stream_words
        words = stream_words
        if step[Step.LOADS_WEIGHTS] == 1:
            records.counts[Count.WEIGHT_WORDS_WRITTEN] += stream_words
            words += stream_words
    columns_in_use = min(array.columns, mapped.layer.T * tile_rows) if array.time_batching == 1 else tile_rows
    records.counts[Count.WEIGHT_PAD_WRITES] += entries * columns_in_use
    records.counts[Count.TRUNK_WEIGHTS] += bits
    records.counts[Count.BRANCH_WEIGHTS] += bits
    return -(-bits // array.weight_bus_bits), words


@kernel
def deliver_rows(mapped: LayerOnArray, step: Int64, delivered: Int64, records: Records) -> int:
    """Send input rows to the PEs; returns words read, and gated ones.

    delivered: int64 (filter folds, channel folds, len(Delivered)), what the last pass of each pair of folds sent, which
    is what this one sends if it has the same rows and columns, in whatever timestep; kept up to date.
    """
    layer, array = mapped.layer, mapped.array
    last = delivered[step[Step.FILTER_FOLD], step[Step.CHANNEL_FOLD]]
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    first_row = step[Step.PAIR_START] % tile_rows
    pairs = step[Step.PAIR_END] - step[Step.PAIR_START]
    if (
        last[Delivered.PAIRS] != pairs
        or last[Delivered.FIRST_ROW] != first_row
        or last[Delivered.ROW_START] != step[Step.ROW_START]
        or last[Delivered.ROW_END] != step[Step.ROW_END]
        or last[Delivered.COLUMN_START] != step[Step.COLUMN_START]
    ):
        last[Delivered.PAIRS] = pairs
        last[Delivered.FIRST_ROW] = first_row
        last[Delivered.ROW_START] = step[Step.ROW_START]
        last[Delivered.ROW_END] = step[Step.ROW_END]
        last[Delivered.COLUMN_START] = step[Step.COLUMN_START]
        find_delivered(mapped, step, last)
    words, words_gated = last[Delivered.WORDS], last[Delivered.WORDS_GATED]
    rows_taken = last[Delivered.ROWS_TAKEN]
    positions = input_columns_of(mapped, step)
    value_bits = positions * layer.input_bits
    records.counts[Count.INPUT_WORDS_READ] += words
    records.counts[Count.INPUT_WORDS_GATED] += words_gated
    records.counts[Count.INPUT_PAD_WRITES] += rows_taken * positions * -(-layer.input_bits // array.input_width)
    records.counts[Count.TRUNK_SPIKES] += last[Delivered.ROWS_SENT] * value_bits
    records.counts[Count.BRANCH_SPIKES] += rows_taken * value_bits
    return int(words + words_gated)


@kernel
def find_delivered(mapped: LayerOnArray, step: Int64, delivered_out: Int64) -> None:
    """Fill in what a pass sends: int64 (len(Delivered),), of which words and rows."""
    layer, array, mapping, tables = mapped.layer, mapped.array, mapped.mapping, mapped.tables
    windows = layer.windows.rows
    fold = step[Step.FILTER_FOLD]
    group_channels = layer.C // layer.groups
    fold_channels = mapping.channels_per_pe * mapping.channel_sets
    first_channel = step[Step.CHANNEL_FOLD] * fold_channels
    end_channel = min(group_channels, first_channel + fold_channels)
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    positions = input_columns_of(mapped, step)
    value_bits = positions * layer.input_bits
    words_of_fold = -(-(end_channel - first_channel) * value_bits // array.word_bits)
    words = 0
    words_gated = 0
    rows_sent = 0
    rows_taken = 0
    pair = step[Step.PAIR_START]
    while pair < step[Step.PAIR_END] and positions > 0:
        # the pairs of one timestep: output rows first to end - 1
        first = step[Step.ROW_START] + pair % tile_rows
        end = min(step[Step.ROW_END], first + step[Step.PAIR_END] - pair)
        pair += end - first
        lowest, highest = input_range(windows, first, end)
        for y in range(lowest, highest):
            filter_rows = 0  # a bit for each r that meets this input row
            for r in range(layer.R):
                offset = y + windows.padding - r
                if offset % windows.stride == 0 and first * windows.stride <= offset < end * windows.stride:
                    filter_rows |= 1 << r
            words_of_row = 0
            last_word = -1
            for c in range(first_channel, end_channel):
                receiving_rows = 0
                for r in range(layer.R):
                    if (filter_rows >> r) & 1:
                        receiving_rows += tables.receiving_rows[fold, c, r]
                if receiving_rows > 0:
                    rows_sent += 1
                    rows_taken += receiving_rows
                    first_bit = (c - first_channel) * value_bits
                    first_word = max(last_word + 1, first_bit // array.word_bits)
                    last_word = (first_bit + value_bits - 1) // array.word_bits
                    words_of_row += last_word - first_word + 1
            words += words_of_row
            if filter_rows > 0 and array.row_zeros == Zero.GATE:
                words_gated += words_of_fold - words_of_row
    delivered_out[Delivered.WORDS] = words
    delivered_out[Delivered.WORDS_GATED] = words_gated
    delivered_out[Delivered.ROWS_SENT] = rows_sent
    delivered_out[Delivered.ROWS_TAKEN] = rows_taken


@kernel
def result_words(mapped: LayerOnArray, step: Int64, values_per_word: int) -> int:
    """Words of one value for each window and filter of the step's filter fold, every filter set from a word on."""
    columns = step[Step.COLUMN_END] - step[Step.COLUMN_START]
    words = 0
    for j in range(mapped.mapping.filter_sets):
        words += -(-columns * mapped.tables.filters[step[Step.FILTER_FOLD], j] // values_per_word)
    return words


@kernel
def update_neurons(
    mapped: LayerOnArray, sample: Sample, step: Int64, filters: int, index: int, records: Records
) -> tuple[int, int]:
    """Update the neurons of a filter fold and time group; returns cycles of the update and of the global buffer."""
    layer, array, widths = mapped.layer, mapped.array, mapped.widths
    tile_rows = step[Step.ROW_END] - step[Step.ROW_START]
    columns = step[Step.COLUMN_END] - step[Step.COLUMN_START]
    pairs = step[Step.GROUP_END] - step[Step.GROUP_START]
    rows_started = 0
    rows_read = 0
    rows_written = 0
    for row in range(tile_rows):
        first = -(-(step[Step.GROUP_START] - row) // tile_rows)
        last = (step[Step.GROUP_END] - 1 - row) // tile_rows
        if first <= last:
            rows_started += first == 0
            rows_read += first > 0
            rows_written += last < layer.T - 1
    psum_words = pairs * result_words(mapped, step, widths.psums_per_word)
    potential_words = result_words(mapped, step, widths.potentials_per_word)
    output_words = pairs * result_words(mapped, step, array.word_bits // layer.output_bits)
    records.counts[Count.PSUM_WORDS_READ] += psum_words
    row_bits_moved = columns * filters * layer.potential_bits
    if layer.starts_in_dram == 1:
        records.loads[index, Operand.POTENTIALS] = rows_started * row_bits_moved
        records.counts[Count.DRAM_WIRE_POTENTIALS] += rows_started * row_bits_moved
    if array.potentials_in_dram > 0:
        rows_read *= int(array.potentials_in_dram == 1)
        records.loads[index, Operand.POTENTIALS] += rows_read * row_bits_moved
        records.stores[index, Operand.POTENTIALS] = rows_written * row_bits_moved
        records.counts[Count.DRAM_WIRE_POTENTIALS] += (rows_read + rows_written) * row_bits_moved
        rows_read = 0
        rows_written = 0
    records.counts[Count.POTENTIAL_WORDS_READ] += rows_read * potential_words
    records.counts[Count.POTENTIAL_WORDS_WRITTEN] += rows_written * potential_words
    records.counts[Count.OUTPUT_WORDS_WRITTEN] += output_words
    stored_words = output_words * (1 - sample.outputs_on_chip)
    records.counts[Count.OUTPUT_WORDS_READ] += stored_words
    updates = filters * pairs * columns
    records.counts[Count.UPDATES] += updates

    bits = 0
    group_filters = layer.M // layer.groups
    group = mapped.tables.group[step[Step.FILTER_FOLD]]
    folds = -(-group_filters // (mapped.mapping.filters_per_pe * mapped.mapping.filter_sets))
    in_group = step[Step.FILTER_FOLD] - group * folds
    first_filter = group * group_filters + in_group * mapped.mapping.filters_per_pe * mapped.mapping.filter_sets
    for pair in range(step[Step.GROUP_START], step[Step.GROUP_END]):
        row = step[Step.ROW_START] + pair % tile_rows
        for m in range(first_filter, first_filter + filters):
            bits += row_bits(mapped.output_row, columns, sample.outputs[pair // tile_rows, m, row])
    bits *= 1 - sample.outputs_on_chip
    records.stores[index, Operand.OUTPUTS] = bits
    records.counts[Count.DRAM_WIRE_OUTPUTS] += bits
    words = psum_words + (rows_read + rows_written) * potential_words + output_words + stored_words
    return -(-updates // array.update_lanes) + 2, -(-words // array.words_per_cycle)
