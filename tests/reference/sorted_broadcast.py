"""A time-sorted broadcast in plain Python: spines are lists of spikes, and really merged."""

from __future__ import annotations

from heapq import merge
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample, arriving
from tests.reference.workload import Geometry

Spike = tuple[int, int, int]
"""Time, bit, channel."""


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    if operator.kind == "neuron":
        return stored(parameters, operator, sample[operator.output.name])
    shape = operator.shape
    values = arriving(operator.inputs[0], sample)
    if operator.kind == "linear":
        channels, height, width = values.shape[1:]
        geometry = Geometry(channels, height, width, shape.M, height, width)
    else:
        geometry = Geometry(
            shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation,
            shape.groups,
        )  # fmt: skip
    array = Array(parameters, operator.weight_bits)
    for group in range(geometry.groups):
        array.run_group(geometry, values, group)
    return Expected(
        array.load + array.compute,
        {"load": array.load, "compute": array.compute},
        {"pe.add": array.adds, "filters.read": array.broadcasts, "input_spines.read": array.broadcasts},
        {"weights": array.weight_bits_loaded, "spikes": array.broadcasts * parameters.entry_bits},
    )


def stored(parameters: Any, operator: Any, values: np.ndarray) -> Expected:
    """What a population sends."""
    bytes_per_cycle = parameters.dram_bytes_per_cycle
    if operator.output.bits > 1:
        bits = values.size * operator.output.bits
        cycles = ceil(bits / 8 / bytes_per_cycle)
        return Expected(cycles, {"store": cycles}, writes={"outputs": bits})
    cycles = spikes = 0
    for h, w in product(range(values.shape[2]), range(values.shape[3])):
        spine = [t for t in range(len(values)) for c in range(values.shape[1]) if values[t, c, h, w]]
        spikes += len(spine)
        while spine:
            now, spine = spine[: parameters.output_spine_entries], spine[parameters.output_spine_entries :]
            cycles += len(now) + ceil(len(now) * parameters.entry_bits / 8 / bytes_per_cycle)
    return Expected(cycles, {"store": cycles}, writes={"outputs": spikes * parameters.entry_bits})


class Array:
    """The machine, step by step."""

    def __init__(self, parameters: Any, weight_bits: int) -> None:
        self.parameters = parameters
        self.weight_bits = weight_bits
        self.load = self.compute = self.adds = self.broadcasts = self.weight_bits_loaded = 0
        self.computed_since_load = 0

    def fetch(self, bits: int) -> None:
        """A load that hides behind what was computed since the one before."""
        cycles = ceil(bits / (8 * self.parameters.dram_bytes_per_cycle))
        self.load += max(0, cycles - self.computed_since_load)
        self.computed_since_load = 0

    def work(self, cycles: int) -> None:
        """Cycles of computing."""
        self.compute += cycles
        self.computed_since_load += cycles

    def run_group(self, geometry: Geometry, values: np.ndarray, group: int) -> None:
        """All output positions of a group of channels."""
        parameters = self.parameters
        channels = geometry.M // geometry.groups
        inputs = range(group * geometry.C // geometry.groups, (group + 1) * geometry.C // geometry.groups)
        tiles = [range(first, min(first + parameters.pes, channels)) for first in range(0, channels, parameters.pes)]
        fan_in = len(inputs) * geometry.R * geometry.S
        bits = fan_in * parameters.pes * self.weight_bits
        holds = parameters.filter_rows // fan_in
        held: list[int] = []
        self.computed_since_load = 0
        rows, columns = geometry.outputs()
        for h0, w0 in product(rows, columns):
            spines: list[list[Spike]] = []
            for r, s in product(range(geometry.R), range(geometry.S)):
                h, w = h0 + r * geometry.dilation[0], w0 + s * geometry.dilation[1]
                if 0 <= h < geometry.H and 0 <= w < geometry.W:
                    spines.append(spine(values[:, inputs, h, w]))
            for tile, outputs in enumerate(tiles):
                if tile in held:
                    self.computed_since_load = 0
                else:
                    held = [(tile + i) % len(tiles) for i in range(min(max(holds, 1), len(tiles)))]
                    self.weight_bits_loaded += len(held) * bits
                    self.fetch(len(held) * bits)
                    if not holds:
                        held = []
                self.run_tile(spines, len(outputs))

    def run_tile(self, spines: list[list[Spike]], outputs: int) -> None:
        """Merge the spines and broadcast them."""
        parameters = self.parameters
        step = parameters.spines_per_batch
        batches = [spines[first : first + step] for first in range(0, len(spines), step)]
        runs = []
        for batch in batches:
            self.fetch(sum(map(len, batch)) * parameters.entry_bits)
            runs.append(list(merge(*batch)))
            if len(runs) < len(batches):
                self.work(len(runs[-1]))
        self.computed_since_load = 0
        while len(runs) > parameters.merge_ways:
            runs = [
                list(merge(*runs[first : first + parameters.merge_ways]))
                for first in range(0, len(runs), parameters.merge_ways)
            ]
            self.work(sum(map(len, runs)))
            if parameters.merge_ways == 1:
                break
        merged = list(merge(*runs))
        assert merged == sorted(merged)
        self.work(len(merged) + parameters.pipeline_cycles)
        self.broadcasts += len(merged)
        self.adds += len(merged) * outputs


def spine(values: np.ndarray) -> list[Spike]:
    """Spikes of one position, (T, channels), in the order of time; each set bit is one."""
    return [
        (t, bit, c)
        for t in range(len(values))
        for bit in range(16)
        for c in range(values.shape[1])
        if int(values[t, c]) >> bit & 1
    ]
