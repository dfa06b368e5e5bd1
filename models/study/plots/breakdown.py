"""Where the energy goes: quantization and pruning side by side, each in its cheapest format."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.study.plots.style import COLOURS, GREY, panels
from models.study.view import PJ_PER_UJ, Candidate, Results

MOST_COMPONENTS = 5
OTHER = "other"


def draw_breakdown(results: Results, layers: pl.DataFrame) -> Figure | None:
    """One bar per network, in pieces by component of the machine; what is small is put together."""
    chosen = results.of_method("quantization", "pruning", "mixed")
    if not chosen:
        return None
    figure, axes = panels(results.machines, height_inches=2.1 + 0.26 * len(chosen))
    for axis, machine in zip(axes, results.machines, strict=True):
        _draw_bars(axis, results, machine, chosen)
        axis.set_xlabel("energy per inference (µJ)")
    return figure


def _draw_bars(axis: Axes, results: Results, machine: str, chosen: list[Candidate]) -> None:
    energies = {candidate.label: _by_component(results, candidate, machine) for candidate in chosen}
    totals: dict[str, float] = {}
    for parts in energies.values():
        for component, energy in parts.items():
            totals[component] = totals.get(component, 0.0) + energy
    named = sorted(totals, key=lambda component: -totals[component])[:MOST_COMPONENTS]
    left = dict.fromkeys(energies, 0.0)
    for component, colour in [*zip(named, COLOURS, strict=False), (OTHER, GREY)]:
        widths = {label: _width(parts, component, named) for label, parts in energies.items()}
        axis.barh(list(widths), list(widths.values()), left=list(left.values()), color=colour, label=component)
        left = {label: left[label] + width for label, width in widths.items()}
    axis.invert_yaxis()
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)


def _width(parts: dict[str, float], component: str, named: list[str]) -> float:
    if component == OTHER:
        return sum(energy for name, energy in parts.items() if name not in named)
    return parts.get(component, 0.0)


def _by_component(results: Results, candidate: Candidate, machine: str) -> dict[str, float]:
    """Energy per inference in the cheapest format, uJ, mean over the seeds."""
    cost = results.cost(candidate, machine)
    if cost is None:
        return {}
    rows = results.table.filter(
        (pl.col("compression") == candidate.name)
        & (pl.col("machine") == machine)
        & (pl.col("format") == cost.weight_format)
    )
    parts = (
        rows.select("seed", "energy_parts")
        .explode("energy_parts")
        .unnest("energy_parts")
        .group_by("component", maintain_order=True)
        .agg(pl.col("energy_pj").sum() / PJ_PER_UJ / rows.height)
    )
    return dict(parts.iter_rows())
