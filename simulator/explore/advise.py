"""Advice: a machine is changed one key at a time, everything is simulated, and what was measured is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from spikecycle.cores import cores
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.advice import GOALS, MEASURE_OF, Advice, Change, Elasticity, UnmovedKey
from spikecycle.simulator.explore.bounds import operator_bounds
from spikecycle.simulator.explore.frames import Row, is_known
from spikecycle.simulator.explore.grounds import grounded
from spikecycle.simulator.explore.measure import Chunk, Session, figures
from spikecycle.simulator.explore.neighbours import Neighbour, changes, near, numeric_keys
from spikecycle.simulator.explore.sweep import SweepProgress, simulate_points
from spikecycle.simulator.explore.sweep_spec import SweepPoint
from spikecycle.simulator.explore.workers import scheduler_client
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.plugins import load_plugins
from spikecycle.simulator.residency import residency_changes
from spikecycle.simulator.variant import variant_text
from spikecycle.suggestions import did_you_mean
from spikecycle.traces import open_trace

LEAST_EFFECT = 1e-6
"""Of a change that is called one."""


def advise(
    trace: str | Path,
    hardware: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    formats: Mapping[str, str] | None = None,
    residency: Mapping[str, str] | None = None,
    samples: Sequence[int] | None = None,
    goal: str = "edp",
    plugins: Sequence[str | Path] = (),
    jobs: int | None = None,
    cluster: str | None = None,
    progress: SweepProgress | None = None,
) -> Advice:
    """What bounds each operator of a trace on a machine, what each key is worth, and which changes help most.

    Every number of the machine is moved down and up by a tenth (elasticities by central differences); sizes and counts
    are halved and doubled, and other formats, residencies and choices tried, each by itself. goal: what changes are
    ordered by, "edp", "energy" or "time". Others as in `sweep`. A change that makes a memory slower than the clock is
    none. Raises what `simulate` raises for the machine as it is.
    """
    if goal not in GOALS:
        raise UsageError(f"there is no goal {goal!r}, allowed: {', '.join(GOALS)}{did_you_mean(goal, GOALS)}")
    load_plugins(plugins)
    machine = load_machine(hardware, settings, formats)
    if residency:
        machine = override(machine, residency_changes(machine, residency))
    own = SweepPoint(0, str(trace), str(hardware), dict(machine.origin.overrides), samples=samples)
    with open_trace(trace) as network:
        result = Session(network).result(own)
    possible = list(changes(machine))
    tried = list(dict.fromkeys([*near(machine), *possible]))
    points = {neighbour: _moved(own, number, neighbour) for number, neighbour in enumerate(tried, start=1)}
    rows = _rows(list(points.values()), plugins, jobs, cluster, progress)
    base = figures(result)
    measured = {neighbour: rows[point.number] for neighbour, point in points.items()}
    elasticities, unmoved = _elasticities(machine, base, measured)
    samples_count = len(result.samples)
    return Advice(
        spikecycle=metadata.version("spikecycle"),
        trace=result.trace,
        machine=variant_text(
            machine.name, result.machine_file, result.machine_overrides, result.machine_sha256
        ),
        synthetic=base["synthetic"],
        **grounded(result),
        too_slow=[buffer.buffer for buffer in result.too_slow],
        energy_per_inference_pj=result.energy_per_inference_pj,
        seconds_per_inference=result.seconds_per_inference,
        area_mm2=result.area_mm2,
        cycles=_largest_first(result.sum_cycle_breakdown, samples_count),
        energy_pj=_largest_first(result.sum_energy_by_component_pj, samples_count),
        operators=operator_bounds(result),
        goal=goal,
        elasticities=elasticities,
        changes=_helpful(base, {neighbour: measured[neighbour] for neighbour in possible}, goal),
        tried=len(points) + 1,
        unmoved=unmoved,
    )  # fmt: skip


def _moved(own: SweepPoint, number: int, neighbour: Neighbour) -> SweepPoint:
    settings = {**own.settings, neighbour.key: neighbour.after}
    return SweepPoint(number, own.trace, own.machine, settings, samples=own.samples)


def _rows(
    points: list[SweepPoint],
    plugins: Sequence[str | Path],
    jobs: int | None,
    cluster: str | None,
    progress: SweepProgress | None,
) -> dict[int, Row]:
    """Row of each point by its number."""
    found: dict[int, Row] = {}
    like = Chunk((), [str(plugin) for plugin in plugins])
    with scheduler_client(cluster) as client:
        for rows in simulate_points(points, like, jobs or cores(), client):
            found |= {row["number"]: row for row in rows}
            if progress:
                progress("machines", len(found), len(points))
    return found


def _elasticities(
    machine: Machine, base: Row, measured: Mapping[Neighbour, Row]
) -> tuple[list[Elasticity], list[UnmovedKey]]:
    """Of every number that is not 0, those that matter most first; and numbers without a neighbour."""
    found, unmoved = [], []
    for key, value in numeric_keys(machine).items():
        moved = [(neighbour.after, row) for neighbour, row in measured.items() if neighbour.key == key]
        possible = {after: row for after, row in moved if row["problem"] is None}
        below = max((after for after in possible if after < value), default=value)
        above = min((after for after in possible if after > value), default=value)
        if below == above:
            if moved:
                unmoved.append(UnmovedKey(key=key, problem=" ".join(str(moved[0][1]["problem"]).split())))
            continue
        low, high = possible.get(below, base), possible.get(above, base)
        width = math.log(above) - math.log(below)
        energy, time, area = (
            _log_ratio(high[column] or 0.0, low[column] or 0.0) / width
            for column in ("energy_per_inference_pj", "seconds_per_inference", "area_mm2")
        )
        found.append(Elasticity(key=key, value=value, low=below, high=above, energy=energy, time=time, area=area))
    return sorted(found, key=lambda each: -max(abs(each.energy), abs(each.time))), unmoved


def _log_ratio(high: float, low: float) -> float:
    return math.log(high / low) if high > 0 and low > 0 else 0.0


def _helpful(base: Row, measured: Mapping[Neighbour, Row], goal: str) -> list[Change]:
    """Changes that bring the goal nearer, the best first."""
    column = MEASURE_OF[goal]
    found = []
    for neighbour, row in measured.items():
        if row["problem"] is not None or row["too_slow"]:
            continue
        if is_known(row, column) and is_known(base, column) and row[column] < base[column] * (1 - LEAST_EFFECT):
            found.append((row[column], _change(neighbour, base, row)))
    return [change for _, change in sorted(found, key=lambda pair: (pair[0], pair[1].area, pair[1].key))]


def _change(neighbour: Neighbour, base: Row, row: Row) -> Change:
    def relative(column: str) -> float:
        return float(row[column]) / float(base[column]) - 1 if is_known(row, column) and base[column] else 0.0

    return Change(
        key=neighbour.key,
        before=neighbour.before,
        after=neighbour.after,
        energy=relative("energy_per_inference_pj"),
        time=relative("seconds_per_inference"),
        edp=relative("edp_per_inference_js"),
        area=relative("area_mm2"),
        area_mm2=row["area_mm2"] - base["area_mm2"] if is_known(row, "area_mm2") and base["area_mm2"] else 0.0,
    )


def _largest_first(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    return {name: value / samples for name, value in ordered if value}
