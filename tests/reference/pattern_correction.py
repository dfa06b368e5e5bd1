"""Patterns and corrections in plain Python: k-means and the choice of patterns bit by bit, tiles row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from spikecycle.traces import open_trace
from tests.reference.expected import Expected, Sample, arriving
from tests.reference.workload import Geometry, matrix

Slice = tuple[int, ...]
"""16 bits of a row."""


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    outputs = int(np.prod(operator.output.shape))
    if operator.kind == "neuron":
        cycles = network.timesteps * ceil(outputs / parameters.update_lanes)
        bits = outputs * network.timesteps * operator.output.bits
        return Expected(cycles, {"compute": cycles}, writes={"outputs": bits})
    calibration = parameters.calibration
    training = network if calibration.trace is None else open_trace(calibration.trace)
    taken = training.tensors[operator.inputs[0].tensor]
    seen = [
        rows_of(operator, training, {taken.spec.name: taken.values(number)})
        for number in range(min(calibration.samples, training.samples))
    ]
    channels = operator.shape.M // operator.shape.groups
    total: Counter[str] = Counter()
    values = arriving(operator.inputs[0], sample)
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    for group, rows in enumerate(rows_of(operator, network, sample)):
        places = len(rows[0])
        patterns = [
            calibrate([row[place] for of_sample in seen for row in of_sample[group]], calibration, (group, place))
            for place in range(places)
        ]
        for first, place in product(range(0, len(rows), parameters.tile_rows), range(places)):
            tile = [row[place] for row in rows[first : first + parameters.tile_rows]]
            total.update(tile_of(parameters, tile, patterns[place]))
        tiles = ceil(len(rows) / parameters.tile_rows)
        total["weights"] += tiles * channels * operator.weights()[0].size * operator.weight_bits
    lanes = ceil(channels / parameters.lanes)
    products = total["used"] * channels * parameters.product_bits
    id_bits = max(1, len(f"{calibration.patterns - 1:b}")) if calibration.patterns > 1 else 1
    return Expected(
        total["cycles"] * lanes,
        {"compute": total["cycles"] * lanes},
        {
            "pattern.add": total["with"] * channels, "correction.add": total["corrections"] * channels,
            "slices.pattern": total["with"], "slices.correction": total["corrections"],
        },
        {"weights": total["weights"] + products, "spikes": values.size * bits + total["with"] * id_bits},
    )  # fmt: skip


def rows_of(operator: Any, network: Any, sample: Mapping[str, Any]) -> list[list[list[Slice]]]:
    """[group][row][place]: slices of the im2col matrices of all timesteps and bits."""
    shape = operator.shape
    geometry = Geometry(
        shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation, shape.groups
    )
    inputs = arriving(operator.inputs[0], sample).reshape(-1, *shape.input_shape)
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    planes = [matrix(geometry, inputs, bit) for bit in range(bits)]
    found = []
    for group in range(shape.groups):
        rows = [row for t in range(len(inputs)) for plane in planes for row in plane[group][t]]
        found.append([[cut(row[start : start + 16]) for start in range(0, len(row), 16)] for row in rows])
    return found


def cut(bits: list[int]) -> Slice:
    """A slice, filled up with zeros."""
    return (*bits, *[0] * (16 - len(bits)))


def differing(one: Slice, other: Slice) -> int:
    """Bits that differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))


def tile_of(parameters: Any, tile: list[Slice], patterns: list[Slice]) -> Counter[str]:
    """Patterns, corrections and cycles of a tile."""
    found: Counter[str] = Counter()
    used = set()
    identifiers = []
    for one in tile:
        choices = [(1 + differing(one, pattern), index) for index, pattern in enumerate(patterns)]
        cost, index = min([*choices, (sum(one), -1)])
        found["corrections"] += cost if index < 0 else cost - 1
        identifiers.append(index >= 0)
        if index >= 0:
            used.add(index)
    level_1 = 0
    for start in range(0, len(tile), parameters.ids_per_cycle):
        level_1 += max(1, ceil(sum(identifiers[start : start + parameters.ids_per_cycle]) / parameters.channels))
    found["with"] = sum(identifiers)
    found["used"] = len(used)
    found["cycles"] = max(level_1, ceil(found["corrections"] / parameters.channels))
    return found


def value_of(one: Slice) -> int:
    """The slice as a number, its first bit the lowest."""
    return sum(bit << place for place, bit in enumerate(one))


def calibrate(seen: list[Slice], calibration: Any, place: tuple[int, int]) -> list[Slice]:
    """The patterns of one place."""
    counts = Counter(one for one in seen if sum(one) > 1)
    slices = sorted(counts, key=value_of)
    if len(slices) <= calibration.patterns:
        return slices
    draws = np.random.default_rng((calibration.seed, *place)).integers(0, 2**62, calibration.patterns).tolist()
    centres: list[list[int]] = []
    started: list[Slice] = []
    for draw in draws:
        shares = [counts[one] * min([differing(one, other) for other in started] or [1]) for one in slices]
        left = draw % max(1, sum(shares))
        chosen = len(slices) - 1
        for index, share in enumerate(shares):
            if left < share:
                chosen = index
                break
            left -= share
        started.append(slices[chosen])
        centres.append([256 * bit for bit in slices[chosen]])
    for _ in range(calibration.iterations):
        members: dict[int, list[Slice]] = {}
        for one in slices:
            distances = [sum((256 * bit - c) ** 2 for bit, c in zip(one, centre, strict=True)) for centre in centres]
            members.setdefault(distances.index(min(distances)), []).append(one)
        for index, own in members.items():
            weight = sum(counts[one] for one in own)
            centres[index] = [256 * sum(counts[one] * one[bit] for one in own) // weight for bit in range(16)]
    rounded = {tuple(int(c >= 128) for c in centre) for centre in centres}
    return sorted((one for one in rounded if sum(one) > 1), key=value_of)
