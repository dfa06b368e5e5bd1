"""Twin of `spikecycle.simulator.schedule.roofline`: its rules in fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

from tests.reference.timesteps import NOTHING_HELD, Held, Row, whole_bursts


def run(
    rows: Sequence[Row],
    cycles_per_bit: Fraction,
    burst_bits: int,
    latency: int,
    start: str,
    start_bits: int,
    whole_cycles: str,
    held: Held = NOTHING_HELD,
) -> Counter[str]:
    """Cycles of a stage by category."""
    to_cycles = ceil if whole_cycles == "up" else floor
    loads = [whole_bursts(row.loads, burst_bits) for row in rows]
    stores = [whole_bursts(row.stores, burst_bits) for row in rows]
    ahead = 0
    if start == "first_row" and rows:
        ahead = loads[0]
    elif start == "fixed":
        ahead = start_bits
    fill = to_cycles(ahead * cycles_per_bit)
    rest = to_cycles(max(0, sum(loads) + sum(stores) - ahead) * cycles_per_bit)
    held_ahead = held.misses(rows[0].loads) if start == "first_row" and rows else 0
    fill, rest = fill + held_ahead, rest + sum(map(held.cycles, rows)) - held_ahead
    work = sum(row.compute + row.fetch for row in rows)
    breakdown = Counter(
        compute=sum(row.compute for row in rows), weight_fetch=sum(row.fetch for row in rows), dram_fill=fill
    )
    waits_ahead = sum(loads) > 0 and ahead > 0
    breakdown["dram_traffic"] = max(0, rest - work)
    if waits_ahead:
        breakdown["dram_latency"] = latency
    elif sum(loads) > 0:
        # the latency follows the channel's last cycle; both are hidden behind the work as far as it goes
        breakdown["dram_latency"] = max(0, rest + latency - max(work, rest))
    return breakdown
