"""Results side by side: where they differ, by layer, category of cycles and component, the largest effect first.

Everything is a view of results: nothing is simulated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.grounds import Grounded, grounded
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.units import seconds
from spikecycle.simulator.variant import SYNTHETIC, is_synthetic, overrides_text, variant_text

COMPARISON_OF_RESULTS_VERSION = 1
_SAYS_NOTHING = ("name", "describes", "sources")
"""Sections of a machine in which a difference is none of the machine."""

Measure = Literal["energy_pj", "seconds"]
By = Literal["layer", "component", "category", "layer and component", "layer and category"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ComparedResult(Grounded):
    """One of the results, in its main figures; all per inference."""

    label: str = Field(description="what tells it from the others, in words")
    trace: str = Field(description="name of the trace")
    trace_sha256: str = Field(description="SHA-256 of the trace file")
    machine: str = Field(description="name, file, overrides and fingerprint of the machine")
    machine_sha256: str = Field(description="fingerprint of the machine")
    cycles_per_inference: float = Field(description="mean cycles of a sample")
    seconds_per_inference: float = Field(description="mean time of a sample, s")
    energy_per_inference_pj: float = Field(description="mean energy of a sample, pJ")
    edp_per_inference_js: float = Field(description="mean energy x mean time of a sample, J s")
    area_mm2: float = Field(description="area of memories and logic, mm2")
    utilization: float = Field(description="PE-cycles with useful work / (PEs x cycles)")
    too_slow: list[str] = Field(description="memories slower than the clock: unless empty, the machine cannot run")
    synthetic: bool = Field(description="whether the trace was drawn from statistics")


class KeyDifference(_Part):
    """A key of the machine files that has not the same value in all."""

    key: str = Field(description="path of the key")
    values: list[Any] = Field(description="its value in each machine; null where the machine has no such key")


class CostDifference(_Part):
    """One part of the time or energy of an inference, in every result."""

    measure: Measure = Field(description="energy_pj or seconds, both per inference")
    by: By = Field(description="what the part is: a layer, a component or a category of cycles, or these in a layer")
    layer: str | None = Field(description="layer; null for all of them")
    part: str | None = Field(description="component or category of cycles; null for all of them")
    values: list[float | None] = Field(description="its value in each result; null where it has no such part")
    effect: float = Field(
        description="the difference to the first result that is largest, as a share of the first result's whole"
    )


class ResultComparison(_Part):
    """Results compared with the first of them."""

    version: int = Field(default=COMPARISON_OF_RESULTS_VERSION, description="version of this document")
    results: list[ComparedResult] = Field(description="the results, in the order in which they were given")
    machine_differences: list[KeyDifference] = Field(description="keys in which the machines differ")
    differences: list[CostDifference] = Field(description="parts of time and energy, the largest effect first")
    notes: list[str] = Field(description="why figures may not be comparable")

    def of(self, measure: Measure, by: By) -> list[CostDifference]:
        """The differences of one kind, the largest first."""
        return [each for each in self.differences if each.measure == measure and each.by == by]


def compare_results(results: Sequence[RunResult], labels: Sequence[str] = ()) -> ResultComparison:
    """Compare results with the first of them; UsageError for fewer than two.

    labels: what tells them apart; from machines, overrides and traces by default.
    """
    if len(results) < 2:
        raise UsageError(
            f"there is nothing to compare: at least 2 results are needed, found {len(results)}; name another FILE.json"
        )
    named = list(labels) or _labels(results)
    compared = [_compared(label, result) for label, result in zip(named, results, strict=True)]
    return ResultComparison(
        results=compared,
        machine_differences=list(machine_differences([result.machine for result in results])),
        differences=_differences(results),
        notes=list(comparability(results)),
    )


def machine_differences(machines: Sequence[Mapping[str, Any]]) -> Iterator[KeyDifference]:
    """The keys in which machines differ, in the order of the file; names and sources are no difference."""
    flat = [dict(_leaves(machine)) for machine in machines]
    for key in dict.fromkeys(key for leaves in flat for key in leaves):
        values = [leaves.get(key) for leaves in flat]
        if any(value != values[0] for value in values):
            yield KeyDifference(key=key, values=values)


def _compared(label: str, result: RunResult) -> ComparedResult:
    return ComparedResult(
        label=label,
        trace=result.trace,
        trace_sha256=result.trace_sha256,
        machine=variant_text(
            str(result.machine["name"]), result.machine_file, result.machine_overrides, result.machine_sha256
        ),
        machine_sha256=result.machine_sha256,
        cycles_per_inference=result.cycles_per_inference,
        seconds_per_inference=result.seconds_per_inference,
        energy_per_inference_pj=result.energy_per_inference_pj,
        edp_per_inference_js=result.edp_per_inference_js,
        area_mm2=result.area_mm2,
        utilization=result.utilization,
        too_slow=[buffer.buffer for buffer in result.too_slow],
        synthetic=is_synthetic(result.provenance),
        **grounded(result),
    )


def _labels(results: Sequence[RunResult]) -> list[str]:
    """The shortest of several ways to tell results apart that does; at last, numbers."""
    names = [str(result.machine["name"]) for result in results]
    overrides = [overrides_text(result.machine_overrides) for result in results]
    traces = [result.trace for result in results]
    ways = (
        names,
        [f"{name} {override}".strip() for name, override in zip(names, overrides, strict=True)],
        traces,
        [f"{trace} on {name}" for trace, name in zip(traces, names, strict=True)],
        [f"{t} on {n} {o}".strip() for t, n, o in zip(traces, names, overrides, strict=True)],
    )
    for labels in ways:
        if len(set(labels)) == len(labels):
            return list(labels)
    return [f"{index}: {label}" for index, label in enumerate(ways[-1], start=1)]


def _differences(results: Sequence[RunResult]) -> list[CostDifference]:
    parts = [{(measure, by, layer, part): value for measure, by, layer, part, value in _parts(r)} for r in results]
    first = results[0]
    wholes = {"energy_pj": first.energy_per_inference_pj, "seconds": first.seconds_per_inference}
    found = []
    for key in dict.fromkeys(key for each in parts for key in each):
        measure, by, layer, part = key
        values = [each.get(key) for each in parts]
        changes = [(value or 0.0) - (values[0] or 0.0) for value in values[1:]]
        largest = max(changes, key=abs)
        whole = wholes[measure]
        if any(values):
            found.append(
                CostDifference(
                    measure=measure, by=by, layer=layer, part=part, values=values,
                    effect=largest / whole if whole else 0.0,
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: -abs(each.effect))


def _parts(result: RunResult) -> Iterator[tuple[Measure, By, str | None, str | None, float]]:
    """Every part of an inference's energy and time: measure, kind of part, layer, part, value."""
    samples, clock_mhz = len(result.samples), result.clock_mhz
    for component, energy_pj in result.sum_energy_by_component_pj.items():
        yield "energy_pj", "component", None, component, energy_pj / samples
    for category, cycles in result.sum_cycle_breakdown.items():
        yield "seconds", "category", None, category, seconds(cycles, clock_mhz) / samples
    for layer in result.layers:
        yield "energy_pj", "layer", layer.name, None, layer.energy_per_inference_pj
        yield "seconds", "layer", layer.name, None, seconds(layer.sum_cycles, clock_mhz) / samples
        of_layer: dict[str, float] = {"leakage": layer.sum_leakage_pj}
        for counter in layer.counters:
            of_layer[counter.component] = of_layer.get(counter.component, 0.0) + counter.sum_energy_pj
        for component, energy_pj in of_layer.items():
            yield "energy_pj", "layer and component", layer.name, component, energy_pj / samples
        for category, cycles in layer.sum_cycle_breakdown.items():
            yield "seconds", "layer and category", layer.name, category, seconds(cycles, clock_mhz) / samples


def comparability(results: Sequence[RunResult]) -> Iterator[str]:
    """Why ratios of these results may say something else than which machine is better, a sentence each."""
    for group in _same_runs(results):
        *others, last = map(str, group)
        yield (
            f"Results {', '.join(others)} and {last} are of the same trace, samples and machine by the same program: "
            "they cannot differ."
        )
    if len({result.trace_sha256 for result in results}) > 1:
        yield "The results are of different traces."
    if len({tuple(result.samples) for result in results}) > 1:
        yield "The results are of different samples; figures are per inference."
    missing = [set(result.not_modelled) for result in results]
    partly = sorted(missing[0].union(*missing[1:]) - missing[0].intersection(*missing[1:]))
    if partly:
        yield f"Not modelled in all of them, so that energies are not of the same parts: {', '.join(partly)}."
    prices = [_prices(result) for result in results]
    apart = [what for what in prices[0] if len({each[what] for each in prices}) > 1]
    if apart:
        words = "; ".join(f"{what} {', '.join(dict.fromkeys(each[what] for each in prices))}" for what in apart)
        yield f"Their technologies differ, so ratios of energy and area compare these too: {words}."
    unpriced = [str(result.machine["name"]) for result in results if not result.prices_energy]
    if unpriced:
        yield f"Energies are not priced, as the rule counts cycles alone: {', '.join(dict.fromkeys(unpriced))}."
    unsized = [str(result.machine["name"]) for result in results if not result.models_area]
    if unsized and len(unsized) < len(results):
        yield f"Areas are not modelled: {', '.join(dict.fromkeys(unsized))}."
    if any(is_synthetic(result.provenance) for result in results):
        yield SYNTHETIC


def _same_runs(results: Sequence[RunResult]) -> list[list[int]]:
    """Numbers, from 1, of results that one and the same run gives."""
    by_run: dict[tuple[object, ...], list[int]] = {}
    for number, result in enumerate(results, start=1):
        plugins = tuple(plugin.sha256 for plugin in result.plugins)
        run = (
            result.trace_sha256, result.machine_sha256, tuple(result.samples), result.assumptions.ideal_memory,
            result.spikecycle, plugins,
        )  # fmt: skip
        by_run.setdefault(run, []).append(number)
    return [group for group in by_run.values() if len(group) > 1]


def _prices(result: RunResult) -> dict[str, str]:
    """What decides on the price of an access, an addition and a mm2, in words."""
    assumed = result.assumptions
    dram = "none" if assumed.dram_pj_per_bit is None else f"{assumed.dram_pj_per_bit:g} pJ/bit"
    return {
        "node": f"{assumed.node_nm:g} nm",
        "SRAM cells": assumed.sram_cell,
        "temperature": f"{assumed.temperature_k} K",
        "energy table": assumed.energy_table,
        "logic devices": assumed.logic_devices,
        "DRAM": dram,
    }


def _leaves(section: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values by the path of their key."""
    for key, value in section.items():
        if not before and key in _SAYS_NOTHING:
            continue
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
