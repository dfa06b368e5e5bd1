"""A processing element of the spike array, clock by clock; see `spike_array`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.reference.formats import ceil_log2, decode, decode_steps, encode, size
from tests.reference.neuron import parameter
from tests.reference.spike_array_tiling import Part

if TYPE_CHECKING:
    from tests.reference.spike_array import SpikeArray


@dataclass(frozen=True)
class Event:
    """One set bit of one input."""

    channel: int
    row: int
    column: int
    bit: int


@dataclass
class EventLatency:
    """What a PE does for one event, and what of it was not accumulating."""

    popped: int
    idle: int = 0
    steps_without_accumulates: int = 0
    conflict_cycles: int = 0


class Pe:
    """One processing element with the potentials of its part of a tile."""

    def __init__(self, array: SpikeArray, number: int, part: Part) -> None:
        self.array, self.number, self.part = array, number, part
        # what events add to: potentials, synaptic currents of neurons that have one, sums of windows of a pool
        self.potentials = [0] * len(part.neurons)
        self.places = list(part.pooled or part.neurons)
        self.membranes = [0] * len(self.places)  # the potentials, where events add to something else
        self.currents = [0] * len(self.places)  # the synaptic currents, likewise
        self.active = [False] * len(part.neurons)
        self.address = {neuron: address for address, neuron in enumerate(part.neurons)}
        self.by_rows = array.machine.dataflow.potential_access == "row"
        # with access by rows, an output position begins a row: (p, q) and the row of its channels
        lanes = array.machine.buffers.potentials.banks
        self.row = {(m, p, q): (p, q, part.channels.index(m) // lanes) for m, p, q in part.neurons}
        self.begin_pass()

    def begin_pass(self) -> None:
        """Empty FIFO, no event under way."""
        self.fifo: deque[tuple[int, Event, int]] = deque()
        self.latencies: dict[int, EventLatency] = {}
        self.event: Event | None = None

    def push(self, index: int, event: Event, cycle: int) -> None:
        """An event enters the FIFO."""
        self.fifo.append((index, event, cycle))
        self.array.counts["fifo.push"] += 1

    @property
    def idle(self) -> bool:
        """Nothing to do, now or later."""
        return self.event is None and not self.fifo

    def step(self, cycle: int) -> None:
        """One cycle."""
        if self.event is None and self.fifo and self.fifo[0][2] < cycle:
            self._pop(cycle)
            self.array.served_cycles[self.number] += 1
        elif self.event is not None:
            self._serve()
            self.array.served_cycles[self.number] += 1

    def _pop(self, cycle: int) -> None:
        index, event, _ = self.fifo.popleft()
        self.array.counts["fifo.pop"] += 1
        self.array.counts["fetch.control"] += 1
        self.latency = self.latencies[index] = EventLatency(popped=cycle)
        self.latency.idle += 1
        fiber = self.array.tile_fiber(self.part, event)
        if not any(neuron in self.address for neuron, _ in fiber):
            return  # no valid tap: free in the next cycle
        values = [weight for _, weight in fiber]
        shape = self.array.task.shape
        self.segment = len(self.part.channels_of_group(event.channel // (shape.C // shape.groups)))
        if self.array.weight_format.located == "offsets":
            self.array.counts["directory.read"] += 1
        self.event = event
        self.fiber = fiber
        self._locate(event, values)
        self.received = ""
        self.steps = deque(decode_steps(values, *self.array.decoded_as, self.segment))
        self.banks: list[deque[tuple[int, int]]] | None = None
        if self.steps:
            if self.array.cut.table:
                self.array.counts["codebook.read"] += size(values, *self.array.stored_as, self.segment)[2]
            gated = self.array.gates and len(values) - sum(len(step.positions) for step in self.steps)
            self.array.counts["decoder.gated"] += gated
            self.array.counts["decoder.weight"] += gated

    def _locate(self, event: Event, values: list[int]) -> None:
        """Which words hold the fiber, and how many bits of the first one are another fiber's or nobody's."""
        self.fiber_bits = len(encode(values, *self.array.stored_as, self.segment, self.array.cut.table))
        start = self.array.layouts[self.number].starts[self.array.fiber_name(event)]
        if self.array.weight_format.located == "offsets":
            # what the directory says: a number of units, and it fits its field
            units, entries = start // self.array.alignment_bits, size(values, *self.array.stored_as, self.segment)[2]
            assert ceil_log2(units + 1) + ceil_log2(entries + 1) <= self.array.cut.entry_bits
            start = units * self.array.alignment_bits
        first, last = start // self.array.word_bits, (start + self.fiber_bits - 1) // self.array.word_bits
        self.words_to_read = deque(range(first, last + 1) if self.fiber_bits else [])
        self.bits_to_drop = start % self.array.word_bits
        for counter in ("decoder.fibers", "decoder.fiber"):
            self.array.counts[counter] += bool(self.words_to_read)

    def _read_word(self) -> None:
        """A word of the weight memory; the decoder keeps the bits of the fiber."""
        word, width = self.words_to_read.popleft(), self.array.word_bits
        self.received += self.array.layouts[self.number].bits[word * width : (word + 1) * width][self.bits_to_drop :]
        self.bits_to_drop = 0
        self.array.counts["weights.read"] += 1
        if not self.words_to_read:
            self._check_received()

    def _check_received(self) -> None:
        """What was read is the fiber: all its bits came, and they say its weights."""
        values = [weight for _, weight in self.fiber]
        bits = self.received[: self.fiber_bits]
        entries = size(values, *self.array.stored_as, self.segment)[2]
        table = self.array.cut.table
        assert bits == encode(values, *self.array.stored_as, self.segment, table)
        assert decode(bits, len(values), entries, *self.array.stored_as, self.segment, table) == values

    def _serve(self) -> None:
        """A cycle after the pop: the accumulators use words that were read in earlier cycles; one word is read."""
        if self.banks is None and self.steps and self.steps[0].last_bit < len(self.received):
            self._issue(self.steps.popleft().positions)
        if self.banks is None:
            self.latency.idle += 1
        else:
            self._work_banks()
        if self.words_to_read:
            self._read_word()
        if not self.words_to_read and not self.steps and self.banks is None:
            self.event = None

    def _issue(self, positions: list[int]) -> None:
        """A step enters the accumulators: every accumulate queues at its bank."""
        assert self.event is not None
        ports = self.array.machine.buffers.potentials.ports
        self.banks = [deque() for _ in range(1 if self.by_rows else self.array.machine.buffers.potentials.banks)]
        rows: list[tuple[int, int, int]] = []
        for position in positions:
            neuron, weight = self.fiber[position]
            for counter in ("decoder.weight", "locate.weight"):
                self.array.counts[counter] += 1
            if neuron not in self.address:
                self.array.counts["decoder.dropped"] += 1
                continue
            address = self.address[neuron]
            # an accumulate is a read and a write: together with two ports, one after the other with one port
            queue = self.banks[address % len(self.banks)]
            for counter in ("accumulator.add", "accumulator.lane", "accumulator.bank"):
                self.array.counts[counter] += 1
            self.active[address] = True
            self.array.counts["flags.write"] += self.array.machine.dataflow.update == "sparse"
            if self.by_rows and self.row[neuron] in rows:
                self.potentials[address] += weight * 2**self.event.bit  # beside another of its row
                continue
            rows.append(self.row[neuron])
            queue.extend([(address, 0)] * (2 - ports))
            queue.append((address, weight * 2**self.event.bit))
            for counter in ("potentials.read", "potentials.write"):
                self.array.counts[counter] += 1
            self.array.counts["bank_wire.move"] += 2
            if self.by_rows:
                self.array.access_row()
            else:
                self.array.bank_accesses[address % len(self.banks)] += 2
        self.cycle_of_step = 0
        self.step_accumulates = any(self.banks)
        if not self.step_accumulates:
            self.latency.steps_without_accumulates += 1

    def _work_banks(self) -> None:
        assert self.banks is not None
        self.cycle_of_step += 1
        if self.step_accumulates:
            self.array.busy_pe_cycles += 1
            self.latency.conflict_cycles += self.cycle_of_step > 1
        for queue in self.banks:
            if queue:
                address, weight = queue.popleft()
                self.potentials[address] += weight
        if not any(self.banks):
            self.banks = None

    def sweep_dense(self) -> tuple[list[int], int]:
        """Update everything, `update_lanes` at a time: the addresses, and the cycles."""
        everything = list(range(len(self.places)))
        cycles = 0
        ports = self.array.machine.buffers.potentials.ports
        if self.part.pooled:  # sums are read, and cleared, before
            sums = in_groups(self.part.neurons, self.array.machine.dataflow.update_lanes)
            cycles = (len(set(self.row.values())) if self.by_rows else len(sums)) * (3 - ports)
        if self.by_rows:
            return everything, cycles + self.rows() * self.update_cycles()
        for _ in in_groups(everything, self.array.machine.dataflow.update_lanes):
            cycles += self.update_cycles()
        return everything, cycles

    def rows(self) -> int:
        """Rows that a word of each neuron takes."""
        lanes = self.array.machine.buffers.potentials.banks
        positions = len({place[1:] for place in self.places})
        return positions * -(-len(self.part.channels) // lanes)

    def update_cycles(self) -> int:
        """Of a group: a read and a write of every state, and a read of every word of parameters."""
        ports = self.array.machine.buffers.potentials.ports
        return (3 - ports) * self.array.words["states"] + self.array.words["parameters"]

    def sweep_sparse(self) -> tuple[list[int], int]:
        """Update what is active: the addresses, and the cycles."""
        addresses, cycles = [], 0
        for group in in_groups(list(range(len(self.active))), self.array.machine.dataflow.flags_per_cycle):
            found = [address for address in group if self.active[address]]
            cycles += max(1, len(found) * self.update_cycles())
            addresses += found
            self.array.counts["flags.read"] += 1
            self.array.counts["flags.write"] += 1
        return addresses, cycles

    def start(self) -> int:
        """Potentials begin with what the neurons start with, leaked once as all that is stored; returns the cycles."""
        neuron = self.array.task.neuron
        for address, place in enumerate(self.places):
            potential = parameter(neuron.start_potential, *place)
            self.active[address] = potential != 0
            leaked = (potential * parameter(neuron.leak_numerator, *place)) >> neuron.leak_shift
            apart = neuron.has_current or self.part.pooled
            (self.membranes if apart else self.potentials)[address] = leaked
        if self.array.machine.dataflow.update == "sparse":
            self.array.counts["flags.write"] += len(in_groups(self.active, self.array.machine.dataflow.flags_per_cycle))
        return self.write_words()

    def write_words(self) -> int:
        """A word of every neuron is written, or a row of them; returns the cycles."""
        words = self.rows() if self.by_rows else len(self.places)
        self.array.counts["potentials.write"] += words
        self.array.counts["bank_wire.move"] += words
        banks = self.array.bank_accesses
        for number in range(words):
            for bank in range(len(banks)) if self.by_rows else [number % len(banks)]:
                banks[bank] += 1
        return words if self.by_rows else len(in_groups(self.places, self.array.machine.dataflow.update_lanes))

    def update(self, address: int, last_timestep: bool) -> int:
        """The neuron of the trace at one address; returns whether it fires, or its potential if it never does."""
        neuron, bias = self.array.task.neuron, self.array.task.bias
        place = self.places[address]
        summed = self.potentials[address]
        if self.part.pooled:
            summed = max(self.potentials[self.address[of_window]] for of_window in self.part.pooled[place])
        limit = 2 ** (self.array.machine.buffers.potentials.width_bits - 1)
        assert -limit <= summed < limit
        arrived, current = summed + int(bias[place[0]]), 0
        if neuron.has_current:
            current = saturated(arrived + (self.currents[address] if self.part.pooled else 0), neuron.current_bits)
            arrived = self.membranes[address] + current
        elif self.part.pooled:
            arrived += self.membranes[address]
        potential = saturated(arrived, neuron.potential_bits)
        sent, reset_now, reset_late = potential, False, False
        if neuron.kind != "readout":
            threshold = parameter(neuron.threshold, *place)
            fires = potential >= threshold
            sent = int(fires)
            reset_now, reset_late = fires and neuron.reset_timing == "same", fires and neuron.reset_timing == "next"
        if reset_now:
            potential = neuron.reset_value if neuron.reset == "hard" else potential - threshold
        self.active[address] = (potential != 0 or current != 0) and not last_timestep
        leaked = (potential * parameter(neuron.leak_numerator, *place)) >> neuron.leak_shift
        if reset_late:
            leaked = neuron.reset_value if neuron.reset == "hard" else leaked - threshold
        stored = 0
        if neuron.has_current:
            stored = (current * parameter(neuron.current_leak_numerator, *place)) >> neuron.current_leak_shift
        if last_timestep:
            leaked = stored = 0
        self.membranes[address], self.currents[address] = leaked, stored
        if not self.part.pooled:  # states that events add to
            self.potentials[address] = stored if neuron.has_current else leaked
        return sent

    def clear_sums(self) -> None:
        """Behind the updates, of a pool: the next timestep's sums begin with 0."""
        if self.part.pooled:
            self.potentials = [0] * len(self.potentials)
            self.active = [False] * len(self.active)


def saturated(value: int, bits: int) -> int:
    """Clipped to signed bits."""
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, value))


def in_groups(items: list[Any], size: int) -> list[list[Any]]:
    """Consecutive pieces of `size`, the last one perhaps shorter."""
    return [items[i : i + size] for i in range(0, len(items), size)]
