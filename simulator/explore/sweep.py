"""Sweeps: every point of a specification simulated, by as many processes as there are, and none of them twice."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from spikecycle.cores import cores
from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.explore.measure import OVER_LIMIT, Chunk, split
from spikecycle.simulator.explore.possible import check_space
from spikecycle.simulator.explore.results import SweepResult
from spikecycle.simulator.explore.store import SweepFolder, source_sha256
from spikecycle.simulator.explore.sweep_spec import SUFFIXES, SweepPoint, SweepSpec, parse_sweep, read_sweep
from spikecycle.simulator.explore.workers import local_client, run_here, run_on_dask, scheduler_client, threads
from spikecycle.simulator.machine.loader import machine_path
from spikecycle.simulator.memory import default_limit_bytes
from spikecycle.simulator.plugins import load_plugins
from spikecycle.traces.errors import located
from spikecycle.traces.samples import resolve

SweepProgress = Callable[[str, int, int], None]
"""Called as progress(what, points done, points to do), without the points that earlier runs have left."""

LARGEST_CHUNK = 200
"""Points that a process is given at once; it gives back what it has after `Chunk.seconds`."""
_SHARES = 4
"""Chunks that every process gets at least, where there are points enough: all are to be done at about the same time."""
ALONE_S = 2.0
"""Seconds for which this process works by itself before it decides whether to start others."""
WORTH_S = 10.0
"""Seconds of work that are worth it: that is about what it takes to start processes that know how to simulate."""


def sweep(
    traces: str | Path | Sequence[str | Path],
    machines: str | Path | Sequence[str | Path] = (),
    *,
    settings: Mapping[str, Any] | None = None,
    together: Sequence[Mapping[str, Sequence[Any]]] = (),
    formats: Mapping[str, Any] | None = None,
    residency: Mapping[str, Any] | None = None,
    samples: Sequence[int] | None = None,
    ideal_memory: bool | Sequence[bool] = False,
    plugins: Sequence[str | Path] = (),
    out: str | Path | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    retry_failed: bool = False,
    progress: SweepProgress | None = None,
    max_memory_bytes: int | None = None,
) -> SweepResult:
    """Simulate every combination of traces, machines, machine keys, formats and residencies.

    traces, machines: one or several, as `simulate` takes them; a sweep file alone stands for all of it, up to plugins.
    settings: values by machine key, {"dataflow.pes": [8, 16], "dram.burst_bits": {"from": 64, "to": 512, "factor": 2}}.
    together: groups of keys whose values change side by side. formats, residency: one or several by operand.
    out: folder to keep the points in; points that are there already are not simulated again.
    jobs: processes on this computer; as many as it has cores by default. cluster: address of a Dask scheduler instead.
    retry_failed: run points again that failed. progress: called after every few points.
    max_memory_bytes: of one run; points that an earlier limit has stopped are run again.

    A point that fails says why in its row and stops nothing. Raises MachineError or UsageError, in one line, for a
    sweep that cannot be one, files that are not there, a scheduler that does not answer or a folder of another version,
    and OutputError where the folder cannot be written: what is finished by then is kept.
    """
    if _is_sweep_file(traces, machines):
        spec = read_sweep(str(traces))
    else:
        said = {
            "traces": texts(traces),
            "machines": texts(machines),
            "set": dict(settings or {}),
            "together": [dict(group) for group in together],
            "formats": dict(formats or {}),
            "residency": dict(residency or {}),
            "samples": None if samples is None else list(samples),
            "ideal_memory": ideal_memory if isinstance(ideal_memory, bool) else list(ideal_memory),
            "plugins": [str(plugin) for plugin in plugins],
        }
        spec = parse_sweep(said, "sweep")
    return run_sweep(
        spec, out, jobs=jobs, cluster=cluster, retry_failed=retry_failed, progress=progress,
        max_memory_bytes=max_memory_bytes,
    )  # fmt: skip


def run_sweep(
    spec: SweepSpec,
    out: str | Path | None = None,
    *,
    jobs: int | None = None,
    cluster: str | None = None,
    retry_failed: bool = False,
    progress: SweepProgress | None = None,
    max_memory_bytes: int | None = None,
) -> SweepResult:
    """The sweep of a specification; arguments as those of `sweep`."""
    sources = sources_of(spec)
    load_plugins(spec.plugins)
    check_space(spec)
    points = list(spec.points())
    wanted = {point.identity(): point for point in points}
    workers = jobs or cores()
    limit = max_memory_bytes or (None if cluster else default_limit_bytes() // workers)
    with scheduler_client(cluster) as client:  # where nobody answers, no folder is made
        folder = None if out is None else SweepFolder(out, sources)
        kept = [] if folder is None else folder.rows()
        found = {str(row["point"]): row for row in kept if not _is_to_run_again(row, retry_failed)}
        todo = [point for identity, point in wanted.items() if identity not in found]
        done = 0
        if progress:
            progress(f"{len(points) - len(todo):,} kept" if len(todo) < len(points) else "starting", 0, len(todo))
        for rows in simulate_points(todo, Chunk((), spec.plugins, max_memory_bytes=limit), workers, client):
            if folder is not None:
                folder.append(rows)
            found |= {str(row["point"]): row for row in rows}
            done += len(rows)
            if progress:
                progress("points", done, len(todo))
    if folder is not None:
        folder.gather({identity: point.number for identity, point in wanted.items()}, points[0].choice)
        found = {str(row["point"]): row for row in folder.rows()}  # the same, whether they were run now or before
    rows = [{**found[identity], "number": point.number} for identity, point in wanted.items()]
    return SweepResult(
        spikecycle=metadata.version("spikecycle"),
        folder=None if out is None else str(out),
        columns=list(spec.columns()),
        already_there=len(points) - len(todo),
        points=sorted(rows, key=lambda row: row["number"]),
    )


def _is_to_run_again(row: Row, retry_failed: bool) -> bool:
    return bool(row.get(OVER_LIMIT)) or (retry_failed and row["problem"] is not None)


def simulate_points(points: list[SweepPoint], like: Chunk, jobs: int, client: Any) -> Iterator[list[Row]]:
    """Rows as they come: from the cluster of a client; else from here, and other processes too if that would take long.

    like: a chunk without points, for what all have in common. client: as from `scheduler_client`.
    """
    if client is None:
        alone = jobs == 1
        first, rest = points[:1], points[1:]  # the first one may have to wait for compilers
        yield from run_here(_chunks(first, like, 1))
        start = time.monotonic()
        done = 0
        for rows in run_here(_chunks(rest, like if alone else replace(like, seconds=ALONE_S), len(rest))):
            yield rows
            done += len(rows)
            left_s = (time.monotonic() - start) / done * (len(rest) - done)
            if not alone and left_s > WORTH_S:
                break
        points = rest[done:]
    if points:
        with local_client(jobs) if client is None else nullcontext(client) as runner:
            yield from run_on_dask(runner, _chunks(points, like, math.ceil(len(points) / _SHARES / threads(runner))))


def _chunks(points: Iterable[SweepPoint], like: Chunk, at_most: int) -> list[Chunk]:
    """Points in runs of one trace, of at most so many."""
    groups = (group for _, group in itertools.groupby(points, key=lambda point: point.trace))
    return [part for group in groups for part in split(replace(like, points=tuple(group)), min(at_most, LARGEST_CHUNK))]


def sources_of(spec: SweepSpec) -> dict[str, str]:
    """SHA-256 of every file that the points come from, by the name that the sweep calls it."""
    paths = {}
    for trace in spec.traces:
        with located(trace):
            paths[trace] = resolve(trace)
    paths |= {machine: machine_path(machine) for machine in spec.machines}
    paths |= {plugin: Path(plugin) for plugin in spec.plugins}
    return {name: source_sha256(path) for name, path in paths.items()}


def _is_sweep_file(traces: object, machines: object) -> bool:
    return isinstance(traces, str | Path) and Path(traces).suffix in SUFFIXES and machines == ()


def texts(names: str | Path | Sequence[str | Path]) -> list[str]:
    """One name or several, as a list of texts."""
    return [str(names)] if isinstance(names, str | Path) else [str(name) for name in names]
