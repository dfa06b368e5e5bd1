"""The quantizer interface: how a weight, in units of its channel's scale, becomes an integer.

Source of the ternary starting scale: Li, Zhang, Liu, "Ternary Weight Networks", arXiv 1605.04711 (2016), section 2.3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from spikecycle.models.compression.kinds import Kind

if TYPE_CHECKING:
    from torch import Tensor

TERNARY_KEPT_ABOVE = 0.7  # times the mean magnitude: Li et al. 2016, equation 6


class QuantizerKind(Kind, ABC):
    """The rule of a quantizer; `ScaledQuantizer` holds the learned scale per output channel that all of them have.

    title: what a summary calls it. equal_steps: whether codes are all whole numbers up to the largest.
    """

    title: ClassVar[str]
    equal_steps: ClassVar[bool] = True

    def highest_code(self, bits: int) -> int:
        """Largest code: 127 at 8 bits, 7 at 4, 1 at 2 (ternary). Codes lie in -n .. n."""
        return int(2 ** (bits - 1) - 1)

    def packed_bits(self, bits: int) -> int:
        """Bits of a code in a store made for just the codes there are; `bits` where two's complement is that."""
        return bits

    def starting_scale(self, weight: Tensor, bits: int) -> Tensor:
        """Value of one code to start from, (M,), from weight (M, C / groups, R, S); 0 for a channel of zeros.

        The largest weight gets the largest code; at 2 bits, a code is worth the mean of what is kept.
        """
        magnitude = weight.abs().flatten(1)
        if bits > 2:
            return magnitude.amax(1) / self.highest_code(bits)
        kept = magnitude > TERNARY_KEPT_ABOVE * magnitude.mean(1, keepdim=True)
        return (magnitude * kept).sum(1) / kept.sum(1).clamp(min=1)

    def follows_pruning(self, bits: int) -> bool:
        """Whether the scale starts again while a pruner grows.

        The ternary one is the mean of what is kept. When only larger weights are left, fewer codes have to drive the
        same neurons, and a learning rate does not bring a scale there in time. With more bits, the largest weight sets
        it.
        """
        return bits == 2

    @abstractmethod
    def codes(self, steps: Tensor, bits: int, progress: float) -> Tensor:
        """Codes with gradients from `steps`, weight / scale, when `progress` (0 to 1) of the training is done.

        At progress 1 the codes are whole numbers; before, they may be on their way.
        """
