"""The accumulate phase of a pass, event by event: MICROARCHITECTURE.md, section 4, and section 6 for the categories.

An event waits for room in the FIFO of the slowest PE; a PE takes it when it is free. With a FIFO depth of D,

    broadcast[i] = max(scanned[i], max over p of pop[i - D, p] + 1)
    pop[i, p]    = max(broadcast[i] + 1, free[i - 1, p])
    free[i, p]   = pop[i, p] + latency(event i, p)

Of the pops of an event only the last one matters later, and which PE's it was: the first of those that popped last.
Both are found in one go, as the largest of the numbers pop · 2^n + (PEs - 1 - p).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import Phase
from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt32
from spikecycle.simulator.dataflows.spike_array.axes import Place
from spikecycle.simulator.dataflows.spike_array.events import Events, Region, list_events
from spikecycle.simulator.dataflows.spike_array.input_passes import FIRST_CHANNEL, STOP_CHANNEL, TIMESTEP, WORDS
from spikecycle.simulator.dataflows.spike_array.pe_latency import CONFLICT, DECODE, IDLE, LATENCY
from spikecycle.simulator.formats.spikes import SpikeLayout
from spikecycle.simulator.jit import inner_kernel, lean_kernel

CYCLE_CATEGORIES = ("compute", "scan", "weight_fetch", "decode", "bank_conflict", "fifo", "barrier", "update", "encode")
"""What a cycle of a pass is charged to."""
COMPUTE, SCAN, WEIGHT_FETCH, DECODING, BANK_CONFLICT, FIFO, BARRIER, UPDATE, ENCODE = range(9)

PHASES = (
    Phase("accumulate", CYCLE_CATEGORIES[:BARRIER], ("dispatcher", "PEs")),
    Phase("finish", ("barrier",), ("PEs",)),
    Phase("update", ("update",), ("PEs", "neuron units")),
    Phase("encode", ("encode",), ("encoder",)),
)
"""A pass in order of time: MICROARCHITECTURE.md, sections 4 and 5."""

FIRST_WORD_CYCLES = 1
"""To read the first word of spikes; later ones are read one ahead."""
BARRIER_CYCLES = 1
"""To notice that all PEs are done."""


TOGETHER = 4
"""Events that are sent in one go, if FIFOs are as deep: none of them waits for another of them."""
CHARGED = 512
"""Events whose waits are charged in one go, while what is known of them is in the cache."""
TALLIES = 4
"""Events are counted in so many places by turns: an addition need not wait for the one before to be stored."""


class ArrayState(NamedTuple):
    """The state of PEs and FIFOs, int64. PEs are numbered by block, then PE of the group: block · pes_per_group +
    PE of the group.

    free: (PEs,), cycle in which a PE can pop again.
    start, last_pop: (D + CHARGED + TOGETHER,), cycle of broadcast of the last D events and of those that are worked on,
        and their last pops, see `pop_number`.
    latency: int32 (TOGETHER + 1, PEs), of events that are sent in one go, if blocks have different tap cases; the last
        row is 0.
    depth: D, of the FIFOs.
    """

    free: Int64
    start: Int64
    last_pop: Int64
    latency: Int32
    depth: int

    @classmethod
    def of(cls, depth: int, pes: int) -> ArrayState:
        """Room for it."""
        # NumPy gives Python's lock up to make zeros of 1024 bytes or more; the kernel sets what it reads
        free, start, last_pop = (
            np.empty(size, np.int64) for size in (pes, *(depth + CHARGED + TOGETHER,) * 2)
        )  # fmt: skip
        return cls(free, start, last_pop, np.zeros((TOGETHER + 1, pes), np.int32), depth)


@inner_kernel
def pop_bits(pes: int) -> int:
    """Bits of a pop's number that name the PE."""
    bits = 0
    while 1 << bits < pes:
        bits += 1
    return bits


@inner_kernel
def pop_number(cycle: int, pe: int, pes: int, bits: int) -> int:
    """A pop as a number: the later, the larger; of pops in the same cycle, that of the first PE is the largest."""
    return (cycle << bits) + pes - 1 - pe


@inner_kernel
def popping_pe(number: int, pes: int, bits: int) -> int:
    """The PE of a pop."""
    return pes - 1 - (number & ((1 << bits) - 1))


@inner_kernel
def tap_case(events: Events, event: int, block: int, place: Place) -> int:
    """The tap case of an event in a block, of those of all channels."""
    case = int(np.int64(events.case[event]))
    if block > 0:
        position = events.position[event]
        case += int(np.int64(place.cases[block, position])) - int(np.int64(place.cases[0, position]))
    return case


@inner_kernel
def list_pass(
    repeats: UInt8,
    spiking: UInt32,
    one_pass: Int64,
    height: int,
    width: int,
    part: Int64,
    layout: Int64,
    place: Place,
    bits_of_product: Int64,
    events_out: Events,
) -> int:
    """The events of a pass; see `accumulate_passes` for the arguments, of which those of passes and of map tiles are
    one row here."""
    region = Region(one_pass[FIRST_CHANNEL], one_pass[STOP_CHANNEL], part[0], part[1], part[2], part[3])
    encoded = SpikeLayout(
        layout[0], layout[1], layout[2], layout[3], layout[4], layout[5], layout[6], layout[7]
    )  # fmt: skip
    timestep = one_pass[TIMESTEP]
    return list_events(
        repeats[timestep if len(repeats) == len(spiking) else 0], spiking[timestep], region, height, width, encoded,
        place.cases[0], part[4], place.cases_of_channel, bits_of_product, events_out,
    )  # fmt: skip


@lean_kernel
def accumulate_passes(
    repeats: UInt8,
    spiking: UInt32,
    passes: Int64,
    ends: Int64,
    height: int,
    width: int,
    layouts: Int64,
    place: Place,
    cycles: Int32,
    bits_of_product: Int64,
    array: ArrayState,
    events_out: Events,
    breakdown_out: Int64,
    occurrences_out: Int64,
    served_out: Int64,
) -> int:
    """The accumulate phases of all passes of a sample, for every channel tile; returns the events of one of these.

    repeats, spiking: see `SampleEvents`; height, width: of the inputs' map.
    passes: int64 (n, 5), see `input_passes`; ends: int64 (map tiles,), the pass behind the last of each map tile.
    layouts: int64 (n, len(SpikeLayout)), how each pass's inputs are encoded. cycles: int32 (channel tiles, 4, tap cases
    + 1, pes_per_group), see `LatencyBlock`. bits_of_product: see `find_spiking`. events_out: room for the events of a
    pass. breakdown_out: int64 (channel tiles, n, categories), added to. occurrences_out: int64 (TALLIES, tap cases),
    how often events met a block in each; served_out: int64 (PEs,), added to: see `count_tap_cases`.
    """
    occurrences_out[:] = 0
    total = 0
    map_tile = 0
    for index in range(len(passes)):
        while index >= ends[map_tile]:
            map_tile += 1
        count = list_pass(
            repeats, spiking, passes[index], height, width, place.parts[map_tile], layouts[index], place,
            bits_of_product, events_out,
        )  # fmt: skip
        for tile in range(len(cycles)):
            broadcast(
                events_out, count, passes[index, WORDS], place, cycles[tile], array, breakdown_out[tile, index]
            )  # fmt: skip
        count_tap_cases(events_out, count, place, cycles, occurrences_out, served_out)
        total += count
    return total


@inner_kernel
def broadcast(
    events: Events, count: int, words: int, place: Place, cycles: Int32, array: ArrayState, breakdown_out: Int64
) -> None:
    """Scan `words` words with `count` events and send those to all PEs, one pass of one channel tile.

    The wait of an event is charged to what prolonged the event that it waited for. cycles: int32 (4, tap cases + 1,
    pes_per_group). breakdown_out: int64 (categories,), added to.
    """
    depth, start, last_pop = array.depth, array.start, array.last_pop
    bits = pop_bits(len(array.free))
    array.free[:] = 0
    last_pop[:depth] = 0  # no event waits for those that are not there
    start[:depth] = FIRST_WORD_CYCLES - 1
    cycle = FIRST_WORD_CYCLES
    together = min(depth, TOGETHER)
    for first in range(0, count, CHARGED):
        number = min(CHARGED, count - first)
        scanned = events.scanned[first : first + number]  # so that an index is seen not to be negative
        began = start[depth : depth + number]
        for sent in range(0, number, together):
            stop = min(sent + together, number)
            for i in range(sent, stop):
                cycle = max(cycle + int(np.int64(scanned[i])), int(last_pop[i] >> bits) + 1)
                began[i] = cycle
                cycle += 1
            send(events, first, sent, stop - sent, place, cycles[LATENCY], array)
        charge(events, first, number, place, cycles, array, breakdown_out)
        for i in range(depth):
            start[i], last_pop[i] = start[number + i], last_pop[number + i]
    end = cycle + words
    if count > 0:
        end -= int(np.int64(events.word[count - 1])) + 1
    done = end
    for pe in range(len(array.free)):
        done = max(done, array.free[pe])
    breakdown_out[SCAN] += end
    breakdown_out[BARRIER] += done + BARRIER_CYCLES - end


@inner_kernel
def send(events: Events, first: int, sent: int, number: int, place: Place, latency: Int32, array: ArrayState) -> None:
    """Send events first + sent, ... to all PEs: TOGETHER at most, and no more than FIFOs are deep.

    latency: int32 (tap cases + 1, pes_per_group), the last row 0, for events that are not there.
    """
    pes, blocks = len(array.free), len(place.cases)
    bits = pop_bits(pes)
    if blocks > 1:  # each with a PE
        for i in range(number):
            for block in range(blocks):
                array.latency[i, block] = latency[tap_case(events, first + sent + i, block, place), 0]
        latency = array.latency
    case = events.case[first + sent : first + sent + TOGETHER]
    arrival = array.start[array.depth + sent : array.depth + sent + TOGETHER]
    free, nothing = array.free, len(latency) - 1
    # All events are written out, so that a processor's wide registers take many PEs at once from one to the next.
    at_1 = arrival[0] + 1 if number > 0 else 0
    row_1 = (np.int64(case[0]) if blocks == 1 else 0) if number > 0 else nothing
    at_2 = arrival[1] + 1 if number > 1 else 0
    row_2 = (np.int64(case[1]) if blocks == 1 else 1) if number > 1 else nothing
    at_3 = arrival[2] + 1 if number > 2 else 0
    row_3 = (np.int64(case[2]) if blocks == 1 else 2) if number > 2 else nothing
    at_4 = arrival[3] + 1 if number > 3 else 0
    row_4 = (np.int64(case[3]) if blocks == 1 else 3) if number > 3 else nothing
    last_1, last_2, last_3, last_4 = 0, 0, 0, 0
    for pe in range(pes):
        popped = max(at_1, free[pe])
        last_1 = max(last_1, pop_number(popped, pe, pes, bits))
        popped = max(at_2, popped + latency[row_1, pe])
        last_2 = max(last_2, pop_number(popped, pe, pes, bits))
        popped = max(at_3, popped + latency[row_2, pe])
        last_3 = max(last_3, pop_number(popped, pe, pes, bits))
        popped = max(at_4, popped + latency[row_3, pe])
        last_4 = max(last_4, pop_number(popped, pe, pes, bits))
        free[pe] = popped + latency[row_4, pe]
    last_pop = array.last_pop[array.depth + sent : array.depth + sent + TOGETHER]
    last_pop[0], last_pop[1], last_pop[2], last_pop[3] = last_1, last_2, last_3, last_4


@inner_kernel
def charge(
    events: Events, first: int, number: int, place: Place, cycles: Int32, array: ArrayState, breakdown_out: Int64
) -> None:
    """Charge the waits of `number` events from the first on.

    Those that did not wait are charged 0 cycles: a branch would be guessed wrong too often. SCAN is added to so that
    it has what is left of all cycles when the end of the broadcasts is added to it.
    """
    depth = array.depth
    pes = len(array.free)
    bits = pop_bits(pes)
    start, last_pop = array.start, array.last_pop
    waited = 0
    full = 0
    fetching = 0
    decoding = 0
    conflicting = 0
    for i in range(number):
        last = last_pop[i]
        wait = start[depth + i] - start[depth + i - 1] - 1 - events.scanned[first + i]
        waited += wait
        # a PE that was not serving popped at once: the FIFO itself took its cycle
        of_fifo = wait if last >> bits == start[i] + 1 else 0
        full += of_fifo
        wait -= of_fifo
        pe = popping_pe(last, pes, bits)
        served = max(0, first + i - depth - 1)
        if len(place.cases) == 1:
            case = int(np.int64(events.case[served]))
        else:
            case = tap_case(events, served, pe, place)
            pe = 0
        fetch = min(wait, np.int64(cycles[IDLE, case, pe]))
        decode = min(wait - fetch, np.int64(cycles[DECODE, case, pe]))
        fetching += fetch
        decoding += decode
        conflicting += min(wait - fetch - decode, np.int64(cycles[CONFLICT, case, pe]))
    breakdown_out[FIFO] += full
    breakdown_out[WEIGHT_FETCH] += fetching
    breakdown_out[DECODING] += decoding
    breakdown_out[BANK_CONFLICT] += conflicting
    breakdown_out[COMPUTE] += number + waited - full - fetching - decoding - conflicting
    breakdown_out[SCAN] -= number + waited


@inner_kernel
def count_tap_cases(
    events: Events, count: int, place: Place, cycles: Int32, occurrences_out: Int64, served_out: Int64
) -> None:
    """Add to `occurrences_out`, int64 (TALLIES, tap cases), how often events met a block in each tap case.

    cycles: as in `accumulate_passes`. served_out: int64 (PEs,), added to if there are several blocks, of a PE each:
    cycles that these events took in it, over all channel tiles.
    """
    blocks = len(place.cases)
    for block in range(blocks):
        for event in range(count):
            case = tap_case(events, event, block, place)
            occurrences_out[event % TALLIES, case] += 1
            if blocks > 1:
                for tile in range(len(cycles)):
                    served_out[block] += cycles[tile, LATENCY, case, 0]
