"""Quantization-aware training with a learned scale per output channel.

Source: Esser, McKinstry, Bablani, Appuswamy, Modha, "Learned Step Size Quantization", ICLR 2020 (arXiv
1902.08153), section 2.1. Ternary starting scale: Li, Zhang, Liu, "Ternary Weight Networks", arXiv 1605.04711
(2016), section 2.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.rounding import round_straight_through

TERNARY_KEPT_ABOVE = 0.7  # times the mean magnitude: Li et al. 2016, equation 6


def highest_code(bits: int) -> int:
    """Largest code of a symmetric quantizer: 127 at 8 bits, 7 at 4, 1 at 2 (ternary). Codes lie in -n .. n."""
    return int(2 ** (bits - 1) - 1)


def starting_scale(weight: Tensor, bits: int) -> Tensor:
    """Scale (M, 1, 1, 1) to start from: the largest weight gets the largest code; at 2 bits, the mean of what is kept.

    weight: (M, C / groups, R, S).
    """
    magnitude = weight.detach().abs().flatten(1)
    if bits > 2:
        scale = magnitude.amax(1) / highest_code(bits)
    else:
        kept = magnitude > TERNARY_KEPT_ABOVE * magnitude.mean(1, keepdim=True)
        scale = (magnitude * kept).sum(1) / kept.sum(1).clamp(min=1)
    # A channel without weights gets any positive scale; 1 keeps its bias and threshold in range.
    return torch.where(scale > 0, scale, torch.ones_like(scale))[:, None, None, None]


class LearnedScaleQuantizer(nn.Module):
    """Turns a float weight into integer codes (held in its own dtype) with a positive scale per output channel.

    The scale is learned as its logarithm, so that no step of the optimizer can make it negative.
    """

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__()
        self.bits = bits
        self.log_scale = nn.Parameter(starting_scale(weight, bits).log())

    def scale(self) -> Tensor:
        """Value of one code, float32 (M, 1, 1, 1)."""
        return self.log_scale.exp()

    def forward(self, weight: Tensor, scale: Tensor) -> Tensor:
        """Codes: weight / scale, clipped to the range and rounded; rounding passes the gradient straight through."""
        highest = highest_code(self.bits)
        return round_straight_through((weight / scale).clamp(-highest, highest))
