"""The layer that quantization-aware training sees: forward, the integers of hardware; backward, the float layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spikecycle.models.integer import IntegerLayer
from spikecycle.models.networks.neuron import FixedPointLeaky, NeuronConfig
from spikecycle.models.networks.node import QuantizedNode, Quantizer, SynapseModule
from spikecycle.models.networks.rounding import round_straight_through
from spikecycle.models.networks.synapse import currents
from spikecycle.traces import LayerShape


class LayerIntegers(NamedTuple):
    """Whole numbers in float32 that carry gradients: weight codes (M, C / groups, R, S), bias and threshold (M,)."""

    codes: Tensor
    bias: Tensor
    threshold: Tensor


class QuantizedLayer(QuantizedNode, SynapseModule):
    """A convolution or linear layer with batch norm folded, whose potential counts in units of the weight's scale.

    weight: (M, C / groups, R, S) and bias: (M,), or None, are the float parameters; the float threshold is 1, so the
    integer threshold of a channel is 1 / scale rounded. Where the number 1 that arrives is worth less than 1
    (`input_unit`, a power of two), the potential counts in units of scale x input_unit, threshold and bias are larger
    accordingly, and the potential gets as many more bits than `neuron` says.
    """

    fires: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        shape: LayerShape,
        weight: Tensor,
        bias: Tensor | None,
        quantizer: Quantizer,
        neuron: NeuronConfig,
        input_unit: float = 1.0,
    ) -> None:
        super().__init__(name)
        self.shape = shape
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.quantizer = quantizer
        self.input_unit = input_unit
        fraction_bits = round(-math.log2(input_unit))
        self.neuron = FixedPointLeaky(replace(neuron, potential_bits=neuron.potential_bits + fraction_bits))
        # Sums of weights times numbers of several bits may leave the integers that float32 holds.
        self.exact = torch.float64 if fraction_bits else self.neuron.exact

    def integers(self) -> LayerIntegers:
        """The parameters as the machine holds them."""
        scale = self.quantizer.scale()
        unit = scale.flatten() * self.input_unit
        bias = torch.zeros_like(unit) if self.bias is None else self.bias / unit
        return LayerIntegers(
            codes=self.quantizer(self.weight, scale),
            bias=round_straight_through(bias),
            threshold=round_straight_through((1 / unit).clamp(1, self.neuron.config.highest)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (T, B, M, P, Q) from inputs (T, B, ...)."""
        codes, bias, threshold = (values.to(self.exact) for values in self.integers())
        arriving = currents(self.shape, x.to(self.exact), codes, bias)
        return cast(Tensor, self.neuron(arriving, threshold[:, None, None])).to(x.dtype)

    def synapses(self) -> Sequence[SynapseModule]:
        """Itself: one weight."""
        return (self,)

    def offsets(self) -> Sequence[tuple[nn.Module, str]]:
        """The bias, where there is one."""
        return () if self.bias is None else ((self, "bias"),)

    @torch.no_grad()
    def integer(self, input_bits: int) -> IntegerLayer:
        """The layer as hardware holds it."""
        integers = self.integers()
        return IntegerLayer(
            name=self.name,
            shape=self.shape,
            weights=int32(integers.codes),
            weight_bits=self.quantizer.bits,
            weight_scale=self.quantizer.scale().flatten().double().numpy(),
            bias=int32(integers.bias),
            neuron=self.neuron.config.trace_neuron(int32(integers.threshold)),
            input_bits=input_bits,
        )


def int32(values: Tensor) -> npt.NDArray[np.int32]:
    """Whole numbers held in floats as int32."""
    return values.round().to(torch.int32).numpy()
