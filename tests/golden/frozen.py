"""The only door from the golden results to the program: write a synthetic trace, simulate, and freeze what came out.

When a name of the program changes, this file changes and `data/` does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.replay import replay_layer
from spikecycle.simulator.result import LayerResult
from spikecycle.traces import LayerArrays, Neuron, conv2d_layer, linear_layer, open_trace, write_trace
from tests.golden.synthetic import SyntheticLayer


def freeze(
    trace: str | Path,
    machine: str,
    settings: Mapping[str, Any],
    formats: Mapping[str, str],
    samples: Sequence[int],
    ideal_memory: bool = False,
) -> dict[str, Any]:
    """Everything that must stay equal when `trace` is simulated on `machine`, as plain dicts, lists and numbers.

    All numbers are integers but those under "energy_pj", which are pJ by component and layer.
    """
    result = simulate(
        trace, machine, settings=settings, formats=formats, samples=samples, verify=True, ideal_memory=ideal_memory
    )
    spikes = _spikes_sha256(trace, samples)
    verification = {each.layer: each for each in result.verification or ()}
    return {
        "cycles_per_sample": result.cycles_per_sample,
        "layers": {
            layer.name: {
                **_counts(layer, result.pes),
                "spikes_compared": verification[layer.name].spikes_compared,
                "mismatches": verification[layer.name].mismatches,
                "output_spikes_sha256": spikes[layer.name],
            }
            for layer in result.layers
        },
        "energy_pj": {layer.name: _energy_pj(layer) for layer in result.layers},
    }


def provenance(trace: str | Path) -> dict[str, str]:
    """What a frozen result was made from: versions, and the SHA-256 of the trace file."""
    with open_trace(trace) as opened:
        digest = hashlib.sha256(Path(opened.path).read_bytes()).hexdigest()
    versions = {name: metadata.version(name) for name in ("spikecycle", "numpy", "numba")}
    return {**versions, "trace_sha256": digest}


def write_network(path: Path, layers: Sequence[SyntheticLayer]) -> None:
    """Write a synthetic network as a trace file."""
    write_trace(path, [_layer_arrays(layer) for layer in layers])


def _counts(layer: LayerResult, pes: int) -> dict[str, Any]:
    return {
        "cycles": layer.sum_cycles,
        "busy_pe_cycles": round(layer.utilization * pes * layer.sum_cycles),
        "synaptic_operations": layer.sum_synaptic_operations,
        "dense_synaptic_operations": layer.sum_dense_synaptic_operations,
        "input_spikes": layer.sum_input_spikes,
        "output_spikes": layer.sum_output_spikes,
        "tiling": layer.tiling,
        "storage": layer.storage.model_dump(),
        "cycles_by_cause": layer.sum_cycle_breakdown,
        "dram_read_bits": layer.sum_dram_read_bits,
        "dram_write_bits": layer.sum_dram_write_bits,
        "counters": {counter.name: counter.sum_count for counter in layer.counters},
    }


def _energy_pj(layer: LayerResult) -> dict[str, float]:
    """Energy by component that takes any; twelve digits are far finer than the comparison."""
    energy = {"leakage": layer.sum_leakage_pj}
    for counter in layer.counters:
        energy[counter.component] = energy.get(counter.component, 0.0) + counter.sum_energy_pj
    return {component: float(f"{value:.12g}") for component, value in energy.items() if value}


def _spikes_sha256(trace: str | Path, samples: Sequence[int]) -> dict[str, str]:
    """SHA-256 by layer of the recomputed output spikes, one byte a neuron and timestep, (samples, T, M, P, Q)."""
    digests = {}
    with open_trace(trace) as opened:
        for layer in opened.layers:
            task, digest = LayerTask.of(layer), hashlib.sha256()
            for sample in samples:
                spikes = replay_layer(task, layer.inputs(sample)).outputs
                digest.update(np.ascontiguousarray(spikes, np.uint8).tobytes())
            digests[layer.name] = digest.hexdigest()
    return digests


def _layer_arrays(layer: SyntheticLayer) -> LayerArrays:
    kind = layer.neuron
    neuron = Neuron(
        "lif" if kind.leak_shift else "if",
        np.full(len(layer.weights), kind.threshold, np.int32),
        kind.potential_bits,
        kind.leak_numerator,
        kind.leak_shift,
        kind.reset,
        kind.reset_value,
    )
    if layer.is_linear:
        return linear_layer(
            layer.name,
            layer.inputs[..., 0, 0],
            layer.weights[..., 0, 0],
            layer.weight_bits,
            neuron,
            input_bits=layer.input_bits,
            outputs=layer.outputs[..., 0, 0] if layer.recorded else None,
            bias=layer.bias,
        )
    return conv2d_layer(
        layer.name,
        layer.inputs,
        layer.weights,
        layer.weight_bits,
        neuron,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
        input_bits=layer.input_bits,
        outputs=layer.outputs if layer.recorded else None,
        bias=layer.bias,
    )
