"""Rounding whose gradient passes straight through, with a learned scale.

Source: Esser, McKinstry, Bablani, Appuswamy, Modha, "Learned Step Size Quantization", ICLR 2020 (arXiv
1902.08153), section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from spikecycle.models.compression.quantizers.base import QuantizerKind
from spikecycle.models.networks.rounding import round_straight_through

if TYPE_CHECKING:
    from torch import Tensor


class LearnedScale(QuantizerKind):
    """Codes clipped to the range and rounded; a weight that is clipped gets no gradient."""

    title: ClassVar[str] = "learned scale per output channel"
    kind: Literal["learned_scale"] = "learned_scale"

    def codes(self, steps: Tensor, bits: int, progress: float) -> Tensor:
        """Nearest codes, from the start."""
        highest = self.highest_code(bits)
        return round_straight_through(steps.clamp(-highest, highest))
