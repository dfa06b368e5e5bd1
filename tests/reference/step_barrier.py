"""Twin of `spikecycle.simulator.schedule.step_barrier`: timestep after timestep, barrier after barrier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.reference.timesteps import Timestep


def barrier_cycles(active: int, table: Sequence[tuple[int, int]]) -> int:
    """What a barrier costs: table has (active resources at most, cycles), ascending."""
    cost = 0
    for limit, cycles in table:
        cost = cycles
        if active <= limit:
            break
    return cost


def run(steps: Sequence[Timestep], table: Sequence[tuple[int, int]]) -> tuple[Counter[str], list[tuple[int, int, int]]]:
    """Cycles by category, and the moments of each timestep: its beginning, the barrier's, and the barrier's end."""
    breakdown: Counter[str] = Counter()
    moments = []
    now = 0
    for step in steps:
        breakdown.update(step.breakdown)
        cost = barrier_cycles(step.active, table)
        breakdown["step_barrier"] += cost
        moments.append((now, now + step.cycles, now + step.cycles + cost))
        now += step.cycles + cost
    return breakdown, moments
