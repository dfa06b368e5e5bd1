"""Synapses, batch norm and LIF neurons in floating point: a layer before compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from spikecycle.models.networks.fold import fold_batch_norm
from spikecycle.models.networks.neuron import ImmediateLeaky, NeuronConfig
from spikecycle.models.networks.node import FloatNode, Scheme, SynapseModule
from spikecycle.models.networks.quantized import QuantizedLayer
from spikecycle.models.networks.synapse import currents, empty_weight
from spikecycle.traces.shape import LayerShape


class SpikingLayer(FloatNode, SynapseModule):
    """Weights, batch norm over samples and timesteps (unless not `normalized`), LIF neurons with threshold 1."""

    fires: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        shape: LayerShape,
        neuron: NeuronConfig,
        generator: torch.Generator,
        normalized: bool = True,
    ) -> None:
        super().__init__(name)
        self.shape = shape
        self.weight = empty_weight(shape, generator)
        self.norm = nn.BatchNorm2d(shape.M) if normalized else None
        self.neuron = ImmediateLeaky(neuron)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, M, P, Q) from inputs (T, B, ...)."""
        summed = currents(self.shape, x, self.weight, None)
        if self.norm is not None:
            summed = self.norm(summed.flatten(0, 1)).reshape(summed.shape)
        return cast(Tensor, self.neuron(summed, self.neuron.threshold))

    def synapses(self) -> Sequence[SynapseModule]:
        """Itself: one weight."""
        return (self,)

    def offsets(self) -> Sequence[tuple[nn.Module, str]]:
        """The shift of the batch norm, where there is one."""
        return () if self.norm is None else ((self.norm, "bias"),)

    def quantize(self, scheme: Scheme, input_unit: float) -> QuantizedLayer:
        """Batch norm and the neuron's input gain folded into weight and bias, and the weight given its quantizer."""
        config = self.neuron.config
        weight, bias = (self.weight, None) if self.norm is None else fold_batch_norm(self.weight, self.norm)
        weight = weight * config.input_gain
        potential_bits = scheme.potential_bits(self.name) or config.potential_bits
        bias = None if bias is None else bias * config.input_gain
        return QuantizedLayer(
            self.name,
            self.shape,
            weight,
            bias,
            scheme.quantizer(self.name, weight, potential_bits),
            config.on_integers(potential_bits),
            input_unit,
        )
