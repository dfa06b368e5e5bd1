"""A layer mapped on a row-stationary array: mapping, tables and schedule, made once and used for every sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spikecycle.simulator.activity import Activity, Counter, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary.counters import counters
from spikecycle.simulator.dataflows.row_stationary.counts import (
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
    LayerOnArray,
    LayerSpec,
    RowBits,
    Storage,
    Zero,
)
from spikecycle.simulator.dataflows.row_stationary.machine import (
    PADS_TOO_SMALL,
    RowStationaryMachine,
    chosen_weight_format,
    lower_array,
    lower_format,
    lower_layer,
)
from spikecycle.simulator.dataflows.row_stationary.mapping import buffer_words, choose, most_filters, weight_words
from spikecycle.simulator.dataflows.row_stationary.passes import PassOrder, order_passes
from spikecycle.simulator.dataflows.row_stationary.replay import Replay, Steady
from spikecycle.simulator.dataflows.row_stationary.weight_streams import WeightStreams
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat, WeightFormat, spike_format
from spikecycle.simulator.formats.bits import bits_for
from spikecycle.simulator.on_demand import OnDemand
from spikecycle.simulator.workload import current_leaks, leaks


@dataclass
class RowStationaryPlan:
    """A layer on a machine: everything that does not depend on the sample.

    mapping: how the layer is cut; chosen by the rule of MICROARCHITECTURE.md, section 9, unless given.
    """

    machine: RowStationaryMachine
    task: LayerTask
    mapping: ArrayMapping | None = None
    mapped: LayerOnArray = field(init=False)
    order: PassOrder = field(init=False)
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
            machine.dataflow.metadata_entries == "expected",
            machine.dataflow.weight_word_bits,
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
        self.order = order_passes(layer, array, mapping)
        self.storage = streams.storage(mapping.fold_channels)
        self.footprint = _footprint(mapped, machine.buffers.global_buffer.words)

    def tiling(self) -> dict[str, int]:
        """How the layer is cut."""
        mapping = self.mapped.mapping
        _, filter_folds, channel_folds = self.order.shape
        return {
            "passes": self.order.count,
            "map_tiles": self.order.tiles,
            "filter_folds": filter_folds,
            "channel_folds": channel_folds,
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
        return tuple(self._counters.values())

    def run(self, sample: LayerSample) -> Activity:
        """Replay one sample; see `spikecycle.simulator.dataflows.layer.MappedLayer`."""
        replay = Replay.of(self.mapped, self.order, self._steady, sample)
        self._count_neuron_logic(replay.counts)
        counts = replay.counts.tolist()
        return Activity(
            WorkRows.made(self.order.count, 1, partial(self._rows, replay), replay.work.kept_bytes),
            counts={counter.name: counts[column] for column, counter in self._counters.items()},
            busy={"pe": int(replay.useful[0])},
            synaptic_operations=int(replay.useful[1]),
        )

    def _rows(self, replay: Replay, first: int, stop: int) -> tuple[Work, Moves]:
        """A row of work for each of some passes."""
        records = replay.records(first, stop)
        zeros = np.zeros(stop - first, np.int64)
        work = Work(
            records.cycles,
            CYCLE_CATEGORIES,
            records.breakdown.T,
            step=zeros,
            resource=zeros,
            places=OnDemand(partial(_places, self.order, first, stop)),
            phases=PHASES,
            is_known_sound=True,
        )
        return work, Moves(records.loads.T, records.stores.T, is_known_sound=True)

    @computed_once
    def _counters(self) -> dict[Count, Counter]:
        return counters(self.machine, self.task, self.mapped.layer)

    @computed_once
    def _steady(self) -> Steady:
        return Steady.of(self.mapped, self.order)

    def _count_neuron_logic(self, counts: Int64) -> None:
        """What follows from the number of updates."""
        layer = self.mapped.layer
        counts[Count.LEAKS] = counts[Count.UPDATES] if leaks(self.task.neuron) else 0
        counts[Count.CURRENT_LEAKS] = counts[Count.UPDATES] if current_leaks(self.task.neuron) else 0
        biases = int(np.count_nonzero(self.task.bias)) * layer.T * layer.neuron_rows * layer.neuron_columns
        counts[Count.POOL_COMPARISONS] = counts[Count.UPDATES] * (layer.window - 1)
        counts[Count.NEURON_ADDITIONS] = counts[Count.UPDATES] * layer.states + biases
        if not self.task.neuron.fires:  # nothing is compared
            counts[Count.UPDATES] = 0


def _places(order: PassOrder, first: int, stop: int) -> dict[str, Int64]:
    """Of passes `first` to `stop` - 1: a function of the order alone, so that a timeline keeps nothing else."""
    return dict(zip(PLACES, order.passes(first, stop), strict=True))


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
        problem = "dataflow.weights_bypass_global_buffer: weights come from DRAM to the pads"
        return WeightFootprint(problem=problem, is_of_machine=True)
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
    return _row_bits(spikes, layer.neuron_columns, layer.stored_output_bits)


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
    if most_filters(layer, array, storage, 1) == 0:
        raise MappingError.of(task.name, machine.name, PADS_TOO_SMALL)
    refused = streams.refusal(layer.group_channels)
    if refused is not None:
        raise MappingError.of(task.name, machine.name, refused)
    objective = machine.dataflow.objective
    mapping = None
    if machine.residency.weights == "resident" and not array.bypass:
        mapping = choose(layer, array, storage, streams, objective, residents=(1,))
    mapping = mapping or choose(layer, array, storage, streams, objective)
    if mapping is None:
        tile = "not even its smallest tile fits buffers.global_buffer"
        if layer.window > 1:
            tile = (
                f"no tile of whole windows of its max pool ({layer.pool_rows} x {layer.pool_columns} sums) fits the "
                "pads of the PEs and buffers.global_buffer"
            )
        raise MappingError.of(task.name, machine.name, tile)
    return mapping
