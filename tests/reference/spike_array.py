"""The spike array, clock by clock: written from simulator/dataflows/spike_array/MICROARCHITECTURE.md, slowly.

Every cycle, every unit takes one step: the dispatcher, and in each PE the FIFO, the word fetch, the decoder and every
bank of potentials. Potentials are real numbers at real addresses, so the array also computes the layer's output spikes.
A PE is in `spike_array_pe`; how a layer is cut, in `spike_array_tiling`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from tests.reference import formats_spikes
from tests.reference.expected import Expected, Sample, of_records
from tests.reference.layers import layer_of
from tests.reference.spike_array_pe import Event, Pe, in_groups
from tests.reference.spike_array_tiling import CannotMap, Cut, PackedWeights, Part, Tile, ceil_div, cut_layer

NOTHING = 10**12
"""What no neuron sends."""


@dataclass
class Record:
    """A pass: cycles by category, traffic with DRAM by operand in bits, and its place in the layer."""

    label: tuple[int, int, int, int]
    breakdown: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    stores: Counter[str] = field(default_factory=Counter)


class SpikeArray:
    """The array with one layer on it. weights_there, inputs_there, outputs_stay: what is on chip already, section 9."""

    def __init__(
        self,
        machine: SpikeArrayMachine,
        task: LayerTask,
        *,
        weights_there: bool = False,
        inputs_there: bool = False,
        outputs_stay: bool = False,
    ) -> None:
        self.machine, self.task = machine, task
        self.weights_there, self.inputs_there, self.outputs_stay = weights_there, inputs_there, outputs_stay
        self.cut: Cut = cut_layer(machine, task)
        self.words = self.cut.words
        self.weight_format = self.cut.weight_format
        self.counts: Counter[str] = Counter()
        self.busy_pe_cycles = 0
        self.served_cycles = [0] * machine.dataflow.pes
        self.bank_accesses = [0] * machine.buffers.potentials.banks
        self.records: list[Record] = []
        self.layouts: list[PackedWeights] = []
        dataflow, decoder = machine.dataflow, machine.dataflow.decoder
        rate = {
            "implicit": dataflow.lanes,
            "mask": dataflow.lanes,
            "coordinate": min(dataflow.lanes, decoder.coordinates_per_cycle),
            "run": min(dataflow.lanes, decoder.runs_per_cycle),
            "group_index": min(dataflow.lanes, (decoder.groups_per_cycle or 0) * self.weight_format.kept),
        }[self.weight_format.positions]
        if self.weight_format.codes == "trits":
            rate = min(rate, 5 * (decoder.trit_bytes_per_cycle or 0))
        if self.weight_format.index_bits:
            rate = min(rate, decoder.table_lookups_per_cycle or 0)
        if self.weight_format.code_word_bits:
            pair = self.weight_format.run_bits + task.weight_bits
            rate = min(rate, (self.weight_format.code_word_bits - 1) // pair * (decoder.code_words_per_cycle or 0))
        skips = dataflow.zero_weights == "skip"
        self.gates = not skips or self.weight_format.positions == "implicit"
        self.word_bits = machine.buffers.weights.width_bits
        self.alignment_bits = machine.dataflow.fiber_alignment_bits
        self.stored_as = (self.weight_format, task.weight_bits)
        self.decoded_as = (self.weight_format, task.weight_bits, rate, decoder.mask_bits_per_cycle, skips)

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Replay inputs (T, C, H, W); returns the output spikes (T, M, P, Q) that the array computed."""
        shape, timesteps = self.task.shape, self.task.timesteps
        down, right = self.task.pool
        spikes = np.full((timesteps, shape.M, shape.P // down, shape.Q // right), NOTHING, dtype=np.int64)
        loaded = None
        for tile in self.cut.tiles:
            pes = [Pe(self, number, part) for number, part in enumerate(tile.parts)]
            for timestep in range(timesteps):
                for number, (input_tile, channels) in enumerate(self._chunks(tile, inputs[timestep])):
                    self.records.append(Record((tile.channel_tile, tile.map_tile, timestep, number)))
                    if loaded != (tile.channel_tile, input_tile):
                        loaded = (tile.channel_tile, input_tile)
                        self._load_weights(tile, input_tile)
                    if timestep == 0 and number == 0:
                        self._start(pes)
                    words = self._load_spikes(tile, channels, inputs[timestep])
                    self._accumulate(pes, words)
                self._sweep(pes, timestep, spikes[timestep])
                self._encode(tile, spikes[timestep])
            left = [pe.potentials + pe.membranes + pe.currents + pe.active for pe in pes]
            assert not any(map(any, left)), "the next tile would not start at rest"
        return spikes

    def fiber_name(self, event: Event) -> tuple[int, int, int]:
        """Channel and phase of the fiber that an event needs."""
        shape = self.task.shape
        phase_row = (event.row + shape.padding_top) % shape.stride[0]
        phase_column = (event.column + shape.padding_left) % shape.stride[1]
        return event.channel, phase_row, phase_column

    def tile_fiber(self, part: Part, event: Event) -> list[tuple[tuple[int, int, int], int]]:
        """(neuron, weight) of every position of the fiber that an event needs in a PE."""
        shape = self.task.shape
        first_channel = event.channel // (shape.C // shape.groups) * (shape.C // shape.groups)
        fiber = []
        for r in range(shape.R):
            for s in range(shape.S):
                p, off_row = divmod(event.row + shape.padding_top - r, shape.stride[0])
                q, off_column = divmod(event.column + shape.padding_left - s, shape.stride[1])
                if off_row == 0 and off_column == 0:
                    for m in part.channels_of_group(event.channel // (shape.C // shape.groups)):
                        fiber.append(((m, p, q), int(self.task.weights[m, event.channel - first_channel, r, s])))
        return fiber

    def _words(self, tile: Tile, channels: list[int], frame: np.ndarray) -> list[list[Event]]:
        """The words of the encoded region, each as the events that it holds."""
        positions = [(c, h, w) for c in channels for h in tile.input_rows for w in tile.input_columns]
        name, bits = self.machine.formats.spikes.format, self.task.input_bits
        width = self.machine.buffers.spikes.width_bits
        run_bits = self.machine.formats.spikes.run_bits
        entry_bits = formats_spikes.entry_bits(name, len(positions), bits, run_bits)
        longest_run = 2**run_bits - (1 if bits == 1 else 0)
        words: list[list[Event]] = []
        room = silent = 0
        for c, h, w in positions:
            value = int(frame[c, h, w])
            if name != "bitmap" and value == 0:
                silent += 1
                continue
            entries = 1 + (silent // longest_run if name == "run_length" else 0)
            silent = 0
            for _ in range(entries):
                if room < entry_bits:
                    words += [[] for _ in range(ceil_div(entry_bits, width))]
                    room = max(width, entry_bits)
                room -= entry_bits
                if entry_bits > width:
                    room = 0
            words[-1] += [Event(c, h, w, bit) for bit in range(bits) if value >> bit & 1]
        encoded = formats_spikes.words(name, [int(frame[place]) for place in positions], bits, width, run_bits)
        assert len(words) == len(encoded)
        return words

    def access_row(self) -> None:
        """A read and a write of a row: a word of every bank."""
        self.bank_accesses = [accesses + 2 for accesses in self.bank_accesses]

    def _chunks(self, tile: Tile, frame: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """(input tile, input channels) of the passes of a timestep."""
        words = self.machine.buffers.spikes.capacity_bits // self.machine.buffers.spikes.width_bits
        room = words // 4 if self.machine.residency.activations == "chip" else words // 2
        for number, channels in enumerate(in_groups(list(range(self.task.shape.C)), self.cut.input_channels)):
            while channels:
                if len(self._words(tile, channels[:1], frame)) > room:
                    raise CannotMap("the spikes of one channel do not fit")
                taken = 1
                while taken < len(channels) and len(self._words(tile, channels[: taken + 1], frame)) <= room:
                    taken += 1
                yield number, channels[:taken]
                channels = channels[taken:]

    def _load_weights(self, tile: Tile, input_tile: int) -> None:
        self.layouts = [self.cut.weight_layout(part.channels, self.cut.input_tiles[input_tile]) for part in tile.parts]
        if len(self.records) == 1 and self.cut.table:
            self.records[-1].loads["weights"] += len(self.cut.table) * self.task.weight_bits
            self.counts["codebook.write"] += len(self.cut.table) * len(self.layouts)
        if self.weights_there:
            return
        words = [len(weight_layout.bits) // self.word_bits for weight_layout in self.layouts]
        entries = [self.cut.directory_entries(input_tile) for _ in words]
        from_dram = slice(None) if self.machine.dataflow.partition == "channel" else slice(1)
        directory_bits = sum(entries[from_dram]) * self.cut.entry_bits
        self.records[-1].loads["weights"] += sum(words[from_dram]) * self.word_bits + directory_bits
        self.counts["weights.write"] += sum(words)
        self.counts["directory.write"] += sum(entries)

    def _load_spikes(self, tile: Tile, channels: list[int], frame: np.ndarray) -> list[list[Event]]:
        words = self._words(tile, channels, frame)
        if self.inputs_there:
            return words
        self.counts["spikes.write"] += len(words)
        self.records[-1].loads["spikes"] = len(words) * self.machine.buffers.spikes.width_bits
        return words

    def _accumulate(self, pes: list[Pe], words: list[list[Event]]) -> None:
        """The accumulate phase, cycle by cycle."""
        breakdown, depth = self.records[-1].breakdown, self.machine.dataflow.fifo_depth
        for pe in pes:
            pe.begin_pass()
        scanned = deque(deque(word) for word in words)
        self.counts["spikes.read"] += len(words)
        breakdown["scan"] += 1
        broadcasts: list[int] = []
        waiting = 0
        cycle = 1
        while scanned or not all(pe.idle for pe in pes):
            room = all(len(pe.fifo) < depth for pe in pes)
            for pe in pes:
                pe.step(cycle)
            if not scanned:
                breakdown["barrier"] += 1
            elif not scanned[0]:
                breakdown["scan"] += 1
                scanned.popleft()
            elif not room:
                waiting += 1
            else:
                event = scanned[0].popleft()
                for pe in pes:
                    pe.push(len(broadcasts), event, cycle)
                breakdown["compute"] += 1
                self.counts["dispatcher.broadcast"] += 1
                self.counts["dispatcher.control"] += 1
                self._charge(breakdown, waiting, pes, broadcasts)
                waiting = 0
                broadcasts.append(cycle)
                if not scanned[0]:
                    scanned.popleft()
            cycle += 1
        breakdown["barrier"] += 1

    def _charge(self, breakdown: Counter[str], waited: int, pes: list[Pe], broadcasts: list[int]) -> None:
        """Charge the wait of the event that follows `broadcasts`."""
        if waited == 0:
            return
        left_fifo = len(broadcasts) - self.machine.dataflow.fifo_depth
        last = max(pe.latencies[left_fifo].popped for pe in pes)
        if last == broadcasts[left_fifo] + 1:
            breakdown["fifo"] += waited
            return
        blocking = next(pe for pe in pes if pe.latencies[left_fifo].popped == last)
        latency = blocking.latencies[left_fifo - 1]
        for category, cycles in (
            ("weight_fetch", latency.idle),
            ("decode", latency.steps_without_accumulates),
            ("bank_conflict", latency.conflict_cycles),
            ("compute", waited),
        ):
            breakdown[category] += min(waited, cycles)
            waited -= min(waited, cycles)

    def _start(self, pes: list[Pe]) -> None:
        """Words of parameters, and potentials that do not begin with 0: section 5."""
        start, neurons = self.task.neuron.start_potential, sum(len(pe.places) for pe in pes)
        for _ in range(self.words["parameters"]):
            self.records[-1].breakdown["update"] += max(pe.write_words() for pe in pes)
        self.records[-1].loads["potentials"] += neurons * self.words["parameter bits"]
        if not start.any():
            return
        self.records[-1].breakdown["update"] += max(pe.start() for pe in pes)
        if start.ndim == 3 and start.shape[1] * start.shape[2] > 1:
            self.records[-1].loads["potentials"] += neurons * self.task.neuron.potential_bits

    def _sweep(self, pes: list[Pe], timestep: int, frame: np.ndarray) -> None:
        slowest = 0
        last_timestep = timestep == self.task.timesteps - 1
        frame_before = frame.copy()
        for pe in pes:
            sweep = pe.sweep_dense if self.machine.dataflow.update == "dense" else pe.sweep_sparse
            addresses, cycles = sweep()
            slowest = max(slowest, cycles)
            for neuron in pe.places:
                assert frame_before[neuron] == NOTHING, "two PEs own a neuron"
                frame[neuron] = 0
            self._sweep_sums(pe)
            accesses = pe.rows() if pe.by_rows else len(addresses)
            states, parameters, neuron = self.words["states"], self.words["parameters"], self.task.neuron
            self.counts["potentials.read"] += accesses * (states + parameters)
            self.counts["potentials.write"] += accesses * states
            each = 2 * states + parameters
            self.counts["bank_wire.move"] += each * accesses
            if pe.by_rows:
                self.bank_accesses = [held + each * accesses for held in self.bank_accesses]
            for address in [] if pe.by_rows else addresses:
                self.bank_accesses[address % len(self.bank_accesses)] += each
            for address in addresses:
                frame[pe.places[address]] = pe.update(address, last_timestep)
                self.counts["neuron.control"] += states
                self.counts["sweep.update"] += states + parameters
                if self.cut.pools:
                    self.counts["neuron.pool"] += len(pe.part.pooled[pe.places[address]]) - 1
                    self.counts["neuron.integrate"] += 1
                if states == 2:
                    self.counts["neuron.integrate"] += 1
                    factors = neuron.current_leak_numerator.ravel().tolist()
                    leaks = any(f not in (0, 2**neuron.current_leak_shift) for f in factors)
                    self.counts["neuron.current_leak"] += leaks
                self.counts["neuron.compare"] += self.task.neuron.kind != "readout"
                self.counts["neuron.bias"] += bool(self.task.bias.any())
                factors = self.task.neuron.leak_numerator.ravel().tolist()
                self.counts["neuron.leak"] += any(f not in (0, 2**self.task.neuron.leak_shift) for f in factors)
            pe.clear_sums()
        self.records[-1].breakdown["update"] += slowest + 2
        self.last_sweep = slowest + 2

    def _sweep_sums(self, pe: Pe) -> None:
        """Sums of a pool are read and cleared, those outside of windows too."""
        if not self.cut.pools:
            return
        words = len(set(pe.row.values())) if pe.by_rows else len(pe.part.neurons)
        self.counts["potentials.read"] += words
        self.counts["potentials.write"] += words
        self.counts["bank_wire.move"] += 2 * words
        self.counts["sweep.update"] += len(pe.part.neurons)
        for address in range(len(pe.part.neurons)) if not pe.by_rows else []:
            self.bank_accesses[address % len(self.bank_accesses)] += 2
        for _ in range(words if pe.by_rows else 0):
            self.access_row()

    def _encode(self, tile: Tile, frame: np.ndarray) -> None:
        width = self.machine.buffers.outputs.width_bits
        if self.task.neuron.kind == "readout":
            self._write_potentials(tile, width)
            return
        name = self.machine.formats.spikes.format
        bitmap = [int(frame[place]) for place in self._sending(tile)]
        run_bits = self.machine.formats.spikes.run_bits
        words = formats_spikes.words(name, bitmap, 1, width, run_bits)
        cycles = len(words)
        if name != "bitmap":
            entry_words = ceil_div(formats_spikes.entry_bits(name, len(bitmap), 1, run_bits), width)
            ends = [end for end in range(0, len(bitmap), width) if end > 0] + [len(bitmap)]
            found = [len(formats_spikes.entries(name, bitmap[:end], 1, run_bits)) for end in ends]
            if name == "aer":  # addresses are those of the whole tile, whatever part of it was scanned
                found = [sum(bitmap[:end]) for end in ends]
            cycles = sum(max(1, (b - a) * entry_words) for a, b in zip([0, *found], found, strict=False))
        self.records[-1].breakdown["encode"] = cycles
        self.counts["outputs.write"] += len(words)
        self.counts["outputs.read"] += len(words)
        if self.outputs_stay:
            self.counts["spikes.write"] += ceil_div(len(words) * width, self.machine.buffers.spikes.width_bits)
        else:
            self.records[-1].stores["outputs"] = len(words) * width

    def _sending(self, tile: Tile) -> list[tuple[int, int, int]]:
        """The neurons of a tile by channel, row and column."""
        return sorted(neuron for part in tile.parts for neuron in (part.pooled or part.neurons))

    def _write_potentials(self, tile: Tile, width: int) -> None:
        """Words of potentials, one a cycle from the third cycle of the sweep on."""
        bits, room, words = self.task.neuron.potential_bits, 0, 0
        for _ in self._sending(tile):
            if room < bits:
                words += ceil_div(bits, width)
                room = width if bits <= width else 0
            room -= min(bits, room)
        self.records[-1].breakdown["encode"] = max(self.last_sweep, 2 + words) - self.last_sweep
        self.counts["outputs.write"] += words
        self.counts["outputs.read"] += words
        self.records[-1].stores["outputs"] = words * width


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One layer and sample; the spikes that the array computes are those of the network."""
    task, inputs, population = layer_of(stage, network, sample)
    twin = SpikeArray(machine, task)
    assert np.array_equal(twin.run(inputs), sample[population.output.name])
    return of_records(twin.records, twin.counts)
