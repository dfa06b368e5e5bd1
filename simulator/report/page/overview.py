"""A result in sentences and totals, and several side by side."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.explore.differences import machine_differences
from spikecycle.simulator.report import human
from spikecycle.simulator.report.explanations import of_category
from spikecycle.simulator.report.figures import energy_by_kind_pj, share
from spikecycle.simulator.report.page.chart import DataTable, Value
from spikecycle.simulator.report.residency import on_chip_lines, residency_words
from spikecycle.simulator.report.totals import NOT_PRICED, warnings
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.units import pj_to_j

_COMPUTE = "compute"
_NOT_MODELLED = "not modelled"
_MOST_DIFFERENCES = 60


def totals(result: RunResult) -> list[tuple[str, str]]:
    """The figures that people ask for first, each with its unit, per inference."""
    power_w = share(pj_to_j(result.energy_per_inference_pj), result.seconds_per_inference)
    of_energy = {
        "energy": human.si(pj_to_j(result.energy_per_inference_pj), "J"),
        "energy-delay product": human.si(result.edp_per_inference_js, "J·s"),
        "mean power": human.si(power_w, "W"),
        "energy per SOP": f"{human.digits(share(result.sum_energy_pj, result.sum_synaptic_operations))} pJ",
    }
    if not result.sum_energy_pj:
        of_energy = dict.fromkeys(of_energy, NOT_PRICED)
    return [
        ("time", human.si(result.seconds_per_inference, "s")),
        ("energy", of_energy["energy"]),
        ("cycles", human.count(result.cycles_per_inference)),
        ("energy-delay product", of_energy["energy-delay product"]),
        ("mean power", of_energy["mean power"]),
        ("energy per SOP", of_energy["energy per SOP"]),
        ("PE use", f"{human.percent(result.utilization)} %" if result.utilization else _NOT_MODELLED),
        ("area", f"{human.digits(result.area_mm2)} mm²" if result.area_mm2 else _NOT_MODELLED),
    ]


def sentences(result: RunResult) -> list[str]:
    """What the result says, for a reader who sees such a thing for the first time."""
    samples = len(result.samples)
    said = [
        f"{result.trace} was replayed on the machine {result.machine['name']}: its real spikes, "
        f"{human.numbered(samples, 'sample')} of {human.numbered(result.timesteps, 'timestep')}, one after the other. "
        "Figures are means per inference, that is, per sample."
    ]
    energy = _kinds_pj(result)
    if result.sum_energy_pj:
        first, *others = sorted(energy, key=lambda kind: -energy[kind])
        also = f", {human.percent(share(energy[others[0]], sum(energy.values())))} % to {others[0]}" if others else ""
        hungriest = max(result.layers, key=lambda layer: layer.sum_energy_pj)
        most = human.percent(share(hungriest.sum_energy_pj, result.sum_energy_pj))
        said.append(
            f"{human.percent(share(energy[first], sum(energy.values())))} % of the energy goes to {first}{also}. The "
            f"operator {hungriest.name} takes {most} % of all energy."
        )
    categories = result.sum_cycle_breakdown
    if result.sum_cycles:
        losses = [category for category in categories if category != _COMPUTE and categories[category]]
        worst = max(losses, key=lambda category: categories[category], default=None)
        line = f"{human.percent(share(categories.get(_COMPUTE, 0), result.sum_cycles))} % of the cycles are useful work"
        if worst is not None:
            words = human.label(worst)
            line += f"; the largest loss is '{words}', {human.percent(share(categories[worst], result.sum_cycles))} %"
            line += f": {of_category(worst)}"
        said.append(f"{line}.")
    done, dense = result.sum_synaptic_operations, result.sum_dense_synaptic_operations
    if dense > done:
        said.append(
            f"Of the {human.count(dense / samples)} synaptic operations of a dense network, "
            f"{human.percent(done / dense)} % are done: the others meet no spike, or a weight that is zero."
        )
    residency = residency_words(result.assumptions.residency)
    said.append(f"{residency[:1].upper()}{residency[1:]}. {' '.join(on_chip_lines(result))}".strip())
    return said


def cautions(result: RunResult) -> list[str]:
    """What a reader must not overlook."""
    return warnings(result.too_slow, result.clock_mhz)


def side_by_side(results: Sequence[tuple[str, RunResult]]) -> DataTable:
    """Totals of several results, each beside its ratio to the first."""
    first = results[0][1]
    figures = [dict(totals(result)) for _, result in results]
    amounts = [_amounts(result) for _, result in results]
    rows: list[Sequence[Value]] = []
    for name in figures[0]:
        row: list[Value] = [name]
        for index, shown in enumerate(figures):
            base, value = amounts[0].get(name, 0.0), amounts[index].get(name, 0.0)
            ratio = f" ({human.digits(value / base)} x)" if index and base and value else ""
            row.append(f"{shown[name]}{ratio}")
        rows.append(row)
    settings = {
        "trace": [result.trace for _, result in results],
        "machine": [str(result.machine["name"]) for _, result in results],
        "weights, spikes": [f"{r.weight_format or '-'}, {r.spike_format or '-'}" for _, r in results],
        "residency": [residency_words(result.assumptions.residency) for _, result in results],
        "samples": [str(len(result.samples)) for _, result in results],
        "not modelled": [", ".join(result.not_modelled) or "-" for _, result in results],
    }
    rows += [[name, *values] for name, values in settings.items()]
    traces = {result.trace_sha256 for _, result in results}
    heads = ["per inference", *(name for name, _ in results)]
    if len(traces) > 1:
        heads[0] = "per inference (the traces differ)"
    assert first is results[0][1]
    return DataTable(heads, rows)


def differences(results: Sequence[tuple[str, RunResult]]) -> DataTable | None:
    """Keys of the machines that are not the same in all results; None where all are the same machine."""
    found = list(machine_differences([result.machine for _, result in results]))
    if not found:
        return None
    rows: list[Sequence[Value]] = [
        (each.key, *("-" if value is None else str(value) for value in each.values))
        for each in found[:_MOST_DIFFERENCES]
    ]
    if len(found) > _MOST_DIFFERENCES:
        rows.append((f"and {human.numbered(len(found) - _MOST_DIFFERENCES, 'more key')}", *("" for _ in results)))
    return DataTable(("key of the machine", *(name for name, _ in results)), rows)


def _amounts(result: RunResult) -> dict[str, float]:
    return {
        "time": result.seconds_per_inference,
        "energy": result.energy_per_inference_pj,
        "cycles": result.cycles_per_inference,
        "energy-delay product": result.edp_per_inference_js,
        "mean power": share(result.energy_per_inference_pj, result.seconds_per_inference),
        "energy per SOP": share(result.sum_energy_pj, result.sum_synaptic_operations),
        "PE use": result.utilization,
        "area": result.area_mm2,
    }


def _kinds_pj(result: RunResult) -> dict[str, float]:
    sums: dict[str, float] = {}
    for layer in result.layers:
        for kind, energy_pj in energy_by_kind_pj(layer).items():
            sums[kind] = sums.get(kind, 0.0) + energy_pj
    return {kind: energy_pj for kind, energy_pj in sums.items() if energy_pj}
