"""Counts of a mapped layer: tables of its weights, the active inputs at every filter tap, and the work of all PEs.

`weight_tables` and `widths` follow from the weights alone. `count_windows` and `count_outputs` scan a sample's spikes
for a range of output columns. `TapInputs` and `PeWork` add up what PEs do in all passes together: every
(timestep, output row) meets every filter, so a total over passes and PEs is, for each tap, (inputs over all windows) x
(weights over all filter sets): MICROARCHITECTURE.md, section 6. Only the slowest PE of a pass has to be found pass by
pass (`slowest_pe`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers, UInt8, UInt64
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    ArrayMapping,
    ArraySpec,
    Count,
    LayerOnArray,
    LayerSpec,
    PadLayout,
    Storage,
    Sums,
    WeightTables,
    Widths,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div, entries_per_weight, pad_psum_bits, tag_bits
from spikecycle.simulator.dataflows.row_stationary.weight_streams import WeightStreams, fold_starts
from spikecycle.simulator.jit import called_kernel, lean_kernel
from spikecycle.simulator.workload.axis import Windows, outputs_of_tap
from spikecycle.simulator.workload.words import WORD_BITS, count_ones

WEIGHTS_AT_ONCE = 2**20
"""Weights that are counted together: what that takes of memory is a few MB."""


def widths(layer: LayerSpec, array: ArraySpec, storage: Storage, mapping: ArrayMapping) -> Widths:
    """Accesses and words of a mapped layer."""
    return Widths(
        entries_per_weight=entries_per_weight(layer, array, storage, mapping.filters_per_pe),
        psums_per_word=array.word_bits // layer.psum_bits,
        potentials_per_word=array.word_bits // layer.potential_bits,
        currents_per_word=array.word_bits // layer.current_bits if layer.current_bits else 0,
        pad_psum_bits=pad_psum_bits(layer, array),
        tag_bits=tag_bits(storage, mapping.filters_per_pe),
    )


def weight_tables(
    task: LayerTask, layer: LayerSpec, array: ArraySpec, storage: Storage, mapping: ArrayMapping, streams: WeightStreams
) -> WeightTables:
    """Tables of a mapped layer."""
    starts = fold_starts(layer.M, layer.group_filters, mapping.fold_filters)
    ends = [*starts[1:], layer.M]
    channels, sets = layer.group_channels, mapping.filter_sets
    channel_starts = np.arange(0, channels, mapping.fold_channels)
    shape = (len(starts), sets)
    filters = np.zeros(shape, np.int64)
    non_zeros = np.zeros((*shape, channels, layer.R, layer.S), np.int64)
    stored = np.zeros((*shape, len(channel_starts)), np.int64)
    is_stored = streams.stored(mapping.fold_channels)
    if not storage.droppable:
        is_stored = np.ones_like(is_stored)
    for some in blocks_of_folds(len(starts), channels * layer.R * layer.S * mapping.fold_filters):
        begin = starts[some.start]
        firsts = [range(starts[fold], ends[fold], mapping.filters_per_pe) for fold in some]  # of sets that take part
        places = [(fold, j) for fold, of_fold in zip(some, firsts, strict=True) for j in range(len(of_fold))]
        chosen, reduced = np.array(places).T, np.concatenate(firsts) - begin
        here, end = (chosen[0], chosen[1]), ends[some[-1]]
        filters[here] = np.diff(reduced, append=end - begin)
        non_zeros[here] = np.add.reduceat(task.weights[begin:end] != 0, reduced, axis=0, dtype=np.int64)
        stored[here] = np.add.reduceat(is_stored[begin:end], reduced, axis=0, dtype=np.int64)
    takes = np.broadcast_to((filters > 0)[:, :, None, None], (*shape, channels, layer.R)).astype(np.int64)
    if array.row_zeros != Zero.NONE:
        takes *= non_zeros.any(axis=-1)
    return WeightTables(
        group=np.array(starts, np.int64) // layer.group_filters,
        filters=filters,
        non_zeros=non_zeros,
        stored=stored,
        takes=takes,
        receiving_rows=takes.sum(axis=1),
        fold_bits=streams.fold_bits(mapping.fold_filters, mapping.fold_channels),
        pad_entries=_pad_entries(layer, array, storage, mapping, filters, non_zeros, stored, channel_starts),
    )


def blocks_of_folds(folds: int, weights_of_fold: int) -> Iterator[range]:
    """Filter folds whose weights are looked at together."""
    together = max(1, WEIGHTS_AT_ONCE // weights_of_fold)
    return (range(first, min(first + together, folds)) for first in range(0, folds, together))


def _pad_entries(
    layer: LayerSpec,
    array: ArraySpec,
    storage: Storage,
    mapping: ArrayMapping,
    filters: Int64,
    non_zeros: Int64,
    stored: Int64,
    channel_starts: Int64,
) -> Int64:
    fold_channels = np.diff(np.append(channel_starts, layer.group_channels))
    taps = fold_channels * layer.R * layer.S  # of all array rows of a filter set
    weights = stored * taps
    if storage.layout == PadLayout.PACKED:
        weights = np.add.reduceat(non_zeros.sum(axis=(3, 4)), channel_starts, axis=2)
    masks = storage.masked * ceil_div(filters, array.weight_width)[:, :, None] * taps
    entries = weights * entries_per_weight(layer, array, storage, mapping.filters_per_pe) + masks
    return np.asarray(entries.sum(axis=1), np.int64)


@called_kernel
def count_windows(
    bits: UInt64,
    windows: Windows,
    q0: int,
    q1: int,
    of_rows: Int64,
    windows_out: Integers,
    taps_out: Int64,
) -> None:
    """Count windows, of the output columns q0 to q1 - 1, whose input at a tap has its bit set.

    bits: uint64 (n, words), of the inputs (C, H, W) of n timesteps, see `workload.im2col.bit_words`. windows_out:
    (C · S, H · n), at tap s of a row. taps_out: int64 (C, R, S), of all timesteps and output rows, added. of_rows:
    int64 (H,), room.
    """
    rows, columns = windows
    height, timesteps = rows.inputs, len(bits)
    channels, filter_rows, row_taps = taps_out.shape
    # as many windows at a time as have their inputs of a tap in one word
    together = max(1, WORD_BITS // columns.stride)
    all_together = np.uint64(0)
    for window in range(together):
        all_together |= np.uint64(1) << np.uint64(window * columns.stride)
    for s in range(row_taps):
        first, end = outputs_of_tap(columns, s)
        first, end = max(first, q0), min(end, q1)
        for c in range(channels):
            for y in range(height):
                row_bit = (c * height + y) * columns.inputs + first * columns.stride + s - columns.padding
                of_row = 0
                for t in range(timesteps):
                    counted = 0
                    bit = row_bit
                    for window in range(first, end, together):
                        word, shift = bit >> 6, np.uint64(bit & 63)
                        inputs = (bits[t, word] >> shift) | (
                            bits[t, word + 1] << np.uint64(1) << (np.uint64(63) - shift)
                        )
                        inputs &= all_together
                        if window + together > end:
                            inputs &= (np.uint64(1) << np.uint64((end - window) * columns.stride)) - np.uint64(1)
                        counted += count_ones(inputs)
                        bit += together * columns.stride
                    windows_out[c * row_taps + s, y * timesteps + t] = counted
                    of_row += counted
                of_rows[y] = of_row
            for r in range(filter_rows):
                top, bottom = outputs_of_tap(rows, r)
                for p in range(top, bottom):
                    taps_out[c, r, s] += of_rows[p * rows.stride + r - rows.padding]


@lean_kernel
def count_rows(bits: UInt64, width: int, first: int, end: int, spikes_out: Int64) -> None:
    """Bits that are set within columns first to end - 1 of each row, all of `width`. bits: see `count_windows`.
    spikes_out: int64 (n, H, C)."""
    _, height, channels = spikes_out.shape
    for t in range(len(bits)):
        for c in range(channels):
            for y in range(height):
                row_bit = (c * height + y) * width
                spikes = 0
                for x in range(first, end, WORD_BITS):
                    word, shift = (row_bit + x) >> 6, np.uint64((row_bit + x) & 63)
                    upper = (bits[t, word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
                    inputs = (bits[t, word] >> shift) | upper
                    if x + WORD_BITS > end:
                        inputs &= (np.uint64(1) << np.uint64(end - x)) - np.uint64(1)
                    spikes += count_ones(inputs)
                spikes_out[t, y, c] = spikes


@lean_kernel
def count_outputs(outputs: UInt8, q0: int, q1: int, spikes_out: Int64) -> None:
    """spikes_out: int64 (n, M, rows), output spikes of columns q0 to q1 - 1; outputs: uint8 (n, M, rows, columns)."""
    timesteps, filters, rows, _ = outputs.shape
    for t in range(timesteps):
        for m in range(filters):
            for p in range(rows):
                spikes = 0
                for q in range(q0, q1):
                    spikes += int(outputs[t, m, p, q])
                spikes_out[t, m, p] = spikes


class TapInputs(NamedTuple):
    """Inputs at every tap, summed over timesteps, windows and output rows, as column ranges and timesteps are added.

    active_inputs: int64 (C, R, S), windows whose input is not 0. events: int64 (C, R, S), set bits of those inputs: of
    inputs of one bit, the same array.
    """

    active_inputs: Int64
    events: Int64

    @staticmethod
    def none(mapped: LayerOnArray) -> TapInputs:
        """Nothing added yet."""
        layer = mapped.layer
        active_inputs = np.zeros((layer.C, layer.R, layer.S), np.int64)
        return TapInputs(active_inputs, active_inputs if layer.input_bits == 1 else np.zeros_like(active_inputs))


@dataclass(frozen=True, eq=False)
class PeWork:
    """What inputs make PEs do, summed over the filter folds of their channel group and the filter sets of each.

    by_input: int64 (names, C · R · S), of an active input at every tap: nothing in sets that do not take its row.
    by_window: of a window, for names where all windows count, whatever their inputs are. Names: "applied", weights that
    an input is served with, one cycle each; "added", psums that it is added to; "read", weights that are read for it;
    "masks", entries of masks, none where there are no masks; "served", sets that take it up; "useful", weights that are
    not 0. handed_over: psums that PEs hand to chains.
    """

    names: tuple[str, ...]
    by_input: Int64
    by_window: Mapping[str, int]
    handed_over: int

    @classmethod
    def of(cls, mapped: LayerOnArray) -> PeWork:
        """Of all weights of a mapped layer."""
        array, storage, tables = mapped.array, mapped.storage, mapped.tables
        non_zeros = tables.non_zeros
        filters = np.broadcast_to(tables.filters[:, :, None, None, None], non_zeros.shape)
        channel_fold = np.arange(mapped.layer.group_channels) // mapped.mapping.fold_channels
        added = filters if array.weight_zeros == Zero.NONE else non_zeros
        applied = weights_applied(mapped)
        read = {
            PadLayout.PACKED: non_zeros,
            PadLayout.IMPLICIT: np.broadcast_to(tables.stored[:, :, channel_fold, None, None], non_zeros.shape),
            PadLayout.MASKED: added,
        }[PadLayout(storage.layout)]
        is_served = (applied > 0) | (array.weight_zeros != Zero.SKIP)
        looked_at: dict[str, Int64] = {"applied": applied, "served": is_served.astype(np.int64)}
        multiplied: dict[str, Int64] = {"added": added, "read": read}
        if storage.masked and not (storage.layout == PadLayout.MASKED and array.weight_zeros == Zero.NONE):
            masks = ceil_div(tables.filters, array.weight_width)[:, :, None, None, None]
            multiplied["masks"] = np.broadcast_to(masks, non_zeros.shape)
        of_input: dict[str, Int64] = {**looked_at, **multiplied}
        of_window: dict[str, Int64] = {}
        if array.input_zeros == Zero.NONE:
            of_input, of_window = {}, of_input
        elif array.input_zeros != Zero.SKIP:
            of_input, of_window = multiplied, looked_at
        takes_part = (tables.filters > 0)[:, :, None, None, None]  # windows of sets without filters do not count
        of_input["useful"] = non_zeros
        return cls(
            tuple(of_input),
            np.stack([_by_tap(mapped, numbers).reshape(-1) for numbers in of_input.values()]),
            {name: int((takes_part * numbers).sum()) for name, numbers in of_window.items()},
            _handed_over(mapped),
        )

    def add_to(self, mapped: LayerOnArray, inputs: TapInputs, sums: Sums) -> None:
        """Fill in the counts of pads and arithmetic, useful cycles and synaptic operations of a sample."""
        layer, array = mapped.layer, mapped.array
        done = {name: windows * (layer.T * layer.P * layer.Q) for name, windows in self.by_window.items()}
        done |= zip(self.names, (self.by_input @ inputs.active_inputs.reshape(-1)).tolist(), strict=True)
        tap_cycles, accumulates, weights_read, inputs_read = (
            done[name] for name in ("applied", "added", "read", "served")
        )
        mask_entries = done.get("masks", 0)
        handed_over = self.handed_over
        entries_per_psum = ceil_div(mapped.widths.pad_psum_bits, array.psum_width)

        counts = sums.counts
        counts[Count.ACCUMULATES] = accumulates
        counts[Count.MULTIPLICATIONS] = accumulates if layer.input_bits > 1 else 0
        counts[Count.GATED] = tap_cycles - accumulates
        counts[Count.WEIGHT_PAD_READS] = weights_read * mapped.widths.entries_per_weight + mask_entries
        counts[Count.WEIGHT_PAD_GATED] = tap_cycles - weights_read
        counts[Count.INPUT_PAD_READS] = inputs_read * ceil_div(layer.input_bits, array.input_width)
        counts[Count.PSUM_PAD_READS] = (accumulates + handed_over) * entries_per_psum
        counts[Count.PSUM_PAD_WRITES] = accumulates * entries_per_psum
        counts[Count.PE_WIRE_WEIGHTS] = weights_read * layer.weight_bits
        counts[Count.PE_WIRE_SPIKES] = inputs_read * layer.input_bits
        counts[Count.PE_WIRE_PSUMS] = (2 * accumulates + handed_over) * mapped.widths.pad_psum_bits
        sums.useful[0] = sums.useful[1] = done["useful"]
        if layer.input_bits > 1:
            sums.useful[1] = int(self.by_input[self.names.index("useful")] @ inputs.events.reshape(-1))


def _by_tap(mapped: LayerOnArray, numbers: Int64) -> Int64:
    """int64 (C, R, S): of numbers (F, J, C', R, S), those of sets that take the input row, summed by channel group."""
    layer, tables = mapped.layer, mapped.tables
    starts = np.searchsorted(tables.group, np.arange(layer.groups + 1)).tolist()  # folds go group by group
    of_groups = [
        np.einsum("fjcrs,fjcr->crs", numbers[start:end], tables.takes[start:end]) for start, end in pairwise(starts)
    ]
    return np.concatenate(of_groups)


def weights_applied(mapped: LayerOnArray) -> Int64:
    """int64 (F, J, C', R, S): weights that an input of a tap is served with, one cycle each."""
    tables = mapped.tables
    if mapped.array.weight_zeros != Zero.SKIP:
        applied_weights = np.broadcast_to(tables.filters[:, :, None, None, None], tables.non_zeros.shape)
    elif mapped.storage.skippable:
        applied_weights = tables.non_zeros
    else:
        channel_fold = np.arange(mapped.layer.group_channels) // mapped.mapping.fold_channels
        applied_weights = np.broadcast_to(tables.stored[:, :, channel_fold, None, None], tables.non_zeros.shape)
    return np.asarray(applied_weights, np.int64)


def _handed_over(mapped: LayerOnArray) -> int:
    """Psums that PEs hand to chains: one for every window, filter, and array row that has channels."""
    layer, mapping = mapped.layer, mapped.mapping
    starts = np.arange(0, layer.group_channels, mapping.fold_channels)
    sets = np.minimum(mapping.channel_sets, ceil_div(layer.group_channels - starts, mapping.channels_per_pe))
    handing_over = sets[:1] if mapped.array.psums_in_pads else sets
    return layer.T * layer.P * layer.Q * layer.M * layer.R * int(handing_over.sum())
