"""Builds a network node by node: the shape of a node's inputs is that of the outputs of the node before it."""

from __future__ import annotations

import math

import torch

from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.attention import FloatAttention, mixing_shape
from spikecycle.models.networks.dropout import Dropout
from spikecycle.models.networks.network import FloatNetwork, SpikingNetwork
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.networks.node import FloatNode
from spikecycle.models.networks.pooling import MaxPool
from spikecycle.models.networks.spiking import SpikingLayer
from spikecycle.traces import LayerShape, TraceError


def scaled(count: int, width: float) -> int:
    """So many channels or neurons at that width; at least one."""
    return max(1, round(count * width))


class Assembly:
    """Appends nodes; ModelsError, naming network and layer, where one does not fit what arrives there.

    map_shape: (C, H, W) of what the last node emits, at first that of the frames. Weights are drawn from `generator`
    in the order in which layers are appended. most_weights: of all layers together, refused before they take memory.
    """

    def __init__(
        self,
        name: str,
        input_shape: tuple[int, int, int],
        timesteps: int,
        neuron: NeuronConfig,
        generator: torch.Generator,
        most_weights: int | None = None,
    ) -> None:
        self.name = name
        self.map_shape = input_shape
        self.timesteps = timesteps
        self._input_shape = input_shape
        self._neuron = neuron
        self._generator = generator
        self._weights_left = most_weights
        self._nodes: list[FloatNode] = []

    def convolution(self, name: str, channels: int, kernel_px: int, *, stride: int = 1, padding: int = 0) -> None:
        """A square convolution with batch norm and neurons."""
        c, h, w = self.map_shape
        try:
            shape = LayerShape(
                "conv2d", C=c, H=h, W=w, M=channels, R=kernel_px, S=kernel_px,
                stride=(stride, stride), padding=(padding, padding),
            )  # fmt: skip
        except TraceError as error:
            raise self._unfit(name, str(error)) from None
        self._count(name, shape)
        self._append(SpikingLayer(name, shape, self._neuron, self._generator), shape.output_shape)

    def dense(self, name: str, outputs: int, *, normalized: bool = True) -> None:
        """A fully connected layer with neurons, with batch norm unless `normalized` is False."""
        c, h, w = self.map_shape
        try:
            shape = LayerShape.linear(c * h * w, outputs)
        except TraceError as error:
            raise self._unfit(name, str(error), "lower") from None
        self._count(name, shape)
        self._append(SpikingLayer(name, shape, self._neuron, self._generator, normalized), shape.output_shape)

    def max_pool(self, name: str, window: int = 2) -> None:
        """The largest value of each window x window field."""
        c, h, w = self.map_shape
        if min(h, w) < window:
            raise self._unfit(name, f"a {window}x{window} window does not fit a {h}x{w} map")
        self._append(MaxPool(name, window), (c, h // window, w // window))

    def attention(self, name: str, kernel: int, scale_bits: int) -> None:
        """Temporal-channel joint attention: spikes scaled by numbers of `scale_bits`."""
        channels = self.map_shape[0]
        self._count(
            name, mixing_shape(self.timesteps, channels, kernel), mixing_shape(channels, self.timesteps, kernel)
        )
        node = FloatAttention(name, self.map_shape, self.timesteps, kernel, scale_bits, self._generator)
        self._append(node, self.map_shape)

    def dropout(self, name: str, share: float) -> None:
        """Drops that share of what arrives, in training; nothing at all for 0."""
        if share > 0:
            self._append(Dropout(name, share, self._generator), self.map_shape)

    def network(self) -> FloatNetwork:
        """The chain of what was appended."""
        return SpikingNetwork(self._nodes)

    def _append(self, node: FloatNode, emitted_shape: tuple[int, int, int]) -> None:
        self._nodes.append(node)
        self.map_shape = emitted_shape

    def _count(self, layer: str, *shapes: LayerShape) -> None:
        if self._weights_left is None:
            return
        self._weights_left -= sum(math.prod(shape.weight_shape) for shape in shapes)
        if self._weights_left < 0:
            raise ModelsError(f"network {self.name}: layer {layer}: more weights than are allowed")

    def _unfit(self, layer: str, reason: str, better: str = "higher") -> ModelsError:
        c, h, w = self._input_shape
        return ModelsError(
            f"network {self.name} does not fit frames of {c} x {h} x {w}: layer {layer}: {reason}; "
            f"take a {better} resolution"
        )
