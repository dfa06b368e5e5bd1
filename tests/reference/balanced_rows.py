"""Balanced rows in plain Python: PEs are a list, each row goes to the first with the smallest sum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample
from tests.reference.im2col import im2col


def fullest(rows: list[int], pes: int) -> int:
    """Largest sum after all rows are dealt out."""
    shares = [0] * pes
    for spikes in rows:
        shares[shares.index(min(shares))] += spikes
    return max(shares)


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    if operator.kind == "neuron":
        depth = math.log(network.timesteps, 2) + 1
        cycles = math.floor(int(np.prod(operator.output.shape)) * depth + 0.5)
        return Expected(cycles, {"compute": cycles})
    cycles = 0
    for planes in im2col(operator, sample):
        timesteps, positions = len(planes[0]), len(planes[0][0])
        rows = [
            sum(sum(plane[t][position]) for plane in planes) for t in range(timesteps) for position in range(positions)
        ]
        cycles += fullest(rows, machine.dataflow.pes) * (operator.shape.M // operator.shape.groups)
    return Expected(cycles, {"compute": cycles})
