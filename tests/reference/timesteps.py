"""Twin of `spikecycle.simulator.schedule.steps`: one timestep, cycle after cycle."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil


@dataclass(frozen=True)
class Row:
    """A row of work of one resource; loads and stores in bits by operand."""

    step: int = 0
    resource: int = 0
    compute: int = 0
    fetch: int = 0
    loads: tuple[int, ...] = (0, 0, 0, 0)
    stores: tuple[int, ...] = (0, 0, 0, 0)


@dataclass
class Timestep:
    """What happened in a timestep. row_starts: cycle of the timestep in which each of its rows begins."""

    cycles: int = 0
    breakdown: Counter[str] = field(default_factory=Counter)
    active: int = 0
    channel_cycles: int = 0
    row_starts: list[int] = field(default_factory=list)


def whole_bursts(bits: tuple[int, ...], burst_bits: int) -> int:
    """Bits that the channel carries, every operand rounded up by itself."""
    return sum(ceil(Fraction(b, burst_bits)) * burst_bits for b in bits)


@dataclass(frozen=True)
class Held:
    """What holds the channel up: opening a row of `row_bits` bits (0 = nothing), and a change of its direction."""

    row_bits: int = 0
    miss: int = 0
    turnaround: int = 0

    def misses(self, streams: tuple[int, ...]) -> int:
        """Cycles to open every row that streams of so many bits begin in or run into."""
        return sum(len(range(0, bits, self.row_bits)) for bits in streams) * self.miss if self.row_bits else 0

    def cycles(self, row: Row) -> int:
        """Of all that a row of work moves: its stores turn the channel around and back."""
        back_and_forth = 2 * self.turnaround if any(row.stores) else 0
        return self.misses(row.loads) + self.misses(row.stores) + back_and_forth


NOTHING_HELD = Held()


def timestep(
    rows: list[Row], resources: int, cycles_per_bit: Fraction, burst_bits: int, latency: int, held: Held = NOTHING_HELD
) -> Timestep:
    """Let all resources work off their rows, a cycle at a time, until they and the channel are done."""
    queues = [deque(i for i, row in enumerate(rows) if row.resource == r) for r in range(resources)]
    left = [row.compute + row.fetch for row in rows]
    begun: dict[int, int] = {}
    finished = [0] * resources
    cycle = 0
    while True:
        for r, queue in enumerate(queues):
            while queue:
                begun.setdefault(queue[0], cycle)
                if left[queue[0]] > 0:
                    break
                queue.popleft()
                finished[r] = cycle
        if not any(queues):
            break
        for queue in queues:
            if queue:
                left[queue[0]] -= 1
        cycle += 1
    slowest = finished.index(max(finished))
    found = Timestep(row_starts=[begun[i] for i in range(len(rows))])
    for row in rows:
        if row.resource == slowest:
            found.breakdown["compute"] += row.compute
            found.breakdown["weight_fetch"] += row.fetch
    found.active = len({row.resource for row in rows if row.compute + row.fetch > 0})

    loads = sum(whole_bursts(row.loads, burst_bits) for row in rows)
    stores = sum(whole_bursts(row.stores, burst_bits) for row in rows)
    found.channel_cycles = ceil((loads + stores) * cycles_per_bit) + sum(map(held.cycles, rows))
    while cycle < found.channel_cycles:
        cycle += 1
        found.breakdown["dram_traffic"] += 1
    while loads and cycle < found.channel_cycles + latency:
        cycle += 1
        found.breakdown["dram_latency"] += 1
    found.cycles = cycle
    return found


def stage(
    rows: list[Row],
    steps: int,
    resources: int,
    cycles_per_bit: Fraction,
    burst_bits: int,
    latency: int,
    held: Held = NOTHING_HELD,
) -> list[Timestep]:
    """The timesteps 0 to `steps` - 1 of a stage."""
    return [
        timestep([row for row in rows if row.step == t], resources, cycles_per_bit, burst_bits, latency, held)
        for t in range(steps)
    ]
