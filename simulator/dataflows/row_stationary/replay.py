"""A sample on a mapped layer: what happens in all passes, put together, some passes at a time.

MICROARCHITECTURE.md, sections 4 to 7. What follows from the mapping alone (`Steady`) is computed once, what depends on
spikes for every sample: the slowest PEs, and rows in formats whose size the spikes decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64, Integers, UInt8, UInt64
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.row_stationary.counts import (
    PeWork,
    TapInputs,
    count_outputs,
    count_rows,
)
from spikecycle.simulator.dataflows.row_stationary.global_buffer import (
    InputRows,
    RowLoads,
    channel_starts,
    pass_words,
    row_bits,
    sets_in_chains,
)
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    Count,
    LayerOnArray,
    Sums,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import ceil_div
from spikecycle.simulator.dataflows.row_stationary.pass_records import (
    PadFills,
    PassRecords,
    PassRules,
    PassTables,
    record_passes,
)
from spikecycle.simulator.dataflows.row_stationary.passes import PassOrder, Places, look_up
from spikecycle.simulator.dataflows.row_stationary.slowest_pe import (
    RangesOfInputs,
    count_ranges,
    cycles_dtype,
    most_cycles,
    slowest_by_weights,
)
from spikecycle.simulator.dataflows.row_stationary.updates import (
    ArrayNeurons,
    UpdateTables,
    output_spikes,
    spikes_of_folds,
)
from spikecycle.simulator.workload import input_range
from spikecycle.simulator.workload.im2col import bit_words
from spikecycle.traces.packing import PackedSpikes

BLOCK_BYTES = 2**24
"""Of what is counted of each input and tap of all timesteps, at most, if they are gone through together."""
LONG_BLOCK_BYTES = 2**22
"""The same of some timesteps of a longer sample: what else is kept of it needs the memory."""


class TensorsOnChip(NamedTuple):
    """What of a sample is on chip already, and stays there."""

    weights: bool
    inputs: bool
    outputs: bool


@dataclass(frozen=True, eq=False)
class Steady:
    """What is the same for every sample of a mapped layer.

    row_loads: the input rows that are loaded, if all timesteps are gone through together. counts: int64 (len(Count),),
    of what the words of `tables` are for. hands_over: int64 (K,), 1 in passes that hand psums over. filter_folds: int64
    (F,), their numbers. most_cycles: that taps, or handing over, of a pass may take.
    """

    tables: PassTables
    row_loads: RowLoads | None
    neuron_unit: ArrayNeurons
    pe_work: PeWork
    counts: Int64
    hands_over: Int64
    filter_folds: Int64
    most_cycles: int
    _updates: dict[bool, UpdateTables] = field(default_factory=dict)
    _counts: dict[TensorsOnChip, Int64] = field(default_factory=dict)

    @classmethod
    def of(cls, mapped: LayerOnArray, order: PassOrder) -> Steady:
        """Deliver rows and move psums in all passes."""
        array, folds, bits = mapped.array, order.folds, mapped.tables.fold_bits
        counts = np.zeros(len(Count), np.int64)
        words = pass_words(mapped, order, counts)
        loaded_rows = np.zeros(len(folds.tile), np.int64)
        row_loads = None
        blocks = blocks_of_timesteps(mapped)
        for timesteps in blocks:
            row_loads = RowLoads.of(mapped, folds, timesteps)
            row_loads.add_rows(loaded_rows)
        ends = folds.pair_end == folds.group_end
        tables = PassTables(
            words,
            InputRows.of(mapped, order, loaded_rows),
            PadFills(
                bits,
                ceil_div(bits, array.weight_bus_bits),
                np.zeros_like(bits) if array.bypass else ceil_div(bits, array.word_bits),
            ),
            mapped.layer.R * sets_in_chains(mapped),
            np.where(ends, np.cumsum(ends) - 1, -1).astype(np.int32),
        )
        return cls(
            tables,
            row_loads if len(blocks) == 1 else None,
            ArrayNeurons.of(mapped),
            PeWork.of(mapped),
            counts,
            (tables.in_chains > 0).astype(np.int64),
            np.arange(order.shape[1]),
            most_cycles(mapped, int((order.column_ends - order.column_starts).max()), order.shape[2]),
        )

    def updates(self, order: PassOrder, outputs_on_chip: bool) -> UpdateTables:
        """What the neuron unit does in all passes."""
        if outputs_on_chip not in self._updates:
            self._updates[outputs_on_chip] = UpdateTables.of(self.neuron_unit, order, outputs_on_chip)
        return self._updates[outputs_on_chip]

    def counts_whatever_spikes(self, mapped: LayerOnArray, order: PassOrder, on_chip: TensorsOnChip) -> Int64:
        """int64 (len(Count),): what is counted but for what spikes decide."""
        if on_chip not in self._counts:
            counts = self.counts + self.updates(order, on_chip.outputs).counts
            if not on_chip.inputs:
                _count_loads(mapped, self.tables.rows, counts)
            _count_fills(mapped, order, on_chip.weights, counts)
            self._counts[on_chip] = counts
        return self._counts[on_chip].copy()


def _count_loads(mapped: LayerOnArray, rows: InputRows, counts: Int64) -> None:
    """Input rows from DRAM, but for spikes that are listed one by one."""
    times = int(rows.times_of_groups(mapped).sum())
    loaded = int(rows.loaded.sum()) * (rows.covered > 0)  # of each range
    positions = np.zeros_like(rows.covered) if mapped.input_row.explicit else rows.covered
    counts[Count.DRAM_WIRE_SPIKES] += int(
        row_bits(mapped.input_row, loaded * (int(rows.channels.sum()) * times), positions, 0).sum()
    )
    counts[Count.INPUT_WORDS_WRITTEN] += int((loaded[:, None] * rows.words).sum()) * times


def _count_fills(mapped: LayerOnArray, order: PassOrder, weights_on_chip: bool, counts: Int64) -> None:
    """Weights from DRAM, and to the pads."""
    array, fills = mapped.array, order.fills_of_tiles
    loads = 0 if weights_on_chip else 1 if mapped.mapping.resident else int(fills.sum())
    height = np.tile(order.folds.rows[order.folds.number == 0], order.ranges)
    columns_in_use = np.minimum(array.columns, mapped.layer.T * height) if array.time_batching else height
    bits = int(mapped.tables.fold_bits.sum())
    counts[Count.DRAM_WIRE_WEIGHTS] += bits * loads
    counts[Count.WEIGHT_PAD_WRITES] += int(mapped.tables.pad_entries.sum()) * int((fills * columns_in_use).sum())
    counts[Count.TRUNK_WEIGHTS] += bits * int(fills.sum())
    counts[Count.BRANCH_WEIGHTS] += bits * int(fills.sum())
    if not array.bypass:
        words = int(ceil_div(mapped.tables.fold_bits, array.word_bits).sum())
        counts[Count.WEIGHT_WORDS_READ] += words * int(fills.sum())
        counts[Count.WEIGHT_WORDS_WRITTEN] += words * loads


def blocks_of_timesteps(mapped: LayerOnArray) -> list[range]:
    """Timesteps that are gone through together."""
    layer = mapped.layer
    of_timestep = 8 * max(2 * layer.H * layer.C * layer.S, layer.M * layer.P, layer.H * layer.P)
    if layer.input_bits > 1:  # their bits are taken apart
        of_timestep = max(of_timestep, 4 * layer.C * layer.H * layer.W)
    together = layer.T
    if layer.T * of_timestep > BLOCK_BYTES:
        together = max(1, min(BLOCK_BYTES, LONG_BLOCK_BYTES) // of_timestep)
    return [range(first, min(first + together, layer.T)) for first in range(0, layer.T, together)]


@dataclass
class SpikeWork:
    """What spikes decide, in as few bytes as the numbers may need: there is one of each for every pass.

    pe_cycles: integers (2, ranges, F, K, column folds of a range), of taps of the slowest PE, and of its handing over
    psums; one for all column folds where no zeros are skipped. input_spikes: integers (S, groups, K), non-zero inputs
    of the rows that passes load; output_spikes: int32 (time groups, F). Both None where no row's size depends on them.
    taps: inputs at every tap, of all ranges.
    """

    pe_cycles: Integers
    input_spikes: Integers | None
    output_spikes: Int32 | None
    taps: TapInputs

    @property
    def kept_bytes(self) -> int:
        """Of the tables."""
        tables = (self.pe_cycles, self.input_spikes, self.output_spikes)
        return sum(table.nbytes for table in tables if table is not None)


@dataclass(frozen=True, eq=False)
class Replay:
    """One sample on a mapped layer. counts: int64 (len(Count),). useful: useful PE cycles and synaptic operations."""

    mapped: LayerOnArray
    order: PassOrder
    steady: Steady
    on_chip: TensorsOnChip
    work: SpikeWork
    counts: Int64
    useful: Int64

    @classmethod
    def of(cls, mapped: LayerOnArray, order: PassOrder, steady: Steady, sample: LayerSample) -> Replay:
        """Go through the spikes of a sample, and count everything."""
        work = _work_of_spikes(mapped, order, steady, sample)
        on_chip = TensorsOnChip(sample.weights_on_chip, sample.inputs_on_chip, sample.outputs_on_chip)
        sums = Sums(steady.counts_whatever_spikes(mapped, order, on_chip), np.zeros(2, np.int64))
        steady.pe_work.add_to(mapped, work.taps, sums)
        if work.input_spikes is not None and not on_chip.inputs:
            times = steady.tables.rows.times_of_groups(mapped)
            spikes = int(work.input_spikes.sum(axis=(0, 2), dtype=np.int64) @ times)
            sums.counts[Count.DRAM_WIRE_SPIKES] += spikes * mapped.input_row.entry_bits
        if work.output_spikes is not None:
            spikes = int(work.output_spikes.sum(dtype=np.int64))
            sums.counts[Count.DRAM_WIRE_OUTPUTS] += spikes * steady.updates(order, on_chip.outputs).spike_bits
        return cls(mapped, order, steady, on_chip, work, sums.counts, sums.useful)

    def records(self, first: int, stop: int) -> PassRecords:
        """What happens in passes `first` to `stop` - 1."""
        work, sequence = self.work, self.order.sequence
        records = PassRecords.of(stop - first)
        cycles = work.pe_cycles
        _, _, filter_folds, channel_folds, column_folds = cycles.shape
        places = Places(
            filter_folds * channel_folds * column_folds,
            int(self.mapped.array.input_zeros == Zero.SKIP),
            channel_folds * column_folds,
            column_folds,
        )
        look_up(cycles.reshape(2, -1), places, self.steady.filter_folds, sequence, first, records.of_pes)
        record_passes(
            sequence,
            first,
            self._rules,
            self.steady.tables,
            self.steady.updates(self.order, self.on_chip.outputs),
            self._loaded_spikes(first, stop),
            np.zeros((0, 0), np.int32) if work.output_spikes is None else work.output_spikes,
            records,
        )
        return records

    @computed_once
    def _rules(self) -> PassRules:
        return PassRules(
            self.mapped.array.words_per_cycle,
            self.mapped.input_row,
            int(not self.on_chip.inputs),
            int(not self.on_chip.weights),
            self.mapped.mapping.resident,
        )

    def _loaded_spikes(self, first: int, stop: int) -> Int64:
        """int64 (n,): non-zero inputs of the rows that passes load, if they do; of no length where nobody asks."""
        spikes = self.work.input_spikes
        if spikes is None:
            return np.zeros(0, np.int64)
        found: Int64 = np.empty((1, stop - first), np.int64)
        _, groups, channel_folds = spikes.shape
        of_range = len(self.order.folds.tile) * groups * channel_folds
        places = Places(of_range, groups * channel_folds, channel_folds, 1)
        group = self.mapped.tables.group
        look_up(spikes.reshape(1, -1), places, group, self.order.sequence, first, found)
        return found.reshape(-1)


def _work_of_spikes(mapped: LayerOnArray, order: PassOrder, steady: Steady, sample: LayerSample) -> SpikeWork:
    """Go through the ranges of output columns."""
    layer = mapped.layer
    if mapped.array.input_zeros == Zero.SKIP:
        shape = (2, order.ranges, *order.shape[1:], len(order.folds.tile))
        if len(blocks_of_timesteps(mapped)) == 1:  # short, so that it may lie as the kernel works it out
            pe_cycles = np.zeros(shape, cycles_dtype(steady.most_cycles))
        else:
            pe_cycles = _zeros(shape, steady.most_cycles)
    else:
        of_ranges = slowest_by_weights(mapped, order.column_ends - order.column_starts, steady.hands_over)
        pe_cycles = of_ranges[..., np.newaxis]
    loaded: Integers | None = None
    if mapped.input_row.explicit:
        rows = steady.tables.rows
        most = int(rows.loaded.max() * rows.covered.max() * rows.channels.max())
        loaded = _zeros((order.shape[0], layer.groups, order.shape[2]), most)
    outputs: Int32 | None = None
    if mapped.output_row.explicit:
        groups = order.ranges * int(np.count_nonzero(order.folds.pair_end == order.folds.group_end))
        outputs = np.zeros((groups, order.shape[1]), np.int32)
    work = SpikeWork(pe_cycles, loaded, outputs, TapInputs.none(mapped))
    for timesteps in blocks_of_timesteps(mapped):
        _add_inputs(mapped, order, steady, sample.inputs, timesteps, work)
    if work.output_spikes is not None:
        _add_outputs(mapped, order, cast("UInt8", sample.outputs), work.output_spikes)
    return work


def _add_inputs(
    mapped: LayerOnArray,
    order: PassOrder,
    steady: Steady,
    inputs: Inputs | PackedSpikes,
    timesteps: range,
    work: SpikeWork,
) -> None:
    """Go through some timesteps of the inputs, one range of output columns after the other."""
    layer, size = mapped.layer, len(order.folds.tile)
    some: Inputs | PackedSpikes
    if isinstance(inputs, PackedSpikes):
        some = PackedSpikes(inputs.packed[timesteps.start : timesteps.stop], inputs.shape)
    else:
        some = inputs[timesteps.start : timesteps.stop]
    chosen, folds = order.folds.of_timesteps(timesteps.start, timesteps.stop)
    ranges = RangesOfInputs(
        *_bits(some, layer.input_bits),
        order.column_starts,
        order.column_ends,
        np.stack([folds.row_start, folds.row_end, folds.pair_start, folds.pair_end], axis=1),
    )
    dtype = cycles_dtype(steady.most_cycles)
    if mapped.array.input_zeros != Zero.SKIP:
        count_ranges(mapped, ranges, work.taps, steady.hands_over[:0], np.empty((2, order.ranges, 0, 0, 0), dtype))
    elif work.pe_cycles.dtype == dtype and len(timesteps) == layer.T:
        count_ranges(mapped, ranges, work.taps, steady.hands_over, work.pe_cycles)
    else:
        for number in range(order.ranges):
            here = slice(number, number + 1)
            only = ranges._replace(starts=ranges.starts[here], ends=ranges.ends[here])
            by_fold = work.pe_cycles[:, here, :, :, chosen].astype(dtype, order="C")
            count_ranges(mapped, only, work.taps, steady.hands_over, by_fold)
            work.pe_cycles[:, here, :, :, chosen] = by_fold
    if work.input_spikes is not None:
        row_loads = steady.row_loads or RowLoads.of(mapped, order.folds, timesteps)
        for number, columns in enumerate(zip(order.column_starts.tolist(), order.column_ends.tolist(), strict=True)):
            spikes = np.empty((len(timesteps), layer.H, layer.C), np.int64)
            count_rows(ranges.bits, layer.W, *input_range(layer.windows.columns, *columns), spikes)
            loaded = work.input_spikes[number * size : (number + 1) * size].reshape(size, -1)
            row_loads.add_spikes(spikes, channel_starts(mapped), loaded)


def _bits(inputs: Inputs | PackedSpikes, input_bits: int) -> tuple[UInt64, UInt64]:
    """Bits and planes of `RangesOfInputs`."""
    if input_bits == 1:
        bits = bit_words(inputs, 0)
        return bits, bits[np.newaxis][:0]
    planes = np.stack([bit_words(inputs, bit) for bit in range(input_bits)])
    return np.bitwise_or.reduce(planes), planes


def _add_outputs(mapped: LayerOnArray, order: PassOrder, outputs: UInt8, spikes_out: Int32) -> None:
    """Output spikes of each time group and filter fold, range by range of output columns."""
    layer = mapped.layer
    of_folds = np.empty((layer.T, layer.neuron_rows, order.shape[1]), np.int32)
    groups = len(spikes_out) // order.ranges
    for number in range(order.ranges):
        columns = (int(ends[number]) // layer.pool_columns for ends in (order.column_starts, order.column_ends))
        q0, q1 = columns  # of neurons
        for timesteps in blocks_of_timesteps(mapped):
            some = slice(timesteps.start, timesteps.stop)
            spikes = np.zeros((len(timesteps), layer.M, layer.neuron_rows), np.int64)
            count_outputs(outputs[some], q0, q1, spikes)
            of_folds[some] = spikes_of_folds(mapped, spikes)
        spikes_out[number * groups : (number + 1) * groups] = output_spikes(mapped, of_folds, order.folds)


def _zeros(shape: tuple[int, ...], most: int) -> Integers:
    """Zeros in the narrowest dtype that holds `most`."""
    narrow = np.min_scalar_type(most)
    return np.zeros(shape, narrow if narrow.itemsize < 8 else np.int64)
