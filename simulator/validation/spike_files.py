"""Spikes of others: the inputs of a network's layers in one sample, from a NumPy archive, as networks to simulate.

An archive has `meta_json`, uint8 of a JSON text: T, and for each layer its name, operator ("conv2d" or "linear"), M, of
a convolution R, S, stride and padding, and `spikes_shape` (T, C, H, W) or (T, C). `NAME__spikes_packed` is uint8
(T, ceil(C H W / 8)), as `numpy.packbits(axis=1)` packs the flattened C, H, W of each timestep.

Weights are not in these archives, and the rules that are checked do not look at them: all are 1.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from spikecycle.simulator.array_types import UInt8
from spikecycle.simulator.engine import simulate
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.traces import GraphBuilder, Neuron, TraceError

WEIGHT_BITS = 8


@dataclass(frozen=True, eq=False)
class LayerSpikes:
    """A layer of one sample, without its weights.

    name: in its file. kind: "conv2d" or "linear". spikes: uint8 (T, C, H, W), 0 or 1. outputs: channels.
    kernel: (R, S). stride, padding: of both axes. has_neurons: whether spiking neurons follow.
    """

    name: str
    kind: str
    spikes: UInt8
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: int = 0
    has_neurons: bool = True

    @property
    def neuron_name(self) -> str:
        """What its population is called."""
        return f"{self.name}.neurons"


def read_layers(path: Path) -> list[LayerSpikes]:
    """The layers of an archive; UsageError, naming the file, where it is not one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            meta = json.loads(bytes(archive["meta_json"]).decode())
            return [_layer(layer, archive[f"{layer['name']}__spikes_packed"]) for layer in meta["layers"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise UsageError(f"{path}: is no archive of layer spikes: {' '.join(str(error).split())}") from error


def _layer(meta: Mapping[str, Any], packed: UInt8) -> LayerSpikes:
    shape = tuple(int(size) for size in meta["spikes_shape"])
    bits = np.unpackbits(packed, axis=1)[:, : int(np.prod(shape[1:]))].reshape(shape)
    spikes = bits.reshape(*shape, *[1] * (4 - len(shape)))
    name, kind = str(meta["name"]), str(meta["op"])
    if kind not in ("conv2d", "linear"):
        raise ValueError(f"layer {name!r} has the operator {kind!r}")
    if kind == "linear":
        return LayerSpikes(name, kind, spikes, int(meta["M"]))
    kernel = (int(meta["R"]), int(meta["S"]))
    return LayerSpikes(name, kind, spikes, int(meta["M"]), kernel, int(meta["stride"]), int(meta["padding"]))


def write_network(layers: Iterable[LayerSpikes], path: Path) -> None:
    """A trace in which each layer takes its own recorded spikes: an input, a synapse and its neurons for each."""
    chosen = list(layers)
    graph = GraphBuilder(len(chosen[0].spikes))
    for layer in chosen:
        source = graph.input(f"{layer.name}.spikes", layer.spikes[None])
        channels = layer.spikes.shape[1]
        if layer.kind == "linear":
            weights = np.ones((layer.outputs, int(np.prod(layer.spikes.shape[1:]))), np.int8)
            current = graph.linear(layer.name, source, weights, weight_bits=WEIGHT_BITS)
        else:
            weights = np.ones((layer.outputs, channels, *layer.kernel), np.int8)
            current = graph.conv2d(
                layer.name, source, weights, weight_bits=WEIGHT_BITS, stride=layer.stride, padding=layer.padding
            )
        if layer.has_neurons:
            graph.neuron(layer.neuron_name, current, Neuron("if", 1, potential_bits=16))
    graph.write(path)


def run_network(layers: Iterable[LayerSpikes], machine: str, settings: Mapping[str, Any] | None = None) -> RunResult:
    """All layers, one after the other, in one network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        try:
            write_network(layers, path)
        except TraceError as error:
            raise UsageError(f"layer spikes cannot be written as a network: {error}") from error
        return simulate(path, machine, settings=settings)


def run_alone(
    layers: Iterable[LayerSpikes], machine: str, settings: Mapping[str, Any] | None = None
) -> dict[str, LayerResult]:
    """Each layer as a network of its own; results by the names of synapses and populations."""
    return {result.name: result for layer in layers for result in run_network([layer], machine, settings).layers}
