"""Where energy, cycles and traffic go: stacked bars by operator, and the same totals of several results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.stacked import BarPart, stacked_bars
from spikecycle.simulator.report.figures import ENERGY_KINDS, LEAKAGE, energy_by_kind_pj
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.simulator.units import pj_to_j

Amounts = Callable[[LayerResult], Mapping[str, float]]
MOST_PARTS = 14
"""Colours and hatchings that can still be told apart; what is smaller is drawn as one part."""
OTHERS = "all others"


def energy_chart(key: str, result: RunResult) -> Chart | None:
    """Energy of each operator by what took it; None where nothing is priced."""
    if not any(layer.sum_energy_pj for layer in result.layers):
        return None
    kinds = _of_kinds(_parts(result, energy_by_kind_pj))
    components = _parts(result, _energy_by_component_pj)
    factor, unit = human.common_si([pj_to_j(layer.energy_per_inference_pj) for layer in result.layers], "J")
    factor *= pj_to_j(1) / len(result.samples)
    return Chart(
        f"{key}-energy",
        "Energy by operator",
        "Energy of one inference (mean of the samples), split by what took it. Long bars are where saving pays.",
        {
            f"kinds, {unit}": _bars(result, kinds, factor, unit, "Energy by operator and kind"),
            "kinds, %": _bars(result, kinds, factor, unit, "Share of each kind in the energy", shares=True),
            f"components, {unit}": _bars(result, components, factor, unit, "Energy by operator and component"),
            "components, %": _bars(result, components, factor, unit, "Share of each component", shares=True),
        },
        _table(result, _energy_by_component_pj, "component", "energy per inference (pJ)"),
        short="Energy",
    )


def cycle_chart(key: str, result: RunResult) -> Chart:
    """Cycles of each operator by category."""
    parts = _parts(result, lambda layer: layer.sum_cycle_breakdown)
    scale = 1 / len(result.samples)
    return Chart(
        f"{key}-cycles",
        "Cycles by operator and category",
        "Cycles of one inference (mean of the samples), each charged to one category: compute, or what was waited for.",
        {
            "cycles": _bars(result, parts, scale, "cycles", "Cycles by operator and category"),
            "%": _bars(result, parts, scale, "cycles", "Share of each category in the cycles", shares=True),
        },
        _table(result, lambda layer: layer.sum_cycle_breakdown, "category", "cycles per inference"),
        _overlap_notes(result),
        short="Cycles",
    )


def _overlap_notes(result: RunResult) -> tuple[str, ...]:
    """That operators overlap, where they do."""
    apart = sum(layer.sum_cycles for layer in result.layers)
    if apart <= result.sum_cycles:
        return ()
    mean, whole = apart / len(result.samples), result.cycles_per_inference
    return (f"Operators overlap: they take {human.count(mean)} cycles apart, {human.count(whole)} together.",)


def traffic_chart(key: str, result: RunResult) -> Chart | None:
    """Bits between chip and DRAM of each operator, by operand and direction; None where there are none."""
    parts = _parts(result, _dram_bits)
    if not parts:
        return None
    largest = max(sum(_dram_bits(layer).values()) for layer in result.layers) / len(result.samples)
    divisor, unit = (8 * 1024**2, "MiB") if largest >= 8 * 1024**2 else (8 * 1024, "KiB")
    scale = 1 / len(result.samples) / divisor
    return Chart(
        f"{key}-dram",
        "Traffic with DRAM",
        "What one inference moves between chip and DRAM, in whole bursts, by what is moved and in which direction.",
        {
            unit: _bars(result, parts, scale, unit, "Traffic with DRAM by operator"),
            "%": _bars(result, parts, scale, unit, "Share of each operand in the traffic", shares=True),
        },
        _table(result, _dram_bits, "operand", "bits per inference"),
        short="DRAM",
    )


def totals_chart(results: Sequence[tuple[str, RunResult]], by: str) -> Chart:
    """Several results, one bar each: energy by kind, or cycles by category. results: with their short names."""
    whole = [_energies(result) if by == "energy" else _cycles(result) for _, result in results]
    if by == "energy":
        factor, unit = human.common_si([pj_to_j(sum(row.values())) for row in whole], "J")
        factor *= pj_to_j(1)
    else:
        factor, unit = 1.0, "cycles"
    names = sorted({name for row in whole for name in row}, key=lambda name: -sum(row.get(name, 0) for row in whole))
    parts = _few(
        [
            BarPart(human.label(name), [row.get(name, 0.0) * factor for row in whole])
            for name in names
            if any(r.get(name) for r in whole)
        ]
    )
    if by == "energy":
        parts = _of_kinds(parts)
    rows = [name for name, _ in results]
    title = "Energy of each result" if by == "energy" else "Cycles of each result"

    def view(shares: bool) -> Draw:
        return lambda width, key: stacked_bars(width, key, title, rows, parts, unit, shares=shares)

    column = "energy per inference (pJ)" if by == "energy" else "cycles per inference"
    table = [
        (name, part, row[part]) for (name, _), row in zip(results, whole, strict=True) for part in row if row[part]
    ]
    return Chart(
        f"compared-{by}",
        title,
        "Per inference, all operators together.",
        {unit: view(False), "%": view(True)},
        DataTable(("result", "kind" if by == "energy" else "category", column), table),
    )


def _cycles(result: RunResult) -> dict[str, float]:
    """Mean cycles of the whole network by category: where operators overlap, along the critical path."""
    return {name: cycles / len(result.samples) for name, cycles in result.sum_cycle_breakdown.items()}


def _energies(result: RunResult) -> dict[str, float]:
    """Mean energy of all operators together by kind, pJ."""
    sums: dict[str, float] = {}
    for layer in result.layers:
        for name, amount in energy_by_kind_pj(layer).items():
            sums[name] = sums.get(name, 0.0) + amount / len(result.samples)
    return sums


def _energy_by_component_pj(layer: LayerResult) -> dict[str, float]:
    sums: dict[str, float] = {}
    for counter in layer.counters:
        sums[counter.component] = sums.get(counter.component, 0.0) + counter.sum_energy_pj
    return {**sums, LEAKAGE: layer.sum_leakage_pj}


def _dram_bits(layer: LayerResult) -> dict[str, float]:
    read = {f"{operand}, read": float(bits) for operand, bits in layer.sum_dram_read_bits.items()}
    return {**read, **{f"{operand}, written": float(bits) for operand, bits in layer.sum_dram_write_bits.items()}}


def _parts(result: RunResult, amounts: Amounts) -> list[BarPart]:
    """Parts that occur, largest first, summed over samples."""
    rows = [amounts(layer) for layer in result.layers]
    names = list(dict.fromkeys(name for row in rows for name in row))
    parts = [BarPart(human.label(name), [float(row.get(name, 0)) for row in rows]) for name in names]
    # useful work comes first, so that what is lost begins where it ends
    return _few(sorted((p for p in parts if any(p.amounts)), key=lambda p: (p.name != "compute", -sum(p.amounts))))


def _of_kinds(parts: Sequence[BarPart]) -> list[BarPart]:
    """Kinds of energy in an order and in colours that are the same in every chart."""
    order = [*ENERGY_KINDS.values(), LEAKAGE]
    return sorted((replace(part, hue=order.index(part.name)) for part in parts), key=lambda part: part.hue or 0)


def _few(parts: list[BarPart]) -> list[BarPart]:
    if len(parts) <= MOST_PARTS:
        return parts
    rest = parts[MOST_PARTS - 1 :]
    together = BarPart(OTHERS, [sum(amounts) for amounts in zip(*(part.amounts for part in rest), strict=True)])
    return [*parts[: MOST_PARTS - 1], together]


def _bars(
    result: RunResult, parts: Sequence[BarPart], factor: float, unit: str, title: str, *, shares: bool = False
) -> Draw:
    rows = [layer.name for layer in result.layers]
    scaled = [BarPart(part.name, [amount * factor for amount in part.amounts]) for part in parts]
    return lambda width, key: stacked_bars(width, key, title, rows, scaled, unit, shares=shares)


def _table(result: RunResult, amounts: Amounts, what: str, column: str) -> DataTable:
    samples = len(result.samples)
    rows = [
        (layer.name, name, amount / samples)
        for layer in result.layers
        for name, amount in amounts(layer).items()
        if amount
    ]
    return DataTable(("operator", what, column), rows)
