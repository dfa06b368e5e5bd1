"""Gustavson products in two stages in plain Python: rows are lists of columns, and really merged."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample, arriving
from tests.reference.workload import Geometry, matrix


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    if operator.kind == "neuron":
        return Expected(0, writes={"outputs": sample[operator.output.name].size * operator.output.bits})
    shape = operator.shape
    geometry = Geometry(
        shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation, shape.groups
    )
    inputs = arriving(operator.inputs[0], sample).reshape(-1, *shape.input_shape)
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    planes = [matrix(geometry, inputs, bit) for bit in range(bits)]
    channels = shape.M // shape.groups
    total: Counter[str] = Counter()
    cycles = 0
    for group in range(shape.groups):
        timesteps = [plane[group][t] for t in range(len(inputs)) for plane in planes]
        weights = operator.weights()[group * channels : (group + 1) * channels].reshape(channels, -1)
        of_numbers: Counter[int] = Counter()
        for start in range(0, channels, parameters.potentials):
            own = weights[start : start + parameters.potentials]
            number = start // parameters.potentials % parameters.pes_per_tile
            times = [0] * parameters.tiles
            for position in range(len(timesteps[0])):
                for rows in timesteps:
                    times[position % parameters.tiles] += timestep(parameters, rows[position], own, total)
            of_numbers[number] += max(times)
            total["waited"] += sum(max(times) - own_time for own_time in times)
        cycles += max(of_numbers.values())
    weights = operator.weights()
    sets = ceil(channels / (parameters.potentials * parameters.pes_per_tile))
    words = total["rows"] * ceil(parameters.potentials * operator.weight_bits / machine.buffers.weights.width_bits)
    return Expected(
        cycles,
        {"compute": cycles},
        {"pe.add": total["added"], "pe.merge": total["columns"], "pe.wait": total["waited"], "weights.read": words},
        {
            "weights": sum(1 + (operator.weight_bits if code else 0) for code in weights.ravel().tolist()),
            "spikes": sets * inputs.size * bits,
        },
    )


def timestep(parameters: Any, spikes: list[int], weights: np.ndarray, total: Counter[str]) -> int:
    """Cycles of one PE; weights: of its channels, (channels, K)."""
    rows = [
        [channel for channel in range(len(weights)) if weights[channel, k]] for k, spike in enumerate(spikes) if spike
    ]
    rows = [row for row in rows if row]
    cycles: int = parameters.update_cycles + (1 if rows else 0)
    while rows:
        fetched, rows = rows[: parameters.rows_at_once], rows[parameters.rows_at_once :]
        total["rows"] += len(fetched)
        while any(fetched):
            smallest = min(row[0] for row in fetched if row)
            for row in fetched:
                if row and row[0] == smallest:
                    row.pop(0)
                    total["added"] += 1
            total["columns"] += 1
            cycles += 1
    return cycles
