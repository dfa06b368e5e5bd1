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
from spikecycle.simulator.array_types import Inputs, Int32, Int64, UInt32
from spikecycle.simulator.dataflows.spike_array.events import Events, Region, list_events
from spikecycle.simulator.dataflows.spike_array.input_passes import FIRST_CHANNEL, STOP_CHANNEL, TIMESTEP, WORDS
from spikecycle.simulator.dataflows.spike_array.pe_latency import CONFLICT, DECODE, IDLE, LATENCY
from spikecycle.simulator.formats.spikes import SpikeLayout
from spikecycle.simulator.jit import lean_kernel

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


class ArrayState(NamedTuple):
    """The state of PEs and FIFOs, int64 each. PEs are numbered by block, then PE of the group: block · pes_per_group +
    PE of the group.

    free: (PEs,), cycle in which a PE can pop again.
    broadcast: (D,), last_pop: (D,): cycle of broadcast of the last D events, by event mod D, and their last pops, see
        `pop_number`.
    """

    free: Int64
    broadcast: Int64
    last_pop: Int64

    @classmethod
    def of(cls, depth: int, pes: int) -> ArrayState:
        """Idle PEs."""
        return cls(*(np.zeros(size, np.int64) for size in (pes, depth, depth)))


class Place(NamedTuple):
    """Where events land, as rows of a latency table.

    row_classes: int64 (region rows, block rows), column_classes: int64 (region columns, block columns), tap classes.
    row_kinds, column_kinds: how many tap classes there are. An event's tap case in a block is
    (channel · row_kinds + row class) · column_kinds + column class.
    """

    row_classes: Int64
    column_classes: Int64
    row_kinds: int
    column_kinds: int


@lean_kernel
def pop_bits(pes: int) -> int:
    """Bits of a pop's number that name the PE."""
    bits = 0
    while 1 << bits < pes:
        bits += 1
    return bits


@lean_kernel
def pop_number(cycle: int, pe: int, pes: int, bits: int) -> int:
    """A pop as a number: the later, the larger; of pops in the same cycle, that of the first PE is the largest."""
    return (cycle << bits) + pes - 1 - pe


@lean_kernel
def popping_pe(number: int, pes: int, bits: int) -> int:
    """The PE of a pop."""
    return pes - 1 - (number & ((1 << bits) - 1))


@lean_kernel
def tap_case(events: Events, event: int, block_row: int, block_column: int, place: Place) -> int:
    """The tap case of an event in a block; see `Place`."""
    row = int(np.int64(events.channel[event])) * place.row_kinds + int(place.row_classes[events.row[event], block_row])
    return row * place.column_kinds + int(place.column_classes[events.column[event], block_column])


@lean_kernel
def list_pass(
    inputs: Inputs,
    spiking: UInt32,
    one_pass: Int64,
    tile_inputs: Region,
    layout: Int64,
    bits_of_product: Int64,
    events_out: Events,
) -> int:
    """The events of a pass; see `accumulate_passes` for the arguments, of which those of passes are one row here."""
    region = Region(
        one_pass[FIRST_CHANNEL], one_pass[STOP_CHANNEL], tile_inputs.first_row, tile_inputs.stop_row,
        tile_inputs.first_column, tile_inputs.stop_column,
    )  # fmt: skip
    encoded = SpikeLayout(
        layout[0], layout[1], layout[2], layout[3], layout[4], layout[5], layout[6], layout[7]
    )  # fmt: skip
    timestep = one_pass[TIMESTEP]
    values = inputs[timestep if len(inputs) == len(spiking) else 0]
    return list_events(values, spiking[timestep], region, encoded, bits_of_product, events_out)


@lean_kernel
def accumulate_passes(
    inputs: Inputs,
    spiking: UInt32,
    passes: Int64,
    tile_inputs: Region,
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
    """The accumulate phases of all passes of a map tile, for every channel tile; returns the events of one of these.

    inputs: uint8 or uint16 (T, C, H, W), or one frame that stands for all of them, see `input_values`; spiking: which
    of them are not 0, see `spiking_words`. passes: int64 (n, 5), see `input_passes`. tile_inputs: all channels of the
    part of the map that the tile needs. layouts: int64 (n, len(SpikeLayout)), how each pass's inputs are encoded.
    cycles: int32 (channel tiles, 4, tap cases, pes_per_group), see PeLatencies. bits_of_product: see `list_events`.
    events_out: room for the events of a pass. breakdown_out: int64 (channel tiles, n, categories), added to. The
    others: see `count_tap_cases`.
    """
    total = 0
    for index in range(len(passes)):
        count = list_pass(inputs, spiking, passes[index], tile_inputs, layouts[index], bits_of_product, events_out)
        for tile in range(len(cycles)):
            broadcast(
                events_out, count, passes[index, WORDS], place, cycles[tile], array, breakdown_out[tile, index]
            )  # fmt: skip
        count_tap_cases(events_out, count, place, cycles, occurrences_out, served_out)
        total += count
    return total


@lean_kernel
def broadcast(
    events: Events, count: int, words: int, place: Place, cycles: Int32, array: ArrayState, breakdown_out: Int64
) -> None:
    """Scan `words` words with `count` events and send those to all PEs, one pass of one channel tile.

    The wait of an event is charged to what prolonged the event that it waited for. cycles: int32 (4, tap cases,
    pes_per_group). breakdown_out: int64 (categories,), added to.
    """
    depth, pes = len(array.broadcast), len(array.free)
    bits = pop_bits(pes)
    latency = cycles[LATENCY]
    pes_per_group = cycles.shape[2]
    block_rows, block_columns = place.row_classes.shape[1], place.column_classes.shape[1]
    for pe in range(pes):
        array.free[pe] = 0
    waited = 0
    full = 0
    fetching = 0
    decoding = 0
    conflicting = 0
    cycle = FIRST_WORD_CYCLES
    next_word = 0
    slot = 0  # event mod depth
    for event in range(count):
        word = int(np.int64(events.word[event]))
        if word >= next_word:
            cycle += word - next_word
            next_word = word + 1
        before = array.last_pop[slot] >> bits
        if event >= depth and before >= cycle:
            wait = before + 1 - cycle
            cycle += wait
            waited += wait
            if before == array.broadcast[slot] + 1:
                full += wait  # the PE was not serving: the FIFO itself took its cycle
            else:
                blocking = popping_pe(array.last_pop[slot], pes, bits)
                block = blocking // pes_per_group if pes > pes_per_group else 0
                group_pe = blocking - block * pes_per_group
                served = tap_case(events, event - depth - 1, block // block_columns, block % block_columns, place)
                fetch = min(wait, np.int64(cycles[IDLE, served, group_pe]))
                decode = min(wait - fetch, np.int64(cycles[DECODE, served, group_pe]))
                fetching += fetch
                decoding += decode
                conflicting += min(wait - fetch - decode, np.int64(cycles[CONFLICT, served, group_pe]))
        array.broadcast[slot] = cycle
        last_pop = 0
        for block in range(block_rows * block_columns):
            block_row = block // block_columns if block > 0 else 0
            case = tap_case(events, event, block_row, block - block_row * block_columns, place)
            first = block * pes_per_group
            free = array.free[first : first + pes_per_group]  # so that an index is seen not to be negative
            for group_pe in range(pes_per_group):
                popped = max(cycle + 1, free[group_pe])
                free[group_pe] = popped + latency[case, group_pe]
                last_pop = max(last_pop, pop_number(popped, first + group_pe, pes, bits))
        array.last_pop[slot] = last_pop
        cycle += 1
        slot = slot + 1 if slot + 1 < depth else 0
    cycle += words - next_word
    done = cycle
    for pe in range(pes):
        done = max(done, array.free[pe])
    breakdown_out[FIFO] += full
    breakdown_out[WEIGHT_FETCH] += fetching
    breakdown_out[DECODING] += decoding
    breakdown_out[BANK_CONFLICT] += conflicting
    breakdown_out[COMPUTE] += count + waited - full - fetching - decoding - conflicting
    breakdown_out[SCAN] += cycle - count - waited
    breakdown_out[BARRIER] += done + BARRIER_CYCLES - cycle


@lean_kernel
def count_tap_cases(
    events: Events, count: int, place: Place, cycles: Int32, occurrences_out: Int64, served_out: Int64
) -> None:
    """Add to `occurrences_out`, int64 (tap cases,), how often events met a block in each tap case.

    cycles: as in `accumulate_passes`. served_out: int64 (blocks,), added to if there are several: cycles that these
    events took in the first PE of each block's group, over all channel tiles.
    """
    block_rows, block_columns = place.row_classes.shape[1], place.column_classes.shape[1]
    for event in range(count):
        for i in range(block_rows):
            for j in range(block_columns):
                case = tap_case(events, event, i, j, place)
                occurrences_out[case] += 1
                if len(served_out) > 1:
                    for tile in range(len(cycles)):
                        served_out[i * block_columns + j] += cycles[tile, LATENCY, case, 0]
