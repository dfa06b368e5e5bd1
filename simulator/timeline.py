"""Overlap of loads, compute and stores: double buffering, and one DRAM channel.

**Rules.** A layer is n passes in order. Pass i needs its load (all operands), then computes, then stores. Cycle 0 is
the layer's first cycle, nothing is on chip; layers do not overlap. A moment t is the beginning of cycle t; what takes
d cycles from t has ended at t + d.

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
   whichever is later, and occupies the channel for ceil(bits * clock / bandwidth) cycles.
4. *Latency.* A load has arrived `latency_cycles` after its last channel cycle; the channel is free meanwhile, so the
   latency of a load that queues behind another one is hidden. (Counting the channel's cycles at the other end of the
   latency, where data comes in, shifts all loads by the same constant.) A store has left with its last channel cycle:
   writes are posted, nothing on chip waits for the memory to acknowledge them.
5. *End.* The layer is done when the last compute has ended and the last store has left.

Loads wait for the stores of other passes only through the channel. What pass i needs of the result of pass i - 1 must
stay on chip; what passes before that stored was issued before load i.

**Attribution.** Every cycle is a compute cycle of the dataflow, or one of STALLS. A cycle in which compute i > 0 waits
is `dram_store` until store i - 2 has left (even if load i is missing as well: it queues behind that store), then
`dram_load` until the last channel cycle of load i, then `dram_latency` until load i has arrived.

All rules are maxima and sums of what comes before, in a fixed order: more cycles or bits anywhere, a slower channel or
a longer latency never make a layer faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Int64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.schema import Dram
from spikecycle.simulator.units import channel_cycles_per_bit, cycles_of_ns

STALLS = ("dram_fill", "dram_load", "dram_latency", "dram_store", "dram_drain")
"""Causes of cycles without compute: before the first compute; waiting for the channel to carry a load; for a load's
latency; for an output half; after the last compute until the last store has left."""
_FILL, _LOAD, _LATENCY, _STORE, _DRAIN = range(len(STALLS))

_LARGEST = np.iinfo(np.int64).max


class DramTiming(NamedTuple):
    """The channel in cycles: a transfer of b bits takes ceil(b * channel_cycles / channel_bits) of them."""

    channel_cycles: int
    channel_bits: int
    burst_bits: int
    latency_cycles: int

    @classmethod
    def from_machine(cls, dram: Dram, clock_mhz: int) -> DramTiming:
        """A machine's channel at the array's clock; the latency is rounded up to whole cycles."""
        per_bit = channel_cycles_per_bit(dram.bandwidth_gbit_per_s, clock_mhz)
        return cls(
            channel_cycles=per_bit.numerator,
            channel_bits=per_bit.denominator,
            burst_bits=dram.burst_bits,
            latency_cycles=cycles_of_ns(dram.latency_ns, clock_mhz),
        )

    @classmethod
    def ideal(cls, burst_bits: int = 1) -> DramTiming:
        """Infinite bandwidth, no latency: the total is the compute cycles. `burst_bits` still rounds the traffic."""
        return cls(channel_cycles=0, channel_bits=1, burst_bits=burst_bits, latency_cycles=0)


@dataclass(frozen=True, eq=False)
class Timeline:
    """When everything happened. Moments are int64 (n,), in cycles from the layer's start.

    total_cycles: the whole layer; compute_cycles + the sum of `stalls`.
    stalls: cycles by cause, keys STALLS.
    compute_starts, compute_ends: per pass.
    load_starts, load_ends, store_starts, store_ends: when the channel carried a pass's transfer. Where there is
        nothing to carry, both are the moment of issue.
    load_moved_bits, store_moved_bits: int64 (4,), whole bursts by operand (OPERANDS), over all passes.
    channel_busy_cycles: cycles in which the channel carried something.
    """

    total_cycles: int
    compute_cycles: int
    stalls: dict[str, int]
    compute_starts: Int64
    compute_ends: Int64
    load_starts: Int64
    load_ends: Int64
    store_starts: Int64
    store_ends: Int64
    load_moved_bits: Int64
    store_moved_bits: Int64
    channel_busy_cycles: int


def resolve(compute_cycles: Int64, load_bits: Int64, store_bits: Int64, dram: DramTiming) -> Timeline:
    """Overlap the passes of a layer by the rules of this module.

    compute_cycles: int64 (n,). load_bits, store_bits: int64 (n, 4), by operand (OPERANDS), not yet in bursts.
    """
    n = len(compute_cycles)
    for name, array, shape in (
        ("compute_cycles", compute_cycles, (n,)),
        ("load_bits", load_bits, (n, len(OPERANDS))),
        ("store_bits", store_bits, (n, len(OPERANDS))),
    ):
        if array.shape != shape or (n and array.min() < 0):
            raise AssertionError(f"{name} must be non-negative of shape {shape}, found shape {array.shape}")
    load_moved = _whole_bursts(load_bits, dram)
    store_moved = _whole_bursts(store_bits, dram)
    load_cycles = _channel_cycles(load_moved, dram)
    store_cycles = _channel_cycles(store_moved, dram)
    moments = np.zeros((6, n), np.int64)
    stalls = np.zeros(len(STALLS), np.int64)
    total = int(_overlap(np.asarray(compute_cycles, np.int64), load_cycles, store_cycles, dram, moments, stalls))
    compute = int(compute_cycles.sum())
    if compute + int(stalls.sum()) != total:
        raise AssertionError(f"compute {compute} and stalls {stalls.tolist()} do not sum to {total} cycles")
    return Timeline(
        total_cycles=total,
        compute_cycles=compute,
        stalls=dict(zip(STALLS, stalls.tolist(), strict=True)),
        compute_starts=moments[0],
        compute_ends=moments[1],
        load_starts=moments[2],
        load_ends=moments[3],
        store_starts=moments[4],
        store_ends=moments[5],
        load_moved_bits=load_moved.sum(axis=0),
        store_moved_bits=store_moved.sum(axis=0),
        channel_busy_cycles=int(load_cycles.sum() + store_cycles.sum()),
    )


def _whole_bursts(bits: Int64, dram: DramTiming) -> Int64:
    """Each entry rounded up to whole bursts."""
    return np.asarray(-(-bits.astype(np.int64) // dram.burst_bits) * dram.burst_bits, np.int64)


def _channel_cycles(moved_bits: Int64, dram: DramTiming) -> Int64:
    """Channel cycles of each pass's transfer, int64 (n,)."""
    bits = moved_bits.sum(axis=1)
    if len(bits) and int(bits.max()) * dram.channel_cycles > _LARGEST:
        raise AssertionError(f"a transfer of {bits.max()} bits is beyond 64-bit arithmetic")
    return np.asarray(-(-bits * dram.channel_cycles // dram.channel_bits), np.int64)


@kernel
def _overlap(
    compute_cycles: Int64, load_cycles: Int64, store_cycles: Int64, dram: DramTiming, moments: Int64, stalls: Int64
) -> int:
    """Fill `moments` (6, n: compute, load and store, starts and ends) and `stalls`; returns the total.

    A load without channel cycles is no transfer (or an ideal one): it has arrived when it is issued.
    """
    n = len(compute_cycles)
    channel_free = np.int64(0)
    previous_end = np.int64(0)
    for i in range(n + 2):
        # The end of compute i - 2 lets go store i - 2, then load i.
        issued = moments[1, i - 2] if i >= 2 else np.int64(0)
        left = issued
        if i >= 2:
            moments[4, i - 2] = max(issued, channel_free) if store_cycles[i - 2] > 0 else issued
            left = moments[4, i - 2] + np.int64(store_cycles[i - 2])
            moments[5, i - 2] = left
            channel_free = max(channel_free, left)
        if i >= n:
            continue
        moments[2, i] = max(issued, channel_free) if load_cycles[i] > 0 else issued
        carried = moments[2, i] + np.int64(load_cycles[i])
        moments[3, i] = carried
        channel_free = max(channel_free, carried)
        arrived = carried + dram.latency_cycles if load_cycles[i] > 0 else carried

        start = max(previous_end, left, arrived)
        if i == 0:
            stalls[_FILL] += start
        else:
            output_free = max(previous_end, left)
            last_carried = max(output_free, carried)
            stalls[_STORE] += output_free - previous_end
            stalls[_LOAD] += last_carried - output_free
            stalls[_LATENCY] += start - last_carried
        previous_end = start + np.int64(compute_cycles[i])
        moments[0, i] = start
        moments[1, i] = previous_end
    total = max(previous_end, channel_free) if n > 0 else np.int64(0)
    stalls[_DRAIN] += total - previous_end
    return int(total)
