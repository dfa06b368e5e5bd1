"""Fan-out walk in plain Python: spike by spike, synapse by synapse, neuron by neuron."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.cores import Chip, events
from tests.reference.expected import Expected, Sample


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """The network on one sample."""
    chip = Chip(machine.dataflow.mapping, network)
    arriving, passed, leaving = events(chip, sample)
    breakdown: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for step in range(chip.steps - 1):
        for core in range(len(chip.neurons)):
            breakdown["step"] += 4
            for _ in range(arriving[step, core]):
                breakdown["spikes"] += 3
                counts["index.read"] += 1
            for _ in range(passed[step, core]):
                breakdown["compute"] += 6
                counts.update(("pool.read", "accumulators.read", "accumulators.write", "core.add"))
            for _ in range(machine.dataflow.mapping.neurons_per_core):
                breakdown["compute"] += 4
                counts.update(("accumulators.read", "accumulators.write", "core.add", "states.read", "states.write"))
            counts["output.spike"] += leaving[step, core]
    return Expected(sum(breakdown.values()), breakdown, counts)
