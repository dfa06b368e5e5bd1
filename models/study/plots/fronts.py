"""Cost against accuracy: every network in its cheapest format, and the Pareto front."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from spikecycle.models.study.losses import free_networks, reference
from spikecycle.models.study.plots.style import GREY, coloured, panels
from spikecycle.models.study.results import CompressedNetwork, Cost, Results, front

METHODS = ("quantization", "pruning", "joint", "sequential", "mixed")
NJS_PER_JS = 1e9
ACCURACY_TICKS = (10, 50, 80, 90, 95, 98, 99, 99.5, 99.9)


def draw_energy_front(results: Results, layers: pl.DataFrame) -> Figure:
    """Energy per inference against accuracy."""
    return _draw(
        results,
        "energy per inference (µJ)",
        lambda cost: cost.energy_uj,
        lambda cost: (cost.lowest_energy_uj, cost.highest_energy_uj),
    )


def draw_edp_front(results: Results, layers: pl.DataFrame) -> Figure:
    """Energy-delay product per inference against accuracy."""
    return _draw(results, "energy-delay product per inference (nJ s)", lambda cost: cost.edp_js * NJS_PER_JS)


KEY_BELOW_POINTS = -46
"""Where the names of the numbered networks begin, below the axis and its label."""


def _draw(
    results: Results,
    label: str,
    value: Callable[[Cost], float],
    spread: Callable[[Cost], tuple[float, float]] | None = None,
) -> Figure:
    """One panel per machine. spread: the lowest and the highest value of the seeds."""
    figure, axes = panels([results.title(machine) for machine in results.machines], height_inches=5.4)
    whole = reference(results)
    free = [] if whole is None else [one.name for one in free_networks(results.candidates, whole, results.margin)]
    for axis, machine in zip(axes, results.machines, strict=True):
        points = []
        for candidate in results.candidates:
            costs = results.costs(candidate, machine)
            if costs:
                points.append((candidate, min(costs, key=value)))
        _draw_margin(axis, results)
        _draw_points(axis, points, value, free)
        _draw_spread(axis, points, value, spread)
        _draw_front(axis, points, value)
        axis.set_xlabel(label)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axis.tick_params(axis="x", which="both", labelsize=7.5, labelrotation=45)
        _scale_accuracy(axis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def _error(candidate: CompressedNetwork, accuracy: float) -> float:
    """What the vertical axis measures, %: the test error, and half a sample where there is none."""
    return 100 * max(1 - accuracy, 0.5 / candidate.test_samples)


def _draw_margin(axis: Axes, results: Results) -> None:
    """The accuracy of the least compressed network, and the loss that the study calls free."""
    whole = reference(results)
    if whole is None:
        return
    accuracy = whole.accuracy
    axis.axhspan(_error(whole, accuracy), _error(whole, accuracy - results.margin), color=GREY, alpha=0.15, linewidth=0)
    axis.axhline(
        _error(whole, accuracy), color=GREY, linewidth=0.8, linestyle="--",
        label=f"{whole.label}, and the margin; hollow: not shown to be within it",
    )  # fmt: skip


def _draw_points(
    axis: Axes, points: list[tuple[CompressedNetwork, Cost]], value: Callable[[Cost], float], free: list[str]
) -> None:
    """A point per network, filled where it is free."""
    for method, (colour, marker) in coloured(METHODS).items():
        chosen = [(candidate, cost) for candidate, cost in points if candidate.method == method]
        if not chosen:
            continue
        axis.scatter(
            [value(cost) for _, cost in chosen],
            [_error(candidate, candidate.accuracy) for candidate, _ in chosen],
            edgecolors=colour, facecolors=[colour if candidate.name in free else "#ffffff" for candidate, _ in chosen],
            marker=marker, s=26, label=method, zorder=3,
        )  # fmt: skip


def _draw_spread(
    axis: Axes, points: list[tuple[CompressedNetwork, Cost]], value: Callable[[Cost], float],
    spread: Callable[[Cost], tuple[float, float]] | None,
) -> None:  # fmt: skip
    """Lines from the lowest to the highest accuracy, and value, of the seeds of each network that has several."""
    for candidate, cost in points:
        if candidate.seeds == 1:
            continue
        best, worst = (_error(candidate, end(candidate.accuracies)) for end in (max, min))
        axis.vlines(value(cost), best, worst, color=GREY, linewidth=0.8, zorder=2)
        if spread is not None:
            axis.hlines(_error(candidate, candidate.accuracy), *spread(cost), color=GREY, linewidth=0.8, zorder=2)


def _draw_front(axis: Axes, points: list[tuple[CompressedNetwork, Cost]], value: Callable[[Cost], float]) -> None:
    """The front as steps, its networks numbered, and told below the panel."""
    costs = [value(cost) for _, cost in points]
    indices = front(costs, [candidate.accuracy for candidate, _ in points])
    errors = [_error(points[index][0], points[index][0].accuracy) for index in indices]
    xs = [costs[index] for index in indices]
    axis.step(xs, errors, where="post", color="#000000", linewidth=1.0, label="Pareto front", zorder=2)
    for number, (x, error) in enumerate(zip(xs, errors, strict=True), start=1):
        axis.annotate(
            str(number), (x, error), xytext=(-3, 5), textcoords="offset points", ha="right", fontsize=8,
            fontweight="bold", zorder=4,
        )  # fmt: skip
    lines = [
        f"{number}  {points[index][0].label}; {points[index][1].weight_format}; {100 * points[index][0].accuracy:.1f} %"
        for number, index in enumerate(indices, start=1)
    ]
    axis.annotate(
        "\n".join(lines), (0.0, 0.0), xycoords="axes fraction", xytext=(0, KEY_BELOW_POINTS),
        textcoords="offset points", va="top", fontsize=8,
    )  # fmt: skip


def _scale_accuracy(axis: Axes) -> None:
    """Accuracy upwards, its error on a logarithmic scale, so that 98 and 99 % are as far apart as 96 and 98 %."""
    axis.set_yscale("log")
    axis.invert_yaxis()
    axis.yaxis.set_major_locator(FixedLocator([100 - tick for tick in ACCURACY_TICKS]))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - error:g}"))
    axis.set_ylabel("accuracy (%), error on a log scale")
    axis.grid(axis="y", linewidth=0.4, alpha=0.4)
