"""How output spikes become a class: every class has a group of voters, and the group that fires most wins.

The voters of class k are the output neurons k * voters to (k + 1) * voters - 1. A tie goes to the lower class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor


def voter_rates(spikes: Tensor, classes: int) -> Tensor:
    """Mean spikes per voter and timestep, (B, classes), from output spikes (T, B, M, 1, 1)."""
    return spikes.mean(0).reshape(spikes.shape[1], classes, -1).mean(2)


def predicted_classes(outputs: npt.NDArray[Any], classes: int) -> npt.NDArray[np.int64]:
    """Class of every sample, int64 (N,), from output spikes or potentials (N, T, M, P, Q), summed over time."""
    accumulator = np.float64 if outputs.dtype.kind == "f" else np.int64
    votes = outputs.sum(axis=1, dtype=accumulator).reshape(len(outputs), classes, -1).sum(axis=2)
    winners: npt.NDArray[np.int64] = votes.argmax(axis=1)
    return winners
