"""Product sparsity in plain Python: rows of a tile are sets of columns, and every row looks at every other."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample, arriving
from tests.reference.im2col import im2col


def tile(rows: list[set[int]], product: bool) -> tuple[int, int]:
    """(additions, preparation) of one tile, in cycles."""
    if not product:
        return sum(len(row) for row in rows), 0
    adds = 0
    for i, row in enumerate(rows):
        prefixes = [
            (len(other), -j) for j, other in enumerate(rows) if j != i and other <= row and (other != row or j < i)
        ]
        if len(row) < 2 or not prefixes:
            adds += len(row)
            continue
        _, place = max(prefixes)
        left = row - rows[-place]
        adds += len(left) if left else 1
    return adds, sum(len(row) >= 2 for row in rows) + math.floor(len(rows) / 8)


@dataclass
class Run:
    """A machine at work: what it took so far."""

    machine: Any
    compute: int = 0
    fill: int = 0
    traffic: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)

    @property
    def bits_per_cycle(self) -> Fraction:
        """Of the DRAM channel."""
        return Fraction(self.machine.dram.bandwidth_gbit_per_s * 1000, self.machine.technology.clock_mhz)

    def multiply(
        self,
        planes: list[list[set[int]]],
        fan_in: int,
        outputs: int,
        taps: int,
        spikes_there: bool,
        weights_there: bool,
    ) -> None:
        """One matrix by its weights: tile after tile. planes: rows as sets of columns, for each bit plane."""
        parameters = self.machine.dataflow
        height, width, across = parameters.tile_rows, parameters.tile_columns, parameters.tile_outputs
        adds = prepare = spikes = weights = first = 0
        for rows in planes:
            for n in range(0, outputs, across):
                for m in range(0, len(rows), height):
                    for k in range(0, fan_in, width):
                        columns = min(width, fan_in - k)
                        part = [{c for c in row if k <= c < k + columns} for row in rows[m : m + height]]
                        found = tile(part, parameters.sparsity == "product")
                        adds, prepare = adds + found[0], prepare + found[1]
                        fetched_again = len(rows) * fan_in > height * width
                        if not spikes_there and (n == 0 or fetched_again):
                            spikes += math.floor(len(part) * columns / taps)
        rows = planes[0]
        if not weights_there:
            whole = fan_in * outputs * parameters.weight_bits
            once = whole <= width * across * parameters.weight_bits or fan_in <= width
            weights = sum(whole for m in range(0, len(rows), height) if m == 0 or not once)
            first += min(width, fan_in) * min(across, outputs) * parameters.weight_bits
        if not spikes_there:
            first += min(height, len(rows)) * min(width, fan_in)
        compute = max(adds, prepare)
        self.compute += compute
        self.counts.update({"adders.add": adds, "detector.prepare": prepare})
        self.reads.update({"spikes": spikes, "weights": weights})
        if parameters.memory == "published":
            self.fill += math.floor(first / self.bits_per_cycle)
            self.traffic += max(0, math.floor((spikes + weights - first) / self.bits_per_cycle) - compute)

    def expected(self, written: int = 0) -> Expected:
        """All of it."""
        causes = {"compute": self.compute, "dram_fill": self.fill, "dram_traffic": self.traffic}
        return Expected(sum(causes.values()), causes, self.counts, self.reads, {"outputs": written})


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    if operator.kind == "neuron":
        return _neurons(machine, operator, network)
    there = _in_buffer(machine, operator, network)
    if operator.kind == "attention":
        return _attention(machine, operator, network, sample, there)
    run, shape = Run(machine), operator.shape
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    fan_in = shape.C // shape.groups * shape.R * shape.S
    for planes in im2col(operator, sample):
        rows = [
            [{k for k in range(fan_in) if plane[t][position][k]}
             for position in range(shape.P * shape.Q) for t in range(network.timesteps)]
            for plane in planes[:bits]
        ]  # fmt: skip
        run.multiply(rows, fan_in, shape.M // shape.groups, shape.R * shape.S, there, False)
    return run.expected()


def _attention(machine: Any, operator: Any, network: Any, sample: Sample, there: bool) -> Expected:
    run = Run(machine)
    operands = []
    for source, transposed in zip(operator.inputs, (operator.transpose_left, operator.transpose_right), strict=True):
        values = np.abs(arriving(source, sample).astype(int))
        size = values.shape[1] // operator.heads
        heads = [
            [step[head * size : (head + 1) * size].reshape(size, -1).T for head in range(operator.heads)]
            for step in values
        ]
        operands.append([[matrix.T if transposed else matrix for matrix in step] for step in heads])
    bits = [network.tensors[source.tensor].spec.bits for source in operator.inputs]
    products = {each.output.name for each in network.operators if each.kind == "attention"}
    of_product = any(source.tensor in products for source in operator.inputs)
    written = 0
    for lefts, rights in zip(*operands, strict=True):
        for left, right in zip(lefts, rights, strict=True):
            matrix, width, outputs = left, bits[0], right.shape[1]
            if bits[1] < bits[0]:
                matrix, width, outputs = right.T, bits[1], left.shape[0]
            terms = matrix.shape[1]
            parameters = machine.dataflow
            fits = terms * outputs < parameters.tile_columns * parameters.tile_outputs
            planes = [[{k for k in range(terms) if row[k] >> bit & 1} for row in matrix] for bit in range(width)]
            run.multiply(planes, terms, outputs, 1, there, fits if of_product else there)
            written += len(matrix) * outputs if of_product and not fits else 0
    return run.expected(written)


def _neurons(machine: Any, operator: Any, network: Any) -> Expected:
    parameters, neurons = machine.dataflow, int(np.prod(operator.output.shape))
    cycles = sum(2 * network.timesteps for _ in range(0, neurons, parameters.update_lanes))
    cycles *= 2 if len(operator.neuron.current_leak_numerator) else 1
    bits = neurons * network.timesteps
    written = bits if bits >= parameters.tile_rows * parameters.tile_columns else 0
    causes = {"compute": cycles}
    if parameters.memory == "published":
        causes["dram_traffic"] = max(0, math.floor(written / Run(machine).bits_per_cycle) - cycles)
    return Expected(sum(causes.values()), causes, {}, {}, {"outputs": written})


def _in_buffer(machine: Any, operator: Any, network: Any) -> bool:
    """Whether the last population before, unless attention came between, left its spikes on chip."""
    flag = False
    for each in network.operators:
        if each.name == operator.name:
            return flag
        if each.kind == "neuron":
            parameters = machine.dataflow
            bits = int(np.prod(each.output.shape)) * network.timesteps
            flag = bits < parameters.tile_rows * parameters.tile_columns
        elif each.kind == "attention":
            flag = False
    raise AssertionError("the operator is not in its network")
