"""Token-time bundles in plain Python: bundles are looked at one by one, and attention element by element."""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import Any

import numpy as np

from tests.reference.expected import Expected, Sample, arriving
from tests.reference.workload import Geometry, matrix


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    outputs = int(np.prod(operator.output.shape))
    if operator.kind == "neuron":
        cycles = network.timesteps * ceil(outputs / parameters.update_lanes)
        bits = outputs * network.timesteps * operator.output.bits
        return Expected(cycles, {"compute": cycles}, writes={"outputs": bits})
    inputs = [arriving(source, sample) for source in operator.inputs]
    bits = [network.tensors[source.tensor].spec.bits for source in operator.inputs]
    if operator.kind == "attention":
        return attention(parameters, operator, inputs, bits, sample[operator.output.name].size)
    return synapse(parameters, operator, np.abs(inputs[0].astype(int)), bits[0])


def cuts(size: int, step: int) -> list[range]:
    """A dimension in pieces."""
    return [range(start, min(start + step, size)) for start in range(0, size, step)]


def synapse(parameters: Any, operator: Any, inputs: np.ndarray, bits: int) -> Expected:
    """A convolution or linear operator."""
    shape = operator.shape
    geometry = Geometry(
        shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation, shape.groups
    )
    inputs = inputs.reshape(-1, *shape.input_shape)
    planes = [matrix(geometry, inputs, bit) for bit in range(bits)]
    channels = shape.M // shape.groups
    places = parameters.bundle_tokens * parameters.bundle_timesteps
    cycles = adds = dense_features = active_bundles = stored = 0
    for group in range(shape.groups):
        steps = [plane[group][t] for t in range(len(inputs)) for plane in planes]
        features = range(len(steps[0][0]))
        adds += channels * sum(sum(row) for rows in steps for row in rows)
        bundles = list(
            product(cuts(len(steps), parameters.bundle_timesteps), cuts(len(steps[0]), parameters.bundle_tokens))
        )
        active = [sum(any(steps[t][n][k] for t in ts for n in ns) for ts, ns in bundles) for k in features]
        dense = [k for k in features if active[k] / len(bundles) >= parameters.dense_from_percent / 100]
        sparse = sum(active[k] for k in features if k not in dense) * channels
        of_dense = 0
        for r, c in product(cuts(len(bundles), parameters.dense_rows), cuts(channels, parameters.dense_columns)):
            of_dense += 2 * len(r) + len(c) + len(dense) - 2 if dense else 0
        cycles += max(of_dense, ceil(sparse / parameters.sparse_pes))
        dense_features += len(dense)
        active_bundles += sum(active)
        stored += len(bundles) * len(features) + places * sum(active)
    return Expected(
        cycles,
        {"compute": cycles},
        {"pe.add": adds, "features.dense": dense_features, "bundles.active": active_bundles},
        {"weights": operator.weights().size * operator.weight_bits, "spikes": stored},
    )


def attention(parameters: Any, operator: Any, inputs: list[np.ndarray], bits: list[int], outputs: int) -> Expected:
    """The product of two tensors, head by head and timestep by timestep."""
    heads = operator.heads
    places = parameters.bundle_tokens * parameters.bundle_timesteps
    active_bundles = stored = cycles = total = 0
    kept: list[set[tuple[int, int, int]]] = []  # (timestep, head, token) of each operand
    sizes = []
    for values, width in zip(inputs, bits, strict=True):
        flat = values.reshape(len(values), heads, values.shape[1] // heads, -1)
        sizes.append(flat.shape[2:])
        own = set()
        for head, ts, ns in product(
            range(heads), cuts(len(flat), parameters.bundle_timesteps), cuts(flat.shape[3], parameters.bundle_tokens)
        ):
            active = [any(flat[t, head, c, n] for t in ts for n in ns) for c in range(flat.shape[2])]
            active_bundles += sum(active)
            stored += sum(1 + (places * width if each else 0) for each in active)
            if sum(active) >= max(1, parameters.prune_below):
                own |= {(t, head, n) for t in ts for n in ns}
        kept.append(own)
    (left_features, left_tokens), (right_features, right_tokens) = sizes
    for t, head in product(range(len(inputs[0])), range(heads)):
        left = [n for n in range(left_tokens) if (t, head, n) in kept[0]]
        right = [n for n in range(right_tokens) if (t, head, n) in kept[1]]
        rows, inner = (range(left_features), left) if operator.transpose_left else (left, range(left_features))
        other, columns = (range(right_features), right) if operator.transpose_right else (right, range(right_features))
        elements = len(rows) * len(set(inner) & set(other)) * len(columns)
        total += elements
        cycles += ceil(elements / parameters.attention_pes)
    return Expected(
        cycles,
        {"compute": cycles},
        {"attention.add": total, "bundles.active": active_bundles},
        {"spikes": stored},
        {"outputs": outputs * operator.output.bits},
    )
