"""The accumulate phase of a pass, event by event: MICROARCHITECTURE.md, section 4, and section 6 for the causes.

An event waits for room in the FIFO of the slowest PE; a PE takes it when it is free:

    broadcast[i] = max(scanned[i], max over p of pop[i - D, p] + 1)
    pop[i, p]    = max(broadcast[i] + 1, free[i - 1, p])
    free[i, p]   = pop[i, p] + service(event i, p)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.dataflows.spike_array.events import Events
from simulator.dataflows.spike_array.service import CONFLICT, DECODE, IDLE, SERVICE
from simulator.jit import kernel

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

CAUSES = ("compute", "scan", "weight_fetch", "decode", "bank_conflict", "fifo", "barrier", "update", "encode")
"""What a cycle of a pass is charged to."""
COMPUTE, SCAN, WEIGHT_FETCH, DECODING, BANK_CONFLICT, FIFO, BARRIER, UPDATE, ENCODE = range(9)

BARRIER_CYCLES = 1
"""To notice that all PEs are done."""


class Array(NamedTuple):
    """The PEs' state and room for one event's services, int64 each; D is the depth of a FIFO, P the number of PEs.

    free: (P,), cycle in which a PE can pop again. service: (P,), of the event at hand.
    broadcast: (D,), popped: (D, P), last_popped: (D,): cycles of broadcast, pops and last pop of the last D events, by
    event mod D.
    """

    free: Int64
    service: Int64
    broadcast: Int64
    popped: Int64
    last_popped: Int64

    @classmethod
    def of(cls, depth: int, pes: int) -> Array:
        """Idle PEs."""
        return cls(*(np.zeros(shape, np.int64) for shape in (pes, pes, depth, (depth, pes), depth)))


@kernel
def situation_of(
    event: int, block: int, events: Events, row_classes: Int64, column_classes: Int64, classes: tuple[int, int]
) -> int:
    """The row of the service table for an event in a block of the map tile.

    row_classes: int64 (region rows, block rows), column_classes: int64 (region columns, block columns), tap
    classes; classes: how many row and column classes there are.
    """
    block_columns = column_classes.shape[1]
    row = row_classes[events.row[event], block // block_columns]
    column = column_classes[events.column[event], block % block_columns]
    return (np.int64(events.channel[event]) * classes[0] + row) * classes[1] + column


@kernel
def charge_wait(
    wait: int,
    blocking: int,
    event: int,
    events: Events,
    row_classes: Int64,
    column_classes: Int64,
    classes: tuple[int, int],
    cycles: Int32,
    causes_out: Int64,
) -> None:
    """Charge a wait for the PE `blocking`, which is serving `event`, to what prolongs that service."""
    sharers = cycles.shape[2]
    situation = situation_of(event, blocking // sharers, events, row_classes, column_classes, classes)
    sharer = blocking % sharers
    left = wait
    for part, cause in ((IDLE, WEIGHT_FETCH), (DECODE, DECODING), (CONFLICT, BANK_CONFLICT)):
        charged = min(left, np.int64(cycles[part, situation, sharer]))
        causes_out[cause] += charged
        left -= charged
    causes_out[COMPUTE] += left


@kernel
def accumulate(
    events: Events,
    count: int,
    words: int,
    row_classes: Int64,
    column_classes: Int64,
    classes: tuple[int, int],
    cycles: Int32,
    array: Array,
    occurrences_out: Int64,
    causes_out: Int64,
) -> int:
    """Broadcast `count` events of a region of `words` words to the PEs; returns the cycles of the accumulate phase.

    row_classes, column_classes, classes: see `situation_of`. cycles: int32 (4, situations, sharers), see Services.
    occurrences_out: int64 (situations,), added to: how often an event met a block in each situation.
    causes_out: int64 (causes,), added to.
    """
    depth, pes = array.popped.shape
    sharers = cycles.shape[2]
    blocks = pes // sharers
    array.free[:] = 0
    cycle = 1  # in cycle 0 the first word is read
    causes_out[SCAN] += 1
    next_word = 0
    for event in range(count):
        word = np.int64(events.word[event])
        if word >= next_word:
            causes_out[SCAN] += word - next_word
            cycle += word - next_word
            next_word = word + 1
        slot = event % depth
        if event >= depth:
            room = array.last_popped[slot] + 1
            if room > cycle:
                if array.last_popped[slot] == array.broadcast[slot] + 1:
                    causes_out[FIFO] += room - cycle
                else:
                    blocking = 0
                    while array.popped[slot, blocking] != array.last_popped[slot]:
                        blocking += 1
                    charge_wait(
                        room - cycle, blocking, event - depth - 1, events, row_classes, column_classes, classes,
                        cycles, causes_out,
                    )  # fmt: skip
                cycle = room
        array.broadcast[slot] = cycle
        causes_out[COMPUTE] += 1
        for block in range(blocks):
            situation = situation_of(event, block, events, row_classes, column_classes, classes)
            occurrences_out[situation] += 1
            for sharer in range(sharers):
                array.service[block * sharers + sharer] = cycles[SERVICE, situation, sharer]
        last_popped = 0
        for pe in range(pes):
            popped = max(cycle + 1, array.free[pe])
            array.popped[slot, pe] = popped
            array.free[pe] = popped + array.service[pe]
            last_popped = max(last_popped, popped)
        array.last_popped[slot] = last_popped
        cycle += 1
    causes_out[SCAN] += words - next_word
    cycle += words - next_word
    end = max(cycle, array.free.max()) + BARRIER_CYCLES
    causes_out[BARRIER] += end - cycle
    return end
