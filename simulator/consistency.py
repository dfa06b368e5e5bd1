"""Whether the numbers of a document fit each other: no figure is below 0, and every sum is that of its parts.

A document that a program of ours wrote always does; one that was changed by hand or in transit mostly does not, and
what is drawn of it would be wrong without looking so.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spikecycle.simulator.bench.growth import exponent
from spikecycle.simulator.bench.result import BenchResult, TimeGrowth
from spikecycle.simulator.comparison import FormatComparison, FormatRun
from spikecycle.simulator.explore.frames import Row
from spikecycle.simulator.result import LayerResult, RunResult
from spikecycle.simulator.units import pj_to_j, seconds

_RELATIVE = 1e-9
"""Sums of 64-bit numbers in another order differ by far less."""
_OF_OTHERS = ("machine", "provenance", "machine_overrides", "first_mismatch")
"""Keys of a result under which numbers may be of any sign: they are not the program's."""
_OF_TIME = ("active", "idle", "background")
"""Actions that stages which overlap each have all of, so that theirs do not add up to the network's."""
_FIGURES = (
    "cycles_per_inference", "seconds_per_inference", "energy_per_inference_pj", "edp_per_inference_js", "area_mm2",
    "logic_area_mm2", "utilization", "synaptic_operations_per_inference", "accuracy", "inferences",
)  # fmt: skip
_FLOAT_MAX = sys.float_info.max
"""JSON holds whole numbers beyond it, which Python reads, but can divide by nothing."""
_SHORTEST_S = 1e-12
"""Of a run: no clock that a program can ask is finer."""
_LARGEST = 2.0**63
"""Of anything that a bench counts or measures."""
_SLOPE = 1e-6
"""How far the exponent of a growth may be from the slope of its points: logarithms are rounded."""
_CYCLES, _ENERGIES = "cycles.", "energy_pj."
"""Beginnings of the columns that sum to the cycles and the energy of a point."""


def first_without_value(data: Any) -> str:
    """The path of the first number that is none (NaN, infinite, or beyond floating point) in what JSON holds, or ""."""
    return next((path for path, value in _numbers(data) if not -_FLOAT_MAX <= value <= _FLOAT_MAX), "")


def problem_of_result(result: RunResult) -> str:
    """The first key of a result that is below 0 or not the sum of its parts, and why; "" where all fit."""
    data = result.model_dump()
    return _below_zero((path, value) for path, value in _numbers(data) if not set(path.split(".")) & {*_OF_OTHERS}) or (
        _first(_of_result(result))
    )


def problem_of_comparison(comparison: FormatComparison) -> str:
    """The same of a comparison of formats."""
    data = comparison.model_dump(include={"weights", "weights_other_residency", "spikes"})
    problem = _below_zero(_numbers(data))
    if problem:
        return problem
    operands = {
        "weights": comparison.weights,
        "weights_other_residency": comparison.weights_other_residency,
        "spikes": comparison.spikes,
    }
    found = (
        _of_run(f"{name}.runs.{index}", run, comparison.clock_mhz)
        for name, operand in operands.items()
        for index, run in enumerate(operand.runs)
    )
    return next((problem for each in found if (problem := _first(each))), "")


def problem_of_rows(key: str, rows: Iterable[Row]) -> str:
    """The same of the points of a sweep or search; key: that they lie under."""
    for index, row in enumerate(rows):
        if row.get("problem") is not None:
            continue
        where = f"{key}.{index}."
        figures = {
            name: value
            for name, value in row.items()
            if (name in _FIGURES or name.startswith((_CYCLES, _ENERGIES))) and isinstance(value, int | float)
        }
        problem = _below_zero((f"{where}{name}", value) for name, value in figures.items()) or _first(
            _of_row(where, figures)
        )
        if problem:
            return problem
    return ""


def problem_of_bench(bench: BenchResult) -> str:
    """What of a bench is below 0 or beyond what can be measured, or refers to nothing; "" where all fits."""
    numbers = [(path, value) for path, value in _numbers(bench.model_dump()) if not path.endswith(".exponent")]
    return (
        _below_zero(numbers)
        or next((f"{path}: is beyond what can be measured" for path, value in numbers if value > _LARGEST), "")
        or next((f"{path}: is too short for a run" for path, value in _times(bench) if value < _SHORTEST_S), "")
        or _problem_of_parts(bench)
    )


def _times(bench: BenchResult) -> Iterator[tuple[str, float]]:
    """Everything of a bench that is divided by, or whose logarithm is taken."""
    for index, case in enumerate(bench.cases):
        if not case.problem:
            yield f"cases.{index}.seconds", case.seconds
            yield from ((f"cases.{index}.run_s.{run}", each) for run, each in enumerate(case.run_s))
    for index, peer in enumerate(bench.peers):
        if not peer.problem:
            yield from ((f"peers.{index}.{key}", getattr(peer, key)) for key in ("seconds", "ours_s", "ratio"))
    for number, growth in enumerate(bench.growth):
        yield from ((f"growth.{number}.seconds.{index}", each) for index, each in enumerate(growth.seconds))


def _problem_of_parts(bench: BenchResult) -> str:
    if not bench.cases:
        return "it has no cases"
    if bench.runs < 1 or bench.cores < 1:
        return "it has no runs, or no cores"
    for index, case in enumerate(bench.cases):
        if not case.problem and (case.samples < 1 or case.threads < 1):
            return f"cases.{index}: it has no samples, or no threads"
        if case.run_s and len(case.run_s) < bench.runs:
            return f"cases.{index}.run_s: has {len(case.run_s)} runs, fewer than runs, {bench.runs}"
        if case.run_s and not math.isclose(case.seconds, statistics.median(case.run_s), rel_tol=_RELATIVE):
            return f"cases.{index}.seconds: {case.seconds:.10g} is not the median of run_s"
    for index, peer in enumerate(bench.peers):
        if peer.case is not None and (peer.case >= len(bench.cases) or bench.cases[peer.case].problem):
            return f"peers.{index}.case: {peer.case} is no case that was measured"
    return next((problem for index, each in enumerate(bench.growth) if (problem := _of_growth(index, each))), "")


def _of_growth(index: int, growth: TimeGrowth) -> str:
    sizes = {math.log(each) for each in growth.values if each > 0}
    if len(growth.values) != len(growth.seconds) or len(sizes) < 2 or min(growth.values) < 1:
        return f"growth.{index}: it has no time for each of two sizes or more"
    slope = exponent(growth.values, growth.seconds)
    if not math.isclose(growth.exponent, slope, rel_tol=_SLOPE, abs_tol=_SLOPE):
        return f"growth.{index}.exponent: {growth.exponent:.10g} is not the slope of its points, {slope:.10g}"
    return ""


_Claim = tuple[str, float, float, str]
"""Key, its value, what it should be, and where that comes from."""


def _of_result(result: RunResult) -> Iterator[_Claim]:
    samples = len(result.samples)
    yield "sum_cycles", result.sum_cycles, sum(result.cycles_per_sample), "cycles_per_sample"
    yield "sum_cycle_breakdown", sum(result.sum_cycle_breakdown.values()), result.sum_cycles, "sum_cycles"
    yield from _means("", result, samples)
    inference_s = seconds(result.sum_cycles, result.clock_mhz) / samples
    yield "seconds_per_inference", result.seconds_per_inference, inference_s, "cycles and clock"
    edp = pj_to_j(result.energy_per_inference_pj) * inference_s
    yield "edp_per_inference_js", result.edp_per_inference_js, edp, "energy and time"
    whole_pj = sum(result.sum_energy_by_component_pj.values())
    yield "sum_energy_pj", result.sum_energy_pj, whole_pj, "sum_energy_by_component_pj"
    for key in ("sum_synaptic_operations", "sum_dense_synaptic_operations"):
        of_layers = sum(getattr(layer, key) for layer in result.layers)
        yield key, getattr(result, key), of_layers, "layers"
    area_mm2 = sum(buffer.area_mm2 for buffer in result.buffers) + result.logic_area_mm2
    yield "area_mm2", result.area_mm2, area_mm2, "buffers and logic"
    yield "logic_area_mm2", result.logic_area_mm2, sum(area.area_mm2 for area in result.logic), "logic"
    for index, layer in enumerate(result.layers):
        yield from _of_layer(f"layers.{index}.", layer, samples)
    yield from _of_components(result)


def _of_layer(where: str, layer: LayerResult, samples: int) -> Iterator[_Claim]:
    breakdown = sum(layer.sum_cycle_breakdown.values())
    yield f"{where}sum_cycle_breakdown", breakdown, layer.sum_cycles, "sum_cycles"
    yield from _means(where, layer, samples)
    parts_pj = sum(counter.sum_energy_pj for counter in layer.counters) + layer.sum_leakage_pj
    yield f"{where}sum_energy_pj", layer.sum_energy_pj, parts_pj, "counters and leakage"


def _means(where: str, of: RunResult | LayerResult, samples: int) -> Iterator[_Claim]:
    """What is per inference, times the samples."""
    for key, whole_key in (
        ("cycles_per_inference", "sum_cycles"),
        ("energy_per_inference_pj", "sum_energy_pj"),
        ("synaptic_operations_per_inference", "sum_synaptic_operations"),
    ):
        yield f"{where}{key}", getattr(of, key), getattr(of, whole_key) / samples, f"{whole_key} and samples"


def _of_components(result: RunResult) -> Iterator[_Claim]:
    """Energy by component, of those that no count of time is of: the counters of all layers."""
    counters = [counter for layer in result.layers for counter in layer.counters]
    timed = {counter.component for counter in counters if counter.action in _OF_TIME}
    sums: dict[str, float] = {}
    for counter in counters:
        sums[counter.component] = sums.get(counter.component, 0.0) + counter.sum_energy_pj
    for component, energy_pj in sums.items():
        if component not in timed:
            key = f"sum_energy_by_component_pj.{component}"
            yield key, result.sum_energy_by_component_pj.get(component, 0.0), energy_pj, "counters of the layers"


def _of_run(where: str, run: FormatRun, clock_mhz: float) -> Iterator[_Claim]:
    edp = pj_to_j(run.energy_per_inference_pj) * seconds(1, clock_mhz) * run.cycles_per_inference
    yield f"{where}.edp_per_inference_js", run.edp_per_inference_js, edp, "energy and cycles"


def _of_row(where: str, row: Mapping[str, float]) -> Iterator[_Claim]:
    for whole, beginning in (("cycles_per_inference", _CYCLES), ("energy_per_inference_pj", _ENERGIES)):
        parts = [value for name, value in row.items() if name.startswith(beginning)]
        if parts and whole in row:
            yield f"{where}{whole}", row[whole], sum(parts), f"{beginning}*"
    if {"energy_per_inference_pj", "seconds_per_inference", "edp_per_inference_js"} <= row.keys():
        edp = pj_to_j(row["energy_per_inference_pj"]) * row["seconds_per_inference"]
        yield f"{where}edp_per_inference_js", row["edp_per_inference_js"], edp, "energy and time"


def _first(claims: Iterable[_Claim]) -> str:
    return next(
        (
            f"{key}: {found:.10g} is not what {of} make, {expected:.10g}"
            for key, found, expected, of in claims
            if not math.isclose(found, expected, rel_tol=_RELATIVE)
        ),
        "",
    )


def _below_zero(numbers: Iterable[tuple[str, float]]) -> str:
    return next((f"{path}: {value:g} is below 0" for path, value in numbers if value < 0), "")


def _numbers(data: Any, before: str = "") -> Iterator[tuple[str, float]]:
    """Every number in mappings and lists, by its path; bool is none."""
    if isinstance(data, bool):
        return
    if isinstance(data, int | float):
        yield before, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _numbers(value, f"{before}.{key}" if before else str(key))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from _numbers(value, f"{before}.{index}" if before else str(index))
