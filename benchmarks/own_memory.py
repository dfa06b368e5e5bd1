"""Machines of the comparison study by its own rules of memory, and with this project's DRAM: bursts, latency, overlap.

    python benchmarks/own_memory.py [TRACE ...]

The study counts single bits at full bandwidth, no latency, and neurons that hide behind the operator before; Eyeriss,
SATO and MINT have no memory at all there. Here the same dataflow hands its traffic to the overlap policy `roofline`,
with bursts of 512 bits and 50 ns of latency, nothing hidden. Machines without traffic of their own are listed as they
are: what they hide cannot be told from the publication. By default all shipped traces, one sample of each.
"""

from __future__ import annotations

import sys
from typing import Any

from spikecycle.simulator import simulate
from spikecycle.traces import list_samples

OWN = {
    "dataflow.memory": "scheduled",
    "overlap": {"policy": "roofline", "start": "first_row"},
    "dram.burst_bits": 512,
    "dram.latency_ns": 50,
}
WITH_MEMORY = ("ptb", "prosperity_bit", "prosperity")
WITHOUT_MEMORY = ("eyeriss", "sato", "mint")
HEAD = ("trace", "machine", "cycles, study", "cycles, own memory", "change", "uJ, study", "uJ, own memory")


def row(trace: str, machine: str) -> tuple[str, ...]:
    """Cycles and energy of one sample by both."""
    published = simulate(trace, machine, samples=[0])
    texts = [trace, machine, f"{published.sum_cycles:,}"]
    energy = f"{published.sum_energy_pj / 1e6:.1f}"
    if machine in WITHOUT_MEMORY:
        return (*texts, "no traffic published", "", energy, "")
    settings: dict[str, Any] = OWN
    own = simulate(trace, machine, samples=[0], settings=settings)
    change = own.sum_cycles / published.sum_cycles - 1
    return (*texts, f"{own.sum_cycles:,}", f"{100 * change:+.1f} %", energy, f"{own.sum_energy_pj / 1e6:.1f}")


def main() -> None:
    """Print the table as Markdown."""
    print(f"| {' | '.join(HEAD)} |")
    print(f"|---|---|{'---:|' * (len(HEAD) - 2)}")
    for trace in sys.argv[1:] or list_samples():
        for machine in (*WITHOUT_MEMORY, *WITH_MEMORY):
            print(f"| {' | '.join(row(trace, machine))} |")


if __name__ == "__main__":
    main()
