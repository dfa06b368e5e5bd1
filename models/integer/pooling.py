"""Max pooling of whole numbers; of spikes, it is the OR of a window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from spikecycle.models.integer.node import Recording, Values
from spikecycle.traces import LayerParameters


@dataclass(frozen=True)
class IntegerMaxPool:
    """The largest value of each window x window field; what is left over at the right and bottom is dropped."""

    name: str
    window: int
    output_bits: int = 1

    def run(self, inputs: Values) -> Values:
        """(N, T, C, H / window, W / window) from (N, T, C, H, W)."""
        height, width = (size // self.window * self.window for size in inputs.shape[-2:])
        rows = reduce(np.maximum, (inputs[..., row : height : self.window, :width] for row in range(self.window)))
        pooled: Values = reduce(np.maximum, (rows[..., column :: self.window] for column in range(self.window)))
        return pooled

    def trace_layers(self) -> list[LayerParameters]:
        """None: pooling has no weights, and the layer after it records what arrives there."""
        return []

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """None."""
        return []
