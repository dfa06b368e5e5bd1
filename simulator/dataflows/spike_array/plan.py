"""A layer mapped on a spike array: its tiles and latency tables, made once and used for every sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from threading import Lock

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import POOLS_REFUSED
from spikecycle.simulator.dataflows.spike_array.abreast import FEW_PES
from spikecycle.simulator.dataflows.spike_array.bank_accesses import BankAccesses
from spikecycle.simulator.dataflows.spike_array.channel_tiles import LayerFibers
from spikecycle.simulator.dataflows.spike_array.coding import (
    check_codebook,
    chosen_weight_format,
    decoded_slots,
    refused,
)
from spikecycle.simulator.dataflows.spike_array.counters import counters
from spikecycle.simulator.dataflows.spike_array.events import SampleEvents
from spikecycle.simulator.dataflows.spike_array.frame import SampleFrame, frames_are_alike
from spikecycle.simulator.dataflows.spike_array.full_cut import channel_tiles_if_full
from spikecycle.simulator.dataflows.spike_array.latency_tables import LatencyTables
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.pe_latency import PeSpec
from spikecycle.simulator.dataflows.spike_array.replay import ArrayReplay, ReplayRooms
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling, cut_layer
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat, WeightFormat, spike_format
from spikecycle.simulator.workload import largest_sum, signed_bits


@dataclass
class SpikeArrayPlan:
    """A layer on a machine: everything that does not depend on the sample."""

    machine: SpikeArrayMachine
    task: LayerTask
    weight_format: WeightFormat = field(init=False)
    spike_format: SpikeFormat = field(init=False)
    cut: Tiling = field(init=False)
    latencies: LatencyTables = field(init=False)
    banks: BankAccesses = field(init=False)
    rooms: ReplayRooms = field(init=False)
    _frames: dict[tuple[bool, bool, bool], SampleFrame] = field(init=False, default_factory=dict)
    _framing: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self.weight_format = chosen_weight_format(self.machine, self.task)
        self.spike_format = spike_format(self.machine.formats.spikes)
        check_sizes(self.machine, self.task)
        _check_sums(self.machine, self.task)
        fibers = LayerFibers(self.machine, self.task, self.weight_format)
        self.cut = cut_layer(self.machine, self.task, self.weight_format, fibers)
        self._check_weights()
        slots = decoded_slots(self.machine, self.weight_format, self.task.weight_bits)
        self.latencies = LatencyTables(
            self.machine,
            fibers,
            self.cut,
            partial(channel_tiles_if_full, self.machine, self.task, self.weight_format),
            self.weight_format.spec(self.task.weight_bits),
            _pe_spec(self.machine, slots),
            abreast=self.machine.dataflow.blocks == (1, 1) and self.machine.dataflow.pes_per_group < FEW_PES,
        )
        self.banks = BankAccesses(self.machine, self.task, self.cut)
        self.rooms = ReplayRooms(self.machine, self.task, self.cut)

    @property
    def storage(self) -> WeightStorage:
        """The layer's weights in the machine's format, all PEs and tiles."""
        tiles, table_bits = self.cut.channel_tiles, self.cut.table_bits
        words = sum(int(tile.words.sum()) for tile in tiles)
        directory_bits = sum(tile.fibers for tile in tiles) * self.cut.entry_bits
        return WeightStorage(
            payload_bits=sum(tile.payload_bits for tile in tiles),
            metadata_bits=sum(tile.metadata_bits for tile in tiles) + table_bits,
            directory_bits=directory_bits,
            stored_bits=words * self.machine.buffers.weights.width_bits + directory_bits + table_bits,
        )

    def tiling(self) -> dict[str, int]:
        """How the layer is cut."""
        tiling = self.cut
        return {
            "channel_tiles": len(tiling.channel_tiles),
            "input_tiles": len(tiling.input_tiles),
            "map_tiles": len(tiling.map.tiles),
            "tile_output_channels": tiling.channel_tiles[0].channels,
            "tile_input_channels": tiling.input_channels,
            "tile_rows": tiling.map.rows[0].outputs,
            "tile_columns": tiling.map.columns[0].outputs,
        }

    @property
    def needs_active(self) -> bool:
        """A sparse update has to know which neurons are not at rest."""
        return self.machine.dataflow.update == "sparse"

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What is counted: MICROARCHITECTURE.md, section 7."""
        return counters(self.machine, self.task)

    @property
    def footprint(self) -> WeightFootprint:
        """Weights and directory of the PE that holds most, if the layer is one channel tile and one input tile."""
        if self.cut.table_bits:
            return WeightFootprint(problem="the decoders hold one codebook, that of the layer that runs")
        tiles, parts = len(self.cut.channel_tiles), len(self.cut.input_tiles)
        if tiles * parts > 1:
            return WeightFootprint(problem=f"its weights are cut in {tiles * parts} tiles that take turns on chip")
        words = {"weights": self.cut.channel_tiles[0].most_words}
        if self.cut.entry_bits:
            words["directory"] = self.cut.channel_tiles[0].fibers // self.machine.dataflow.pes_per_group
        return WeightFootprint(words)

    def run(self, sample: LayerSample) -> Activity:
        """Replay one sample; see `spikecycle.simulator.dataflows.layer.MappedLayer`."""
        events, frame = SampleEvents.of(sample.inputs, self.task.input_bits), self._frame(sample)
        replay = ArrayReplay.of(self.machine, self.task, self.cut, self.latencies, events, frame, self.rooms)
        counts = replay.counts(self.machine, self.cut, frame)
        accesses = counts["potentials.read"] + counts["potentials.write"]
        by_bank = self.banks.accesses(sample, replay.occurrences, accesses)
        return replay.activity(frame, counts, by_bank)

    def _check_weights(self) -> None:
        """Raise MappingError where the format cannot store all weights."""
        check_codebook(self.machine, self.task, self.weight_format)
        for tile in self.cut.channel_tiles:
            if tile.problem is not None:
                raise refused(self.machine, self.task, self.weight_format, tile.problem)

    def _frame(self, sample: LayerSample) -> SampleFrame:
        """What the sample does around its events; worked out once for all samples that do the same, in any thread."""
        arguments = self.machine, self.task, self.spike_format, self.cut, sample
        if not frames_are_alike(self.machine, self.spike_format):
            return SampleFrame.of(*arguments)
        found_on_chip = sample.weights_on_chip, sample.inputs_on_chip, sample.outputs_on_chip
        with self._framing:
            if found_on_chip not in self._frames:
                self._frames[found_on_chip] = SampleFrame.of(*arguments)
            return self._frames[found_on_chip]


def check_sizes(machine: SpikeArrayMachine, task: LayerTask) -> None:
    """Raise MappingError for neurons, or a pool, that the machine cannot compute, whatever the weights are."""
    refused = machine.dataflow.refusal(task.neuron)
    if refused:
        raise MappingError.of(task.name, machine.name, refused)
    if task.is_pooled and not machine.dataflow.neuron_unit.pools_currents:
        raise MappingError.of(task.name, machine.name, POOLS_REFUSED)
    reason = ""
    if task.is_pooled and machine.dataflow.partition == "space":
        reason = "dataflow.partition: space cannot pool currents: the sums of a window may lie in several PEs"
    elif task.is_pooled and machine.dataflow.update == "sparse":
        reason = "dataflow.update: sparse cannot pool currents: a flag says of one sum alone that it is not 0"
    elif machine.dataflow.update == "sparse" and task.neuron.reset == "hard" and task.neuron.reset_value != 0:
        reason = f"dataflow.update: sparse needs a reset_value of 0, found {task.neuron.reset_value}"
    if reason:
        raise MappingError.of(task.name, machine.name, reason)


def _largest_sum_of_bits(task: LayerTask) -> int:
    """The largest sum that inputs and weights of so many bits can come to."""
    return task.shape.fan_in * ((1 << task.input_bits) - 1) << (task.weight_bits - 1)


def _check_sums(machine: SpikeArrayMachine, task: LayerTask) -> None:
    """Raise MappingError for sums that the words of potentials do not hold, or a bias that the update cannot take."""
    reason = ""
    width, neuron = machine.buffers.potentials.width_bits, task.neuron
    # weights are looked at only where the largest ones that their bits allow would not fit
    needed = _sum_bits(task, _largest_sum_of_bits(task) + int(np.abs(task.bias.astype(np.int64)).max()))
    if needed > width:
        needed = _sum_bits(task, largest_sum(task.weights, task.input_bits, None if task.is_pooled else task.bias))
    widest = max(needed, neuron.potential_bits, neuron.current_bits)
    if widest > width:
        needs = "the exact sum of a timestep needs" if needed > width else "a state of a neuron has"
        reason = (
            f"{needs} {needed if needed > width else widest} bits, buffers.potentials.width_bits is {width}; set it to "
            f"{widest}, and each word of potentials has {widest / width:.2f} times the bits"
        )
    elif machine.dataflow.update == "sparse" and task.bias.any():
        reason = "dataflow.update: sparse needs neurons without bias"
    if reason:
        raise MappingError.of(task.name, machine.name, reason)


def _sum_bits(task: LayerTask, largest: int) -> int:
    """Bits of a word that holds the sum of a timestep, of a magnitude of `largest` at most: a word of its own where
    there is a pool, else that of the state that takes what arrives."""
    if task.is_pooled:
        return signed_bits(-largest, largest)
    state_bits = task.neuron.current_bits if task.neuron.has_current else task.neuron.potential_bits
    lowest = -(1 << (state_bits - 1)) - largest
    return signed_bits(lowest, -lowest - 1)


def _pe_spec(machine: SpikeArrayMachine, slots: int) -> PeSpec:
    parameters = machine.dataflow
    return PeSpec(
        word_bits=machine.buffers.weights.width_bits,
        rate=slots,
        mask_window=parameters.decoder.mask_bits_per_cycle,
        skip=int(parameters.zero_weights == "skip"),
        banks=machine.buffers.potentials.banks,
        row_access=int(machine.dataflow.potential_access == "row"),
        cycles_per_accumulate=machine.cycles_per_access,
        alignment_bits=parameters.fiber_alignment_bits,
    )
