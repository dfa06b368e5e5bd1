"""Inputs that are drawn so that they have published densities: what a check uses where traces are not public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from spikecycle.simulator.array_types import Int32, UInt8
from spikecycle.simulator.workload.axis import Windows, outputs_of_tap
from spikecycle.traces import GraphBuilder, LayerShape, Neuron

WEIGHT_BITS = 8


def shape_of(line: Mapping[str, str]) -> LayerShape:
    """The convolution that a line of a table says: columns C, H, W, M, R, S, stride, padding."""
    number = {key: int(line[key]) for key in ("C", "H", "W", "M", "R", "S", "stride", "padding")}
    pair = {key: (number.pop(key),) * 2 for key in ("stride", "padding")}
    return LayerShape("conv2d", **number, **pair)  # type: ignore[arg-type]


def places(shape: LayerShape) -> int:
    """Elements of the im2col matrix of a timestep that are not padding."""
    found = shape.C
    for axis in Windows.of(shape):
        ends = [outputs_of_tap(axis, tap) for tap in range(axis.taps)]
        found *= sum(last - first for first, last in ends)
    return found


def write_layers(layers: Iterable[tuple[str, LayerShape, UInt8, Int32]], path: Path) -> None:
    """A trace of convolutions that take spikes of their own each: name, shape, spikes (T, C, H, W), weights."""
    chosen = list(layers)
    graph = GraphBuilder(len(chosen[0][2]))
    for name, shape, spikes, weights in chosen:
        current = graph.conv2d(
            name, graph.input(f"{name}.spikes", spikes[None]), weights, weight_bits=WEIGHT_BITS, stride=shape.stride,
            padding=shape.padding,
        )  # fmt: skip
        graph.neuron(f"{name}.neurons", current, Neuron("if", 1, potential_bits=16))
    graph.write(path)


def spike_trains(
    timesteps: int, shape: tuple[int, ...], share: float, spiking: float, repeated: float, random: np.random.Generator
) -> UInt8:
    """Spikes, uint8 (T, *shape), of independent neurons.

    share: of all neurons and timesteps, those with a spike. spiking: share of the neurons that spike at least once.
    repeated: that spike more than once. Spikes lie at random timesteps; how many a neuron has that spikes more than
    once is drawn from the two whole numbers around what gives `share`, 2 to T.
    """
    kind = random.random(shape)
    number = np.zeros(shape, np.int64)
    number[kind < spiking] = 1
    often = kind < repeated
    if often.any():
        each = float(np.clip((share * timesteps - (spiking - repeated)) / repeated, min(2, timesteps), timesteps))
        number[often] = int(each) + (random.random(int(often.sum())) < each % 1)
    order = np.argsort(random.random((timesteps, *shape)), axis=0).argsort(axis=0)
    return (order < number).astype(np.uint8)


def pruned_weights(
    shape: tuple[int, int, int, int], non_zeros: int, touched: float, piece: int, random: np.random.Generator
) -> Int32:
    """Weights 0 or 1, int32 (M, C, R, S), of about `non_zeros` ones, with output channels as unlike as they are.

    touched: share of the pieces of `piece` weights of a channel's fan-in that are not all 0. Densities of channels are
    drawn from a gamma distribution of shape a, for which a piece is touched with probability 1 - (1 + piece x density /
    a)^-a; a is what gives `touched`. Large a, or a share beyond what equal channels give: all have the same density.
    """
    channels, fan_in = shape[0], int(np.prod(shape[1:]))
    mean = piece * non_zeros / (channels * fan_in)
    low, high = 1e-3, 1e4
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if 1 - (1 + mean / middle) ** -middle < touched else (low, middle)
    densities = random.gamma(high, size=channels)
    densities *= non_zeros / fan_in / densities.sum()
    return (random.random((channels, fan_in)) < densities[:, None]).astype(np.int32).reshape(shape)
