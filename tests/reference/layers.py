"""A population and the synapses that feed it as one convolution, put together weight by weight from its definition.

Input channels of all inputs lie side by side. A weight is named by output channel, input channel and where its input
lies seen from the window's corner without padding (row, column); an input without weights has 1 at its own place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.traces import LayerShape, Population
from tests.reference.expected import Sample, arriving


def layer_of(stage: Any, network: Any, sample: Sample) -> tuple[LayerTask, np.ndarray, Population]:
    """The layer, what enters it, (T, C, H, W), and its population."""
    (population,) = (operator for operator in stage.operators if operator.kind == "neuron")
    made_by = {operator.output.name: operator for operator in stage.operators if operator is not population}
    pool, sources = (1, 1), population.inputs
    for operator in stage.operators:
        if operator.kind == "pool":
            pool, sources = operator.window, operator.inputs
    bias = np.zeros(population.output.shape[0], np.int64)
    parts, bits, weight_bits = [], [], []
    weights: dict[tuple[int, int, int, int], int] = {}
    synapse = None
    channels = 0
    for source in sources:
        synapse = made_by.get(source.tensor) if source.delay == 0 else None
        entering = source if synapse is None else synapse.inputs[0]
        values = arriving(entering, sample)
        bits.append(network.tensors[entering.tensor].spec.bits)
        if synapse is None:
            weight_bits.append(2)
            for m in range(values.shape[1]):
                weights[m, channels + m, 0, 0] = 1
        else:
            shape, codes = synapse.shape, synapse.weights()
            first = shape
            bias += synapse.bias()
            weight_bits.append(synapse.weight_bits)
            values = values.reshape(len(values), *shape.input_shape)
            for m, c, r, s in np.ndindex(codes.shape):
                first_of_group = m // (shape.M // shape.groups) * (shape.C // shape.groups)
                row, column = r * shape.dilation[0] - shape.padding_top, s * shape.dilation[1] - shape.padding_left
                weights[m, channels + first_of_group + c, row, column] = int(codes[m, c, r, s])
        parts.append(values)
        channels += values.shape[1]
    if len(sources) == 1:  # as it is, with its groups
        shape, codes = _filled_up(synapse.shape, synapse.weights())
    else:
        shape, codes = _convolution(first, channels, weights)
    task = LayerTask(
        stage.name, shape, network.timesteps, max(bits), max(weight_bits), codes, bias.astype(np.int32),
        population.neuron, pool,
    )  # fmt: skip
    return task, np.concatenate(parts, axis=1), population


def _filled_up(shape: LayerShape, codes: np.ndarray) -> tuple[LayerShape, np.ndarray]:
    """A kernel with zeros in its holes."""
    size = {
        "R": shape.R + (shape.R - 1) * (shape.dilation[0] - 1),
        "S": shape.S + (shape.S - 1) * (shape.dilation[1] - 1),
    }
    filled = np.zeros((*codes.shape[:2], *size.values()), np.int32)
    for m, c, r, s in np.ndindex(codes.shape):
        filled[m, c, r * shape.dilation[0], s * shape.dilation[1]] = codes[m, c, r, s]
    return replace(shape, **size, dilation=(1, 1)), filled


def _convolution(
    one: LayerShape, channels: int, weights: dict[tuple[int, int, int, int], int]
) -> tuple[LayerShape, np.ndarray]:
    """The smallest kernel that has all weights, in windows of the same stride and number as those of `one`."""
    rows, columns = ({place[axis] for place in weights} for axis in (2, 3))
    top, left = -min(rows), -min(columns)
    kernel = (max(rows) + top + 1, max(columns) + left + 1)
    below = (one.P - 1) * one.stride[0] - top + kernel[0] - one.H
    right = (one.Q - 1) * one.stride[1] - left + kernel[1] - one.W
    codes = np.zeros((one.M, channels, *kernel), np.int32)
    for (m, c, row, column), weight in weights.items():
        codes[m, c, row + top, column + left] = weight
    shape = LayerShape(
        "conv2d", C=channels, H=one.H, W=one.W, M=one.M, R=kernel[0], S=kernel[1], stride=one.stride,
        padding=(top, max(0, below), left, max(0, right)),
    )  # fmt: skip
    return shape, codes
