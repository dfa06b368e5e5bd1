"""Temporal-channel joint attention (TCJA): spikes scaled per timestep and channel, in floats and in whole numbers.

Source: Zhu et al., "TCJA-SNN: Temporal-Channel Joint Attention for Spiking Neural Networks", arXiv 2206.10177: the
spatial mean of the spikes, a matrix of T timesteps x C channels, goes through two 1-D convolutions, one with the
timesteps as its channels, one with the channels; the sigmoid of the product of both scales the spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import IntegerAttention, IntegerMixing
from spikecycle.models.integer.attention import same_padding
from spikecycle.models.integer.sigmoid import (
    INDEX_HIGHEST,
    INDEX_LOWEST,
    INDEX_SHIFT,
    MULTIPLIER_SHIFT,
    OPERAND_FRACTION_BITS,
    OPERAND_HIGHEST,
    OPERAND_LOWEST,
    sigmoid_table,
)
from spikecycle.models.networks.node import FloatNode, QuantizedNode, Quantizer, Scheme, SynapseModule
from spikecycle.models.networks.quantized import int32
from spikecycle.models.networks.rounding import floor_straight_through, round_straight_through
from spikecycle.models.networks.synapse import empty_weight
from spikecycle.traces import LayerShape


def mixing_shape(channels: int, length: int, kernel: int) -> LayerShape:
    """A 1-D convolution that keeps channels and length, as a convolution of one row; zeros are part of the map."""
    return LayerShape("conv2d", C=channels, H=1, W=length + kernel - 1, M=channels, R=1, S=kernel)


def mixed(shape: LayerShape, x: Tensor, weight: Tensor) -> Tensor:
    """Sums (B, M, L) of weights (M, C, 1, S) times x (B, C, L)."""
    return F.conv2d(F.pad(x, same_padding(shape.S))[:, :, None], weight)[:, :, 0]


class FloatMixing(SynapseModule):
    """One of the two convolutions."""

    def __init__(self, name: str, shape: LayerShape, generator: torch.Generator) -> None:
        super().__init__()
        self.name = name
        self.shape = shape
        self.weight = empty_weight(shape, generator)

    def forward(self, x: Tensor) -> Tensor:
        """(B, M, L) from means (B, C, L)."""
        return mixed(self.shape, x, self.weight)

    def quantize(self, scheme: Scheme, positions: int) -> QuantizedMixing:
        """The quantized twin, which receives counts over so many positions instead of means."""
        return QuantizedMixing(self.name, self.shape, self.weight, scheme.quantizer(self.name, self.weight), positions)


class FloatAttention(FloatNode):
    """Attention in floating point; scale_bits is what quantizing it will leave of the scale."""

    def __init__(
        self,
        name: str,
        map_shape: tuple[int, int, int],
        timesteps: int,
        kernel: int,
        scale_bits: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__(name)
        channels, height, width = map_shape
        self.positions = height * width
        self.scale_bits = scale_bits
        self.across_timesteps = FloatMixing(f"{name}-t", mixing_shape(timesteps, channels, kernel), generator)
        self.across_channels = FloatMixing(f"{name}-c", mixing_shape(channels, timesteps, kernel), generator)

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, C, H, W), spikes times a scale between 0 and 1."""
        means = x.mean((3, 4)).transpose(0, 1)
        product = self.across_timesteps(means) * self.across_channels(means.mT).mT
        return x * torch.sigmoid(product).transpose(0, 1)[..., None, None]

    def synapses(self) -> Sequence[SynapseModule]:
        """Both convolutions."""
        return self.across_timesteps, self.across_channels

    def quantize(self, scheme: Scheme, input_unit: float) -> QuantizedAttention:
        """The quantized twin; ModelsError unless it scales spikes."""
        if input_unit != 1:
            raise ModelsError(f"layer {self.name}: attention needs spikes, not what another attention scaled")
        return QuantizedAttention(
            self.name,
            self.across_timesteps.quantize(scheme, self.positions),
            self.across_channels.quantize(scheme, self.positions),
            self.scale_bits,
        )


class QuantizedMixing(SynapseModule):
    """One of the two convolutions with whole numbers, in float64: exact as long as `IntegerMixing` accepts it."""

    def __init__(self, name: str, shape: LayerShape, weight: Tensor, quantizer: Quantizer, positions: int) -> None:
        super().__init__()
        self.name = name
        self.shape = shape
        self.weight = nn.Parameter(weight.detach().clone())
        self.quantizer = quantizer
        self.positions = positions

    def multiplier(self) -> Tensor:
        """float64 (M,): turns a sum of codes times counts into an operand, in units of 2**-MULTIPLIER_SHIFT."""
        value_of_a_sum = self.quantizer.scale().flatten().double() / self.positions
        return round_straight_through(value_of_a_sum * 2 ** (OPERAND_FRACTION_BITS + MULTIPLIER_SHIFT))

    def forward(self, counts: Tensor) -> Tensor:
        """Operands of the sigmoid, float64 (B, M, L), from counts (B, C, L)."""
        codes = self.quantizer(self.weight, self.quantizer.scale())
        sums = mixed(self.shape, counts.double(), codes.double())
        rescaled = floor_straight_through(sums * self.multiplier()[:, None] / 2**MULTIPLIER_SHIFT)
        return rescaled.clamp(OPERAND_LOWEST, OPERAND_HIGHEST)

    @torch.no_grad()
    def integer(self) -> IntegerMixing:
        """The convolution as hardware holds it."""
        scale = self.quantizer.scale()
        return IntegerMixing(
            name=self.name,
            shape=self.shape,
            weights=int32(self.quantizer(self.weight, scale)),
            weight_bits=self.quantizer.bits,
            weight_scale=scale.flatten().double().numpy(),
            multiplier=self.multiplier().to(torch.int64).numpy(),
            largest_count=self.positions,
        )


class QuantizedAttention(QuantizedNode):
    """Attention whose scale is looked up in a table; emits the scale where there is a spike."""

    def __init__(
        self, name: str, across_timesteps: QuantizedMixing, across_channels: QuantizedMixing, scale_bits: int
    ) -> None:
        super().__init__(name)
        self.across_timesteps = across_timesteps
        self.across_channels = across_channels
        self.scale_bits = scale_bits
        self.table = torch.from_numpy(sigmoid_table(scale_bits))

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, C, H, W) whole numbers, in units of 2**-scale_bits, from spikes."""
        counts = x.sum((3, 4)).transpose(0, 1)
        product = self.across_timesteps(counts) * self.across_channels(counts.mT).mT
        scale: Tensor = _TableSigmoid.apply(product, self.table, self.scale_bits)  # type: ignore[no-untyped-call]
        return x * scale.to(x.dtype).transpose(0, 1)[..., None, None]

    def synapses(self) -> Sequence[SynapseModule]:
        """Both convolutions."""
        return self.across_timesteps, self.across_channels

    @property
    def output_unit(self) -> float:
        """The scale's last bit."""
        return float(2.0**-self.scale_bits)

    def integer(self, input_bits: int) -> IntegerAttention:
        """The same on integers; ModelsError unless it receives spikes."""
        if input_bits != 1:
            raise ModelsError(f"layer {self.name}: attention needs spikes, found numbers of {input_bits} bits")
        return IntegerAttention(
            self.name, self.across_timesteps.integer(), self.across_channels.integer(), self.scale_bits
        )


class _TableSigmoid(torch.autograd.Function):
    """Forward the table at the product of two operands; backward the sigmoid that it stands for."""

    @staticmethod
    def forward(ctx: Any, product: Tensor, table: Tensor, scale_bits: int) -> Tensor:
        ctx.save_for_backward(product)
        ctx.scale_bits = scale_bits
        index = (product / 2**INDEX_SHIFT).floor().clamp(INDEX_LOWEST, INDEX_HIGHEST) - INDEX_LOWEST
        return table[index.long()].to(product.dtype)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        (product,) = ctx.saved_tensors
        unit = 2.0 ** (2 * OPERAND_FRACTION_BITS)
        sigmoid = torch.sigmoid(product / unit)
        return upstream[0] * sigmoid * (1 - sigmoid) * 2**ctx.scale_bits / unit, None, None
