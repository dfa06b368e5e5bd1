"""One trace on several machines, or several traces on one, simulated and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikecycle.simulator.engine import Progress
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.differences import ResultComparison, compare_results
from spikecycle.simulator.explore.measure import Session
from spikecycle.simulator.explore.possible import check_space
from spikecycle.simulator.explore.sweep import texts
from spikecycle.simulator.explore.sweep_spec import SweepSpec, parse_sweep
from spikecycle.simulator.machine.loader import machine_path
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.result import RunResult
from spikecycle.traces import open_trace

MOST_RUNS = 16
"""That can be told apart side by side."""


def compare(
    traces: str | Path | Sequence[str | Path],
    machines: str | Path | Sequence[str | Path],
    *,
    settings: Mapping[str, Any] | None = None,
    formats: Mapping[str, Any] | None = None,
    residency: Mapping[str, Any] | None = None,
    samples: Sequence[int] | None = None,
    plugins: Sequence[str | Path] = (),
    progress: Progress | None = None,
    threads: int = 1,
) -> ResultComparison:
    """Simulate every combination, as `sweep` makes them, and compare each with the first.

    compare("digits-8bit", ["spike_array", "mint"]), or compare("digits-8bit", "spike_array",
    settings={"dataflow.pes": [16, 32]}). Raises what `simulate` raises, and UsageError for fewer than 2 combinations or
    more than MOST_RUNS. Results that are there already: `compare_results`. threads: samples of a run that are worked on
    side by side.
    """
    said = {
        "traces": texts(traces),
        "machines": texts(machines),
        "set": dict(settings or {}),
        "formats": dict(formats or {}),
        "residency": dict(residency or {}),
        "samples": None if samples is None else list(samples),
        "plugins": [str(plugin) for plugin in plugins],
    }
    return compare_points(parse_sweep(said, "compare"), progress, threads)


def compare_points(spec: SweepSpec, progress: Progress | None = None, threads: int = 1) -> ResultComparison:
    """Simulate and compare the points of a specification; threads as in `compare`."""
    _check_files(spec)
    if not 2 <= spec.count <= MOST_RUNS:
        what = (
            "there is nothing to compare with: name a second machine (--hw), a second trace, or several values (--set)"
            if spec.count < 2
            else f"{spec.count:,} runs, at most {MOST_RUNS} can be compared; sweep takes any number"
        )
        raise UsageError(f"compare: {what}")
    load_plugins(spec.plugins)
    check_space(spec)
    points = sorted(spec.points(), key=lambda point: point.number)
    results: dict[int, RunResult] = {}
    for trace in spec.traces:
        with open_trace(trace) as network:
            session = Session(network, threads=threads)
            for point in (point for point in points if point.trace == trace):
                results[point.number] = session.result(point)
                if progress:
                    progress(f"{point.trace} on {point.machine}", len(results), len(points))
    return compare_results([results[point.number] for point in points])


def _check_files(spec: SweepSpec) -> None:
    """Every trace can be opened, and every machine file read: a misspelled name is told before anything else."""
    for trace in spec.traces:
        with open_trace(trace):
            pass
    for machine in spec.machines:
        read_yaml(machine_path(machine))
