"""Clock-driven arrays in plain Python: inputs, neurons and timesteps are gone through one group after the other."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.expected import Expected, Sample, arriving


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """A layer on one sample."""
    array = machine.dataflow
    population = stage.operators[-1]
    makers = {operator.output.name: operator for operator in stage.operators[:-1]}
    sources = [makers[source.tensor].inputs[0] if source.tensor in makers else source for source in population.inputs]
    neurons = range(population.output.count)
    at_once = array.neurons_at_once or len(neurons)
    breakdown: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for t in range(network.timesteps):
        now = [arriving(source, sample)[t].reshape(-1) for source in sources]
        bits = [network.tensors[source.tensor].spec.bits for source in sources]
        if array.skip_empty_steps and not any(values.any() for values in now):
            counts["array.skip"] += 1
        else:
            for values, width in zip(now, bits, strict=True):
                counts["array.scan"] += len(values) * width
                for _ in neurons[::at_once]:
                    for _ in range(width):
                        for _ in range(0, len(values), array.inputs_at_once):
                            breakdown["compute"] += 1
        if array.updates_at_once:
            breakdown["update"] += len(neurons[:: array.updates_at_once])
        breakdown["step"] += array.step_cycles
        counts["array.update"] += len(neurons)
    return Expected(sum(breakdown.values()), breakdown, counts)
