"""Synapses, batch norm and LIF neurons in floating point: a layer before compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from models.networks.fold import fold_batch_norm
from models.networks.network import FloatNetwork, Network
from models.networks.neuron import ImmediateLeaky, NeuronConfig
from models.networks.node import FloatNode, Scheme, Synapse
from models.networks.quantized import QuantizedLayer
from models.networks.synapse import currents, empty_weight
from traces.shape import LayerShape


class FloatLayer(FloatNode, Synapse):
    """Weights, batch norm over samples and timesteps, LIF neurons with threshold 1."""

    fires: ClassVar[bool] = True

    def __init__(self, name: str, shape: LayerShape, neuron: NeuronConfig, generator: torch.Generator) -> None:
        super().__init__(name)
        self.shape = shape
        self.weight = empty_weight(shape, generator)
        self.norm = nn.BatchNorm2d(shape.M)
        self.neuron = ImmediateLeaky(neuron)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, M, P, Q) from inputs (T, B, ...)."""
        summed = currents(self.shape, x, self.weight, None)
        normed = self.norm(summed.flatten(0, 1)).reshape(summed.shape)
        return cast(Tensor, self.neuron(normed, self.neuron.threshold))

    def synapses(self) -> Sequence[Synapse]:
        """Itself: one weight."""
        return (self,)

    def quantize(self, scheme: Scheme) -> QuantizedLayer:
        """Batch norm folded into weight and bias, and the weight given its quantizer."""
        weight, bias = fold_batch_norm(self.weight, self.norm)
        neuron = self.neuron.config.with_potential_bits(scheme.potential_bits(self.name))
        return QuantizedLayer(self.name, self.shape, weight, bias, scheme.quantizer(self.name, weight), neuron)


def float_layers(shapes: Mapping[str, LayerShape], neuron: NeuronConfig, generator: torch.Generator) -> FloatNetwork:
    """An untrained chain of layers of these shapes, with nothing between them."""
    return Network([FloatLayer(name, shape, neuron, generator) for name, shape in shapes.items()])
