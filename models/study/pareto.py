"""The Pareto front: what no other candidate beats in cost without losing accuracy."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Indices of the candidates on the front, by rising cost and rising accuracy.

    A candidate is on it if every other one costs more or is less accurate; of equal ones, the first.
    """
    best = -1.0
    indices = []
    for index in sorted(range(len(costs)), key=lambda index: (costs[index], -accuracies[index], index)):
        if accuracies[index] > best:
            best = accuracies[index]
            indices.append(index)
    return indices
