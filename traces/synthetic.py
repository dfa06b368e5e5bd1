"""Seeded synthetic traces: independent spikes at a density, weights with an exact share of zeros.

For benchmarks and tests. Sizes and traffic are those of a network, contents are noise: recorded outputs, where asked
for, are drawn too and do not follow from the inputs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.layer import LayerParameters
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.schema import MAX_INPUT_BITS, MAX_WEIGHT_BITS, MIN_WEIGHT_BITS
from spikecycle.traces.shape import LayerShape
from spikecycle.traces.writer import TraceWriter

WEIGHTS, INPUTS, OUTPUTS = range(3)  # streams of random numbers, so that one does not move when another changes
LEAK_NUMERATOR, LEAK_SHIFT = 1, 1  # a potential halves each timestep, the discrete LIF neuron with tau = 2
# With that leak a potential's deviation is 1 / sqrt(1 - 1/4) times that of one timestep's sum; a normal variable
# exceeds 1.4 deviations in 8 % of the cases.
THRESHOLD_IN_DEVIATIONS_OF_THE_SUM = 1.4 / math.sqrt(1 - 0.25)


def reference_network() -> tuple[LayerShape, ...]:
    """The network that performance is measured on: five convolutions and two dense layers, 839 M SOPs per timestep.

    Source: DESIGN.md, "Performance", after the DVS128 network of arXiv 2302.04174.
    """
    maps = (128, 64, 32, 16, 8)
    convolutions = tuple(
        LayerShape("conv2d", C=2 if side == maps[0] else 128, H=side, W=side, M=128, R=3, S=3, padding=(1, 1))
        for side in maps
    )
    return (*convolutions, LayerShape.linear(2048, 512), LayerShape.linear(512, 110))


def synthetic_trace(
    path: str | os.PathLike[str],
    shapes: Sequence[LayerShape],
    timesteps: int,
    samples: int,
    spike_density: float,
    weight_sparsity: float,
    weight_bits: int,
    seed: int,
    *,
    input_bits: int = 1,
    output_density: float | None = None,
    potential_bits: int = 16,
) -> None:
    """Write a synthetic trace; memory holds all weights and one layer of one sample. Equal arguments, equal bytes.

    spike_density: probability that an input position holds an event in a timestep, 0 to 1.
    weight_sparsity: share of zero codes, 0 to 1, met exactly but for rounding to whole codes; the others are uniform
        over the symmetric range of weight_bits.
    input_bits: of the first layer, where a position with an event has a value uniform in 1 .. 2**input_bits - 1;
        the layers after it have binary spikes.
    output_density: probability of a drawn output spike; None records no outputs.
    Layers are called conv1, conv2, ..., dense1, ...; a sample's spikes depend on the seed, the layer's position and
    the sample's index only. TraceError on arguments out of range and on everything that `TraceWriter` refuses.
    """
    with located(path):
        for name, share in (
            ("spike_density", spike_density),
            ("weight_sparsity", weight_sparsity),
            ("output_density", output_density or 0.0),
        ):
            if not 0 <= share <= 1:
                raise TraceError(f"{name} must be 0 to 1, found {share}")
        check_integer("weight_bits", weight_bits, MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
        check_integer("input_bits", input_bits, 1, MAX_INPUT_BITS)
        check_integer("seed", seed, 0, 2**63 - 1)
        layers = [
            drawn_parameters(
                name, shape, drawn_weights(shape, weight_sparsity, weight_bits, (seed, WEIGHTS, index)), weight_bits,
                spike_density, input_bits if index == 0 else 1, potential_bits, output_density is not None,
            )
            for index, (name, shape) in enumerate(zip(_names(shapes), shapes, strict=True))
        ]  # fmt: skip
    provenance = {
        "model": "synthetic", "seed": seed, "spike_density": spike_density, "weight_sparsity": weight_sparsity,
        "output_density": output_density,
    }  # fmt: skip
    with TraceWriter(path, layers, timesteps, provenance) as writer:
        for sample in range(samples):
            writer.append(
                _each_layer(
                    [layer.shape.input_shape for layer in layers], timesteps, spike_density,
                    [layer.input_bits for layer in layers], (seed, INPUTS, sample),
                ),
                None if output_density is None else _each_layer(
                    [layer.shape.output_shape for layer in layers], timesteps, output_density,
                    [1] * len(layers), (seed, OUTPUTS, sample),
                ),
            )  # fmt: skip


def _names(shapes: Sequence[LayerShape]) -> list[str]:
    words = ["dense" if shape.operator == "linear" else "conv" for shape in shapes]
    return [f"{word}{words[: index + 1].count(word)}" for index, word in enumerate(words)]


def drawn_weights(shape: LayerShape, sparsity: float, bits: int, seed: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """int32 codes (M, C / groups, R, S): a share of zeros, exact but for rounding; the others uniform over `bits`."""
    generator = np.random.default_rng(seed)
    count = shape.M * shape.fan_in
    magnitude = generator.integers(1, 1 << (bits - 1), count)
    codes = np.where(generator.random(count) < 0.5, -magnitude, magnitude).astype(np.int32)
    codes[generator.permutation(count)[: round(sparsity * count)]] = 0
    return codes.reshape(shape.weight_shape)


def drawn_parameters(
    name: str,
    shape: LayerShape,
    weights: npt.NDArray[np.int32],
    weight_bits: int,
    spike_density: float,
    input_bits: int,
    potential_bits: int,
    has_outputs: bool,
) -> LayerParameters:
    """A layer of LIF neurons with these weights, and the threshold that such inputs pass in 8 % of the timesteps."""
    mean_square_input = ((1 << input_bits) - 1) ** 2 / (1 if input_bits == 1 else 3)  # of a uniform value
    mean_square_weight = float(np.mean(np.square(weights, dtype=np.float64)))
    deviation = math.sqrt(shape.fan_in * spike_density * mean_square_input * mean_square_weight)
    threshold = round(THRESHOLD_IN_DEVIATIONS_OF_THE_SUM * deviation)
    highest = (1 << (potential_bits - 1)) - 1
    neuron = Neuron(
        "lif", np.full(shape.M, min(max(threshold, 1), highest)), potential_bits, LEAK_NUMERATOR, LEAK_SHIFT
    )
    return LayerParameters(
        name, shape, weights, weight_bits, neuron, input_bits, 1 / (1 << (weight_bits - 1)), has_outputs=has_outputs
    )


def _each_layer(
    shapes: list[tuple[int, int, int]], timesteps: int, density: float, bits: list[int], seed: tuple[int, ...]
) -> Iterator[npt.NDArray[Any]]:
    """One layer's (T, *shape) after the other: 0 or 1, or for multi-bit layers 0 or a value from 1 on."""
    for index, (shape, layer_bits) in enumerate(zip(shapes, bits, strict=True)):
        generator = np.random.default_rng((*seed, index))
        events = generator.random((timesteps, *shape), np.float32) < np.float32(density)
        if layer_bits == 1:
            yield events
        else:
            yield generator.integers(1, 1 << layer_bits, events.shape, np.uint16) * events
