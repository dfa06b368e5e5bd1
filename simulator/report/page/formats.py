"""Formats compared: what each costs, with weights reloaded and resident, and layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from spikecycle.simulator.comparison import FormatComparison, FormatLayer, OperandComparison
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.scatter import Point, scatter
from spikecycle.simulator.report.charts.stacked import BarPart, stacked_bars
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.report.residency import weights_words
from spikecycle.simulator.units import pj_to_j


def format_charts(key: str, comparison: FormatComparison) -> list[Chart]:
    """One chart for the weight formats, one for them with the other residency, one for the spike formats."""
    operands = (comparison.weights, comparison.weights_other_residency, comparison.spikes)
    return [
        _chart(f"{key}-{number}", operand, comparison)
        for number, operand in enumerate(operands, start=1)
        if operand.runs
    ]


def _chart(key: str, operand: OperandComparison, comparison: FormatComparison) -> Chart:
    energy_factor, energy_unit = human.common_si([pj_to_j(run.energy_per_inference_pj) for run in operand.runs], "J")
    energy_factor *= pj_to_j(1)
    names = [f"{run.format} (own)" if run.is_machines_own else run.format for run in operand.runs]
    words = (
        "Spike formats"
        if operand.operand == "spikes"
        else f"Weight formats, weights {weights_words(operand.residency)}"
    )
    best = [
        f"least energy with {' = '.join(operand.best_by_energy)}",
        f"fewest cycles with {' = '.join(operand.best_by_cycles)}",
    ]
    verdict = f"{'; '.join(best).capitalize()}." if operand.best_by_energy else "This machine cannot run at its clock."
    points = [
        Point(
            run.cycles_per_inference,
            run.energy_per_inference_pj * energy_factor,
            name,
            f"{run.title} ({name}): {human.digits(run.energy_per_inference_pj * energy_factor)} {energy_unit}, "
            f"{human.count(run.cycles_per_inference)} cycles",
        )
        for run, name in zip(operand.runs, names, strict=True)
    ]

    def by_layer(amount: Callable[[FormatLayer], float], unit: str, title: str) -> Draw:
        layers = [layer.layer for layer in operand.runs[0].layers]
        parts = [
            BarPart(name, [amount(run.layers[number]) for run in operand.runs]) for number, name in enumerate(layers)
        ]
        return lambda width, name: stacked_bars(width, name, title, names, parts, unit)

    rows = [
        (
            run.format,
            run.title,
            run.energy_per_inference_pj,
            run.cycles_per_inference,
            run.edp_per_inference_js,
            run.format_bits_per_weight if operand.operand == "weights" else None,
            run.stored_bits_per_weight if operand.operand == "weights" else None,
        )
        for run in operand.runs
    ]
    heads = (
        "format",
        "the field's term",
        "energy per inference (pJ)",
        "cycles per inference",
        "energy-delay product (J s)",
        "bits per weight, format alone",
        "bits per weight, stored",
    )
    return Chart(
        key,
        words,
        f"{comparison.trace} on {comparison.machine['name']}, per inference. {verdict} Colours are operators; "
        "'(own)' is the format that the machine file names.",
        {
            f"energy, {energy_unit}": by_layer(
                lambda layer: layer.energy_per_inference_pj * energy_factor, energy_unit, f"{words}: energy"
            ),
            "cycles": by_layer(lambda layer: layer.cycles_per_inference, "cycles", f"{words}: cycles"),
            "energy over cycles": lambda width, name: scatter(
                width,
                name,
                f"{words}: energy over cycles",
                points,
                ("cycles per inference", f"energy per inference, {energy_unit}"),
            ),
        },
        DataTable(heads, rows),
        tuple(f"Not possible: {run.format}: {run.problem}" for run in operand.refused),
    )
