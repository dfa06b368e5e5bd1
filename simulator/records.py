"""A result as flat rows, for data frames and CSV files: by layer, cycle category, component or counter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.variant import overrides_text

if TYPE_CHECKING:
    from spikecycle.simulator.result import LayerResult, RunResult

Record = dict[str, int | float | str]


def records(result: RunResult, by: str) -> list[Record]:
    """One row per `by` and layer; see `RunResult.to_records`. UsageError, naming what there is, for another `by`."""
    if by not in _KINDS:
        raise UsageError(f"there are no records by {by!r}, allowed: {', '.join(_KINDS)}")
    which: Record = {
        "trace": result.trace,
        "machine": str(result.machine["name"]),
        "machine_file": result.machine_file,
        "machine_overrides": overrides_text(result.machine_overrides),
        "machine_sha256": result.machine_sha256,
    }
    samples = len(result.samples)
    return [{**which, "layer": layer.name, **row} for layer in result.layers for row in _KINDS[by](layer, samples)]


def _layer(layer: LayerResult, samples: int) -> Iterator[Record]:
    storage = layer.storage
    yield {
        "operator": layer.operator,
        "cycles_per_inference": layer.cycles_per_inference,
        "energy_per_inference_pj": layer.energy_per_inference_pj,
        "leakage_per_inference_pj": layer.sum_leakage_pj / samples,
        "synaptic_operations_per_inference": layer.synaptic_operations_per_inference,
        "dense_synaptic_operations_per_inference": layer.sum_dense_synaptic_operations / samples,
        "utilization": layer.utilization,
        "input_density": layer.input_density,
        "input_spikes_per_inference": (layer.sum_input_spikes - layer.sum_input_currents) / samples,
        "output_spikes_per_inference": layer.sum_output_spikes / samples,
        "dram_read_per_inference_bits": sum(layer.sum_dram_read_bits.values()) / samples,
        "dram_write_per_inference_bits": sum(layer.sum_dram_write_bits.values()) / samples,
        "weights": storage.weights,
        "zero_weights": storage.zero_weights,
        "stored_bits": storage.stored_bits,
        "inferences": samples,
        "inferences_with_weights_on_chip": layer.inferences_with_weights_on_chip,
    }


def _categories(layer: LayerResult, samples: int) -> Iterator[Record]:
    for category, cycles in layer.sum_cycle_breakdown.items():
        yield {"category": category, "cycles_per_inference": cycles / samples}


def _components(layer: LayerResult, samples: int) -> Iterator[Record]:
    sums: dict[str, float] = {}
    for counter in layer.counters:
        sums[counter.component] = sums.get(counter.component, 0.0) + counter.sum_energy_pj
    sums["leakage"] = layer.sum_leakage_pj
    for component, energy_pj in sums.items():
        yield {"component": component, "energy_per_inference_pj": energy_pj / samples}


def _counters(layer: LayerResult, samples: int) -> Iterator[Record]:
    for counter in layer.counters:
        yield {
            "counter": counter.name,
            "component": counter.component,
            "operand": counter.operand,
            "action": counter.action,
            "resource": counter.resource,
            "unit": counter.unit,
            "count_per_inference": counter.sum_count / samples,
            "energy_per_inference_pj": counter.sum_energy_pj / samples,
        }


_KINDS: dict[str, Callable[[LayerResult, int], Iterator[Record]]] = {
    "layer": _layer,
    "category": _categories,
    "cause": _categories,
    "component": _components,
    "counter": _counters,
}
