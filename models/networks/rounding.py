"""Rounding that the gradient does not see: the straight-through estimator.

Source: Bengio, Leonard, Courville, "Estimating or Propagating Gradients Through Stochastic Neurons for
Conditional Computation", arXiv 1308.3432 (2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def round_straight_through(x: Tensor) -> Tensor:
    """Nearest integer (ties to even); the gradient passes unchanged."""
    return x + (x.round() - x).detach()


def floor_straight_through(x: Tensor) -> Tensor:
    """Largest integer not above x; the gradient passes unchanged."""
    return x + (x.floor() - x).detach()
