"""The intervals of accuracies: against published examples, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecycle.models.study.results import accuracy_interval, difference_interval, front, noise_band


def test_wilson_as_newcombe_prints_it() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: 81 of 263, method 3."""
    low, high = accuracy_interval(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_the_difference_as_newcombe_prints_it() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 873-890, table II: 10 of 10 against 0 of 10, method 10."""
    low, high = difference_interval(1.0, 0.0, 10)
    assert (round(low, 4), round(high, 4)) == (0.6075, 1.0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(50, 500))
def test_a_difference_turns_with_its_sides_and_holds_what_was_found(right: int, other: int, samples: int) -> None:
    there = difference_interval(right / samples, other / samples, samples)
    back = difference_interval(other / samples, right / samples, samples)
    assert there == pytest.approx((-back.high, -back.low))
    assert (right - other) / samples in there
    if right == other:
        assert 0.0 in there


def test_a_difference_inside_the_band_is_noise_and_outside_it_is_not() -> None:
    low, high = noise_band(0.98, 400)
    for accuracy in (low, high):
        assert 0.0 in difference_interval(0.98, accuracy, 400)
    for accuracy in (low - 1 / 400, high + 1 / 400):
        assert accuracy > 1 or 0.0 not in difference_interval(0.98, accuracy, 400)


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
