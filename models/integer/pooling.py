"""Max pooling of whole numbers; of spikes, it is the OR of a window."""

from __future__ import annotations

from dataclasses import dataclass

from models.integer.node import Recording, Values
from traces import LayerParameters


@dataclass(frozen=True)
class IntegerMaxPool:
    """The largest value of each window x window field; what is left over at the right and bottom is dropped."""

    name: str
    window: int
    output_bits: int = 1

    def run(self, inputs: Values) -> Values:
        """(N, T, C, H / window, W / window) from (N, T, C, H, W)."""
        rows, columns = inputs.shape[-2] // self.window, inputs.shape[-1] // self.window
        kept = inputs[..., : rows * self.window, : columns * self.window]
        pooled: Values = kept.reshape(*inputs.shape[:3], rows, self.window, columns, self.window).max(axis=(4, 6))
        return pooled

    def trace_layers(self) -> list[LayerParameters]:
        """None: pooling has no weights, and the layer after it records what arrives there."""
        return []

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """None."""
        return []
