"""A torch module that quantizes one weight during training: a learned scale per output channel, and a quantizer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from spikecycle.models.compression.quantizers import QuantizerKind


class ScaledQuantizer(nn.Module):
    """Turns a float weight into codes (held in its own dtype) with a positive scale per output channel.

    The scale is learned as its logarithm, so that no step of the optimizer can make it negative. lowest_scale bounds
    it from below; the gradient passes the bound, so that a scale comes back from it.
    """

    progress: Tensor

    def __init__(self, kind: QuantizerKind, weight: Tensor, bits: int, lowest_scale: float = 0.0) -> None:
        super().__init__()
        self.kind = kind
        self.bits = bits
        self.lowest_log = math.log(lowest_scale) if lowest_scale else -math.inf
        self.log_scale = nn.Parameter(self._start(weight))
        self.register_buffer("progress", torch.ones(()))

    def advance(self, progress: float) -> None:
        """Say how much of the training is done, 0 to 1. A quantizer that is not trained is done."""
        self.progress.fill_(progress)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        """Start the scale again from what a pruner left of the weight, where the rule wants that."""
        if self.kind.follows_pruning(self.bits):
            self.log_scale.copy_(self._start(weight))

    def scale(self) -> Tensor:
        """Value of one code, float32 (M, 1, 1, 1)."""
        bounded = self.log_scale.detach().clamp(min=self.lowest_log)
        return (self.log_scale + (bounded - self.log_scale).detach()).exp()

    def forward(self, weight: Tensor, scale: Tensor) -> Tensor:
        """Codes of weight / scale, as the rule has it; whole numbers outside of training."""
        return self.kind.codes(weight / scale, self.bits, float(self.progress) if self.training else 1.0)

    def _start(self, weight: Tensor) -> Tensor:
        """Logarithm of the scale to start from, (M, 1, 1, 1)."""
        start = self.kind.starting_scale(weight.detach(), self.bits)
        # A channel without weights gets any positive scale; 1 keeps its bias and threshold in range.
        start = torch.where(start > 0, start, torch.ones_like(start))[:, None, None, None]
        return start.log().clamp(min=self.lowest_log)
