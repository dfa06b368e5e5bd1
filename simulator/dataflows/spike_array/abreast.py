"""The accumulate phase of all channel tiles at once: what `passes` does tile by tile, with the same results.

Where a group has few PEs, a processor's wide registers have nothing to do; but channel tiles see the same events, each
with latencies of its own. So here every step of the recurrence (see `passes`) is taken for all channel tiles before the
next, over arrays in which the tiles lie side by side. There is one block: PEs share out output channels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt32
from spikecycle.simulator.dataflows.spike_array.axes import Place
from spikecycle.simulator.dataflows.spike_array.events import Events
from spikecycle.simulator.dataflows.spike_array.input_passes import WORDS
from spikecycle.simulator.dataflows.spike_array.passes import (
    BANK_CONFLICT,
    BARRIER,
    BARRIER_CYCLES,
    COMPUTE,
    DECODING,
    FIFO,
    FIRST_WORD_CYCLES,
    SCAN,
    WEIGHT_FETCH,
    list_pass,
    pop_bits,
    pop_number,
    popping_pe,
)
from spikecycle.simulator.dataflows.spike_array.pe_latency import CONFLICT, DECODE, IDLE, LATENCY
from spikecycle.simulator.jit import inner_kernel, lean_kernel

FEW_PES = 8
"""Groups of fewer PEs are worked on tile by tile side by side: eight 64-bit numbers fill a register of 512 bits."""


class TilesState(NamedTuple):
    """The state of PEs and FIFOs of all channel tiles, int64 each; see `passes.ArrayState`.

    cycle, wait, waited: (tiles,): the dispatcher's cycle, an event's wait, and all waits.
    free: (PEs, tiles). broadcast: (D, tiles), last_pop: (D, tiles).
    """

    cycle: Int64
    wait: Int64
    waited: Int64
    free: Int64
    broadcast: Int64
    last_pop: Int64

    @classmethod
    def of(cls, depth: int, pes: int, tiles: int) -> TilesState:
        """Room for it."""
        shapes = (*((tiles,),) * 3, (pes, tiles), (depth, tiles), (depth, tiles))
        return cls(*(np.empty(shape, np.int64) for shape in shapes))


@lean_kernel
def accumulate_abreast(
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
    state: TilesState,
    events_out: Events,
    breakdown_out: Int64,
    occurrences_out: Int64,
) -> int:
    """As `passes.accumulate_passes`, but for cycles, int32 (4, tap cases + 1, pes_per_group, channel tiles)."""
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
        broadcast_abreast(
            events_out, count, passes[index, WORDS], cycles, state, index, breakdown_out, occurrences_out
        )  # fmt: skip
        total += count
    return total


@inner_kernel
def broadcast_abreast(
    events: Events,
    count: int,
    words: int,
    cycles: Int32,
    state: TilesState,
    index: int,
    breakdown_out: Int64,
    occurrences_out: Int64,
) -> None:
    """Scan `words` words with `count` events and send those to the PEs of all channel tiles, in pass number `index`."""
    depth, tiles = state.broadcast.shape
    pes = len(state.free)
    bits = pop_bits(pes)
    for tile in range(tiles):
        state.cycle[tile] = FIRST_WORD_CYCLES
        state.waited[tile] = 0
    for pe in range(pes):
        for tile in range(tiles):
            state.free[pe, tile] = 0
    slot = int(np.int64(0))  # event mod depth; kernels would be compiled for a literal 0 apart
    for event in range(count):
        scanned = int(np.int64(events.scanned[event]))
        if event < depth:
            for tile in range(tiles):
                state.cycle[tile] += scanned
        else:
            waits = 0
            for tile in range(tiles):
                cycle = state.cycle[tile] + scanned
                wait = max(0, (state.last_pop[slot, tile] >> bits) + 1 - cycle)
                state.wait[tile] = wait
                state.cycle[tile] = cycle + wait
                waits += wait
            if waits > 0:
                served = int(np.int64(events.case[max(0, event - depth - 1)]))
                charge_abreast(cycles, state, slot, served, breakdown_out, index)
        case = int(np.int64(events.case[event]))
        occurrences_out[0, case] += 1
        send_abreast(cycles, state, slot, case)
        slot = slot + 1 if slot + 1 < depth else 0
    unread = words - int(np.int64(events.word[count - 1])) - 1 if count > 0 else words
    for tile in range(tiles):
        end = state.cycle[tile] + unread
        done = end
        for pe in range(pes):
            done = max(done, state.free[pe, tile])
        breakdown_out[tile, index, COMPUTE] += count
        breakdown_out[tile, index, SCAN] += end - count - state.waited[tile]
        breakdown_out[tile, index, BARRIER] += done + BARRIER_CYCLES - end


@inner_kernel
def send_abreast(cycles: Int32, state: TilesState, slot: int, case: int) -> None:
    """Send an event of a tap case to all PEs; it takes this slot of the FIFOs."""
    pes, tiles = state.free.shape
    bits = pop_bits(pes)
    for tile in range(tiles):
        state.broadcast[slot, tile] = state.cycle[tile]
        state.cycle[tile] += 1
        state.last_pop[slot, tile] = 0
    for pe in range(pes):
        for tile in range(tiles):
            popped = max(state.cycle[tile], state.free[pe, tile])
            state.free[pe, tile] = popped + cycles[LATENCY, case, pe, tile]
            state.last_pop[slot, tile] = max(state.last_pop[slot, tile], pop_number(popped, pe, pes, bits))


@inner_kernel
def charge_abreast(cycles: Int32, state: TilesState, slot: int, served: int, breakdown_out: Int64, index: int) -> None:
    """Charge the wait of an event to what prolonged the event that it waited for, of tap case `served`.

    An event that did not wait is charged 0 cycles: a branch would be guessed wrong too often.
    """
    pes, tiles = state.free.shape
    bits = pop_bits(pes)
    for tile in range(tiles):
        state.waited[tile] += state.wait[tile]
    for tile in range(tiles):
        wait = state.wait[tile]
        pe = popping_pe(state.last_pop[slot, tile], pes, bits)
        # a PE that was not serving popped at once: the FIFO itself took its cycle
        full = wait if state.last_pop[slot, tile] >> bits == state.broadcast[slot, tile] + 1 else 0
        fetch = min(wait - full, np.int64(cycles[IDLE, served, pe, tile]))
        decode = min(wait - full - fetch, np.int64(cycles[DECODE, served, pe, tile]))
        conflict = min(wait - full - fetch - decode, np.int64(cycles[CONFLICT, served, pe, tile]))
        breakdown_out[tile, index, FIFO] += full
        breakdown_out[tile, index, WEIGHT_FETCH] += fetch
        breakdown_out[tile, index, DECODING] += decode
        breakdown_out[tile, index, BANK_CONFLICT] += conflict
        breakdown_out[tile, index, COMPUTE] += wait - full - fetch - decode - conflict
