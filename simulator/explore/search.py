"""Search: far more machines than can be simulated, and the best of them found by Optuna.

The space is what a sweep would run. Every trial is a point of it; the sampler (multi-objective TPE: Ozaki et al., JAIR
2022) learns from those that are done which to try next. The study is kept in an SQLite file that Optuna and its
dashboard read (`optuna-dashboard sqlite:///FOLDER/study.db`), points in the same Parquet as those of a sweep. Several
processes, or several commands on the same folder, work on one study. Points that the folder has of sweeps or other
runs are not simulated again where a trial chooses them; where none does, they are no part of the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.constraints import (
    ACCURACY_COLUMN,
    GOALS,
    Constraint,
    check_accuracies,
    check_constraints,
    check_goals,
    goals_with_values,
    parse_constraint,
)
from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.explore.measure import OVER_LIMIT, Chunk, SharedRuns
from spikecycle.simulator.explore.possible import check_space
from spikecycle.simulator.explore.results import SearchResult, pareto_front
from spikecycle.simulator.explore.search_study import SearchStudy, quiet_study
from spikecycle.simulator.explore.store import SweepFolder
from spikecycle.simulator.explore.sweep import SweepProgress, sources_of
from spikecycle.simulator.explore.sweep_spec import SweepPoint, SweepSpec, parse_sweep, read_sweep
from spikecycle.simulator.explore.workers import local_client, run_on_dask, scheduler_client
from spikecycle.simulator.plugins import load_plugins
from spikecycle.suggestions import did_you_mean

DEFAULT_GOALS = ("energy", "time", "area")
STUDY_FILE = "study.db"


def search(
    space: SweepSpec | str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    trials: int = 200,
    goals: Sequence[str] | None = None,
    constraints: Sequence[Constraint | str] = (),
    seed: int = 0,
    at_random: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    progress: SweepProgress | None = None,
) -> SearchResult:
    """Try points of a space until the study in `out` has so many trials, and return the best.

    space: what a sweep would run: a sweep file, its keys as a mapping, or read already. trials: of the study, those of
    earlier runs among them; as many as the space has points try all. goals: what is made small, names in GOALS; None is
    energy, time and area, those of them that some machine of the space models. constraints: what the best keep to,
    "area_mm2<=10"; that no memory is slower than the clock, they always do. seed: of the sampler; equal seeds and jobs
    try equal points. at_random: learn nothing. jobs: points that are simulated at the same time, each in a process of
    its own; cluster: address of a Dask scheduler.

    Raises UsageError for a goal that there is not or that no machine of the space models, a space of one point, or a
    folder with a study of another space.
    """
    if goals is not None:
        _check_names(goals)
    spec = _spec_of(space)
    kept_to = [parse_constraint(each) if isinstance(each, str) else each for each in constraints]
    sources = sources_of(spec)
    load_plugins(spec.plugins)
    check_space(spec)
    if spec.count < 2:
        raise UsageError("there is nothing to search: the space has one point; give some key several values")
    check_constraints(spec, kept_to)
    if goals is None:
        goals = goals_with_values(spec, DEFAULT_GOALS)
    else:
        check_goals(spec, goals)
    if "error" in goals:
        check_accuracies(spec, "goals: 'error' cannot be one")
    path = Path(out) / STUDY_FILE
    with quiet_study(path), scheduler_client(cluster) as client:  # where nobody answers, no folder is made
        folder = SweepFolder(out, sources)
        known = {str(row["point"]): row for row in folder.rows()}
        again = {identity for identity, row in known.items() if row.get(OVER_LIMIT)}  # by another limit
        study = SearchStudy(path, spec, goals, kept_to, seed, trials, at_random)
        own: set[str] = set()
        done = study.finished
        with _runner(jobs, client, Chunk((), spec.plugins)) as run:
            while done < trials:
                asked = [study.ask() for _ in range(min(jobs, trials - done))]
                chosen = {point.identity(): point for _, point in asked}
                new = {key: point for key, point in chosen.items() if key not in known or key in again}
                again -= new.keys()
                rows = run(list(new.values())) if new else []
                folder.append(rows)
                own |= new.keys()
                known |= {str(row["point"]): row for row in rows}
                for trial, point in asked:
                    study.tell(trial, known[point.identity()])
                done = study.finished
                if progress:
                    progress("trials", done, trials)
        points = study.chosen()
        folder.gather({identity: point.number for identity, point in points.items()}, spec.any_point.choice)
        rows = [
            {**row, "number": points[identity].number}
            for row in folder.rows()  # those of other runs of this study too
            if (identity := str(row["point"])) in points
        ]
        return _result(spec, str(out), study, rows, own, goals, kept_to)


def _check_names(goals: Sequence[str]) -> None:
    unknown = [goal for goal in goals if goal not in GOALS]
    if unknown:
        raise UsageError(
            f"goals: there is no goal {unknown[0]!r}, allowed: {', '.join(GOALS)}{did_you_mean(unknown[0], GOALS)}"
        )
    if not goals or len(set(goals)) < len(goals):
        raise UsageError(f"goals: {', '.join(goals)!r}: name different ones, allowed: {', '.join(GOALS)}")


def _spec_of(space: SweepSpec | str | Path | Mapping[str, Any]) -> SweepSpec:
    if isinstance(space, SweepSpec):
        return space
    return parse_sweep(space, "search", None) if isinstance(space, Mapping) else read_sweep(space, None)


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
    spec: SweepSpec,
    folder: str,
    study: SearchStudy,
    rows: Sequence[Row],
    own: set[str],
    goals: Sequence[str],
    constraints: Sequence[Constraint],
) -> SearchResult:
    """rows: of the points that trials chose. own: identities of those that this run simulated."""
    done = [{**row, **({"error": 1 - row[ACCURACY_COLUMN]} if ACCURACY_COLUMN in row else {})} for row in rows]
    good = [row for row in done if row["problem"] is None and max(study.violations(row)) <= 0]
    columns = [GOALS[goal] for goal in goals]
    simulated = sum(str(row["point"]) in own for row in rows)
    return SearchResult(
        spikecycle=metadata.version("spikecycle"),
        folder=folder,
        columns=list(spec.columns()),
        goals=columns,
        constraints=["no memory slower than the clock", *map(str, constraints)],
        space=spec.count,
        trials=study.finished,
        simulated=simulated,
        already_there=len(rows) - simulated,
        failed=study.failed,
        front=pareto_front(good, columns),
        points=sorted(done, key=lambda row: row["number"]),
        importances=study.importances(),
        points_for_importances=study.points_for_importances(),
    )
