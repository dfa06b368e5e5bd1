"""Folding of batch normalization into the weights and the bias before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def fold_batch_norm(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias that do by themselves what `weight` followed by `norm` (in evaluation mode) does.

    weight: (M, C / groups, R, S). Returns a weight of that shape and a bias (M,).
    norm(w x) = gain (w x - mean) + shift with gain = gamma / sqrt(variance + eps), so the weight becomes gain w
    and the bias shift - gain mean.
    """
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None
    gain = norm.weight / torch.sqrt(variance + norm.eps)
    return weight * gain[:, None, None, None], norm.bias - gain * mean
