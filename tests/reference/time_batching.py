"""Parallel time batching in plain Python: words are sets of columns, and each looks ahead for its partner."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample
from tests.reference.im2col import Matrix, im2col


def windows(matrix: Matrix, window: int) -> list[list[int]]:
    """Rows of the matrix of the windows: what fires in any timestep of a window."""
    timesteps = 1
    while timesteps < len(matrix) or timesteps < window:
        timesteps *= 2
    positions, columns = len(matrix[0]), len(matrix[0][0])
    rows = []
    for first in range(0, timesteps, window):
        inside = [matrix[t] for t in range(first, min(first + window, len(matrix)))]
        for position in range(positions):
            rows.append([int(any(step[position][k] for step in inside)) for k in range(columns)])
    return rows


def length(words: list[set[int]]) -> int:
    """What is left of a list of words after packing."""
    left = [word for word in words if word]
    taken = [False] * len(left)
    found = 0
    for i, word in enumerate(left):
        if taken[i]:
            continue
        found += 1
        for j in range(i + 1, len(left)):
            if not taken[j] and not word & left[j]:
                taken[j] = True
                break
    return found


def lengths(rows: list[list[int]], columns: int) -> int:
    """Sum over the matrices: rows side by side, as far apart as there are matrices."""
    matrices = math.ceil(len(rows) / columns)
    total = 0
    for j in range(matrices):
        chosen = [rows[at] for at in range(j, len(rows), matrices)]
        total += length([{c for c, row in enumerate(chosen) if row[k]} for k in range(len(rows[0]))])
    return total


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    array = machine.dataflow
    timesteps = network.timesteps
    if operator.kind == "neuron":
        states = int(np.prod(operator.output.shape)) * (2 if len(operator.neuron.current_leak_numerator) else 1)
        cycles = math.floor(Fraction(3 * states * timesteps, array.rows))
        return Expected(cycles, {"compute": cycles})
    shape = operator.shape
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    positions, fan_in = shape.P * shape.Q, shape.C // shape.groups * shape.R * shape.S
    compute = 0
    for planes in im2col(operator, sample):
        for plane in planes[:bits]:
            if operator.kind == "linear":
                found = sum(any(step[0][k] for step in plane) for k in range(fan_in))
            else:
                found = lengths(windows(plane, array.window), array.columns)
            for _ in range(0, shape.M // shape.groups, array.rows):
                compute += found * array.window
        compute += positions * array.fill_cycles
    reads = {
        "spikes": timesteps * positions * fan_in * shape.groups * bits,
        "weights": shape.M * fan_in * array.weight_bits,
    }
    writes = {"outputs": timesteps * positions * shape.M}
    causes = {"compute": compute}
    if array.memory == "published":
        bits_per_cycle = Fraction(machine.dram.bandwidth_gbit_per_s * 1000, machine.technology.clock_mhz)
        traffic = sum(reads.values()) + sum(writes.values()) - array.first_load_bits
        causes["dram_fill"] = math.floor(array.first_load_bits / bits_per_cycle)
        causes["dram_traffic"] = max(0, math.floor(traffic / bits_per_cycle) - compute)
    return Expected(sum(causes.values()), causes, {}, reads, writes)
