"""A dense array in plain Python: work is put into PEs by counting, without formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample


def whole_groups(things: int, size: int) -> int:
    """How many full groups of `size` can be made."""
    groups = 0
    while things >= size:
        things -= size
        groups += 1
    return groups


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    array = machine.dataflow
    cycles = 0
    if operator.kind == "neuron":
        batches = whole_groups(network.timesteps, array.columns)
        cycles = whole_groups(batches * int(np.prod(operator.output.shape)), array.rows)
    elif operator.kind == "attention":
        shapes = [network.tensors[source.tensor].spec for source in operator.inputs]
        rows, terms, columns = operator.matrix_shapes(shapes)
        operations = sum(rows * terms * columns for _ in range(network.timesteps) for _ in range(operator.heads))
        cycles = whole_groups(operations, array.rows * array.columns) if array.attention == "counted" else 0
    else:
        shape = operator.shape
        terms = network.timesteps * shape.P * shape.Q * shape.C // shape.groups * shape.R * shape.S
        for _ in range(shape.groups):
            for _ in range(0, shape.M // shape.groups, array.columns):
                cycles += whole_groups(terms, array.rows) or 1
    return Expected(cycles, {"compute": cycles})
