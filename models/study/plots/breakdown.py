"""Where the energy goes: quantization and pruning side by side, each in its cheapest format."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecycle.models.study.plots.style import GREY, coloured, panels
from spikecycle.models.study.results import PJ_PER_UJ, CompressedNetwork, Results

MOST_COMPONENTS = 4  # of each machine, so that two machines have a colour for each
OTHER = "other"


def draw_breakdown(results: Results, layers: pl.DataFrame) -> Figure | None:
    """One bar per network, in pieces by component of the machine; what is small is put together."""
    chosen = results.of_method("quantization", "pruning", "mixed")
    if not chosen:
        return None
    energies = {
        machine: {candidate.label: _by_component(results, candidate, machine) for candidate in chosen}
        for machine in results.machines
    }
    named = {machine: _largest(parts) for machine, parts in energies.items()}
    colours = {component: colour for component, (colour, _) in coloured(_united(named.values())).items()}
    figure, axes = panels(
        [results.title(machine) for machine in results.machines], height_inches=2.1 + 0.26 * len(chosen)
    )
    for axis, machine in zip(axes, results.machines, strict=True):
        shown = {component: colours[component] for component in named[machine]} | {OTHER: GREY}
        _draw_bars(axis, energies[machine], shown)
        axis.set_xlabel("energy per inference (µJ)")
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    order = [*colours, OTHER]
    figure.legend([handles[label] for label in order], order, loc="outside lower center", ncols=4)
    return figure


def _largest(parts_of: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The components that take the most over all networks."""
    totals: dict[str, float] = {}
    for parts in parts_of.values():
        for component, energy in parts.items():
            totals[component] = totals.get(component, 0.0) + energy
    return sorted(totals, key=lambda component: -totals[component])[:MOST_COMPONENTS]


def _united(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _draw_bars(axis: Axes, energies: Mapping[str, dict[str, float]], colours: Mapping[str, str]) -> None:
    left = dict.fromkeys(energies, 0.0)
    for component, colour in colours.items():
        widths = {label: _width(parts, component, colours) for label, parts in energies.items()}
        axis.barh(list(widths), list(widths.values()), left=list(left.values()), color=colour, label=component)
        left = {label: left[label] + width for label, width in widths.items()}
    axis.invert_yaxis()


def _width(parts: dict[str, float], component: str, named: Collection[str]) -> float:
    if component == OTHER:
        return sum(energy for name, energy in parts.items() if name not in named)
    return parts.get(component, 0.0)


def _by_component(results: Results, candidate: CompressedNetwork, machine: str) -> dict[str, float]:
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
