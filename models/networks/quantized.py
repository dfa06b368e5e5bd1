"""The network that quantization-aware training sees: forward, the integers of hardware; backward, the float network."""

from __future__ import annotations

from typing import NamedTuple, cast

from torch import Tensor, nn

from models.compression.quantize import LearnedScaleQuantizer
from models.networks.feedforward import FeedforwardNetwork, FloatLayer
from models.networks.fold import fold_batch_norm
from models.networks.neuron import FixedPointLeaky, NeuronConfig
from models.networks.rounding import round_straight_through
from models.networks.synapse import currents
from traces.shape import LayerShape


class LayerIntegers(NamedTuple):
    """Whole numbers in float32 that carry gradients: weight codes (M, C / groups, R, S), bias and threshold (M,)."""

    codes: Tensor
    bias: Tensor
    threshold: Tensor


class QuantizedLayer(nn.Module):
    """A convolution or linear layer with batch norm folded, whose potential counts in units of the weight's scale.

    weight: (M, C / groups, R, S) and bias: (M,) are the float parameters; the float threshold is 1, so the integer
    threshold of a channel is 1 / scale rounded.
    """

    def __init__(self, shape: LayerShape, weight: Tensor, bias: Tensor, weight_bits: int, neuron: NeuronConfig) -> None:
        super().__init__()
        self.shape = shape
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = nn.Parameter(bias.detach().clone())
        self.quantizer = LearnedScaleQuantizer(weight, weight_bits)
        self.neuron = FixedPointLeaky(neuron)

    @classmethod
    def fold(cls, layer: FloatLayer, weight_bits: int) -> QuantizedLayer:
        """Start from a trained float layer."""
        weight, bias = fold_batch_norm(layer.weight, layer.norm)
        return cls(layer.shape, weight, bias, weight_bits, layer.neuron.config)

    def integers(self) -> LayerIntegers:
        """The parameters as the machine holds them."""
        scale = self.quantizer.scale()
        highest = self.neuron.config.highest
        return LayerIntegers(
            codes=self.quantizer(self.weight, scale),
            bias=round_straight_through(self.bias / scale.flatten()),
            threshold=round_straight_through((1 / scale.flatten()).clamp(1, highest)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, M, P, Q) from inputs (T, B, ...)."""
        codes, bias, threshold = self.integers()
        return cast(Tensor, self.neuron(currents(self.shape, x, codes, bias), threshold[:, None, None]))


def fold_and_quantize(network: FeedforwardNetwork, weight_bits: int) -> FeedforwardNetwork:
    """The quantized twin of a float network, ready for quantization-aware training."""
    layers = [QuantizedLayer.fold(cast(FloatLayer, layer), weight_bits) for layer in network.layers]
    return FeedforwardNetwork(layers)
