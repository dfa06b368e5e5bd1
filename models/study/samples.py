"""Which samples stand for a data set where all of them are too many."""

from __future__ import annotations

import numpy as np

from spikecycle.models.data.frames import Labels


def first_of_each(labels: Labels, count: int) -> list[int]:
    """Indices of the first `count` samples of every class, class by class; of all, where there are fewer."""
    return [int(index) for label in np.unique(labels) for index in np.flatnonzero(labels == label)[:count]]
