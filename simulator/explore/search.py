"""Search: far more machines than can be simulated, and the best of them found by Optuna.

The space is what a sweep would run. Every trial is a point of it; the sampler (multi-objective TPE: Ozaki et al., JAIR
2022) learns from those that are done which to try next. The study is kept in an SQLite file that Optuna and its
dashboard read (`optuna-dashboard sqlite:///FOLDER/study.db`), points in the same Parquet as those of a sweep. Several
processes, or several commands on the same folder, work on one study.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.simulator.explore import study_database
from spikecycle.simulator.explore.extra import needs_extra
from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.explore.measure import ACCURACY, FIGURES, GROUPS, OVER_LIMIT, Chunk, SharedRuns
from spikecycle.simulator.explore.results import SearchResult, pareto_front
from spikecycle.simulator.explore.store import SweepFolder
from spikecycle.simulator.explore.sweep import SweepProgress, sources_of
from spikecycle.simulator.explore.sweep_spec import Axis, SweepPoint, SweepSpec, parse_sweep, read_sweep
from spikecycle.simulator.explore.workers import local_client, run_on_dask, scheduler_client
from spikecycle.suggestions import did_you_mean
from spikecycle.traces import open_trace

GOALS = {
    "energy": "energy_per_inference_pj",
    "time": "seconds_per_inference",
    "area": "area_mm2",
    "edp": "edp_per_inference_js",
    "error": "error",
}
"""Column by what a goal is called; the error is 1 - accuracy."""
DEFAULT_GOALS = ("energy", "time", "area")
STUDY = "spikecycle"
_FIRST_AT_RANDOM = 20
"""Trials before the sampler begins to learn, at most a quarter of all."""
_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}
_BROKEN = 1.0
"""How much a memory that is slower than the clock violates its constraint: there is no more and less of it."""


@dataclass(frozen=True)
class Constraint:
    """A bound on a column of points: relation is <= or >=."""

    column: str
    relation: str
    bound: float

    def violation(self, row: Row) -> float:
        """Above 0 where the row breaks it, the more the worse; a row without the column breaks it."""
        value = row.get(self.column)
        if not isinstance(value, int | float):
            return _BROKEN
        return value - self.bound if self.relation == "<=" else self.bound - value

    def __str__(self) -> str:
        return f"{self.column} {self.relation} {self.bound:g}"


def parse_constraint(text: str) -> Constraint:
    """A constraint from "area_mm2<=10" or "accuracy>=0.98"; UsageError on anything else."""
    for relation in _COMPARE:
        column, found, bound = text.partition(relation)
        if found:
            try:
                return Constraint(column.strip(), relation, float(bound))
            except ValueError:
                break
    raise UsageError(f"--keep {text}: write COLUMN<=NUMBER or COLUMN>=NUMBER, e.g. area_mm2<=10 or accuracy>=0.98")


def search(
    space: SweepSpec | str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    trials: int = 200,
    goals: Sequence[str] = DEFAULT_GOALS,
    constraints: Sequence[Constraint | str] = (),
    seed: int = 0,
    at_random: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    progress: SweepProgress | None = None,
) -> SearchResult:
    """Try points of a space until the study in `out` has so many trials, and return the best.

    space: what a sweep would run: a sweep file, its keys as a mapping, or read already. trials: of the study, those of
    earlier runs among them. goals: what is made small, names in GOALS. constraints: what the best keep to,
    "area_mm2<=10"; that no memory is slower than the clock, they always do. seed: of the sampler; equal seeds and jobs
    try equal points. at_random: learn nothing. jobs: points that are simulated at the same time, each in a process of
    its own; cluster: address of a Dask scheduler.

    Raises UsageError for a goal that there is not, a space of one point, or a folder with a study of another space.
    """
    unknown = [goal for goal in goals if goal not in GOALS]
    if unknown or not goals or len(set(goals)) < len(goals):
        named = unknown[0] if unknown else ", ".join(goals)
        raise UsageError(f"goals: {named!r}: name different ones, allowed: {', '.join(GOALS)}")
    spec = _spec_of(space)
    kept_to = [parse_constraint(each) if isinstance(each, str) else each for each in constraints]
    axes = spec.axes()
    if spec.count < 2:
        raise UsageError("there is nothing to search: the space has one point; give some key several values")
    _check_columns(spec, kept_to)
    sources = sources_of(spec)
    if "error" in goals:
        _check_accuracies(spec)
    with _quiet(), scheduler_client(cluster) as client:  # where nobody answers, no folder is made
        folder = SweepFolder(out, sources)
        known = {str(row["point"]): row for row in folder.rows()}
        again = {identity for identity, row in known.items() if row.get(OVER_LIMIT)}  # by another limit
        study = _study(Path(out), spec, goals, kept_to, seed, trials, at_random)
        done = _finished(study)
        with _runner(jobs, client, Chunk((), spec.plugins)) as run:
            while done < trials:
                asked = [_ask(study, spec, axes) for _ in range(min(jobs, trials - done))]
                chosen = {point.identity(): point for _, point in asked}
                new = {key: point for key, point in chosen.items() if key not in known or key in again}
                again -= new.keys()
                rows = run(list(new.values())) if new else []
                folder.append(rows)
                known |= {str(row["point"]): row for row in rows}
                for trial, point in asked:
                    _tell(study, trial, known[point.identity()], goals, kept_to)
                done = _finished(study)
                if progress:
                    progress("trials", done, trials)
        columns = spec.point([0] * len(axes)).choice
        folder.gather({identity: int(row["number"]) for identity, row in known.items()}, columns)
        return _result(spec, str(out), study, list(known.values()), goals, kept_to)


def _check_columns(spec: SweepSpec, constraints: Sequence[Constraint]) -> None:
    """UsageError naming the first constraint on a column that no point has."""
    known = [*FIGURES, *(name for axis in spec.axes() for name in axis.names)]
    for constraint in constraints:
        column = constraint.column
        if column not in known and not column.startswith(GROUPS):
            raise UsageError(f"--keep {constraint}: there is no column {column!r}{did_you_mean(column, known)}")


def _check_accuracies(spec: SweepSpec) -> None:
    """UsageError naming the first trace that does not state the accuracy of its network."""
    for trace in spec.traces:
        with open_trace(trace) as network:
            if not isinstance(network.provenance.get(ACCURACY), float):
                raise UsageError(f"goals: 'error' cannot be one: {trace} states no accuracy")


def _spec_of(space: SweepSpec | str | Path | Mapping[str, Any]) -> SweepSpec:
    if isinstance(space, SweepSpec):
        return space
    return parse_sweep(space, "search", None) if isinstance(space, Mapping) else read_sweep(space, None)


def _study(
    folder: Path,
    spec: SweepSpec,
    goals: Sequence[str],
    constraints: Sequence[Constraint],
    seed: int,
    trials: int,
    at_random: bool,
) -> Any:
    """The study in the folder, made if there is none; UsageError if it is one of another space."""
    optuna = needs_extra("optuna")
    path = folder / "study.db"
    about = {"space": _digest(spec), "goals": list(goals), "constraints": [str(each) for each in constraints]}
    try:
        study = optuna.create_study(
            storage=study_database.storage(optuna, path),
            study_name=STUDY,
            directions=["minimize"] * len(goals),
            load_if_exists=True,
        )
    except UsageError:
        raise
    except Exception as error:  # SQLAlchemy and SQLite have errors of their own for every kind of damage
        raise OutputError(f"{path}: no study can be kept there: {' '.join(str(error).split())[:300]}") from error
    allowed = {_name(axis): _choices(axis) for axis in spec.axes()}
    before = study_database.said_about(path, study)
    if not before:
        study.set_user_attr("about", about)
    elif before != about:
        what = next((key for key in about if before.get(key) != about[key]), "keys")
        raise UsageError(f"{folder}: holds a search with other {what}; name another folder")
    study_database.check_trials(path, study, allowed, len(goals), len(constraints) + 1)
    said = len(study.trials)  # a study that goes on must not draw the same points again
    if at_random:
        study.sampler = optuna.samplers.RandomSampler(seed=seed + said)
    else:
        study.sampler = optuna.samplers.TPESampler(
            seed=seed + said,
            n_startup_trials=min(_FIRST_AT_RANDOM, max(4, trials // 4)),
            multivariate=True,
            constant_liar=True,
            constraints_func=lambda trial: trial.user_attrs["violations"],
        )
    return study


def _ask(study: Any, spec: SweepSpec, axes: Sequence[Axis]) -> tuple[Any, SweepPoint]:
    trial = study.ask()
    return trial, spec.point([_suggest(trial, axis) for axis in axes])


def _suggest(trial: Any, axis: Axis) -> int:
    """Place along an axis: of ascending numbers as a number, so that neighbours are known as such; else a choice."""
    choices = _choices(axis)
    if len(choices) == 1:
        return 0
    if isinstance(choices, range):
        return int(trial.suggest_int(_name(axis), 0, len(choices) - 1))
    return choices.index(trial.suggest_categorical(_name(axis), choices))


def _name(axis: Axis) -> str:
    return ", ".join(axis.names)


def _choices(axis: Axis) -> Sequence[Any]:
    """What a trial says for each value: its place on a scale, or its label."""
    if _is_scale([value[0] for value in axis.values]):
        return range(len(axis.values))
    return [json.dumps(value, default=str) for value in axis.values]


def _is_scale(values: Sequence[Any]) -> bool:
    return all(isinstance(n, int | float) and not isinstance(n, bool) for n in values) and list(values) == sorted(
        values
    )


def _tell(study: Any, trial: Any, row: Row, goals: Sequence[str], constraints: Sequence[Constraint]) -> None:
    """What became of a trial; one that cannot be run breaks all constraints, so that the sampler keeps away from it."""
    trial.set_user_attr("point", str(row["point"]))
    values = [_goal(row, goal) for goal in goals]
    if row["problem"] is None and all(map(_is_finite, values)):
        trial.set_user_attr("violations", _violations(row, constraints))
        study.tell(trial, values)
        return
    trial.set_user_attr("violations", [_BROKEN] * (len(constraints) + 1))
    trial.set_user_attr("problem", str(row["problem"] or "a goal has no value"))
    study.tell(trial, [math.inf] * len(goals))


def _violations(row: Row, constraints: Sequence[Constraint]) -> list[float]:
    slow = _BROKEN if row.get("too_slow") else -_BROKEN
    return [slow, *(constraint.violation(row) for constraint in constraints)]


def _goal(row: Row, goal: str) -> Any:
    if goal != "error":
        return row.get(GOALS[goal])
    accuracy = row.get("accuracy")
    return None if accuracy is None else 1 - accuracy


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _finished(study: Any) -> int:
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


@contextmanager
def _runner(jobs: int, client: Any, like: Chunk) -> Iterator[Callable[[list[SweepPoint]], list[Row]]]:
    """What simulates a batch of points: the workers of a client, this process, or others that stay until the end."""

    def chunks(points: list[SweepPoint]) -> list[Chunk]:
        return [Chunk((point,), like.plugins, like.seconds, like.max_memory_bytes) for point in points]

    if jobs == 1 and client is None:
        with SharedRuns(like) as shared:
            yield shared.rows
        return
    with local_client(jobs) if client is None else nullcontext(client) as runner:
        yield lambda points: [row for rows in run_on_dask(runner, chunks(points)) for row in rows]


def _result(
    spec: SweepSpec, folder: str, study: Any, rows: list[Row], goals: Sequence[str], constraints: Sequence[Constraint]
) -> SearchResult:
    done = [{**row, **({"error": 1 - row["accuracy"]} if "accuracy" in row else {})} for row in rows]
    good = [row for row in done if row["problem"] is None and max(_violations(row, constraints)) <= 0]
    columns = [GOALS[goal] for goal in goals]
    good = [row for row in good if all(_is_finite(row.get(column)) for column in columns)]
    failed = sum("problem" in trial.user_attrs for trial in study.get_trials(deepcopy=False))
    return SearchResult(
        spikecycle=metadata.version("spikecycle"),
        folder=folder,
        columns=list(spec.columns()),
        goals=columns,
        constraints=["no memory slower than the clock", *map(str, constraints)],
        space=spec.count,
        trials=_finished(study),
        simulated=len(rows),
        failed=failed,
        front=pareto_front(good, columns),
        points=sorted(done, key=lambda row: row["number"]),
        importances=_importances(study, goals) if good else {},  # of nothing that is good
    )


def _importances(study: Any, goals: Sequence[str]) -> dict[str, dict[str, float]]:
    """Share of each axis by goal; nothing where there are too few trials, or only one axis."""
    optuna = needs_extra("optuna")
    found: dict[str, dict[str, float]] = {}
    for index, goal in enumerate(goals):
        try:
            shares: Mapping[str, float] = optuna.importance.get_param_importances(
                study,
                evaluator=optuna.importance.PedAnovaImportanceEvaluator(),
                target=lambda trial, index=index: trial.values[index],
            )
        except (ValueError, RuntimeError):
            continue
        found[goal] = {name: float(share) for name, share in shares.items()}
    return found


def _digest(spec: SweepSpec) -> str:
    said = [[axis.kind, axis.names, axis.values] for axis in spec.axes()] + [spec.samples]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Optuna logs for every trial, and warns of about its newer parts."""
    optuna = needs_extra("optuna")
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)
