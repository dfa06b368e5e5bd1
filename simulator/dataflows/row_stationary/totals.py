"""What PEs do in all passes together: sums that do not depend on how pairs are shared out among columns.

Every (timestep, output row) meets every filter, so a total over passes and PEs is, for each tap, (inputs over all
windows) x (weights over all filter sets): MICROARCHITECTURE.md, section 6. Only the longest PE of a pass has to be
found pass by pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.row_stationary.capacity import ceil_div
from spikecycle.simulator.dataflows.row_stationary.mapped import Mapped
from spikecycle.simulator.dataflows.row_stationary.records import Count, Records
from spikecycle.simulator.dataflows.row_stationary.specs import PadLayout, Zero


@dataclass
class TapInputs:
    """Inputs at every tap, summed over timesteps, windows and output rows, as column ranges are added.

    active_inputs: int64 (C, R, S), windows whose input is not 0. events: int64 (C, R, S), set bits of those inputs.
    """

    active_inputs: Int64
    events: Int64

    @staticmethod
    def none(mapped: Mapped) -> TapInputs:
        """Nothing added yet."""
        shape = (mapped.layer.C, mapped.layer.R, mapped.layer.S)
        return TapInputs(np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    def add(self, mapped: Mapped, active_inputs: Int64, events: Int64) -> None:
        """Add a column range. met, events: int64 (T, H, C, S), see `windows`."""
        layer = mapped.layer
        output_rows = np.arange(layer.P) * layer.windows.rows.stride - layer.windows.rows.padding
        active_of_row, events_of_row = active_inputs.sum(axis=0), events.sum(axis=0)
        for r in range(layer.R):
            rows = output_rows + r
            rows = rows[(rows >= 0) & (rows < layer.H)]
            self.active_inputs[:, r] += active_of_row[rows].sum(axis=0)
            self.events[:, r] += events_of_row[rows].sum(axis=0)


def count_pe_work(mapped: Mapped, inputs: TapInputs, records: Records) -> None:
    """Fill in the counts of pads and arithmetic, useful cycles and synaptic operations."""
    layer, array, storage, tables = mapped.layer, mapped.array, mapped.storage, mapped.tables
    shape = (layer.groups, 1, layer.group_channels, layer.R, layer.S)
    active_inputs = inputs.active_inputs.reshape(shape)[tables.group] * tables.takes[..., None]  # (F, J, C', R, S)
    events = inputs.events.reshape(shape)[tables.group] * tables.takes[..., None]
    # sets without filters take no part: their windows do not count
    windows = np.broadcast_to((tables.filters > 0)[:, :, None, None, None], active_inputs.shape) * (
        layer.T * layer.P * layer.Q
    )
    filters = np.broadcast_to(tables.filters[:, :, None, None, None], active_inputs.shape)
    channel_fold = np.arange(layer.group_channels) // mapped.mapping.fold_channels
    stored = tables.stored[:, :, channel_fold, None, None]
    non_zeros = tables.non_zeros

    added = filters if array.weight_zeros == Zero.NONE else non_zeros
    multiplied = windows if array.input_zeros == Zero.NONE else active_inputs
    looked_at = active_inputs if array.input_zeros == Zero.SKIP else windows
    read = {PadLayout.PACKED: non_zeros, PadLayout.IMPLICIT: stored, PadLayout.MASKED: added}
    applied_weights = weights_applied(mapped)

    tap_cycles = int((looked_at * applied_weights).sum())
    accumulates = int((multiplied * added).sum())
    weights_read = int((multiplied * read[PadLayout(storage.layout)]).sum())
    mask_entries = 0
    if storage.masked and not (storage.layout == PadLayout.MASKED and array.weight_zeros == Zero.NONE):
        mask_entries = int((multiplied * ceil_div(filters, array.weight_width)).sum())
    unapplied = (applied_weights == 0) & (array.weight_zeros == Zero.SKIP)
    inputs_read = int(np.where(unapplied, 0, looked_at).sum())
    handed_over = _handed_over(mapped)
    entries_per_psum = ceil_div(mapped.widths.pad_psum_bits, array.psum_width)

    counts = records.counts
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
    records.useful[0] = int((active_inputs * non_zeros).sum())
    records.useful[1] = int((events * non_zeros).sum())


def weights_applied(mapped: Mapped) -> Int64:
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


def _handed_over(mapped: Mapped) -> int:
    """Psums that PEs hand to chains: one for every window, filter, and array row that has channels."""
    layer, mapping = mapped.layer, mapped.mapping
    starts = np.arange(0, layer.group_channels, mapping.fold_channels)
    sets = np.minimum(mapping.channel_sets, ceil_div(layer.group_channels - starts, mapping.channels_per_pe))
    handing_over = sets[:1] if mapped.array.psums_in_pads else sets
    return layer.T * layer.P * layer.Q * layer.M * layer.R * int(handing_over.sum())
