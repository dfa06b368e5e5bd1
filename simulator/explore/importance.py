"""Importance of axes: which share of the variance of a goal each axis of a search explains by itself.

An additive model, one number for every value of every axis, is fitted to the points by least squares, so that an axis
is not credited with what another one does that happened to be drawn along with it. The main effect of an axis is the
variance of its numbers, each value weighing the same, as on the full grid; what the model leaves is the work of several
axes together. Goals are taken as they are, not their logarithms. Source: Hooker, JCGS 2007, of unevenly drawn points;
the bias of few points is taken off as in epsilon squared (Kelley, PNAS 1935), less of it the more of the space is
known: of a space of which all points are known, shares are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_POINTS_PER_NUMBER = 2
"""Points for every number that is fitted, so that as many are left to tell what is not additive."""
_GROUPS = 4
"""Of neighbouring values of an axis of numbers, where the points are too few to tell all of its values apart: of an
even slope, groups lose a sixteenth of the variance."""
_ROUNDING = 1e-9
"""Relative: differences below it are those of floating-point sums, not of points."""


@dataclass(frozen=True)
class DrawnAxis:
    """An axis, and where each point lies along it.

    places: from 0, one per point. count: places that there are. is_scale: whether neighbours are alike.
    """

    name: str
    places: Sequence[int]
    count: int
    is_scale: bool

    def grouped(self) -> DrawnAxis:
        """The axis with neighbouring places as one, where that is allowed and they are many."""
        if not self.is_scale or self.count <= _GROUPS:
            return self
        return DrawnAxis(self.name, [place * _GROUPS // self.count for place in self.places], _GROUPS, True)


def points_needed(axes: Sequence[DrawnAxis], space: int) -> int:
    """Points that it takes at least: all of a small space, or enough for the model. space: points that there are."""
    return _points_for([axis.grouped() for axis in axes], space)


def _points_for(axes: Sequence[DrawnAxis], space: int) -> int:
    """To tell all places of these axes apart."""
    return min(space, _POINTS_PER_NUMBER * (1 + sum(axis.count - 1 for axis in axes)))


def main_effects(axes: Sequence[DrawnAxis], goal: Sequence[float], space: int) -> dict[str, float]:
    """Share, 0 to 1, of the variance of a goal by axis; what they leave of 1 is that of several axes together.

    goal: its finite value, one per point. space: points that can be run. Nothing where the points are too few, or do
    not tell the axes apart; 0 for all axes where the goal is the same everywhere.
    """
    values = np.asarray(goal, dtype=np.float64)
    for each in (axes, [axis.grouped() for axis in axes]):
        if len(values) >= max(1, _points_for(each, space)):
            columns = [_indicators(axis) for axis in each]
            return _shares([axis.name for axis in each], columns, values, max(space, len(values)))
    return {}


def _indicators(axis: DrawnAxis) -> npt.NDArray[np.float64]:
    """Points x values of the axis that occur: 1 where a point has the value."""
    seen, where = np.unique(np.asarray(axis.places), return_inverse=True)
    return np.eye(len(seen))[where]


def _shares(
    names: Sequence[str],
    columns: Sequence[npt.NDArray[np.float64]],
    values: npt.NDArray[np.float64],
    space: int,
) -> dict[str, float]:
    """The same, of indicators of enough points."""
    count, numbers = len(values), 1 + sum(column.shape[1] - 1 for column in columns)
    scale = float(np.abs(values).max())
    if scale == 0 or float(np.ptp(values)) <= _ROUNDING * scale:
        return dict.fromkeys(names, 0.0)
    values = (values - values.mean()) / values.std()
    design = np.hstack([np.ones((count, 1)), *(column[:, 1:] for column in columns)])
    if np.linalg.matrix_rank(design) < numbers:
        return {}
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    left = float(((values - design @ fitted) ** 2).sum())
    noise = left / (count - numbers) if count > numbers else 0.0  # variance per point of what is not additive
    spread = np.linalg.inv(design.T @ design) * noise * (1 - count / space)
    effects: dict[str, float] = {}
    start = 1
    for name, column in zip(names, columns, strict=True):
        size, of_axis = column.shape[1], slice(start, start + column.shape[1] - 1)
        start = of_axis.stop
        centred = (np.eye(size) - 1 / size)[:, 1:]  # the first value of an axis is the one that others are seen from
        effect = float(((centred @ fitted[of_axis]) ** 2).mean())
        bias = float(np.trace(centred @ spread[of_axis, of_axis] @ centred.T)) / size
        effects[name] = max(0.0, effect - bias)
    together = noise * (space - numbers) / space
    total = sum(effects.values()) + together
    return {name: effect / total if effect > _ROUNDING * total else 0.0 for name, effect in effects.items()}


def importances(
    axes: Sequence[DrawnAxis], goals: Mapping[str, Sequence[float | None]], space: int
) -> dict[str, dict[str, float]]:
    """Shares by goal and axis, of the points that have the goal; goals of which they cannot be told are missing.

    goals: values by name, one per point, None where a point has none.
    """
    found: dict[str, dict[str, float]] = {}
    for name, values in goals.items():
        have = [index for index, value in enumerate(values) if value is not None]
        missing = len(values) - len(have)
        drawn = [DrawnAxis(axis.name, [axis.places[i] for i in have], axis.count, axis.is_scale) for axis in axes]
        shares = main_effects(drawn, [value for value in values if value is not None], space - missing) if have else {}
        if shares:
            found[name] = shares
    return found
