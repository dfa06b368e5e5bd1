"""Pareto fronts: what nothing beats, and laws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spikecycle.models.study.results import front


def test_the_front_has_what_nothing_beats() -> None:
    costs, accuracies = [3.0, 1.0, 2.0, 4.0, 1.0, 5.0], [0.9, 0.5, 0.8, 0.9, 0.4, 0.95]
    assert front(costs, accuracies) == [1, 2, 0, 5]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_every_network_is_beaten_or_equalled_by_one_of_the_front(points: list[tuple[int, int]]) -> None:
    chosen = front([cost for cost, _ in points], [accuracy for _, accuracy in points])
    for cost, accuracy in points:
        assert any(points[index][0] <= cost and points[index][1] >= accuracy for index in chosen)
    for index in chosen:
        others = [points[other] for other in chosen if other != index]
        assert not any(cost <= points[index][0] and accuracy >= points[index][1] for cost, accuracy in others)
