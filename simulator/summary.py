"""From the sums over samples to the result: every count priced, every figure of the network added up."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import numpy as np

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows.base import Dataflow
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.pricing import Pricing
from spikecycle.simulator.result import (
    Assumptions,
    CounterResult,
    LayerResult,
    RunResult,
    StorageResult,
    VerificationResult,
)
from spikecycle.simulator.timing import NetworkTiming
from spikecycle.simulator.totals import StageTotals
from spikecycle.simulator.units import pj_to_j, seconds
from spikecycle.traces import Trace

OPERATION = (
    "one synaptic operation: one non-zero weight applied because of one spike (one set bit of a multi-bit input)"
)


def run_result(
    network: Trace,
    machine: Machine,
    dataflow: Dataflow,
    samples: Sequence[int],
    totals: Sequence[StageTotals],
    timing: NetworkTiming,
    *,
    free: list[str],
    verification: list[VerificationResult] | None,
    ideal_memory: bool,
) -> RunResult:
    """The result of a network on a machine."""
    pricing = Pricing(machine)
    layers = [_layer_result(network, machine, pricing, total, len(samples)) for total in totals]
    cycles = sum(timing.cycles_per_sample)
    leakage_pj = pricing.leakage_pj(cycles)
    components: dict[str, float] = {}
    for layer in layers:
        for counter in layer.counters:
            components[counter.component] = components.get(counter.component, 0.0) + counter.energy_pj
    energy_pj = sum(components.values()) + leakage_pj
    logic_area_mm2 = pricing.logic_area_mm2()
    buffers = pricing.buffer_areas()
    clock_mhz = machine.technology.clock_mhz
    inference_s = seconds(cycles, clock_mhz) / len(samples)
    inference_pj = energy_pj / len(samples)
    busy = sum(total.busy.get("pe", 0) for total in totals)
    formats, dram = machine.formats, machine.dram
    return RunResult(
        spikecycle=metadata.version("spikecycle"),
        trace=network.name,
        trace_sha256=network.sha256,
        provenance=dict(network.provenance),
        machine=machine.model_dump(mode="json"),
        dataflow=machine.dataflow.kind,
        weight_format=formats.weights.format if formats else None,
        spike_format=formats.spikes.format if formats else None,
        samples=list(samples),
        timesteps=network.timesteps,
        clock_mhz=clock_mhz,
        pes=machine.pe_count,
        layers=layers,
        cycles=cycles,
        cycles_per_inference=cycles / len(samples),
        cycles_by_cause=timing.causes,
        cycles_per_sample=timing.cycles_per_sample,
        overlap=timing.policy.name,
        energy_pj=energy_pj,
        energy_by_component_pj={**components, "leakage": leakage_pj},
        seconds_per_inference=inference_s,
        energy_per_inference_pj=inference_pj,
        edp_per_inference_js=pj_to_j(inference_pj) * inference_s,
        utilization=busy / (machine.pe_count * cycles) if cycles else 0.0,
        synaptic_operations=sum(layer.synaptic_operations for layer in layers),
        dense_synaptic_operations=sum(layer.dense_synaptic_operations for layer in layers),
        area_mm2=sum(buffer.area_mm2 for buffer in buffers) + logic_area_mm2,
        logic_area_mm2=logic_area_mm2,
        buffers=buffers,
        verification=verification,
        assumptions=Assumptions(
            dram_pj_per_bit=dram.energy_pj_per_bit if dram else None,
            sram_cell=machine.technology.sram_cell,
            temperature_k=machine.technology.temperature_k,
            node_nm=machine.technology.node_nm,
            energy_table=machine.energy.table,
            operation=OPERATION,
            ideal_memory=ideal_memory,
            residency=machine.residency.model_dump(mode="json"),
            free_operators=free,
        ),
    )


def stage_cost(machine: Machine, total: StageTotals) -> tuple[float, int]:
    """Energy in pJ, leakage included, and cycles of a stage, summed over samples."""
    pricing = Pricing(machine)
    counters = _counters(pricing, total)
    return sum(counter.energy_pj for counter in counters) + pricing.leakage_pj(total.cycles), total.cycles


def _counters(pricing: Pricing, total: StageTotals) -> list[CounterResult]:
    """Every count of a stage, DRAM's after the others, priced."""
    counters = [pricing.counter(counter, total.counts[name]) for name, counter in total.counters.items()]
    moved = (("read", total.dram_read_bits), ("write", total.dram_write_bits))
    return counters + [
        pricing.counter(_dram_counter(action, operand), bits)
        for action, by_operand in moved
        for operand, bits in by_operand.items()
    ]


def _layer_result(network: Trace, machine: Machine, pricing: Pricing, total: StageTotals, samples: int) -> LayerResult:
    """One stage, priced."""
    counters = _counters(pricing, total)
    cycles = total.cycles
    leakage_pj = pricing.leakage_pj(cycles)
    return LayerResult(
        name=total.stage.name,
        operator=_operator(total.stage),
        shape=_shape(total.stage),
        tiling=dict(total.plan.tiling()),
        storage=_storage(total),
        input_spikes=total.input_spikes,
        input_density=total.input_spikes / total.input_positions if total.input_positions else 0.0,
        output_spikes=total.output_spikes,
        synaptic_operations=total.synaptic_operations,
        dense_synaptic_operations=samples * network.timesteps * _dense_sops(total.stage),
        cycles=cycles,
        cycles_by_cause=total.causes,
        utilization=total.busy.get("pe", 0) / (machine.pe_count * cycles) if cycles else 0.0,
        busy_cycles=total.busy_cycles,
        dram_read_bits=dict(total.dram_read_bits),
        dram_write_bits=dict(total.dram_write_bits),
        inferences_with_weights_on_chip=total.inferences_with_weights_on_chip,
        tensors_on_chip=sorted(total.kept),
        counters=counters,
        leakage_pj=leakage_pj,
        energy_pj=sum(counter.energy_pj for counter in counters) + leakage_pj,
    )


def _dram_counter(action: str, operand: str) -> Counter:
    direction = "read from" if action == "read" else "written to"
    return Counter(
        f"dram.{action}.{operand}", "dram", operand, action, "dram", "bits", f"bits of {operand} {direction} DRAM"
    )


def _operator(stage: Stage) -> str:
    """What a stage computes: the synapse of a plain layer, else the kinds of its operators."""
    kinds = [operator.kind for operator in stage.operators]
    plain = len(kinds) == 2 and kinds[1] == "neuron" and len(stage.operators[1].inputs) == 1
    return kinds[0] if plain else " + ".join(dict.fromkeys(kinds))


def _shape(stage: Stage) -> dict[str, int | list[int]]:
    """Letters to sizes of the first operator with weights; of a stage without weights, its output."""
    for synapse in stage.synapses():
        shape = synapse.shape
        return {
            **{letter: getattr(shape, letter) for letter in ("C", "H", "W", "M", "P", "Q", "R", "S", "groups")},
            "stride": list(shape.stride),
            "padding": list(shape.short_padding),
            "dilation": list(shape.dilation),
        }
    return dict(zip(("M", "P", "Q"), stage.operators[-1].output.shape, strict=True))


def _dense_sops(stage: Stage) -> int:
    """Every weight of the stage, for every output neuron, in one timestep."""
    return sum(synapse.shape.dense_sops_per_timestep for synapse in stage.synapses())


def _storage(total: StageTotals) -> StorageResult:
    storage = total.plan.storage
    zeros = sum(int(np.count_nonzero(synapse.weights() == 0)) for synapse in total.stage.synapses())
    return StorageResult(
        weights=sum(synapse.shape.M * synapse.shape.fan_in for synapse in total.stage.synapses()),
        zero_weights=zeros,
        payload_bits=storage.payload_bits,
        metadata_bits=storage.metadata_bits,
        directory_bits=storage.directory_bits,
        stored_bits=storage.stored_bits,
    )
