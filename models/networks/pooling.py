"""Max pooling: of spikes, a window fires if any of its neurons does."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from spikecycle.models.integer import IntegerMaxPool
from spikecycle.models.networks.node import FloatNode, QuantizedNode, Scheme


class MaxPool(FloatNode, QuantizedNode):
    """The largest value of each window x window field; the same in floats and in whole numbers."""

    def __init__(self, name: str, window: int, unit: float = 1.0) -> None:
        super().__init__(name)
        self.window = window
        self.unit = unit

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, C, H / window, W / window) from (T, B, C, H, W)."""
        pooled = F.max_pool2d(x.flatten(0, 1), self.window)
        return pooled.reshape(*x.shape[:2], *pooled.shape[1:])

    def quantize(self, scheme: Scheme, input_unit: float) -> MaxPool:
        """The same, for numbers of that unit: whole numbers stay whole."""
        return MaxPool(self.name, self.window, input_unit)

    @property
    def output_unit(self) -> float:
        """What the number 1 is worth, before as after."""
        return self.unit

    def integer(self, input_bits: int) -> IntegerMaxPool:
        """The same on integers; what it emits is as wide as what it receives."""
        return IntegerMaxPool(self.name, self.window, input_bits)
