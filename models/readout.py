"""How output spikes become a class: every class has a group of voters, and the group that fires most wins.

The voters of class k are the output channels k * voters to (k + 1) * voters - 1. A tie goes to the lower class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from models.integer import Values


def voter_rates(spikes: Tensor, classes: int) -> Tensor:
    """Mean spikes per voter and timestep, (B, classes), from output spikes (T, B, M, 1, 1)."""
    return spikes.mean(0).reshape(spikes.shape[1], classes, -1).mean(2)


def predicted_classes(spikes: Values, classes: int) -> npt.NDArray[np.int64]:
    """Class of every sample, int64 (N,), from recorded output spikes (N, T, M, 1, 1)."""
    votes = spikes.sum(axis=1, dtype=np.int64).reshape(len(spikes), classes, -1).sum(axis=2)
    winners: npt.NDArray[np.int64] = votes.argmax(axis=1)
    return winners
