"""Dropout: active in training, the identity in inference.

Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15 (2014).
"""

from __future__ import annotations

import torch
from torch import Tensor

from spikecycle.models.networks.node import FloatNode, QuantizedNode, Scheme


class Dropout(FloatNode, QuantizedNode):
    """In training, drops a share of what arrives and scales the rest up; one draw serves all timesteps of a sample.

    In evaluation it does nothing, and hardware has no such node.
    """

    def __init__(self, name: str, share: float, generator: torch.Generator, unit: float = 1.0) -> None:
        super().__init__(name)
        self.share = share
        self.generator = generator
        self.unit = unit

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, ...) from the same."""
        if not self.training:
            return x
        kept = torch.rand(x.shape[1:], generator=self.generator) >= self.share
        return x * (kept / (1 - self.share))

    def quantize(self, scheme: Scheme, input_unit: float) -> Dropout:
        """The same, for numbers of that unit."""
        return Dropout(self.name, self.share, self.generator, input_unit)

    @property
    def output_unit(self) -> float:
        """What the number 1 is worth, before as after."""
        return self.unit

    def integer(self, input_bits: int) -> None:
        """Nothing."""
        return
