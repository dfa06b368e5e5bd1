"""Shares of variance by axis: grids worked out by hand, points drawn unevenly, and too few of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from spikecycle.simulator.explore.importance import DrawnAxis, importances, main_effects, points_needed

Places = Sequence[tuple[int, ...]]


def _axes(points: Places, *counts: int, is_scale: bool = False) -> list[DrawnAxis]:
    return [
        DrawnAxis("abcdef"[index], [point[index] for point in points], count, is_scale)
        for index, count in enumerate(counts)
    ]


def _grid(*counts: int) -> list[tuple[int, ...]]:
    return list(itertools.product(*map(range, counts)))


def _of(points: Places, goal: Callable[..., float]) -> list[float]:
    return [goal(*point) for point in points]


def test_a_whole_grid_by_hand() -> None:
    """Goal 10 a + (0, 3, 6)[b]: variances 25 and 6, total 31; c changes nothing."""
    points = _grid(2, 3, 2)
    shares = main_effects(_axes(points, 2, 3, 2), _of(points, lambda a, b, c: 10 * a + 3 * b), 12)
    assert shares == pytest.approx({"a": 25 / 31, "b": 6 / 31, "c": 0})
    assert shares["c"] == 0


def test_what_axes_do_together_belongs_to_none() -> None:
    """a xor b: no main effect. a and b: means 0 and 1/2, so 1/16 each, of p (1 - p) = 3/16; the other third is both."""
    points = _grid(2, 2)
    assert main_effects(_axes(points, 2, 2), _of(points, lambda a, b: float(a != b)), 4) == {"a": 0, "b": 0}
    both = main_effects(_axes(points, 2, 2), _of(points, lambda a, b: float(a and b)), 4)
    assert both == pytest.approx({"a": 1 / 3, "b": 1 / 3})


@pytest.mark.parametrize("value", [0.0, 0.1, -3e9])
def test_a_goal_that_never_changes_is_decided_by_nothing(value: float) -> None:
    points = _grid(3, 4)
    assert main_effects(_axes(points, 3, 4), [value] * 12, 12) == {"a": 0, "b": 0}


def test_uneven_draws_credit_no_axis_with_what_another_does() -> None:
    """As TPE draws: where a is 1, b is mostly 2. Means by b differ, 0.25, 0.5 and 0.8, though a alone decides."""
    points = [(0, 0)] * 3 + [(1, 0)] + [(0, 1)] * 2 + [(1, 1)] * 2 + [(0, 2)] + [(1, 2)] * 4
    shares = main_effects(_axes(points, 2, 3), _of(points, lambda a, b: 7.0 * a), 1000)
    assert shares == pytest.approx({"a": 1, "b": 0})
    assert shares["b"] == 0


def test_uneven_draws_have_the_shares_of_the_whole_grid() -> None:
    """Without interaction, any draw that tells the axes apart gives them: 25 / 31 and 6 / 31 as above."""
    points = [(0, 0)] * 3 + [(1, 0)] + [(0, 1)] * 2 + [(1, 1)] * 2 + [(0, 2)] + [(1, 2)] * 4
    shares = main_effects(_axes(points, 2, 3), _of(points, lambda a, b: 10 * a + 3 * b), 1000)
    assert shares == pytest.approx({"a": 25 / 31, "b": 6 / 31})


def test_few_points_of_a_large_space_are_corrected_by_hand() -> None:
    """Eight points of 2 a + n, where n is once 1 and once -1 at each of a and b.

    Squares left: 8 of 8 - 3 free ones, so 1.6 for a point. a: variance 1 less 1.6 / 8 = 0.8; b: 0 less 0.2, cut at 0.
    Of a space without end: 0.8 / (0.8 + 1.6). Of one of 8 points, nothing is chance: 1 / (1 + 1).
    """
    points = [(a, b) for a in (0, 1) for b in (0, 1) for _ in (0, 1)]
    goal = [2 * a + noise for (a, _), noise in zip(points, [1, -1] * 4, strict=True)]
    shares = main_effects(_axes(points, 2, 2), goal, 10**9)
    assert shares == pytest.approx({"a": 0.8 / 2.4, "b": 0})
    assert main_effects(_axes(points, 2, 2), goal, 8) == pytest.approx({"a": 0.5, "b": 0})


def test_an_axis_of_chance_has_no_share_on_average() -> None:
    """Uncorrected, four groups of 20 points of pure noise explain 3/19 = 16 %; unclipped it would be 0 on average."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(200):
        points = [(int(place),) for place in random.integers(0, 4, 20)]
        found.append(main_effects(_axes(points, 4), random.normal(size=20).tolist(), 10**6).get("a", 0.0))
    assert np.mean(found) < 0.08
    assert np.median(found) < 0.02


def test_neighbours_are_one_group_while_points_are_few() -> None:
    """A slope over 16 places. All known: every value by itself, everything explained. Of a large space, the first three
    places of every four: means of groups are 1, 5, 9, 13, variance 20; squares left 2 in each, 8 of 12 - 4 free ones,
    so 1 for a point, and 20 less 3/12 is the effect."""
    line = [(place,) for place in range(16)]
    twelve = [point for point in line if point[0] % 4 != 3]
    assert points_needed(_axes(line, 16, is_scale=True), 16) == 8
    assert main_effects(_axes(line, 16, is_scale=True), [p[0] for p in line], 16) == pytest.approx({"a": 1})
    shares = main_effects(_axes(twelve, 16, is_scale=True), [p[0] for p in twelve], 10**9)
    assert shares == pytest.approx({"a": 19.75 / 20.75})
    assert main_effects(_axes(twelve, 16), [p[0] for p in twelve], 10**6) == {}  # names are not alike


def test_too_few_points_tell_nothing() -> None:
    """2 x (1 + 1 + 2) = 8 points for axes of 2 and 3 values, but no more than the space has."""
    points = _grid(2, 3)
    axes = _axes(points, 2, 3)
    assert (points_needed(axes, 1000), points_needed(axes, 6)) == (8, 6)
    goal = _of(points, lambda a, b: a + b)
    assert main_effects(axes, goal, 1000) == {}
    assert main_effects(_axes(points[:5], 2, 3), goal[:5], 6) == {}
    assert set(main_effects(axes, goal, 6)) == {"a", "b"}


def test_axes_that_were_never_drawn_apart_are_not_told_apart() -> None:
    points = [(0, 0), (1, 1)] * 5
    assert main_effects(_axes(points, 2, 2), _of(points, lambda a, b: a), 1000) == {}


def test_a_goal_that_some_points_lack_is_that_of_the_others() -> None:
    points = _grid(2, 3)
    goals: dict[str, Sequence[float | None]] = {
        "whole": _of(points, lambda a, b: a),
        "part": [None, *_of(points[1:], lambda a, b: b)],
        "none": [None] * 6,
    }
    found = importances(_axes(points, 2, 3), goals, 6)
    assert found["whole"] == pytest.approx({"a": 1, "b": 0})
    assert found["part"] == pytest.approx({"a": 0, "b": 1})
    assert "none" not in found
