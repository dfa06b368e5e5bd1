"""The events of a sample on a mapped layer, and what they come to with all that is around them (`frame`)."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.activity import Activity, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.abreast import TilesState, accumulate_abreast
from spikecycle.simulator.dataflows.spike_array.counters import counts_that_follow
from spikecycle.simulator.dataflows.spike_array.events import (
    BIT_OF_PRODUCT,
    Events,
    SampleEvents,
)
from spikecycle.simulator.dataflows.spike_array.frame import SampleFrame
from spikecycle.simulator.dataflows.spike_array.latency_tables import LatencyTables
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.passes import (
    CYCLE_CATEGORIES,
    PHASES,
    TALLIES,
    ArrayState,
    accumulate_passes,
)
from spikecycle.simulator.dataflows.spike_array.pe_latency import (
    ACCUMULATES,
    BUSY,
    DIRECTORY,
    DROPPED,
    FETCHED_WORDS,
    FIBERS,
    GATED,
    LOOKUPS,
    POTENTIALS,
    WORK_COLUMNS,
)
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling


def _work(breakdown: Int64, places: Mapping[str, Int64]) -> Work:
    """Passes, whose cycles by category are int64 (channel tiles, n, categories)."""
    of_passes = breakdown.reshape(-1, len(CYCLE_CATEGORIES))
    return Work.of(CYCLE_CATEGORIES, of_passes, step=places["timestep"], places=places, phases=PHASES)


class ReplayRoom(NamedTuple):
    """What the kernels work in, events apart, which may take megabytes. Of what the sample before has left in it, they
    read nothing.

    tallies: int64 (TALLIES, tap cases). array: the state of PEs and FIFOs, where channel tiles are
    worked on one by one. bits_of_product: see `find_spiking`.
    """

    tallies: Int64
    array: ArrayState
    bits_of_product: Int64


class ReplayRooms:
    """The rooms of a layer, each lent to one sample at a time: there are no more than samples side by side."""

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask, tiling: Tiling) -> None:
        self._machine, self._task, self._place = machine, task, tiling.map.place
        self._free: list[ReplayRoom] = []

    def take(self) -> ReplayRoom:
        """A room of which nobody else knows; any thread may ask."""
        try:
            return self._free.pop()
        except IndexError:
            parameters, task = self._machine.dataflow, self._task
            return ReplayRoom(
                np.empty((TALLIES, task.shape.C * self._place.cases_of_channel), np.int64),
                ArrayState.of(parameters.fifo_depth, parameters.pes),
                np.array(BIT_OF_PRODUCT, np.int64),
            )

    def give_back(self, room: ReplayRoom) -> None:
        """Nobody works in it any more."""
        self._free.append(room)


@dataclass(frozen=True, eq=False)
class ArrayReplay:
    """One sample that went through the array.

    breakdown: int64 (channel tiles, n, categories), cycles of all passes. events: of a channel tile. occurrences: int64
    (tap cases,), how often events met a block in each. work: int64 (WORK_COLUMNS,), of all channel tiles. busy_by_pe:
    int64 (PEs,), cycles in which each served events.
    """

    breakdown: Int64
    events: int
    occurrences: Int64
    work: Int64
    busy_by_pe: Int64

    @classmethod
    def of(
        cls,
        machine: SpikeArrayMachine,
        task: LayerTask,
        tiling: Tiling,
        latencies: LatencyTables,
        events: SampleEvents,
        frame: SampleFrame,
        rooms: ReplayRooms,
    ) -> ArrayReplay:
        """Broadcast all events of all passes, to some channel tiles after the others."""
        parameters, place, room = machine.dataflow, tiling.map.place, rooms.take()
        listed, tallies = Events.of(task.shape.input_count * task.input_bits), room.tallies
        breakdown = frame.passes.breakdown()
        work, busy_by_pe = np.zeros(WORK_COLUMNS, np.int64), np.zeros(parameters.pes, np.int64)
        for block in latencies.blocks():
            some, tiles = breakdown[block.tiles], block.tiles.stop - block.tiles.start
            arguments = (
                *events, frame.passes.passes, frame.passes.ends, task.shape.H, task.shape.W, frame.layouts, place,
                block.cycles, room.bits_of_product,
            )  # fmt: skip
            if block.abreast:
                state = TilesState.of(parameters.fifo_depth, parameters.pes_per_group, tiles)
                sent = accumulate_abreast(*arguments, state, listed, some, tallies)
            else:
                sent = accumulate_passes(*arguments, room.array, listed, some, tallies, busy_by_pe)
            occurrences = np.add.reduce(tallies, axis=0)  # the same for every block
            work += occurrences.dot(block.work)  # unlike `@`, it does not hold Python's lock
            if len(place.cases) == 1:  # PEs share out the channels: of the map there is one block
                busy_by_pe += block.served(occurrences)
        rooms.give_back(room)
        return cls(breakdown, sent, occurrences, work, busy_by_pe)

    def activity(self, frame: SampleFrame, counts: Mapping[str, int], by_bank: Int64) -> Activity:
        """What the sample did. by_bank: int64 (banks,), accesses of the banks of potentials."""
        return Activity(
            self._rows(frame),
            counts=counts,
            busy={"pe": int(self.work[BUSY])},
            synaptic_operations=counts["accumulator.add"],
            busy_by_pe=self.busy_by_pe,
            accesses_by_bank={"potentials": by_bank},
        )

    def _rows(self, frame: SampleFrame) -> WorkRows:
        """The passes of all channel tiles; of some at a time, if there are many."""
        passes, (tiles, of_tile) = frame.passes, self.breakdown.shape[:2]
        if tiles * of_tile <= activity.ROWS_AT_ONCE:
            return WorkRows.of(_work(self.breakdown, passes.places), frame.moves)

        def make(first: int, stop: int) -> tuple[Work, Moves]:
            some = slice(first * of_tile, stop * of_tile)
            moves = Moves(frame.moves.load_bits[some], frame.moves.store_bits[some])
            return _work(self.breakdown[first:stop], passes.places_of(first, stop)), moves

        return WorkRows.made(tiles, of_tile, make, self.breakdown.nbytes + passes.loads.nbytes + passes.stores.nbytes)

    def counts(self, machine: SpikeArrayMachine, tiling: Tiling, frame: SampleFrame) -> Counts[str]:
        """What is counted of the sample."""
        work, broadcast = self.work.tolist(), self.events * len(tiling.channel_tiles)
        counts = {
            **frame.counts,
            "dispatcher.broadcast": broadcast,
            "fifo.push": broadcast * machine.dataflow.pes,
            "fifo.pop": broadcast * machine.dataflow.pes,
            "weights.read": work[FETCHED_WORDS],
            "directory.read": work[DIRECTORY],
            "accumulator.add": work[ACCUMULATES],
            "potentials.read": frame.counts["potentials.read"] + work[POTENTIALS],
            "potentials.write": frame.counts["potentials.write"] + work[POTENTIALS],
            "decoder.gated": work[GATED],
            "decoder.dropped": work[DROPPED],
            "decoder.fibers": work[FIBERS],
        }
        if tiling.table_bits:
            counts["codebook.read"] = work[LOOKUPS]
        following = counts_that_follow(machine, counts, frame.updated_states, frame.swept_words, frame.started_flags)
        return Counts(counts | following)
