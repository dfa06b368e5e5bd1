"""The DRAM channel in cycles of the array's clock: whole bursts, and what they take to carry.

Rows and turnarounds, where the machine gives their time (`dram.row_miss_ns`, `dram.turnaround_ns`): what a row of work
moves of one operand one way begins at a row's first bit and goes through row after row, and each of them is a miss, as
in `pricing.row_activations`. Stores turn the channel around, and back. Both hold the channel up for whole cycles per
event, in which it carries nothing; controllers that hide them behind transfers of other banks are not modelled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import Moves
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.machine.schema import Dram
from spikecycle.simulator.units import channel_cycles_per_bit, cycles_of_ns

_LARGEST = np.iinfo(np.int64).max


class DramTiming(NamedTuple):
    """The channel in cycles: a transfer of b bits takes ceil(b * channel_cycles / channel_bits) of them."""

    channel_cycles: int
    channel_bits: int
    burst_bits: int
    latency_cycles: int
    row_bits: int = 0
    """Of an open row; 0 if misses take no time."""
    miss_cycles: int = 0
    """That the channel is held up by opening a row."""
    turnaround_cycles: int = 0
    """That it is held up by changing its direction."""

    @classmethod
    def from_machine(cls, dram: Dram, clock_mhz: float) -> DramTiming:
        """A machine's channel at the array's clock; the latency is rounded up to whole cycles."""
        per_bit = channel_cycles_per_bit(dram.bandwidth_gbit_per_s, clock_mhz)
        return cls(
            channel_cycles=per_bit.numerator,
            channel_bits=per_bit.denominator,
            burst_bits=dram.burst_bits,
            latency_cycles=cycles_of_ns(dram.latency_ns, clock_mhz),
            row_bits=dram.row_bits if dram.row_bits and dram.row_miss_ns else 0,
            miss_cycles=cycles_of_ns(dram.row_miss_ns or 0.0, clock_mhz),
            turnaround_cycles=cycles_of_ns(dram.turnaround_ns or 0.0, clock_mhz),
        )

    @classmethod
    def ideal(cls, burst_bits: int = 1) -> DramTiming:
        """Infinite bandwidth, no latency: the total is the compute cycles. `burst_bits` still rounds the traffic."""
        return cls(channel_cycles=0, channel_bits=1, burst_bits=burst_bits, latency_cycles=0)

    @property
    def is_burst_power_of_two(self) -> bool:
        """Whether a burst is a power of two bits: others have to be divided by."""
        return self.burst_bits & (self.burst_bits - 1) == 0

    @property
    def holds_up(self) -> bool:
        """Whether there are cycles in which the channel carries nothing, though it is at work."""
        return bool(self.row_bits or self.turnaround_cycles)

    def cycles(self, bits: Int64, *, round_up: bool = True) -> Int64:
        """Channel cycles of transfers of `bits` bits each, int64 of any shape; rounded up, or down."""
        self.check(int(bits.max(initial=0)))
        scaled = bits.astype(np.int64) * self.channel_cycles
        return np.asarray(-(-scaled // self.channel_bits) if round_up else scaled // self.channel_bits, np.int64)

    def check(self, bits: int) -> None:
        """AssertionError for a transfer that is too large to tell how long it takes."""
        if bits * self.channel_cycles > _LARGEST:
            raise AssertionError(f"a transfer of {bits} bits is beyond 64-bit arithmetic")


class Traffic(NamedTuple):
    """A stage's traffic in whole bursts, each operand of each row of work by itself: int64 (n, operands).

    load_held, store_held: int64 (n,), channel cycles of the row's loads and stores in which nothing is carried.
    """

    load_bits: Int64
    store_bits: Int64
    operands: tuple[str, ...]
    load_held: Int64
    store_held: Int64

    @classmethod
    def of(cls, moves: Moves, dram: DramTiming) -> Traffic:
        """What the channel carries for `moves`."""
        load, store = _in_bursts(moves.load_bits, dram), _in_bursts(moves.store_bits, dram)
        load_held, store_held = _miss_cycles(moves.load_bits, dram), _miss_cycles(moves.store_bits, dram)
        if dram.turnaround_cycles:
            store_held += 2 * dram.turnaround_cycles * (store > 0).any(axis=1)
        return cls(load, store, moves.operands, load_held, store_held)

    def moved(self) -> tuple[dict[str, int], dict[str, int]]:
        """Bits loaded and stored, by operand."""
        load, store = (
            dict(zip(self.operands, bits.sum(axis=0).tolist(), strict=True))
            for bits in (self.load_bits, self.store_bits)
        )
        return load, store


def _in_bursts(bits: Int64, dram: DramTiming) -> Int64:
    """Whole bursts of each transfer, in bits."""
    whole = np.add(bits, dram.burst_bits - 1, dtype=np.int64)
    if dram.is_burst_power_of_two:  # NumPy takes six times as long to divide
        whole &= -dram.burst_bits
        return whole
    whole //= dram.burst_bits
    whole *= dram.burst_bits
    return whole


def _miss_cycles(bits: Int64, dram: DramTiming) -> Int64:
    """int64 (n,): cycles of the misses of streams of `bits` bits, int64 (n, operands)."""
    if dram.row_bits == 0:
        return np.zeros(len(bits), np.int64)
    return np.asarray((-(-bits.astype(np.int64) // dram.row_bits)).sum(axis=1) * dram.miss_cycles, np.int64)
