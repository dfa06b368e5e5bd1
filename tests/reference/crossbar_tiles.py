"""Crossbar tiles in plain Python: every block of a kernel, every output position, every timestep."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.expected import Expected, Sample


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """A layer on one sample."""
    array, size = machine.dataflow, machine.crossbar.size
    counts: Counter[str] = Counter()
    cycles = 0
    for _ in range(network.timesteps):
        longest = 0
        for synapse in stage.operators[:-1]:
            shape = synapse.shape
            served = array.epitomes.get(synapse.name, 1)
            columns = []
            for channel in range(0, shape.M // shape.groups, served):
                bits = synapse.weight_bits
                while bits > 0:
                    columns.append(channel)
                    bits -= array.cell_bits or bits
            width = network.tensors[synapse.inputs[0].tensor].spec.bits
            rounds = 0
            for _ in range(shape.P * shape.Q * served * width):
                rounds += 1
                for _ in range(shape.groups):
                    for _ in range(0, shape.C // shape.groups, size):
                        for _ in range(0, len(columns), size):
                            counts[f"pe.cycle_{shape.R * shape.S}"] += 1
            longest = max(longest, rounds)
        cycles += longest * array.pe_cycle_cycles
    return Expected(cycles, {"compute": cycles}, counts)
