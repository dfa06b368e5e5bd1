"""Small traces that the tests of this folder start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spikecycle.traces import LayerArrays, Neuron, Trace, conv2d_layer, linear_layer, write_trace

SAMPLES, TIMESTEPS = 3, 5


def neuron(channels: int, **changes: Any) -> Neuron:
    """A leaky neuron, threshold 20 in 16 bits, with some of its parameters changed."""
    values = {"threshold": np.full(channels, 20), "potential_bits": 16, "leak_numerator": 15, "leak_shift": 4}
    return Neuron("lif", **(values | changes))


def two_layers() -> list[LayerArrays]:
    """A grouped convolution on 2-bit counts without outputs, and a linear layer on spikes with outputs and bias."""
    random = np.random.default_rng(11)
    return [
        conv2d_layer(
            "conv1", random.integers(0, 4, (SAMPLES, TIMESTEPS, 2, 9, 7)), random.integers(-4, 4, (4, 1, 3, 3)), 3,
            neuron(4), stride=(2, 1), padding=(1, 0), groups=2, input_bits=2, weight_scale=np.array([1, 2, 3, 4.5]),
        ),
        linear_layer(
            "dense1", random.integers(0, 2, (SAMPLES, TIMESTEPS, 13)), random.integers(-128, 128, (6, 13)), 8,
            neuron(6), outputs=random.integers(0, 2, (SAMPLES, TIMESTEPS, 6)), bias=np.arange(-3, 3),
        ),
    ]  # fmt: skip


def write_two_layers(path: Path) -> Path:
    """Write `two_layers` with labels."""
    write_trace(path, two_layers(), {"model": "test", "seed": 11}, labels=[7, 8, 9])
    return path


def damage(path: Path, change: Callable[[h5py.File], None]) -> Path:
    """Write `two_layers` and apply a change to the open file."""
    write_two_layers(path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def read_everything(trace: Trace) -> list[Any]:
    """All content of a trace as plain comparable values."""
    labels = None if trace.labels is None else trace.labels.tolist()
    content: list[Any] = [trace.samples, trace.timesteps, trace.provenance, labels]
    for layer in trace.layers:
        content += [layer.name, layer.shape, layer.input_bits, layer.weight_bits, layer.weight_scale.tolist()]
        content += [repr(layer.neuron), layer.weights().tolist(), layer.bias().tolist()]
        for sample in range(trace.samples):
            outputs = layer.outputs(sample)
            content += [layer.inputs(sample).tolist(), None if outputs is None else outputs.tolist()]
    return content
