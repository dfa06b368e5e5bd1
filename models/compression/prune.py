"""Gradual pruning of the smallest weights of the whole network.

Source: Zhu, Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", arXiv
1710.01878 (2017), equation 1: the pruned share grows by a cubic schedule, fast at first.

torch.nn.utils.prune keeps a copy of every earlier mask, which a schedule of hundreds of steps cannot afford; one
mask per layer, as a parametrization of its weight, is all that a growing mask needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models.networks.node import Synapse


class Mask(nn.Module):
    """Parametrization that holds part of a tensor at zero. `kept`: bool, of the tensor's shape."""

    kept: Tensor

    def __init__(self, shape: torch.Size) -> None:
        super().__init__()
        self.register_buffer("kept", torch.ones(shape, dtype=torch.bool))

    def forward(self, weight: Tensor) -> Tensor:
        """The tensor with zeros where nothing is kept."""
        return weight * self.kept


@dataclass(frozen=True)
class PruningSchedule:
    """Prune `final_share` of all weights, in steps that end when `ramp_share` of the training is done."""

    final_share: float
    ramp_share: float = 0.5

    def share_at(self, progress: float) -> float:
        """Share to have pruned when `progress` (0 to 1) of the training is done."""
        left = max(0.0, 1.0 - progress / self.ramp_share)
        return float(self.final_share * (1.0 - left**3))


class GlobalMagnitudePruner:
    """Holds the masks of a network and grows them: weights are ranked by magnitude over all layers together."""

    def __init__(self, synapses: Sequence[Synapse], schedule: PruningSchedule) -> None:
        self.synapses = synapses
        self.schedule = schedule
        self.masks = [Mask(synapse.weight.shape) for synapse in synapses]
        for synapse, mask in zip(synapses, self.masks, strict=True):
            parametrize.register_parametrization(synapse, "weight", mask)

    @torch.no_grad()
    def step(self, progress: float) -> None:
        """Prune up to the share of this moment. What is pruned stays pruned, since nothing is smaller than zero."""
        magnitude = torch.cat([synapse.weight.abs().flatten() for synapse in self.synapses])
        pruned = round(self.schedule.share_at(progress) * magnitude.numel())
        kept = torch.ones_like(magnitude, dtype=torch.bool)
        kept[magnitude.argsort(stable=True)[:pruned]] = False
        parts = torch.split(kept, [mask.kept.numel() for mask in self.masks])
        for mask, part in zip(self.masks, parts, strict=True):
            mask.kept.copy_(mask.kept & part.view_as(mask.kept))

    def pruned_share(self) -> float:
        """Share of all weights that the masks hold at zero."""
        kept = sum(int(mask.kept.sum()) for mask in self.masks)
        return 1.0 - kept / sum(mask.kept.numel() for mask in self.masks)
