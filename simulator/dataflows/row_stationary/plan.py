"""A layer mapped on a row-stationary array: mapping, tables and schedule, made once and used for every sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np

from spikecycle.simulator.activity import Activity, Counter, Moves, Work
from spikecycle.simulator.array_types import Int64, UInt8
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary.counters import counters
from spikecycle.simulator.dataflows.row_stationary.counts import (
    TapInputs,
    count_outputs,
    count_pe_work,
    count_windows,
    weight_tables,
    weights_applied,
    widths,
)
from spikecycle.simulator.dataflows.row_stationary.kernel_types import (
    CYCLE_CATEGORIES,
    PHASES,
    PLACES,
    ArrayMapping,
    ArraySpec,
    Count,
    Delivered,
    LayerOnArray,
    LayerSpec,
    RowBits,
    Sample,
    Step,
    Storage,
    Zero,
    empty_records,
)
from spikecycle.simulator.dataflows.row_stationary.machine import (
    RowStationaryMachine,
    chosen_weight_format,
    lower_array,
    lower_format,
    lower_layer,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import buffer_words, choose, most_filters, weight_words
from spikecycle.simulator.dataflows.row_stationary.passes import replay, schedule
from spikecycle.simulator.dataflows.row_stationary.skipping_pes import longest_skipping_pes
from spikecycle.simulator.dataflows.row_stationary.weight_streams import WeightStreams
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat, WeightFormat, spike_format
from spikecycle.simulator.formats.bits import bits_for
from spikecycle.simulator.workload import leaks


@dataclass
class RowStationaryPlan:
    """A layer on a machine: everything that does not depend on the sample.

    mapping: how the layer is cut; chosen by the rule of MICROARCHITECTURE.md, section 9, unless given.
    """

    machine: RowStationaryMachine
    task: LayerTask
    mapping: ArrayMapping | None = None
    mapped: LayerOnArray = field(init=False)
    steps: Int64 = field(init=False)
    storage: WeightStorage = field(init=False)
    footprint: WeightFootprint = field(init=False)

    def __post_init__(self) -> None:
        task, machine = self.task, self.machine
        layer, array = lower_layer(machine, task), lower_array(machine)
        chosen_format = chosen_weight_format(machine, task)
        spikes = spike_format(machine.formats.spikes)
        storage = lower_format(machine, chosen_format)
        streams = WeightStreams(
            task,
            chosen_format,
            machine.dataflow.zeros.weights_at_dram == "skip",
            machine.dataflow.mask_bits,
            machine.dataflow.coordinate_bits,
        )
        mapping = self.mapping or _mapping(machine, task, layer, array, storage, streams)
        refused = streams.refusal(mapping.fold_channels)
        if refused is not None:
            raise MappingError.of(task.name, machine.name, refused)
        mapped = LayerOnArray(
            layer=layer,
            array=array,
            storage=storage,
            mapping=mapping,
            widths=widths(layer, array, storage, mapping),
            tables=weight_tables(task, layer, array, storage, mapping, streams),
            input_row=_input_row(machine, chosen_format, spikes, layer),
            output_row=_output_row(spikes, layer),
            applied_weights=np.zeros((0, 0, 0, 0), np.int64),
        )
        self.mapped = mapped._replace(applied_weights=_applied_by_array_row(mapped))
        self.steps = schedule(layer, array, mapping)
        self.storage = streams.storage(mapping.fold_channels)
        self.footprint = _footprint(mapped, machine.buffers.global_buffer.words)

    def tiling(self) -> dict[str, int]:
        """How the layer is cut."""
        mapping = self.mapped.mapping
        last = self.steps[-1]
        return {
            "passes": len(self.steps),
            "map_tiles": int(last[Step.TILE]) + 1,
            "filter_folds": int(last[Step.FILTER_FOLD]) + 1,
            "channel_folds": int(last[Step.CHANNEL_FOLD]) + 1,
            "tile_rows": mapping.tile_rows,
            "tile_columns": mapping.tile_columns,
            "column_folds_per_group": mapping.folds_per_group,
            "filters_per_pe": mapping.filters_per_pe,
            "channels_per_pe": mapping.channels_per_pe,
            "filter_sets": mapping.filter_sets,
            "channel_sets": mapping.channel_sets,
            "inputs_kept_for": mapping.kept,
            "weights_resident": mapping.resident,
        }

    @property
    def needs_active(self) -> bool:
        """Every neuron is updated."""
        return False

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What is counted: MICROARCHITECTURE.md, section 8."""
        return tuple(counters(self.machine, self.task).values())

    def run(self, sample: LayerSample) -> Activity:
        """Replay one sample; see `spikecycle.simulator.dataflows.layer.MappedLayer`."""
        mapped, layer = self.mapped, self.mapped.layer
        steps = self.steps
        if sample.weights_on_chip:
            steps = steps.copy()
            steps[:, Step.LOADS_WEIGHTS] = 0
        records = empty_records(len(steps))
        rows, folds = (layer.T, layer.H, layer.C), mapped.tables.fold_bits.shape
        active_inputs, events = np.zeros((*rows, layer.S), np.int64), np.zeros((*rows, layer.S), np.int64)
        spikes = Sample(
            spikes=np.zeros(rows, np.int64),
            outputs=np.zeros((layer.T, layer.M, layer.P), np.int64),
            loaded=np.zeros(rows, np.int64),
            last_unit=np.zeros((layer.groups, folds[1], int(steps[:, Step.COLUMN_FOLD].max()) + 1), np.int64),
            inputs_on_chip=int(sample.inputs_on_chip),
            outputs_on_chip=int(sample.outputs_on_chip),
        )
        delivered = np.zeros((*folds, len(Delivered)), np.int64)
        tap_inputs = TapInputs.none(mapped)
        first = 0
        while first < len(steps):
            q0, q1 = (int(steps[first, column]) for column in (Step.COLUMN_START, Step.COLUMN_END))
            end = first + int(np.searchsorted(steps[first:, Step.COLUMN_START], q0, side="right"))
            count_windows(sample.inputs, layer, q0, q1, active_inputs, events, spikes.spikes)
            tap_inputs.add(mapped, active_inputs, events)
            if mapped.output_row.explicit:
                count_outputs(cast(UInt8, sample.outputs), q0, q1, spikes.outputs)
            longest = self._longest(active_inputs, steps[first:end])
            replay(mapped, spikes, longest, delivered, steps, first, end, records)
            first = end
        count_pe_work(mapped, tap_inputs, records)
        self._count_neuron_logic(records.counts)
        columns = (Step.TILE, Step.FILTER_FOLD, Step.CHANNEL_FOLD, Step.COLUMN_FOLD)
        return Activity(
            work=Work.of(
                CYCLE_CATEGORIES,
                records.breakdown,
                places=dict(zip(PLACES, steps[:, columns].T, strict=True)),
                phases=PHASES,
            ),
            moves=Moves(records.loads, records.stores),
            counts={
                counter.name: int(records.counts[column])
                for column, counter in counters(self.machine, self.task).items()
            },
            busy={"pe": int(records.useful[0])},
            synaptic_operations=int(records.useful[1]),
        )

    def _longest(self, active_inputs: Int64, steps: Int64) -> Int64:
        """int64 (passes, filter sets), or of one pass where all take as long as weights and windows say."""
        if self.mapped.array.input_zeros != Zero.SKIP:
            return np.zeros((1, self.mapped.mapping.filter_sets), np.int64)
        return longest_skipping_pes(self.mapped, active_inputs.reshape(*active_inputs.shape[:2], -1), steps)

    def _count_neuron_logic(self, counts: Int64) -> None:
        """What follows from the number of updates."""
        layer = self.mapped.layer
        counts[Count.LEAKS] = counts[Count.UPDATES] if leaks(self.task.neuron) else 0
        biases = int(np.count_nonzero(self.task.bias)) * layer.T * layer.P * layer.Q
        counts[Count.NEURON_ADDITIONS] = counts[Count.UPDATES] + biases
        if not self.task.neuron.fires:  # nothing is compared
            counts[Count.UPDATES] = 0


def _applied_by_array_row(mapped: LayerOnArray) -> Int64:
    applied_weights = weights_applied(mapped)
    if mapped.array.input_zeros == Zero.SKIP:
        applied_weights = applied_weights * mapped.tables.takes[..., None]
    filter_folds, sets, _, rows, _ = applied_weights.shape
    return np.ascontiguousarray(applied_weights.transpose(0, 1, 3, 2, 4).reshape(filter_folds, sets, rows, -1))


def _footprint(mapped: LayerOnArray, held_words: int) -> WeightFootprint:
    """The whole encoded weights in the global buffer of `held_words` words, if the mapping keeps them there."""
    array, mapping = mapped.array, mapped.mapping
    if array.bypass:
        return WeightFootprint(problem="dataflow.weights_bypass_global_buffer: weights come from DRAM to the pads")
    if not mapping.resident and mapped.tables.fold_bits.size > 1:
        return WeightFootprint(problem="its weights do not fit the global buffer beside what its mapping keeps there")
    words = weight_words(array, mapping, mapped.tables.fold_bits)
    working = int(buffer_words(mapped.layer, array, mapping, 0)) + held_words - array.buffer_words
    return WeightFootprint({"global_buffer": words}, {"global_buffer": working})


def _input_row(machine: RowStationaryMachine, weights: WeightFormat, spikes: SpikeFormat, layer: LayerSpec) -> RowBits:
    """Bits of an input row in DRAM."""
    if machine.dataflow.inputs_stored == "spike_format":
        return _row_bits(spikes, layer.W, layer.stored_input_bits)
    if weights.values == "in_place" and not weights.offset_pairs:
        mask_bits = machine.dataflow.mask_bits if weights.positions == "mask" else 0
        return RowBits(explicit=0, entry_bits=layer.stored_input_bits + mask_bits, count_bits=0)
    addresses = max(0, layer.W - 1).bit_length()
    return RowBits(explicit=1, entry_bits=addresses + layer.stored_input_bits, count_bits=bits_for(layer.W + 1))


def _output_row(spikes: SpikeFormat, layer: LayerSpec) -> RowBits:
    """Bits of an output row in DRAM: potentials are plain values, whatever the spike format."""
    if layer.output_bits > 1:
        return RowBits(explicit=0, entry_bits=layer.stored_output_bits, count_bits=0)
    return _row_bits(spikes, layer.Q, layer.stored_output_bits)


def _row_bits(chosen: SpikeFormat, positions: int, bits: int) -> RowBits:
    layout = chosen.layout(positions, bits, word_bits=1)
    return RowBits(
        explicit=layout.explicit,
        entry_bits=layout.entry_bits,
        count_bits=bits_for(positions + 1) if layout.explicit else 0,
    )


def _mapping(
    machine: RowStationaryMachine,
    task: LayerTask,
    layer: LayerSpec,
    array: ArraySpec,
    storage: Storage,
    streams: WeightStreams,
) -> ArrayMapping:
    """The mapping by rule, or the reason why there is none."""
    if array.rows < layer.R:
        raise MappingError.of(task.name, machine.name, f"its kernel has {layer.R} rows, dataflow.rows is {array.rows}")
    if array.input_entries < layer.S or most_filters(layer, array, storage, 1) == 0:
        raise MappingError.of(
            task.name,
            machine.name,
            "a filter row of one channel does not fit buffers.input_pad, weight_pad and psum_pad",
        )
    refused = streams.refusal(layer.group_channels)
    if refused is not None:
        raise MappingError.of(task.name, machine.name, refused)
    objective = machine.dataflow.objective
    mapping = None
    if machine.residency.weights == "resident" and not array.bypass:
        mapping = choose(layer, array, storage, streams, objective, residents=(1,))
    mapping = mapping or choose(layer, array, storage, streams, objective)
    if mapping is None:
        raise MappingError.of(task.name, machine.name, "not even its smallest tile fits buffers.global_buffer")
    return mapping
