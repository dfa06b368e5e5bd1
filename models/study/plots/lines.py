"""Energy in every format: by the width of the weights, and by their sparsity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecycle.models.study.losses import reference, ternary
from spikecycle.models.study.plots.style import GREY, coloured, panels
from spikecycle.models.study.results import CompressedNetwork, Results

ENERGY = "energy per inference (µJ)"


def draw_bits(results: Results, layers: pl.DataFrame) -> Figure | None:
    """Of the networks that are quantized alone; a line for each quantizer and width of potentials."""
    lines: dict[tuple[str, int], list[CompressedNetwork]] = {}
    for candidate in sorted(results.of_method("quantization"), key=lambda candidate: candidate.weight_bits):
        lines.setdefault((candidate.quantizer, candidate.potential_bits), []).append(candidate)
    if not lines:
        return None
    figure = _draw(results, [*lines.values()], "bits of a weight (2: ternary)", lambda candidate: candidate.weight_bits)
    widths = sorted({candidate.weight_bits for line in lines.values() for candidate in line})
    for axis in figure.axes:
        axis.set_xticks(widths)
    return figure


def draw_sparsity(results: Results, layers: pl.DataFrame) -> Figure | None:
    """Of the networks that are pruned alone, a line for each pruner from the unpruned one on; and ternary."""
    families, whole, few_bits = results.pruned_alone(), reference(results), ternary(results)
    if not families:
        return None
    lines = [
        sorted([*pruned, *([whole] if whole else [])], key=lambda candidate: candidate.sparsity)
        for pruned in families.values()
    ]
    figure = _draw(results, lines, "weights that are zero (%)", lambda candidate: 100 * candidate.sparsity)
    for axis, machine in zip(figure.axes, results.machines, strict=True):
        cost = None if few_bits is None else results.cost(few_bits, machine)
        if cost is not None:
            axis.axhline(cost.energy_uj, color=GREY, linestyle="--", linewidth=1.0)
            axis.annotate(
                f"ternary, {cost.weight_format}", (0.02, cost.energy_uj), xycoords=("axes fraction", "data"),
                xytext=(0, 3), textcoords="offset points", fontsize=8, color="#444444",
            )  # fmt: skip
    return figure


def _draw(
    results: Results,
    lines: Sequence[Sequence[CompressedNetwork]],
    label: str,
    place: Callable[[CompressedNetwork], float],
) -> Figure:
    figure, axes = panels([results.title(machine) for machine in results.machines])
    for axis, machine in zip(axes, results.machines, strict=True):
        for weight_format, (colour, marker) in coloured(results.formats).items():
            for number, line in enumerate(lines):
                shown_as = weight_format if number == 0 else None
                _draw_format(axis, results, machine, weight_format, line, place, colour, marker, shown_as)
        axis.set_xlabel(label)
        axis.set_ylabel(ENERGY)
        axis.set_ylim(0, 1.05 * axis.get_ylim()[1])
        axis.grid(linewidth=0.4, alpha=0.4)
        axis.legend()
    return figure


def _draw_format(
    axis: Axes, results: Results, machine: str, weight_format: str, chosen: Sequence[CompressedNetwork],
    place: Callable[[CompressedNetwork], float], colour: str, marker: str, shown_as: str | None,
) -> None:  # fmt: skip
    costs = [(candidate, results.cost_in(candidate, machine, weight_format)) for candidate in chosen]
    points = [(place(candidate), cost.energy_uj) for candidate, cost in costs if cost is not None]
    if points:
        xs, ys = zip(*points, strict=True)
        axis.plot(xs, ys, color=colour, marker=marker, markersize=4.5, linewidth=1.2, label=shown_as)
