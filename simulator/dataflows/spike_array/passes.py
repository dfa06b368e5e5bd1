"""The accumulate phase of a pass, event by event: MICROARCHITECTURE.md, section 4, and section 6 for the categories.

An event waits for room in the FIFO of the slowest PE; a PE takes it when it is free. With a FIFO depth of D,

    broadcast[i] = max(scanned[i], max over p of pop[i - D, p] + 1)
    pop[i, p]    = max(broadcast[i] + 1, free[i - 1, p])
    free[i, p]   = pop[i, p] + latency(event i, p)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import Phase
from spikecycle.simulator.array_types import Inputs, Int32, Int64
from spikecycle.simulator.dataflows.spike_array.events import Events, Region, list_events
from spikecycle.simulator.dataflows.spike_array.input_passes import FIRST_CHANNEL, STOP_CHANNEL, TIMESTEP, WORDS
from spikecycle.simulator.dataflows.spike_array.pe_latency import CONFLICT, DECODE, IDLE, LATENCY
from spikecycle.simulator.formats.spikes import SpikeLayout
from spikecycle.simulator.jit import kernel

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
NOT_SERVING = -1
"""The PE that an event waited for was not serving: the FIFO itself took its cycle."""


class ArrayState(NamedTuple):
    """The state of PEs and FIFOs, int64 each. PEs are numbered by block, then PE of the group: block · pes_per_group +
    PE of the group.

    free: (blocks, pes_per_group), cycle in which a PE can pop again.
    broadcast: (D,), popped: (D, blocks, pes_per_group), last_popped: (D,): cycles of broadcast, pops and the last pop
        of the last D events, by event mod D.
    """

    free: Int64
    broadcast: Int64
    popped: Int64
    last_popped: Int64

    @classmethod
    def of(cls, depth: int, blocks: int, pes_per_group: int) -> ArrayState:
        """Idle PEs."""
        return cls(
            *(
                np.zeros(shape, np.int64)
                for shape in ((blocks, pes_per_group), depth, (depth, blocks, pes_per_group), depth)
            )
        )


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


class Waits(NamedTuple):
    """Of every event, int32 each: the cycles that it waited, and the PE that it waited for, or NOT_SERVING."""

    cycles: Int32
    blocking: Int32


@kernel
def accumulate_passes(
    inputs: Inputs,
    passes: Int64,
    tile_inputs: Region,
    layouts: Int64,
    place: Place,
    cycles: Int32,
    array: ArrayState,
    events_out: Events,
    waits_out: Waits,
    breakdown_out: Int64,
    occurrences_out: Int64,
    served_out: Int64,
) -> int:
    """The accumulate phases of all passes of an output tile; returns their events.

    inputs: uint8 or uint16 (T, C, H, W). passes: int64 (n, 5), see `input_passes`. tile_inputs: all channels of the
    part of the map that the tile needs. layouts: int64 (n, len(SpikeLayout)), how each pass's inputs are encoded.
    events_out, waits_out: room for the events of a pass. breakdown_out: int64 (n, categories), added to. The others:
    see `broadcast` and `count_tap_cases`.
    """
    total = 0
    for index in range(len(passes)):
        one, of = passes[index], layouts[index]
        region = Region(
            one[FIRST_CHANNEL], one[STOP_CHANNEL], tile_inputs.first_row, tile_inputs.stop_row,
            tile_inputs.first_column, tile_inputs.stop_column,
        )  # fmt: skip
        layout = SpikeLayout(of[0], of[1], of[2], of[3], of[4], of[5], of[6], of[7])
        count = list_events(inputs[one[TIMESTEP]], region, layout, events_out)
        breakdown = breakdown_out[index]
        broadcast(events_out, count, one[WORDS], place, cycles, array, waits_out, breakdown)
        charge_waits(events_out, count, place, cycles, len(array.broadcast), waits_out, breakdown)
        count_tap_cases(events_out, count, place, cycles, occurrences_out, served_out)
        total += count
    return total


@kernel
def broadcast(
    events: Events,
    count: int,
    words: int,
    place: Place,
    cycles: Int32,
    array: ArrayState,
    waits_out: Waits,
    breakdown_out: Int64,
) -> int:
    """Scan `words` words with `count` events and send those to all PEs; returns the cycles of the accumulate phase.

    cycles: int32 (4, tap_cases, pes_per_group), see PeLatencies. waits_out: set for every event.
    breakdown_out: int64 (categories,), of which COMPUTE, SCAN and BARRIER are added to.
    """
    depth, _, pes_per_group = array.popped.shape
    block_rows, block_columns = place.row_classes.shape[1], place.column_classes.shape[1]
    array.free[:] = 0
    cycle = FIRST_WORD_CYCLES
    next_word = 0
    for event in range(count):
        word = int(np.int64(events.word[event]))
        if word >= next_word:
            cycle += word - next_word
            next_word = word + 1
        slot = event % depth
        wait = 0
        if event >= depth:
            wait = max(0, array.last_popped[slot] + 1 - cycle)
        waits_out.cycles[event] = wait
        if wait > 0:
            waits_out.blocking[event] = NOT_SERVING
            if array.last_popped[slot] != array.broadcast[slot] + 1:
                blocking = 0
                while (
                    array.popped[slot, blocking // pes_per_group, blocking % pes_per_group] != array.last_popped[slot]
                ):
                    blocking += 1
                waits_out.blocking[event] = blocking
            cycle += wait
        array.broadcast[slot] = cycle
        last_popped = 0
        channel = np.int64(events.channel[event]) * place.row_kinds
        for i in range(block_rows):
            row = (channel + place.row_classes[events.row[event], i]) * place.column_kinds
            for j in range(block_columns):
                tap_case = row + place.column_classes[events.column[event], j]
                block = i * block_columns + j
                for group_pe in range(pes_per_group):
                    popped = max(cycle + 1, array.free[block, group_pe])
                    array.popped[slot, block, group_pe] = popped
                    array.free[block, group_pe] = popped + cycles[LATENCY, tap_case, group_pe]
                    last_popped = max(last_popped, popped)
        array.last_popped[slot] = last_popped
        cycle += 1
    cycle += words - next_word
    done = max(cycle, int(array.free.max())) + BARRIER_CYCLES
    breakdown_out[COMPUTE] += count
    breakdown_out[SCAN] += cycle - count - waits_out.cycles[:count].sum()
    breakdown_out[BARRIER] += done - cycle
    return done


@kernel
def charge_waits(
    events: Events, count: int, place: Place, cycles: Int32, depth: int, waits: Waits, breakdown_out: Int64
) -> None:
    """Charge the wait of every event to what prolonged the event that it waited for.

    cycles: int32 (4, tap_cases, pes_per_group), see PeLatencies. breakdown_out: int64 (categories,), added to.
    """
    pes_per_group = cycles.shape[2]
    block_columns = place.column_classes.shape[1]
    for event in range(count):
        wait = np.int64(waits.cycles[event])
        if wait == 0:
            continue
        blocking = np.int64(waits.blocking[event])
        if blocking == NOT_SERVING:
            breakdown_out[FIFO] += wait
            continue
        served = event - depth - 1
        block, group_pe = blocking // pes_per_group, blocking % pes_per_group
        row = place.row_classes[events.row[served], block // block_columns]
        column = place.column_classes[events.column[served], block % block_columns]
        tap_case = (np.int64(events.channel[served]) * place.row_kinds + row) * place.column_kinds + column
        fetch = min(wait, np.int64(cycles[IDLE, tap_case, group_pe]))
        decode = min(wait - fetch, np.int64(cycles[DECODE, tap_case, group_pe]))
        conflict = min(wait - fetch - decode, np.int64(cycles[CONFLICT, tap_case, group_pe]))
        breakdown_out[WEIGHT_FETCH] += fetch
        breakdown_out[DECODING] += decode
        breakdown_out[BANK_CONFLICT] += conflict
        breakdown_out[COMPUTE] += wait - fetch - decode - conflict


@kernel
def count_tap_cases(
    events: Events, count: int, place: Place, cycles: Int32, occurrences_out: Int64, served_out: Int64
) -> None:
    """Add to `occurrences_out`, int64 (tap_cases,), how often events met a block in each tap case.

    cycles: int32 (4, tap_cases, pes_per_group), see PeLatencies. served_out: int64 (blocks,), added to: cycles that
    these events took in the first PE of each block's group.
    """
    for event in range(count):
        channel = np.int64(events.channel[event]) * place.row_kinds
        for i in range(place.row_classes.shape[1]):
            row = (channel + place.row_classes[events.row[event], i]) * place.column_kinds
            for j in range(place.column_classes.shape[1]):
                tap_case = row + place.column_classes[events.column[event], j]
                occurrences_out[tap_case] += 1
                served_out[i * place.column_classes.shape[1] + j] += cycles[LATENCY, tap_case, 0]
