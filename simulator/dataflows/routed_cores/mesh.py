"""Kernels: one timestep of the cores on a mesh, message by message. The rules: MICROARCHITECTURE.md, section 4."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt64
from spikecycle.simulator.dataflows.routed_cores.links import (
    WHOLE,
    WHOLE_BITS,
    MeshTiming,
    Tiles,
    along,
    first_port,
)
from spikecycle.simulator.dataflows.routed_cores.tournament import NEVER, ROOT, key_of, leaf_bits, put
from spikecycle.simulator.jit import inner_kernel, lean_kernel
from spikecycle.simulator.workload.words import count_ones

FIRST_ROOM = 1024
"""Messages in flight that there is room for at first; it doubles when it is used up."""
IN_FLIGHT_BYTES = 32
"""Of a message in flight."""
LONGEST_BITS = 42
"""A timestep takes fewer cycles than 2 to the power of this, so that keys and products stay in 64 bits."""
MOST_SUMMED = 2.0**62
"""Cycles that a sum of 64 bits holds, with some to spare."""

CORE_COLUMNS = 16  # of what is known of a core while messages are sent: a line of the cache each for sending and taking
X, Y, PORT, SPIKE, ENTRY, STOP, COPIES = range(7)
TO_X, TO_Y, HEAD, TAIL, FREE_AT = range(8, 13)
FLIGHT_COLUMNS = 4
TAKEN_AT, MESSAGE, BEHIND = range(3)
TOTALS = 6
MESSAGES, EAST_WEST, NORTH_SOUTH, END, UPDATES, FIRINGS = range(TOTALS)
STATE_SIZE = 6
FLYING, BUSY_FLYING, DONE_AT, GONE, USED, SENDERS = range(STATE_SIZE)
DONE, FULL, TOO_LONG = range(3)
EVERY_BYTE, ALL_MARKS = np.uint64(0x0101010101010101), np.uint64(0xFFFFFFFFFFFFFFFF)
ACCESSED, UPDATED, FIRED = 1, 2, 4
"""Marks of what happens to a neuron in a timestep, a byte for each neuron."""
MARKS_OF_WORD = 8


class Spikes(NamedTuple):
    """The spikes of a timestep, in the order of the neurons that send them.

    senders: int32 (n,), numbers of the neurons, ascending. copies: int32 (n,), how many spikes each is, one behind the
    other. first, entries: int64 and int32 (n,), the first of what it reaches, and how many these are.
    """

    senders: Int32
    copies: Int32
    first: Int64
    entries: Int32


class Reached(NamedTuple):
    """Entries, int32 and int64 (entries,): the core that a message goes to, and how long it is busy with its
    synapses."""

    cores: Int32
    cycles: Int64


class NeuronCycles(NamedTuple):
    """Cycles of what happens to a neuron: it is looked at, updated, and fires."""

    accessed: int
    updated: int
    fired: int


class StepSums(NamedTuple):
    """Of a timestep, whatever the order of its messages; all zeros at first.

    totals: int64 (6,), messages, hops along x, hops along y, when all is done if no message waits, neurons that are
    updated, and that fire. sending, receiving: int64 (cores,), how long the core is busy with its neurons and messages,
    and with what arrives. soma, last_spike: int64 (cores,), cycles of all neurons of the core; the spike behind its
    last one. until: int64 (n,), by spike, cycles of its core's neurons up to the one that sends it.
    """

    totals: Int64
    sending: Int64
    receiving: Int64
    soma: Int64
    last_spike: Int64
    until: Int64

    @classmethod
    def nothing(cls, cores: int, spikes: int) -> StepSums:
        """Of a timestep that has not begun."""
        sending, receiving, soma, last_spike = np.zeros((4, cores), np.int64)
        return cls(np.zeros(TOTALS, np.int64), sending, receiving, soma, last_spike, np.zeros(spikes, np.int64))


@inner_kernel
def neuron_cycles(marks: UInt64, first: int, stop: int, costs: NeuronCycles, totals: Int64) -> int:
    """Cycles of the neurons from `first` to `stop` - 1, whose marks are counted; marks: uint64, those of eight neurons
    each."""
    accessed = updated = fired = 0
    if first < stop:
        begin, last = first // 8, (stop - 1) // 8
        for index in range(begin, last + 1):
            word = marks[np.uint64(index)]
            if index == begin:
                word &= ALL_MARKS << np.uint64(8 * (first % 8))
            if index == last:
                word &= ALL_MARKS >> np.uint64(8 * (7 - (stop - 1) % 8))
            accessed += count_ones(word & EVERY_BYTE)
            updated += count_ones(word & (EVERY_BYTE << np.uint64(1)))
            fired += count_ones(word & (EVERY_BYTE << np.uint64(2)))
    totals[UPDATES] += updated
    totals[FIRINGS] += fired
    return accessed * costs.accessed + updated * costs.updated + fired * costs.fired


@lean_kernel
def go_through_neurons(marks: UInt64, costs: NeuronCycles, first_neuron: Int64, spikes: Spikes, sums: StepSums) -> None:
    """Cycles of all neurons, core by core, up to each spike and in all."""
    position = 0
    for core in range(len(first_neuron) - 1):
        cycles, neuron, stop = 0, first_neuron[core], first_neuron[core + 1]
        while position < len(spikes.senders) and spikes.senders[position] < stop:
            behind: int = np.int64(spikes.senders[position]) + 1  # type: ignore[assignment]
            cycles += neuron_cycles(marks, neuron, behind, costs, sums.totals)
            neuron = behind
            sums.until[position] = cycles
            position += 1
        cycles += neuron_cycles(marks, neuron, stop, costs, sums.totals)
        sums.last_spike[core] = position
        sums.soma[core] = sums.sending[core] = cycles
        sums.totals[END] = max(sums.totals[END], cycles)


@lean_kernel
def add_up(
    spikes: Spikes, part: tuple[int, int], reached: Reached, mesh: MeshTiming, tiles: Tiles, sums: StepSums
) -> int:
    """Add what does not depend on the order of messages, of the spikes from part[0] to part[1] - 1. Returns DONE, or
    TOO_LONG where cycles of all messages, each as long as the longest, have no room in a sum."""
    core = 0
    longest: int = mesh.axon_out
    for position in range(part[0], part[1]):
        while sums.last_spike[core] <= position:
            core += 1
        copies, entries = np.int64(spikes.copies[position]), np.int64(spikes.entries[position])
        first = spikes.first[position]
        # when the last copy begins; what the core sent before adds to its neurons
        at = sums.until[position] + sums.sending[core] - sums.soma[core] + mesh.axon_out * (copies - 1) * entries
        across_all = down_all = 0
        x, y, end = tiles.x[core], tiles.y[core], sums.totals[END]
        for entry in range(first, first + entries):
            target = np.uint64(reached.cores[np.uint64(entry)])
            across, down = abs(tiles.x[target] - x), abs(tiles.y[target] - y)
            across_all += across
            down_all += down
            cycles = mesh.axon_in + reached.cycles[np.uint64(entry)]
            longest = max(longest, cycles)
            sums.receiving[target] += copies * cycles
            at += mesh.axon_out
            end = max(end, at + across * mesh.hop_east_west + down * mesh.hop_north_south)
        sums.sending[core] += mesh.axon_out * copies * entries
        sums.totals[MESSAGES] += copies * entries
        sums.totals[EAST_WEST] += copies * across_all
        sums.totals[NORTH_SOUTH] += copies * down_all
        sums.totals[END] = max(end, sums.sending[core])
        if np.float64(longest) * np.float64(sums.totals[MESSAGES]) >= MOST_SUMMED:
            return TOO_LONG
    return DONE


@inner_kernel
def quotient(number: int, divisor: int) -> int:
    """Of a number of at least 0 and one above 0."""
    return np.int64(np.uint64(number) // np.uint64(divisor))  # type: ignore[return-value]


@inner_kernel
def begin_spike(cores: Int64, source: int, spike: int, spikes: Spikes) -> int:
    """The next spike of a core is its turn; returns its first entry."""
    of = np.uint64(source * CORE_COLUMNS)
    first: int = spikes.first[np.uint64(spike)]
    cores[of + np.uint64(SPIKE)], cores[of + np.uint64(COPIES)] = spike, spikes.copies[np.uint64(spike)]
    cores[of + np.uint64(ENTRY)], cores[of + np.uint64(STOP)] = first, first + spikes.entries[np.uint64(spike)]
    return first


@lean_kernel
def exchange(
    state: Int64,
    cores: Int64,
    send: Int64,
    take: Int64,
    in_flight: Int64,
    density: Int64,
    spikes: Spikes,
    reached: Reached,
    sums: StepSums,
    mesh: MeshTiming,
    tiles: Tiles,
) -> int:
    """Send and take messages, from the state in which it was left: until all are sent, or there is no room for another.

    cores: int64 (cores x CORE_COLUMNS,). send, take: the tournaments of the next messages that cores send and take.
    in_flight: int64 (room x FLIGHT_COLUMNS,), messages in flight: of each receiving core a list of them, in the order
    in which it takes them; places of those that are gone are a list too. TAKEN_AT: when the core takes it. MESSAGE: the
    core that sent it, and for how long the receiver is busy with it, as a key. BEHIND: the next in the list, or -1.
    """  # fmt: skip
    bits = leaf_bits(len(sums.soma))
    is_core, longest = (1 << bits) - 1, min(LONGEST_BITS, 60 - bits)
    flying, busy_flying, end = state[FLYING], state[BUSY_FLYING], state[DONE_AT]
    gone, used, senders = state[GONE], state[USED], state[SENDERS]
    found = DONE
    while senders > 0:
        now, source = send[ROOT] >> bits, send[ROOT] & is_core
        while take[ROOT] >> bits <= now:
            taker = take[ROOT] & is_core
            to = np.uint64(taker * CORE_COLUMNS)
            old = cores[to + np.uint64(HEAD)]
            flight = np.uint64(old * FLIGHT_COLUMNS)
            message, next_one = in_flight[flight + np.uint64(MESSAGE)], in_flight[flight + np.uint64(BEHIND)]
            of = np.uint64((message & is_core) * CORE_COLUMNS)
            x, y = cores[of + np.uint64(X)], cores[of + np.uint64(Y)]
            x_there, y_there = cores[to + np.uint64(TO_X)], cores[to + np.uint64(TO_Y)]
            share = tiles.shares[np.uint64(abs(x - x_there) + abs(y - y_there))]
            along(density, cores[of + np.uint64(PORT)], x, y, x_there, y_there, mesh, -share)
            flying -= 1
            busy_flying -= message >> bits
            cores[to + np.uint64(HEAD)] = next_one
            key = NEVER
            if next_one >= 0:
                key = key_of(in_flight[np.uint64(next_one * FLIGHT_COLUMNS + TAKEN_AT)], taker, bits)
            put(take, bits, taker, key)
            in_flight[flight + np.uint64(BEHIND)] = gone
            gone = old

        if gone >= 0:
            new = gone
            gone = in_flight[np.uint64(new * FLIGHT_COLUMNS + BEHIND)]
        elif used < len(in_flight) // FLIGHT_COLUMNS:
            new = used
            used += 1
        else:
            found = FULL
            break
        of = np.uint64(source * CORE_COLUMNS)
        entry = cores[of + np.uint64(ENTRY)]
        target: int = np.int64(reached.cores[np.uint64(entry)])  # type: ignore[assignment]
        cycles = mesh.axon_in + reached.cycles[np.uint64(entry)]
        to = np.uint64(target * CORE_COLUMNS)
        x, y = cores[of + np.uint64(X)], cores[of + np.uint64(Y)]
        x_there, y_there = cores[to + np.uint64(TO_X)], cores[to + np.uint64(TO_Y)]
        across, down = abs(x - x_there), abs(y - y_there)
        hops = across + down
        share = tiles.shares[np.uint64(hops)]
        before = along(density, cores[of + np.uint64(PORT)], x, y, x_there, y_there, mesh, share)
        mean_busy = quotient(busy_flying, max(flying, 1))
        blocked = max(before - (hops + 1) * mesh.link_buffer * WHOLE, 0)
        now += (blocked * mean_busy) >> WHOLE_BITS
        least = across * mesh.hop_east_west + down * mesh.hop_north_south
        there_at = now + max(least, quotient((before * mean_busy) >> WHOLE_BITS, hops + 1))
        taken_at = max(cores[to + np.uint64(FREE_AT)], there_at)
        free_at = taken_at + cycles
        cores[to + np.uint64(FREE_AT)] = free_at
        end = max(end, free_at)
        flight = np.uint64(new * FLIGHT_COLUMNS)
        in_flight[flight + np.uint64(TAKEN_AT)] = taken_at
        in_flight[flight + np.uint64(MESSAGE)] = key_of(cycles, source, bits)
        in_flight[flight + np.uint64(BEHIND)] = -1
        if cores[to + np.uint64(HEAD)] < 0:
            cores[to + np.uint64(HEAD)] = new
            put(take, bits, target, key_of(taken_at, target, bits))
        else:
            in_flight[np.uint64(cores[to + np.uint64(TAIL)] * FLIGHT_COLUMNS + BEHIND)] = new
        cores[to + np.uint64(TAIL)] = new
        flying += 1
        busy_flying += cycles
        if max(end, busy_flying) >> longest:
            found = TOO_LONG
            break

        entry += 1
        if entry == cores[of + np.uint64(STOP)]:
            spike = cores[of + np.uint64(SPIKE)]
            entry = spikes.first[np.uint64(spike)]
            cores[of + np.uint64(COPIES)] -= 1
            if cores[of + np.uint64(COPIES)] == 0:
                done = sums.until[np.uint64(spike)]
                spike += 1
                if spike == sums.last_spike[np.uint64(source)]:
                    end = max(end, now + sums.soma[np.uint64(source)] - done)
                    put(send, bits, source, NEVER)
                    senders -= 1
                    continue
                now += sums.until[np.uint64(spike)] - done
                entry = begin_spike(cores, source, spike, spikes)
        cores[of + np.uint64(ENTRY)] = entry
        now += mesh.axon_out
        put(send, bits, source, key_of(now, source, bits))
        if now >> longest:
            found = TOO_LONG
            break
    state[FLYING], state[BUSY_FLYING], state[DONE_AT] = flying, busy_flying, end
    state[GONE], state[USED], state[SENDERS] = gone, used, senders
    return found


@lean_kernel
def begin_step(
    cores_out: Int64, send_out: Int64, state_out: Int64, spikes: Spikes, sums: StepSums, mesh: MeshTiming, tiles: Tiles
) -> int:
    """What is known of cores before the first message is sent. Returns FULL, or TOO_LONG."""
    bits = leaf_bits(len(sums.soma))
    state_out[GONE] = -1
    spike, end = 0, 0
    for core in range(len(sums.soma)):
        row = cores_out[core * CORE_COLUMNS :]
        row[X], row[Y], row[PORT] = tiles.x[core], tiles.y[core], first_port(mesh) + core
        row[TO_X], row[TO_Y], row[HEAD] = tiles.x[core], tiles.y[core], -1
        if spike < sums.last_spike[core]:
            begin_spike(cores_out, core, spike, spikes)
            first_at = sums.until[spike] + mesh.axon_out
            if first_at >> min(LONGEST_BITS, 60 - bits):
                return TOO_LONG
            send_out[(1 << bits) + core] = key_of(first_at, core, bits)
            state_out[SENDERS] += 1
        else:
            end = max(end, sums.soma[core])
        spike = sums.last_spike[core]
    for node in range((1 << bits) // 2 - 1, 0, -1):
        send_out[node] = min(
            min(send_out[4 * node], send_out[4 * node + 1]), min(send_out[4 * node + 2], send_out[4 * node + 3])
        )
    state_out[DONE_AT] = end
    return FULL


@lean_kernel
def add_up_step(
    marks: UInt64,
    costs: NeuronCycles,
    first_neuron: Int64,
    spikes: Spikes,
    part: tuple[int, int],
    reached: Reached,
    mesh: MeshTiming,
    tiles: Tiles,
    sums: StepSums,
) -> int:
    """What does not depend on the order of messages, of a part of a timestep. Returns FULL if messages keep cores busy,
    so that they are to be exchanged; DONE if not; or TOO_LONG."""
    if part[0] == 0:
        go_through_neurons(marks, costs, first_neuron, spikes, sums)
    if add_up(spikes, part, reached, mesh, tiles, sums) == TOO_LONG:
        return TOO_LONG
    busy = 0
    for core in range(len(sums.receiving)):
        busy |= sums.receiving[core]
    return FULL if busy else DONE


def run_step(
    marks: UInt64,
    costs: NeuronCycles,
    first_neuron: Int64,
    spikes: Spikes,
    part: tuple[int, int],
    reached: Reached,
    mesh: MeshTiming,
    tiles: Tiles,
    sums: StepSums,
) -> int:
    """A timestep; or a part of it, where no message keeps a core busy: spikes from part[0] to part[1] - 1, whose
    entries are there; parts follow each other. Returns when all is done, -1 if that takes too long to be told.

    marks: uint64, what happens to each neuron, eight in a word. first_neuron: int64 (cores + 1,).
    """
    found = add_up_step(marks, costs, first_neuron, spikes, part, reached, mesh, tiles, sums)
    if found != FULL:  # what is busy for no time is in nobody's way
        return -1 if found == TOO_LONG else int(sums.totals[END])
    count = len(sums.soma)
    leaves = 4 ** max(1, -(-(count - 1).bit_length() // 2))
    send, take = np.full((2, 2 * leaves), NEVER)
    cores, state = np.zeros(count * CORE_COLUMNS, np.int64), np.zeros(STATE_SIZE, np.int64)
    density = np.zeros(4 * mesh.width * mesh.height + 1 + count, np.int64)
    in_flight = np.empty(FIRST_ROOM * FLIGHT_COLUMNS, np.int64)
    found = begin_step(cores, send, state, spikes, sums, mesh, tiles)
    while found == FULL:
        found = exchange(state, cores, send, take, in_flight, density, spikes, reached, sums, mesh, tiles)
        if found == FULL:
            in_flight = np.concatenate([in_flight, np.empty_like(in_flight)])
    return -1 if found == TOO_LONG else int(state[DONE_AT])
