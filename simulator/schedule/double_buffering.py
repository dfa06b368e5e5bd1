"""Double buffering: the loads of the next pass and the stores of the pass before overlap compute, on one DRAM channel.

**Rules.** A stage is n passes in order, its rows of work, whatever resource they name. Pass i needs its load (all
operands), then computes, then stores. Cycle 0 is the stage's first cycle, nothing is on chip; stages do not overlap. A
moment t is the beginning of cycle t; what takes d cycles from t has ended at t + d.

1. *Traffic.* The bits of each operand of a pass are rounded up to whole bursts by themselves. The operands of one pass
   and direction then make one transfer, back to back. A transfer without bits does not exist: it is complete at the
   moment when it could have been issued and takes no part in rule 3.
2. *Buffers* have two halves that alternate between passes.
   Load i is issued when compute i - 2 has ended (its half is free); loads 0 and 1 are issued at 0.
   Compute i starts when compute i - 1 has ended, load i has arrived (its operands are on chip) and store i - 2 has
   left (its output half is free). Store i is issued when compute i has ended.
3. *Channel.* It serves one transfer at a time, in the order of issue: load 0, load 1, store 0, load 2, store 1,
   load 3, ... (the end of compute i lets go store i, then load i + 2; where a pass takes no cycles, the end of the pass
   before it still comes first). A transfer begins when it is issued or when the transfer before it has ended,
   whichever is later, and occupies the channel for ceil(bits * clock / bandwidth) cycles, and those of its row misses
   and turnarounds (`dram`).
4. *Latency.* A load has arrived `latency_cycles` after its last channel cycle; the channel is free meanwhile, so the
   latency of a load that queues behind another one is hidden. (Counting the channel's cycles at the other end of the
   latency, where data comes in, shifts all loads by the same constant.) A store has left with its last channel cycle:
   writes are posted, nothing on chip waits for the memory to acknowledge them.
5. *End.* The stage is done when the last compute has ended and the last store has left.

Loads wait for the stores of other passes only through the channel. What pass i needs of the result of pass i - 1 must
stay on chip; what passes before that stored was issued before load i.

**Attribution.** Every cycle is a cycle of the work, or one of STALLS. A cycle in which compute i > 0 waits
is `dram_store` until store i - 2 has left (even if load i is missing as well: it queues behind that store), then
`dram_load` until the last channel cycle of load i, then `dram_latency` until load i has arrived.

All rules are maxima and sums of what comes before, in a fixed order: more cycles or bits anywhere, a slower channel or
a longer latency never make a stage faster.

Spans: "compute", "load" and "store", one entry per pass; where there is nothing to carry, a transfer begins and ends at
the moment of its issue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from spikecycle.simulator.activity import Activity, Moves, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.on_demand import OnDemand
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.schedule.base import (
    CHANNEL,
    OverlapOptions,
    RowSums,
    Schedule,
    Spans,
    StageSchedule,
    add_by_name,
)
from spikecycle.simulator.schedule.dram import DramTiming, Traffic

STALLS = ("dram_fill", "dram_load", "dram_latency", "dram_store", "dram_drain")
"""Stall categories: cycles without compute: before the first compute; waiting for the channel to carry a load; for a
load's latency; for an output half; after the last compute until the last store has left."""
_FILL, _LOAD, _LATENCY, _STORE_STALL, _DRAIN = range(len(STALLS))


class DoubleBufferingOptions(OverlapOptions):
    """Nothing to choose: every buffer between DRAM and array has two halves."""

    policy: Literal["double_buffering"] = "double_buffering"


class DoubleBuffering:
    """The policy; see `spikecycle.simulator.schedule.base.Overlap`."""

    name = "double_buffering"
    summary = "two halves of every buffer: loads, compute and stores of neighbouring passes overlap"
    source = "double buffering as Timeloop (Parashar et al., ISPASS 2019) assumes it; order of the channel: this module"
    options_type = DoubleBufferingOptions
    stalls: tuple[str, ...] = STALLS
    in_turn = True
    fits: tuple[str, ...] = ()

    def resolve(
        self,
        stages: Sequence[Activity],
        edges: Sequence[tuple[int, int]],
        dram: DramTiming,
        options: DoubleBufferingOptions,
    ) -> Schedule:
        """Stages in turn, each by the rules of this module; the edges play no part."""
        found: list[StageSchedule] = []
        for activity in stages:
            found.append(_resolve_stage(activity, dram, found[-1].end if found else 0))
        return Schedule.in_turn(found)


OVERLAPS.register("double_buffering", DoubleBuffering())


def _resolve_stage(activity: Activity, dram: DramTiming, begin: int) -> StageSchedule:
    """Overlap the passes of a stage that begins at the moment `begin`."""
    sums, timing = RowSums(), _Timing.of()
    load_moved: dict[str, int] = {}
    store_moved: dict[str, int] = {}
    for work, moves in activity.rows.blocks():
        sums.add_work(work)
        loaded, stored = timing.add(work, moves, dram, _room(0))
        add_by_name(load_moved, moves.operands, loaded)
        add_by_name(store_moved, moves.operands, stored)
    total = int(_finish(_room(0), 0, timing.state, timing.stalls))
    breakdown = sums.breakdown
    add_by_name(breakdown, STALLS, timing.stalls.tolist())
    return StageSchedule(
        start=begin,
        cycles=total,
        breakdown=breakdown,
        load_moved_bits=load_moved,
        store_moved_bits=store_moved,
        busy=sums.busy | {CHANNEL: int(timing.state[_CARRIED])},
        spans=OnDemand(lambda: _spans(activity, dram, begin)),
    )


def _spans(activity: Activity, dram: DramTiming, begin: int) -> dict[str, Spans]:
    """When all passes of a stage happen that begins at the moment `begin`."""
    work, moves = activity.rows.all()
    moments, timing = _room(len(work.cycles)), _Timing.of()
    timing.add(work, moves, dram, moments)
    _finish(moments, len(work.cycles), timing.state, timing.stalls)
    moments += begin
    return {
        "compute": Spans(moments[0], moments[1]),
        "load": Spans(moments[2], moments[3]),
        "store": Spans(moments[4], moments[5]),
    }


class _Timing(NamedTuple):
    """What blocks of passes leave for those behind: state, int64 (_STATE,); stalls, int64 (len(STALLS),), so far."""

    state: Int64
    stalls: Int64

    @classmethod
    def of(cls) -> _Timing:
        """Before the first pass."""
        return cls(np.zeros(_STATE, np.int64), np.zeros(len(STALLS), np.int64))

    def add(self, work: Work, moves: Moves, dram: DramTiming, moments: Int64) -> list[list[int]]:
        """Overlap the next block of passes, see `_overlap`; returns bits loaded and stored by operand, whole bursts."""
        n, operands = moves.load_bits.shape
        carried, moved = np.empty((2, n), np.int64), np.zeros((2, operands), np.int64)
        held: Int64 = np.empty((2, 0), np.int64)
        if dram.is_burst_power_of_two and not dram.holds_up:
            for way, bits in enumerate((moves.load_bits, moves.store_bits)):
                _carry(bits, dram.burst_bits - 1, carried[way], moved[way])
        else:
            traffic = Traffic.of(moves, dram)
            for way, bits in enumerate((traffic.load_bits, traffic.store_bits)):
                carried[way], moved[way] = bits.sum(axis=1), bits.sum(axis=0)
            held = np.stack([traffic.load_held, traffic.store_held])
        most = _overlap(work.cycles, carried, held, dram, moments, self.state, self.stalls)
        dram.check(int(most))
        return moved.tolist()


def _room(passes: int) -> Int64:
    return np.empty((6, passes), np.int64)


_STATE = 7
"""What the passes of a block need to know of those before, and a sum over all of them."""
_CHANNEL_FREE, _STARTED, _END, _STORE, _CARRIED = 0, 1, 2, 4, 6
"""The moment when the channel is free; whether there was a pass; of the pass before the last one and of the last one,
when they end, and for how long their stores occupy the channel; cycles for which it was occupied in all."""


@lean_kernel
def _carry(bits: Int64, rest: int, carried_out: Int64, moved_out: Int64) -> None:
    """Bits that the channel carries of each row of `bits`, int64 (n, operands), in whole bursts of `rest` + 1, a power
    of two: int64 (n,). moved_out: int64 (operands,), those of all rows, added."""
    for operand in range(len(moved_out)):
        moved = np.int64(0)
        for i in range(len(carried_out)):
            whole = (np.int64(bits[i, operand]) + rest) & ~rest
            carried_out[i] = carried_out[i] + whole if operand else whole
            moved += whole
        moved_out[operand] += moved


@lean_kernel
def _overlap(
    compute_cycles: Int64,
    carried: Int64,
    held: Int64,
    dram: DramTiming,
    moments: Int64,
    state: Int64,
    stalls: Int64,
) -> int:
    """Go through the next block of passes: add to `stalls`, and leave `state` (_STATE,) for the block behind.

    carried: int64 (2, n), bits loaded and stored in whole bursts. held: int64 (2, n), cycles for which the channel is
    held up meanwhile; (2, 0) if it never is. moments: int64 (6, n), filled in: compute, load and store, begin and end,
    but for the stores of the last two passes; or (6, 0), if nobody asks. Returns the bits of the largest transfer. A
    load without channel cycles is no transfer (or an ideal one): it has arrived when it is issued.
    """
    n = len(compute_cycles)
    is_kept, is_held = moments.shape[1] > 0, held.shape[1] > 0
    channel_free = state[_CHANNEL_FREE]
    end_before, previous_end = state[_END], state[_END + 1]
    store_before, previous_store = state[_STORE], state[_STORE + 1]
    is_first = state[_STARTED] == 0
    most, occupied_in_all, store_stall, load_stall, latency_stall = 0, 0, 0, 0, 0
    for i in range(n):
        loaded, stored = carried[0, i], carried[1, i]
        loading, occupied = 0, 0
        if is_held:
            loading, occupied = held[0, i], held[1, i]
        if loaded > 0:  # many passes have neither, and to divide takes as long as all else here
            loading += (loaded * dram.channel_cycles + dram.channel_bits - 1) // dram.channel_bits
        if stored > 0:
            occupied += (stored * dram.channel_cycles + dram.channel_bits - 1) // dram.channel_bits
        most = max(most, loaded, stored)
        occupied_in_all += loading + occupied
        # The end of compute i - 2 lets go store i - 2, then load i.
        issued, storing = end_before, store_before
        store_start = max(issued, channel_free) if storing > 0 else issued
        left = store_start + storing
        channel_free = max(channel_free, left)
        load_start = max(issued, channel_free) if loading > 0 else issued
        arrival = load_start + loading
        channel_free = max(channel_free, arrival)
        arrived = arrival + dram.latency_cycles if loading > 0 else arrival

        start = max(previous_end, left, arrived)
        if is_first:
            is_first = False
            stalls[_FILL] += start
        else:
            output_free = max(previous_end, left)
            last_carried = max(output_free, arrival)
            store_stall += output_free - previous_end
            load_stall += last_carried - output_free
            latency_stall += start - last_carried
        end = start + np.int64(compute_cycles[i])
        if is_kept:
            moments[0, i], moments[1, i] = start, end
            moments[2, i], moments[3, i] = load_start, arrival
            if i >= 2:
                moments[4, i - 2], moments[5, i - 2] = store_start, left
        end_before, previous_end = previous_end, end
        store_before, previous_store = previous_store, occupied
    state[_END], state[_END + 1] = end_before, previous_end
    state[_STORE], state[_STORE + 1] = store_before, previous_store
    state[_CHANNEL_FREE], state[_STARTED] = channel_free, not is_first
    state[_CARRIED] += occupied_in_all
    stalls[_STORE_STALL] += store_stall
    stalls[_LOAD] += load_stall
    stalls[_LATENCY] += latency_stall
    return most


def _finish(moments: Int64, passes: int, state: Int64, stalls: Int64) -> int:
    """After the last of so many passes: fill in the stores of the last two, and the drain; returns the total."""
    channel_free, _, *ends, before, last, _ = state.tolist()
    for place, issued, storing in ((passes - 2, ends[0], before), (passes - 1, ends[1], last)):
        start = max(issued, channel_free) if storing > 0 else issued
        channel_free = max(channel_free, start + storing)
        if place >= 0:
            moments[4, place], moments[5, place] = start, start + storing
    total = max(ends[1], channel_free)
    stalls[_DRAIN] += total - ends[1]
    return int(total)
