"""Neuron sweep in plain Python: every event visits every neuron of its core, state by state of the controller."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.cores import Chip, events
from tests.reference.expected import Expected, Sample


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """The network on one sample."""
    chip = Chip(machine.dataflow.mapping, network)
    arriving, _, leaving = events(chip, sample)
    breakdown: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for step in range(chip.steps - 1):
        for core, neurons in enumerate(chip.neurons):
            for _ in range(arriving[step, core]):
                breakdown["control"] += 1 + 1 + 4 + 1 + 1  # wait, push, request goes, wait, pop
                counts["queue.event"] += 1
                for position, _ in enumerate(neurons):
                    breakdown["compute"] += 2
                    if position % 8 == 0:
                        counts["synapses.read"] += 2
                    counts.update(("neurons.read", "neurons.write", "neuron.add"))
            for _ in neurons:
                breakdown["time_reference"] += 2
                counts.update(("neurons.read", "neurons.write", "neuron.add"))
            breakdown["control"] += 1 + 4 + 3  # wait, request goes, the next one comes
            sent = leaving if machine.dataflow.spikes_sent_by == "neurons" else arriving
            for _ in range(sent[step, core]):
                breakdown["output"] += 8 + machine.dataflow.acknowledge_cycles
                counts["output.spike"] += 1
    return Expected(sum(breakdown.values()), breakdown, counts)
