"""Input scan in plain Python: a clock for every input that is looked at."""

from __future__ import annotations

from typing import Any

from tests.reference.expected import Expected, Sample


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    shape = operator.shape
    cycles = 0
    for _ in range(network.timesteps):
        for _ in range(shape.P * shape.Q):
            for _ in range(shape.groups):
                cycles += len(range(shape.C // shape.groups * shape.R * shape.S))
                cycles += machine.dataflow.pipeline_cycles
    return Expected(cycles, {"compute": cycles})
