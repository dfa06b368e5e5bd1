"""A dense systolic array in plain Python: the product is really computed, cycle by cycle, by operands that move.

In every cycle the left operands move one PE to the right and the upper ones one PE down. Cycles are counted from the
first operand that enters until the last sum has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as product_of
from typing import Any

import numpy as np

from spikecycle.traces import LayerShape
from tests.reference.expected import Expected, Sample, arriving


def output_stationary(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """left (r, K) times right (K, c) on r x c PEs whose sums stay; returns the product and its cycles."""
    rows, terms = left.shape
    columns = right.shape[1]
    sums = np.zeros((rows, columns), np.int64)
    done = np.zeros((rows, columns), np.int64)
    cycle = 0
    while done.min(initial=terms) < terms:
        for r in range(rows):
            for c in range(columns):
                k = cycle - r - c  # operands enter row r and column c with a skew of r and c cycles
                if 0 <= k < terms:
                    sums[r, c] += left[r, k] * right[k, c]
                    done[r, c] += 1
        cycle += 1
    return sums, cycle + rows  # sums leave through the rows, one row per cycle


def weight_stationary(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """left (A, r) times right (r, c) on r x c PEs whose weights stay; returns the product and its cycles."""
    stream, rows = left.shape
    columns = right.shape[1]
    cycle = rows  # weights are filled in, one row per cycle
    sums = np.zeros((stream, columns), np.int64)
    done = np.zeros((stream, columns), np.int64)
    while done.min(initial=rows) < rows:
        for r in range(rows):
            for c in range(columns):
                a = cycle - rows - r - c
                if 0 <= a < stream:
                    sums[a, c] += left[a, r] * right[r, c]
                    done[a, c] += 1
        cycle += 1
    return sums, cycle


def tiled(left: np.ndarray, right: np.ndarray, rows: int, columns: int, stationary: str) -> tuple[np.ndarray, int]:
    """left (A, K) times right (K, N) on an array of rows x columns, tile by tile."""
    product = np.zeros((left.shape[0], right.shape[1]), np.int64)
    cycles = 0
    for n in range(0, right.shape[1], columns):
        if stationary == "outputs":
            for a in range(0, left.shape[0], rows):
                tile, taken = output_stationary(left[a : a + rows], right[:, n : n + columns])
                product[a : a + rows, n : n + columns] += tile
                cycles += taken
        else:
            for k in range(0, left.shape[1], rows):
                tile, taken = weight_stationary(left[:, k : k + rows], right[k : k + rows, n : n + columns])
                product[:, n : n + columns] += tile
                cycles += taken
    return product, cycles


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample; products that it computes are those of the network."""
    (operator,) = stage.operators
    inputs = [arriving(source, sample) for source in operator.inputs]
    output = sample[operator.output.name]
    array = (machine.dataflow.rows, machine.dataflow.columns, machine.dataflow.stationary)
    weight_bits = additions = values = cycles = 0
    if operator.kind in ("conv1d", "conv2d", "linear"):
        weights = operator.weights()
        weight_bits = weights.size * operator.weight_bits
        found = np.zeros((network.timesteps, *operator.shape.output_shape), np.int64)
        for channels, left, right in _convolution(operator.shape, weights, inputs[0]):
            product, taken = tiled(left, right, *array)
            found[:, channels] = product.reshape(len(found), operator.shape.P, operator.shape.Q, -1).transpose(
                0, 3, 1, 2
            )
            cycles += taken
            additions += left.shape[0] * left.shape[1] * right.shape[1]
        assert np.array_equal(found + operator.bias()[:, None, None], output)
    elif operator.kind == "attention":
        for t in range(network.timesteps):
            heads = [np.split(values[t].reshape(values.shape[1], -1), operator.heads) for values in inputs]
            columns = []
            for one, other in zip(*heads, strict=True):  # (channels, positions) each
                left = one if operator.transpose_left else one.T
                right = other if operator.transpose_right else other.T
                product, taken = tiled(left, right, *array)
                columns.append(product >> operator.shift)
                cycles += taken
                additions += left.shape[0] * left.shape[1] * right.shape[1]
            assert np.array_equal(np.concatenate(columns, axis=1).T.ravel(), output[t].ravel())
    elif operator.kind == "pool":
        values = output.size * operator.window[0] * operator.window[1]
    else:
        values = sum(each.size for each in inputs)
    while values > 0:  # the vector unit
        values -= machine.dataflow.columns
        cycles += 1
    specs = [network.tensors[source.tensor].spec for source in operator.inputs]
    return Expected(
        cycles,
        {"compute": cycles},
        {"pe.add": additions},
        {"weights": weight_bits, "spikes": sum(i.size * s.bits for i, s in zip(inputs, specs, strict=True))},
        {"outputs": output.size * operator.output.bits},
    )


def _convolution(
    shape: LayerShape, weights: np.ndarray, inputs: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Output channels, im2col matrix and weight matrix of each group."""
    inputs = inputs.reshape(len(inputs), *shape.input_shape)
    group_inputs, group_outputs = shape.C // shape.groups, shape.M // shape.groups
    for group in range(shape.groups):
        rows = []
        for t, p, q in product_of(range(len(inputs)), range(shape.P), range(shape.Q)):
            row = []
            for c, r, s in product_of(range(group_inputs), range(shape.R), range(shape.S)):
                h = p * shape.stride[0] + r * shape.dilation[0] - shape.padding_top
                w = q * shape.stride[1] + s * shape.dilation[1] - shape.padding_left
                inside = 0 <= h < shape.H and 0 <= w < shape.W
                row.append(int(inputs[t, group * group_inputs + c, h, w]) if inside else 0)
            rows.append(row)
        channels = slice(group * group_outputs, (group + 1) * group_outputs)
        yield channels, np.array(rows), weights[channels].reshape(group_outputs, -1).T
