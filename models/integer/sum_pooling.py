"""Sum pooling of whole numbers; of spikes, it counts those of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer.node import Recording, Values
from spikecycle.traces import LayerParameters
from spikecycle.traces.schema import MAX_INPUT_BITS


@dataclass(frozen=True)
class IntegerSumPool:
    """Sums of windows of kernel (rows, columns), whose padding counts as 0. input_bits: of the numbers that arrive."""

    name: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    input_bits: int = 1

    def __post_init__(self) -> None:
        """ModelsError when a sum could be wider than a trace holds."""
        if self.output_bits > MAX_INPUT_BITS:
            raise ModelsError(f"pooling {self.name}: sums have {self.output_bits} bits, at most {MAX_INPUT_BITS} fit")

    @property
    def output_bits(self) -> int:
        """Bits of the largest sum: a window whose every value is the largest of input_bits."""
        largest = self.kernel[0] * self.kernel[1] * ((1 << self.input_bits) - 1)
        return largest.bit_length()

    def run(self, inputs: Values) -> Values:
        """(N, T, C, P, Q) from (N, T, C, H, W). Sums below 2**16 are exact in float32."""
        maps = torch.from_numpy(np.ascontiguousarray(inputs)).flatten(0, 1).to(torch.float32)
        summed = F.avg_pool2d(maps, self.kernel, self.stride, self.padding, divisor_override=1)
        pooled = summed.reshape(*inputs.shape[:2], *summed.shape[1:]).numpy()
        return pooled.astype(np.uint8) if self.output_bits <= 8 else pooled.astype(np.uint16)

    def trace_layers(self) -> list[LayerParameters]:
        """None: pooling has no weights, and the layer after it records what arrives there."""
        return []

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """None."""
        return []
