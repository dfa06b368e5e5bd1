"""A dual-sparse tile product in plain Python: every tile is cut out, and every pair of its elements looked at."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from tests.reference import workload
from tests.reference.expected import Expected, Sample, arriving


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    if operator.kind == "neuron":
        return Expected(0, writes={"outputs": output_bits(machine.dataflow, operator, sample[operator.output.name])})
    shape = operator.shape
    geometry = workload.Geometry(
        shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation, shape.groups
    )
    inputs = arriving(operator.inputs[0], sample).reshape(-1, *shape.input_shape)
    bits = network.tensors[operator.inputs[0].tensor].spec.bits
    matrices = [workload.matrix(geometry, inputs, bit) for bit in range(bits)]
    total: Counter[str] = Counter()
    for group in range(shape.groups):
        spikes = [matrices[bit][group][t] for t in range(len(inputs)) for bit in range(bits)]
        outputs = shape.M // shape.groups
        weights = operator.weights()[group * outputs : (group + 1) * outputs].reshape(outputs, -1).T
        total.update(product_of(machine.dataflow, np.array(spikes), weights != 0, operator.weight_bits))
    sums = total["sums"]
    share = machine.dataflow.partial_sums.to_dram_percent
    to_dram = sums * share // 100
    cached = sums if share < 100 else 0
    words = {
        "cache.weights.read": total["weights read"], "cache.weights.write": total["weights loaded"],
        "cache.spikes.read": total["spikes read"], "cache.spikes.write": total["spikes loaded"],
        "cache.potentials.read": cached, "cache.potentials.write": cached,
    }  # fmt: skip
    return Expected(
        total["cycles"],
        {"compute": total["cycles"]},
        {"pe.add": total["pairs"], "correction.add": total["corrections"]}
        | {name: ceil(moved / machine.buffers.cache.width_bits) for name, moved in words.items()},
        {"weights": total["weights loaded"], "spikes": total["spikes loaded"], "potentials": to_dram},
        {"potentials": to_dram},
    )


def output_bits(parameters: Any, operator: Any, values: np.ndarray) -> int:
    """Bits that the output of a population, (T, C, H, W), takes in memory."""
    if operator.output.bits > 1:
        return int(values.size) * int(operator.output.bits)
    stored = 0
    for windows in zip(*of_neurons(values.reshape(len(values), -1), parameters), strict=True):
        for word in windows:
            stored += element_bits(parameters.spikes, any(word), word_bits(parameters))
    return stored


def of_neurons(spikes: np.ndarray, parameters: Any) -> Iterator[list[list[int]]]:
    """Every neuron's windows of spikes: spikes is (T, neurons)."""
    for train in spikes.T.tolist():
        if parameters.drop_single_spikes and sum(train) == 1:
            train = [0] * len(train)
        step = parameters.timesteps_at_once
        yield [train[start : start + step] for start in range(0, len(train), step)]


def word_bits(parameters: Any) -> int:
    """Bits of a spike word that is not 0, its index left out."""
    if parameters.spikes.index == "mask" and parameters.timesteps_at_once == 1:
        return 0
    return int(parameters.timesteps_at_once)


def element_bits(storage: Any, is_there: bool, bits: int) -> int:
    """Bits that an element of an operand takes."""
    if storage.index == "mask":
        return 1 + (bits if is_there else 0)
    return bits + storage.coordinate_bits if is_there else 0


class FirstInFirstOut:
    """A cache of tiles, by their names."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tiles: deque[tuple[Any, int]] = deque()

    def holds(self, name: Any) -> bool:
        """Whether the tile is there."""
        return any(name == other for other, _ in self.tiles)

    def put(self, name: Any, size: int) -> None:
        """Make room for a tile, and keep it if it fits."""
        while self.tiles and sum(other for _, other in self.tiles) + size > self.room:
            self.tiles.popleft()
        if size <= self.room:
            self.tiles.append((name, size))


def product_of(parameters: Any, spikes: np.ndarray, weights: np.ndarray, weight_bits: int) -> Counter[str]:
    """Spikes (T, rows, K) of one group with weights (K, N) that are not 0."""
    timesteps, rows, terms = spikes.shape
    # [row][k][window][timestep]
    trains = [list(of_neurons(spikes[:, row], parameters)) for row in range(rows)]
    channels = weights.shape[1]
    window_count = ceil(timesteps / parameters.timesteps_at_once)
    tile = parameters.tile
    steps = {
        "rows": range(0, rows, tile.rows), "fan_in": range(0, terms, tile.fan_in),
        "output_channels": range(0, channels, tile.output_channels), "timesteps": range(window_count),
    }  # fmt: skip
    caches = {
        "weights": FirstInFirstOut(parameters.weights.resident),
        "spikes": FirstInFirstOut(parameters.spikes.resident),
    }
    before: dict[str, Any] = {}
    total: Counter[str] = Counter()
    for places in product(*(steps[loop] for loop in parameters.loop_order)):
        at = dict(zip(parameters.loop_order, places, strict=True))
        ks = range(at["fan_in"], min(at["fan_in"] + tile.fan_in, terms))
        ns = range(at["output_channels"], min(at["output_channels"] + tile.output_channels, channels))
        ms = range(at["rows"], min(at["rows"] + tile.rows, rows))
        word = {(m, k): trains[m][k][at["timesteps"]] for m in ms for k in ks}
        pes: Counter[int] = Counter()
        for m, k, n in product(ms, ks, ns):
            if any(word[m, k]) and weights[k, n]:
                pes[m if parameters.pes_along == "rows" else n] += 1
                total["corrections"] += len(word[m, k]) - sum(word[m, k])
        pairs = sum(pes.values())
        total["pairs"] += pairs
        total["cycles"] += max(pes.values(), default=0)
        operands = {
            "weights": (
                (at["fan_in"], at["output_channels"]), [bool(weights[k, n]) for k in ks for n in ns], weight_bits,
            ),
            "spikes": (
                (at["timesteps"], at["rows"], at["fan_in"]), [any(word[m, k]) for m in ms for k in ks],
                word_bits(parameters),
            ),
        }  # fmt: skip
        for operand, (name, elements, bits) in operands.items():
            storage = getattr(parameters, operand)
            stored = sum(element_bits(storage, there, bits) for there in elements)
            if not caches[operand].holds(name):
                total[f"{operand} loaded"] += stored
                caches[operand].put(name, sum(elements))
            if storage.reads == "all":
                times = len(ms) if operand == "weights" and not parameters.weights_broadcast else 1
                total[f"{operand} read"] += times * stored
            else:
                total[f"{operand} read"] += pairs * (bits + (storage.coordinate_bits or 0))
                if before.get(operand) != name and storage.index == "mask":
                    total[f"{operand} read"] += len(elements)
            before[operand] = name
        touched = sum(any(weights[k, n] for k in ks) for n in ns)
        leaving = {"never": 0, "every_output": len(ns), "touched_channels": touched}[parameters.partial_sums.leave]
        total["sums"] += len(ms) * leaving * parameters.partial_sums.bits
    return total
