"""A feed-forward spiking network with batch norm, in floating point: the model before compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.networks.neuron import ImmediateLeaky, NeuronConfig
from models.networks.synapse import currents, empty_weight
from traces.shape import LayerShape


class FloatLayer(nn.Module):
    """Weights, batch norm over samples and timesteps, LIF neurons with threshold 1."""

    def __init__(self, shape: LayerShape, neuron: NeuronConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        self.weight = empty_weight(shape, generator)
        self.norm = nn.BatchNorm2d(shape.M)
        self.neuron = ImmediateLeaky(neuron)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, M, P, Q) from inputs (T, B, ...)."""
        summed = currents(self.shape, x, self.weight, None)
        normed = self.norm(summed.flatten(0, 1)).reshape(summed.shape)
        return cast(Tensor, self.neuron(normed, self.neuron.threshold))


class FeedforwardNetwork(nn.Module):
    """Layers in a chain: what one emits is what the next receives."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    @classmethod
    def float_layers(
        cls, shapes: Sequence[LayerShape], neuron: NeuronConfig, generator: torch.Generator
    ) -> FeedforwardNetwork:
        """An untrained float network of these shapes."""
        return cls([FloatLayer(shape, neuron, generator) for shape in shapes])

    def layer_spikes(self, x: Tensor) -> list[Tensor]:
        """Spikes of every layer, each (T, B, M, P, Q), from frames (T, B, C, H, W)."""
        spikes = []
        for layer in self.layers:
            x = layer(x)
            spikes.append(x)
        return spikes

    def forward(self, x: Tensor) -> Tensor:
        """Output spikes (T, B, M, P, Q) of the last layer."""
        return self.layer_spikes(x)[-1]
