"""Rooflines of operators: the least cycles that each resource of a machine needs for its part of an operator.

`spikecycle advise` and the page of a result both take the lowest roof from here, so that they name the same one.
"""

from __future__ import annotations

from spikecycle.simulator.explore.advice import OperatorBound
from spikecycle.simulator.result import BufferArea, LayerResult, RunResult

ADDERS, PES, DRAM = "adders", "PEs", "DRAM channel"
_CHANNEL = "dram_channel"
"""The DRAM channel among the resources of `LayerResult.sum_busy_cycles`."""


def operator_bounds(result: RunResult) -> list[OperatorBound]:
    """Every layer of a result under its roofs; all that it takes is in the result, which may come from a file."""
    return [_bound(result, layer) for layer in result.layers]


def _bound(result: RunResult, layer: LayerResult) -> OperatorBound:
    samples = len(result.samples)
    sums = {name: cycles for name, cycles in _least_cycles(result, layer).items() if cycles}
    by = max(sums, key=lambda name: sums[name], default=PES)
    categories = layer.sum_cycle_breakdown
    lost = max(categories, key=lambda name: categories[name], default="")
    cycles = layer.sum_cycles
    return OperatorBound(
        layer=layer.name,
        cycles_per_inference=layer.cycles_per_inference,
        energy_per_inference_pj=layer.energy_per_inference_pj,
        bounds={name: least / samples for name, least in sums.items()},
        bound_by=by,
        share_of_bound=sums.get(by, 0.0) / cycles if cycles else 0.0,
        lost_to=lost,
        lost_to_share=categories[lost] / cycles if cycles and lost else 0.0,
    )


def _least_cycles(result: RunResult, layer: LayerResult) -> dict[str, float]:
    """Cycles of all samples by resource, as if everything else took no time.

    Memories of results of older programs, whose sizes and banks are not known, have no roof.
    """
    adders = result.peak_additions_per_cycle
    return {
        **({ADDERS: layer.sum_synaptic_operations / adders} if adders else {}),
        PES: layer.utilization * layer.sum_cycles,
        **{buffer.buffer: _of_memory(buffer, layer) for buffer in result.buffers if buffer.width_bits},
        DRAM: float(layer.sum_busy_cycles.get(_CHANNEL, 0)),
    }


def _of_memory(memory: BufferArea, layer: LayerResult) -> float:
    """Accesses over what all banks of all instances can do in a cycle: one, or with two ports a read and a write."""
    counts = {"read": 0, "write": 0}
    for counter in layer.counters:
        if counter.resource == "sram" and counter.component == memory.buffer:
            counts[counter.action] = counts.get(counter.action, 0) + counter.sum_count
    most = max(counts.values()) if memory.ports > 1 else sum(counts.values())
    return most / (memory.instances * memory.banks)
