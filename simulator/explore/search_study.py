"""The Optuna study of a search: which points were tried, what became of them, and which to try next.

It is kept in an SQLite file that Optuna and its dashboard read, so that a search goes on after it was killed, and
several commands work on one study. A trial is a place along each axis of the space.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import random
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.simulator.explore import study_database
from spikecycle.simulator.explore.constraints import ACCURACY_COLUMN, BROKEN, GOALS, Constraint
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import UNKNOWABLE, Row
from spikecycle.simulator.explore.importance import DrawnAxis, importances, points_needed
from spikecycle.simulator.explore.study_database import is_finite
from spikecycle.simulator.explore.sweep_spec import Axis, SweepPoint, SweepSpec
from spikecycle.traces.errors import one_line

_NAME = "spikecycle"
_FIRST_AT_RANDOM = 20
"""Trials before the sampler begins to learn, at most a quarter of all."""
_WORDS = {
    sqlite3.SQLITE_BUSY: "is in use by another program, which does not let go of it",
    sqlite3.SQLITE_LOCKED: "is in use by another program, which does not let go of it",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
    sqlite3.SQLITE_READONLY: "cannot be written",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk fails",
}
"""What is wrong by SQLite's result code; all others are kinds of damage. Source: sqlite.org/rescode.html."""
_DAMAGED = (
    "is damaged, so that this search cannot go on; its points are kept in other files: remove this one to search anew "
    "with them, or name another folder"
)


class SearchStudy:
    """The study of a search in a file, with what it makes small and what its best points keep to."""

    def __init__(
        self,
        path: Path,
        spec: SweepSpec,
        goals: Sequence[str],
        constraints: Sequence[Constraint],
        seed: int,
        trials: int,
        at_random: bool,
    ) -> None:
        """Open the study, or make it where there is none.

        goals: names in GOALS. seed: of the sampler. trials: that it will have in all. at_random: learn nothing.
        UsageError if it is one of another space, OutputError where it cannot be kept there, or is damaged.
        """
        self._spec, self._goals, self._constraints = spec, goals, constraints
        self._axes = spec.axes()
        about = {"space": _digest(spec), "goals": list(goals), "constraints": [str(each) for each in constraints]}
        self._study = _opened(path, len(goals))
        before = study_database.said_about(path, self._study)
        if not before:
            self._study.set_user_attr("about", about)
        elif before != about:
            what = next((key for key in about if before.get(key) != about[key]), "content")
            raise UsageError(f"{path.parent}: holds a search with other {what}; name another folder")
        allowed = {", ".join(axis.names): _allowed(axis) for axis in self._axes}
        study_database.check_trials(path, self._study, allowed, len(goals), len(constraints) + 1)
        seed += len(self._study.trials)  # of a study that goes on, another than before, lest it draw the same again
        self._study.sampler = _sampler(seed, trials, at_random)
        self._random = random.Random(seed)
        self._asked: set[int] = set()
        self._number_of: dict[int, int] = {}

    @property
    def finished(self) -> int:
        """Trials that have come to an end."""
        return len(self._ended())

    @property
    def failed(self) -> int:
        """Trials whose point cannot be run, or has no value of a goal."""
        return sum("problem" in trial.user_attrs for trial in self._ended())

    def ask(self) -> tuple[Any, SweepPoint]:
        """A new trial, and its point: one that was not tried yet, as long as there are any.

        A trial for which the sampler draws a point again is ended as failed, which Optuna learns nothing from and which
        does not count; what was not tried is then queued as the next one, drawn evenly.
        """
        trial, point = self._asked_of_sampler()
        tried = self._tried()
        while point.number in tried and len(tried) < self._spec.count:
            self._study.tell(trial, state=needs_extra("optuna").trial.TrialState.FAIL)
            places = _places(self._untried(tried), self._axes)
            self._study.enqueue_trial(dict(map(_parameter, self._axes, places)))
            trial, point = self._asked_of_sampler()  # another command on this study may have taken what was queued
            tried = self._tried()
        self._asked.add(point.number)
        return trial, point

    def _asked_of_sampler(self) -> tuple[Any, SweepPoint]:
        trial = self._study.ask()
        return trial, self._spec.point([_suggested(trial, axis) for axis in self._axes])

    def _tried(self) -> set[int]:
        """Numbers of the points that trials of any run have ended with, or that this run is at."""
        return {self._number(trial) for trial in self._ended()} | self._asked

    def _untried(self, tried: set[int]) -> int:
        """The number of a point that is not among these, all others being equally likely."""
        count = self._spec.count
        if count <= 2 * len(tried):
            return self._random.choice([number for number in range(count) if number not in tried])
        while (number := self._random.randrange(count)) in tried:
            pass  # at most every second time
        return number

    def tell(self, trial: Any, row: Row) -> None:
        """What became of a trial; one that cannot be run breaks all constraints, so that the sampler keeps away."""
        trial.set_user_attr("point", str(row["point"]))
        values = [_goal(row, goal) for goal in self._goals]
        if row["problem"] is None and all(map(is_finite, values)):
            trial.set_user_attr("violations", self.violations(row))
            self._study.tell(trial, values)
            return
        trial.set_user_attr("violations", [BROKEN] * (len(self._constraints) + 1))
        without = [goal for goal, value in zip(self._goals, values, strict=True) if not is_finite(value)]
        trial.set_user_attr("problem", str(row["problem"] or _lacks(row, without)))
        self._study.tell(trial, [math.inf] * len(self._goals))

    def violations(self, row: Row) -> list[float]:
        """By how much a row breaks each constraint, the first being that no memory is slower than the clock."""
        slow = BROKEN if row.get("too_slow") else -BROKEN
        return [slow, *(constraint.violation(row) for constraint in self._constraints)]

    def chosen(self) -> dict[str, SweepPoint]:
        """The points of all trials that have ended, by identity."""
        numbers = dict.fromkeys(self._number(trial) for trial in self._ended() if "point" in trial.user_attrs)
        points = (self._spec.point(_places(number, self._axes)) for number in numbers)
        return {point.identity(): point for point in points}

    def importances(self) -> dict[str, dict[str, float]]:
        """Share of each axis in the variance of each goal that has enough points."""
        ran = self._ran()
        values = {
            goal: [each.values[index] if is_finite(each.values[index]) else None for each in ran.values()]
            for index, goal in enumerate(self._goals)
        }
        return importances(self._drawn(ran), values, self._can_run())

    def points_for_importances(self) -> int:
        """Different points that must have run before there are importances."""
        return points_needed(self._drawn([]), self._can_run())

    def _ran(self) -> dict[int, Any]:
        """A trial of each point that could be run, by number."""
        return {self._number(trial): trial for trial in self._ended() if "problem" not in trial.user_attrs}

    def _can_run(self) -> int:
        """Points of the space, but those that could not be run."""
        return self._spec.count - len({self._number(trial) for trial in self._ended()} - self._ran().keys())

    def _drawn(self, numbers: Iterable[int]) -> list[DrawnAxis]:
        """The axes that vary, with the place along each of the points of these numbers."""
        places = [_places(number, self._axes) for number in numbers]
        return [
            DrawnAxis(", ".join(axis.names), [each[index] for each in places], len(axis.values), _is_scale(axis))
            for index, axis in enumerate(self._axes)
            if len(axis.values) > 1
        ]

    def _ended(self) -> list[Any]:
        """Trials that tried a point; of one that drew a point again there is nothing to know."""
        complete = (needs_extra("optuna").trial.TrialState.COMPLETE,)
        found: list[Any] = self._study.get_trials(deepcopy=False, states=complete)
        return found

    def _number(self, trial: Any) -> int:
        """The number of an ended trial's point."""
        if trial.number not in self._number_of:
            places = [_place(trial.params, axis) for axis in self._axes]
            self._number_of[trial.number] = self._spec.point(places).number
        return self._number_of[trial.number]


@contextmanager
def quiet_study(path: Path) -> Iterator[None]:
    """Without what Optuna logs for every trial, and warns of about its newer parts; OutputError, in plain words, where
    the file of the study fails meanwhile."""
    optuna = needs_extra("optuna")
    from sqlalchemy.exc import SQLAlchemyError

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise OutputError(f"{path}: {_plain(error)}") from error
    finally:
        optuna.logging.set_verbosity(level)


def _opened(path: Path, goals: int) -> Any:
    """Optuna's study in a file, all of which was read; OutputError where that fails."""
    optuna = needs_extra("optuna")
    try:
        storage = study_database.storage(optuna, path)
        study = optuna.create_study(
            storage=storage, study_name=_NAME, directions=["minimize"] * goals, load_if_exists=True
        )
        study.get_trials(deepcopy=False)
    except UsageError:
        raise
    except Exception as error:  # SQLAlchemy, SQLite and Optuna have errors of their own for every kind of damage
        raise OutputError(f"{path}: {_plain(error)}") from error
    return study


def _plain(error: BaseException) -> str:
    """What is wrong with the file, without the statements that met it."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = getattr(cause, "orig", None) or cause.__cause__ or cause.__context__
    found = next((each for each in causes if isinstance(each, sqlite3.Error | OSError)), None)
    if isinstance(found, OSError):
        return f"cannot be opened: {one_line(found.strerror or found)}"
    code = getattr(found, "sqlite_errorcode", 0) & 0xFF  # the lower byte is the kind, the upper ones tell more
    return _WORDS.get(code, _DAMAGED)


def _sampler(seed: int, trials: int, at_random: bool) -> Any:
    optuna = needs_extra("optuna")
    if at_random:
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=min(_FIRST_AT_RANDOM, max(4, trials // 4)),
        multivariate=True,
        constant_liar=True,
        constraints_func=lambda trial: trial.user_attrs["violations"],
    )


def _suggested(trial: Any, axis: Axis) -> int:
    """Place along an axis: of ascending numbers as a number, so that neighbours are known as such; else a choice."""
    count, name = len(axis.values), ", ".join(axis.names)
    if count == 1:
        return 0
    if _is_scale(axis):
        return int(trial.suggest_int(name, 0, count - 1))
    labels = _labels(axis)
    return labels.index(trial.suggest_categorical(name, labels))


def _parameter(axis: Axis, place: int) -> tuple[str, Any]:
    """A trial's parameter, name and value, that stands for a place along an axis."""
    return ", ".join(axis.names), place if _is_scale(axis) else _labels(axis)[place]


def _places(number: int, axes: Sequence[Axis]) -> list[int]:
    """The place along each axis of the point of a number: the last one changes fastest."""
    places = []
    for axis in reversed(axes):
        number, place = divmod(number, len(axis.values))
        places.append(place)
    return places[::-1]


def _place(params: Mapping[str, Any], axis: Axis) -> int:
    """The place along an axis that a trial with these parameters was suggested."""
    if len(axis.values) == 1:
        return 0
    value = params[", ".join(axis.names)]
    return int(value) if _is_scale(axis) else _labels(axis).index(value)


def _is_scale(axis: Axis) -> bool:
    numbers = [value[0] for value in axis.values]
    return all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers) and numbers == sorted(numbers)


def _allowed(axis: Axis) -> Sequence[Any]:
    """What a trial can say of an axis."""
    return range(len(axis.values)) if _is_scale(axis) else _labels(axis)


def _labels(axis: Axis) -> list[str]:
    return [json.dumps(value, default=str) for value in axis.values]


def _goal(row: Row, goal: str) -> Any:
    if goal != "error":
        return row.get(GOALS[goal])
    accuracy = row.get(ACCURACY_COLUMN)
    return None if accuracy is None else 1 - accuracy


def _lacks(row: Row, goals: Sequence[str]) -> str:
    """Why a point that was run is none to choose."""
    why = f": machine {row.get('machine')} does not model it" if {GOALS[goal] for goal in goals} & {*UNKNOWABLE} else ""
    return f"no value of {', '.join(goals)}{why}"


def _digest(spec: SweepSpec) -> str:
    said = [[axis.kind, axis.names, axis.values] for axis in spec.axes()] + [spec.samples]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()
