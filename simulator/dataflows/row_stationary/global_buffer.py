"""What the global buffer does in every pass: input rows loaded and delivered, partial sums, and the neuron unit.

Tables are int64, by what matters of a column fold, by filter fold and by channel fold (`passes`), or by fewer of the
three where the others change nothing. MICROARCHITECTURE.md, sections 4 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Bools, Int32, Int64, Integers
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    Count,
    Kept,
    LayerOnArray,
    LayerSpec,
    RowBits,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.passes import ColumnFolds, PassOrder
from spikecycle.simulator.jit import lean_kernel


def row_bits(row: RowBits, rows: Int64, positions: Int64 | int, spikes: Int64 | int) -> Int64:
    """Bits in DRAM of `rows` rows of `positions` positions each, `spikes` of all positions not being 0."""
    entries = spikes if row.explicit else rows * positions
    return np.asarray(rows * row.count_bits + entries * row.entry_bits, np.int64)


def covered_columns(layer: LayerSpec, order: PassOrder) -> Int64:
    """int64 (ranges,): input columns that the windows of a range of output columns cover."""
    columns = layer.windows.columns
    first = np.maximum(0, order.column_starts * columns.stride - columns.padding)
    end = np.minimum(columns.inputs, (order.column_ends - 1) * columns.stride - columns.padding + columns.taps)
    return np.asarray(np.maximum(0, end - first), np.int64)


def channels_of_folds(mapped: LayerOnArray) -> Int64:
    """int64 (K,): input channels of each channel fold."""
    starts = np.arange(0, mapped.layer.group_channels, mapped.mapping.fold_channels)
    return np.minimum(mapped.mapping.fold_channels, mapped.layer.group_channels - starts)


def channel_starts(mapped: LayerOnArray) -> Int64:
    """int64 (groups * K,): the first channel of each channel fold of all channel groups."""
    of_group = np.arange(0, mapped.layer.group_channels, mapped.mapping.fold_channels)
    return (np.arange(mapped.layer.groups)[:, None] * mapped.layer.group_channels + of_group).reshape(-1)


class InputRows(NamedTuple):
    """How many input rows (timestep, row) passes load.

    loaded: int64 (column folds of a range,), of each channel. loading: bool (F,), filter folds whose passes load them.
    covered: int64 (ranges,), input columns of a row. channels: int64 (K,), of a channel fold. words: int64 (ranges, K),
    of the global buffer for a row of all channels of a fold.
    """

    loaded: Int64
    loading: Bools
    covered: Int64
    channels: Int64
    words: Int64

    @classmethod
    def of(cls, mapped: LayerOnArray, order: PassOrder, loaded: Int64) -> InputRows:
        """Where so many rows are loaded in passes of each column fold."""
        # an earlier filter fold of the channel group has loaded the same rows, unless they are kept for one pass only
        loading = (np.diff(mapped.tables.group, prepend=-1) > 0) | (mapped.mapping.kept == Kept.PASS)
        covered, channels = covered_columns(mapped.layer, order), channels_of_folds(mapped)
        words = ceil_div(channels * covered[:, None] * mapped.layer.input_bits, mapped.array.word_bits)
        return cls(loaded, loading, covered, channels, np.asarray(words, np.int64))

    def times_of_groups(self, mapped: LayerOnArray) -> Int64:
        """int64 (groups,): how often the rows of each channel group are loaded."""
        return np.bincount(mapped.tables.group[self.loading], minlength=mapped.layer.groups)


class RowLoads(NamedTuple):
    """Input rows (timestep, row) that are loaded in a range of output columns, and the column fold whose passes do.

    int64 each: column_fold (E,), numbered within the range; timestep, counted from the first one; row (E,).
    """

    column_fold: Int64
    timestep: Int64
    row: Int64

    @classmethod
    def of(cls, mapped: LayerOnArray, folds: ColumnFolds, timesteps: range) -> RowLoads:
        """Rows of some timesteps. folds: those of a range.

        The pairs that need a row follow each other, and so do their column folds. The first of them loads it, and so
        does the first one of every later time group, or every one of them, if rows are not kept for as long.
        """
        mapping, windows = mapped.mapping, mapped.layer.windows.rows
        tiles = np.flatnonzero(folds.number == 0)
        row_start, row_end = folds.row_start[tiles], folds.row_end[tiles]
        # input rows of a tile, and the output rows first to last that need them
        most = (mapping.tile_rows - 1) * windows.stride + windows.taps
        row = row_start[:, None] * windows.stride - windows.padding + np.arange(most)
        first = np.maximum(row_start[:, None], ceil_div(row + windows.padding - windows.taps + 1, windows.stride))
        last = np.minimum(row_end[:, None] - 1, (row + windows.padding) // windows.stride)
        tile, place = np.nonzero((row >= 0) & (row < windows.inputs) & (first <= last))
        row, first, last = row[tile, place], first[tile, place], last[tile, place]

        height, size = folds.rows[tiles][tile], folds.pairs[tiles][tile]
        steps = np.arange(timesteps.start, timesteps.stop)
        start = steps[:, None] * height - row_start[tile]  # the number of the pair of output row 0
        first_fold, last_fold = (start + first) // size, (start + last) // size
        every = {Kept.TILE: len(folds.tile), Kept.GROUP: mapping.folds_per_group, Kept.PASS: 1}[Kept(mapping.kept)]
        loads = (last_fold // every - first_fold // every + 1).reshape(-1)
        needed = np.repeat(np.arange(len(loads)), loads)
        earlier = np.arange(len(needed)) - np.repeat(np.cumsum(loads) - loads, loads)
        timestep, item = np.divmod(needed, len(row))
        first_fold = first_fold.reshape(-1)[needed]
        column_fold = np.maximum(first_fold, (first_fold // every + earlier) * every) + tiles[tile[item]]
        return cls(column_fold, timestep, row[item])

    def add_rows(self, rows_out: Int64) -> None:
        """Add how many there are to int64 (column folds,)."""
        rows_out += np.bincount(self.column_fold, minlength=len(rows_out))

    def add_spikes(self, spikes: Int64, channel_starts: Int64, spikes_out: Integers) -> None:
        """Add the non-zero inputs of the rows, by ranges of channels, to integers (column folds, len(channel_starts)).

        spikes: int64 (n, H, C), those of each row of these timesteps.
        """
        order = np.argsort(self.column_fold, kind="stable")
        column_fold = self.column_fold[order]
        of_rows = np.add.reduceat(spikes, channel_starts, axis=2)[self.timestep[order], self.row[order]]
        starts = np.flatnonzero(np.diff(column_fold, prepend=-1))
        loading = column_fold[starts]
        spikes_out[loading] = spikes_out[loading] + np.add.reduceat(of_rows, starts, axis=0)


class PassWords(NamedTuple):
    """Words of the global buffer in a pass, but for loads and fills: many passes are alike.

    words: int64 (widths, patterns, F, K). width: int64 (ranges,), which one a range of output columns has. pattern:
    int32 (column folds of a range,), how the pairs of a fold meet input rows.
    """

    words: Int64
    width: Int64
    pattern: Int32


def pass_words(mapped: LayerOnArray, order: PassOrder, counts: Int64) -> PassWords:
    """What delivering input rows and moving psums takes; and what both count.

    What is sent depends on the output rows of the pairs, in whatever timestep, and on the columns of the range.
    """
    layer, folds = mapped.layer, order.folds
    reaches, met, pattern = _rows_met(layer, folds)
    many = np.bincount(pattern, minlength=len(met))
    pairs = np.zeros(len(met), np.int64)
    pairs[pattern] = folds.pairs
    psum_words, times = move_psums(mapped, order, counts)
    keys = np.stack([covered_columns(layer, order), order.column_ends - order.column_starts], axis=1)
    widths, width = np.unique(keys, axis=0, return_inverse=True)
    words = np.zeros((len(widths), len(met), *order.shape[1:]), np.int64)
    for number, (positions, columns) in enumerate(widths.tolist()):
        of_width = int(np.count_nonzero(width.reshape(-1) == number))
        words[number] = pairs[:, None, None] * psum_words[columns][:, None] * times
        if positions and reaches:
            words[number] += _deliver_rows(mapped, reaches, met, many * of_width, positions, counts)
    return PassWords(words, width.reshape(-1), pattern.astype(np.int32))


def _deliver_rows(
    mapped: LayerOnArray, reaches: list[tuple[int, int]], met: Int64, times: Int64, positions: int, counts: Int64
) -> Int64:
    """int64 (patterns, F, K): slots of the global buffer that delivering rows of `positions` columns takes; and what it
    counts, each pattern so many times, int64 (patterns,)."""
    layer, array = mapped.layer, mapped.array
    value_bits = positions * layer.input_bits
    of_row = np.empty((4, len(reaches), *mapped.tables.fold_bits.shape), np.int64)
    deliver_row(
        mapped.tables.receiving_rows,
        np.array(reaches),
        layer.windows.rows.stride,
        mapped.mapping.fold_channels,
        (value_bits, array.word_bits),
        array.row_zeros == Zero.GATE,
        of_row,
    )
    sent = np.stack([np.tensordot(met, part, 1) for part in of_row])
    words, gated, rows_sent, rows_taken = (int((part.sum(axis=(1, 2)) * times).sum()) for part in sent)
    counts[Count.INPUT_WORDS_READ] += words
    counts[Count.INPUT_WORDS_GATED] += gated
    counts[Count.INPUT_PAD_WRITES] += rows_taken * positions * -(-layer.input_bits // array.input_width)
    counts[Count.TRUNK_SPIKES] += rows_sent * positions * layer.input_bits
    counts[Count.BRANCH_SPIKES] += rows_taken * positions * layer.input_bits
    return np.asarray(sent[0] + sent[1], np.int64)


def _rows_met(layer: LayerSpec, folds: ColumnFolds) -> tuple[list[tuple[int, int]], Int64, Int64]:
    """How the pairs of a column fold meet input rows: reaches, numbers int64 (patterns, reaches), patterns int64 (S,).

    A reach is the first and the last filter row, a stride apart from each other, that meet an input row of a timestep:
    many rows have the same. A pattern is all that matters of a column fold.
    """
    windows, height = layer.windows.rows, folds.rows
    keys = np.stack([folds.row_start, height, folds.pair_start % height, folds.pairs], axis=1)
    patterns, pattern = np.unique(keys, axis=0, return_inverse=True)
    row_start, height, skipped, pairs = patterns.T
    # spans of output rows: the rest of the first timestep, whole timesteps, the beginning of the last one
    in_first = np.minimum(height - skipped, pairs)
    whole, in_last = np.divmod(pairs - in_first, height)
    begins = np.stack([row_start + skipped, row_start, row_start], axis=1).reshape(-1, 1)
    ends = begins + np.stack([in_first, height, in_last], axis=1).reshape(-1, 1)
    times = np.stack([np.ones_like(whole), whole, np.ones_like(whole)], axis=1).reshape(-1)

    most = (int((ends - begins).max()) - 1) * windows.stride + windows.taps
    row = begins * windows.stride + np.arange(most)  # input rows, counted from the padding on
    first = np.maximum(begins, ceil_div(row - windows.taps + 1, windows.stride))
    last = np.minimum(ends - 1, row // windows.stride)
    inside = (row >= windows.padding) & (row < windows.padding + windows.inputs)
    span, place = np.nonzero(inside & (first <= last))
    met = row[span, place]
    reach = np.stack([met - last[span, place] * windows.stride, met - first[span, place] * windows.stride], axis=1)
    reaches, reach_of = np.unique(reach, axis=0, return_inverse=True)
    numbers = np.zeros((len(patterns), len(reaches)), np.int64)
    np.add.at(numbers, (span // 3, reach_of.reshape(-1)), times[span])
    return [(int(low), int(high)) for low, high in reaches], numbers, pattern.reshape(-1)


@lean_kernel
def deliver_row(
    receiving_rows: Int64,
    reaches: Int64,
    stride: int,
    fold_channels: int,
    bits: tuple[int, int],
    gates: bool,
    sent_out: Int64,
) -> None:
    """What is sent of one input row (timestep, row) of all channels of a fold, by the filter rows that meet it.

    receiving_rows: int64 (F, C', R), see `WeightTables`. reaches: int64 (n, 2), first and last filter row, a stride
    apart from each other. bits: of the row of a channel, and of a word. gates: words that nobody takes are gated.
    sent_out: int64 (4, n, F, K), words of the global buffer that are read; words that are not, but take their slot;
    rows of a channel that some PE takes; the same, counted once for each array row that takes them.
    """
    filter_folds, channels, _ = receiving_rows.shape
    row_bits, word_bits = bits
    for reach in range(len(reaches)):
        low, high = reaches[reach]
        for filter_fold in range(filter_folds):
            for channel_fold in range(sent_out.shape[3]):
                first = channel_fold * fold_channels
                end = min(channels, first + fold_channels)
                words, sent, taken, next_word = 0, 0, 0, 0
                for c in range(first, end):
                    takers = 0
                    for r in range(low, high + 1, stride):
                        takers += receiving_rows[filter_fold, c, r]
                    if takers == 0:
                        continue
                    sent += 1
                    taken += takers
                    first_bit = (c - first) * row_bits
                    begin = max(next_word, first_bit // word_bits)  # a word that two channels share is read once
                    next_word = (first_bit + row_bits - 1) // word_bits + 1
                    words += next_word - begin
                slots = -(-(end - first) * row_bits // word_bits) if gates else words
                sent_out[0, reach, filter_fold, channel_fold] = words
                sent_out[1, reach, filter_fold, channel_fold] = slots - words
                sent_out[2, reach, filter_fold, channel_fold] = sent
                sent_out[3, reach, filter_fold, channel_fold] = taken


def result_words(mapped: LayerOnArray, values_per_word: int) -> Int64:
    """int64 (tile columns + 1, F): words of a value for each of so many output columns and each filter of a fold, every
    filter set from a word on."""
    columns = np.arange(min(mapped.mapping.tile_columns, mapped.layer.Q) + 1)
    words = ceil_div(columns[:, None, None] * mapped.tables.filters, values_per_word).sum(axis=2)
    return np.asarray(words, np.int64)


def sets_in_chains(mapped: LayerOnArray) -> Int64:
    """int64 (K,): channel sets whose PEs hand psums to their chains; 0 in passes after which psums stay in the pads."""
    sets = ceil_div(channels_of_folds(mapped), mapped.mapping.channels_per_pe)
    if mapped.array.psums_in_pads:
        # the psums of all channel folds are handed over in the last one
        sets = np.append(np.zeros(len(sets) - 1, np.int64), sets[0])
    return np.asarray(sets, np.int64)


def move_psums(mapped: LayerOnArray, order: PassOrder, counts: Int64) -> tuple[Int64, Int64]:
    """Psums up the chains, and from and to the global buffer; what that counts.

    Returns words of it: int64 (tile columns + 1, F), of one pair of so many columns, and (K,), how often it is moved.
    """
    layer = mapped.layer
    sets = sets_in_chains(mapped)
    moves = (sets > 0).astype(np.int64)
    again = moves * (np.arange(len(sets)) > 0) * (not mapped.array.psums_in_pads)
    words = result_words(mapped, mapped.widths.psums_per_word)
    pairs, columns = int(order.folds.pairs.sum()), order.column_ends - order.column_starts
    psums = pairs * int(columns.sum()) * int(mapped.tables.filters.sum())  # of a pass each, in all
    moved = pairs * int(words[columns].sum())
    hops = moves * (layer.R * sets - 1)
    counts[Count.PSUM_WORDS_WRITTEN] += moved * int(moves.sum())
    counts[Count.PSUM_WORDS_READ] += moved * int(again.sum())
    counts[Count.TRUNK_PSUMS] += psums * int((moves + again).sum()) * layer.psum_bits
    counts[Count.BRANCH_PSUMS] += psums * int((moves + again).sum()) * layer.psum_bits
    counts[Count.CHAIN_PSUMS] += psums * int(hops.sum()) * layer.psum_bits
    counts[Count.CHAIN_ADDITIONS] += psums * int((hops + again).sum())
    return words, moves + again
