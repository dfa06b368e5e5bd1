"""From the sums over samples to the result: every count priced, every figure of the network added up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import metadata

from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.grounds import Grounds
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.pricing import (
    OF_TIME,
    MachinePrices,
    dram_counters,
    dram_counts,
    dram_traffic,
    prices_of,
)
from spikecycle.simulator.result import (
    CounterResult,
    LayerResult,
    RunResult,
    StorageResult,
    VerificationResult,
)
from spikecycle.simulator.timing import NetworkTiming
from spikecycle.simulator.totals import StageTotals, TimeTotals
from spikecycle.simulator.units import pj_to_j, seconds
from spikecycle.traces import Trace


@cache
def _version() -> str:
    """Of the program, from the metadata that it was installed with."""
    return metadata.version("spikecycle")


def run_result(
    grounds: Grounds,
    totals: Sequence[StageTotals],
    timing: NetworkTiming,
    verification: list[VerificationResult] | None = None,
) -> RunResult:
    """The result of a network on a machine."""
    network, prices, inferences = grounds.network, grounds.prices, len(grounds.samples)
    machine = grounds.machine
    layers = [_layer_result(network, prices, total, inferences) for total in totals]
    cycles = sum(timing.cycles_per_sample)
    leaked_pj = prices.leakage_pj(cycles)
    components: dict[str, float] = {}
    of_stages = (one for layer in layers for one in layer.counters if one.action not in OF_TIME)
    for one in (*of_stages, *prices.of_time(cycles, timing.breakdown)):
        components[one.component] = components.get(one.component, 0.0) + one.sum_energy_pj
    energy_pj = sum(components.values()) + leaked_pj
    logic_area_mm2 = sum(area.area_mm2 for area in grounds.logic)
    clock_mhz = machine.technology.clock_mhz
    inference_s = seconds(cycles, clock_mhz) / inferences
    inference_pj = energy_pj / inferences
    operations = sum(layer.sum_synaptic_operations for layer in layers)
    busy = sum(total.busy.get("pe", 0) for total in totals)
    formats, origin = machine.formats, machine.origin
    return RunResult(
        spikecycle=_version(),
        trace=network.name,
        trace_sha256=network.sha256,
        provenance=dict(network.provenance),
        machine_file=origin.file,
        machine_overrides=dict(origin.overrides),
        machine_sha256=grounds.sha256,
        base_machine_sha256=origin.sha256,
        machine=grounds.keys,
        plugins=grounds.plugins,
        dataflow=machine.dataflow.kind,
        weight_format=formats.weights.format if formats else None,
        spike_format=formats.spikes.format if formats else None,
        samples=list(grounds.samples),
        timesteps=network.timesteps,
        clock_mhz=clock_mhz,
        pes=machine.pe_count,
        peak_additions_per_cycle=sum(unit.count for unit in prices.units if unit.action == "add"),
        layers=layers,
        sum_cycles=cycles,
        cycles_per_inference=cycles / inferences,
        sum_cycle_breakdown=timing.breakdown,
        cycles_per_sample=timing.cycles_per_sample,
        overlap=grounds.overlap,
        sum_energy_pj=energy_pj,
        sum_energy_by_component_pj={**components, "leakage": leaked_pj},
        seconds_per_inference=inference_s,
        energy_per_inference_pj=inference_pj,
        edp_per_inference_js=pj_to_j(inference_pj) * inference_s,
        utilization=busy / (machine.pe_count * cycles) if cycles else 0.0,
        synaptic_operations_per_inference=operations / inferences,
        sum_synaptic_operations=operations,
        sum_dense_synaptic_operations=sum(layer.sum_dense_synaptic_operations for layer in layers),
        area_mm2=sum(buffer.area_mm2 for buffer in grounds.buffers) + logic_area_mm2,
        logic_area_mm2=logic_area_mm2,
        buffers=grounds.buffers,
        logic=grounds.logic,
        too_slow=grounds.too_slow,
        not_modelled=grounds.not_modelled,
        area_leaves_out=grounds.area_leaves_out,
        verification=verification,
        assumptions=grounds.assumptions,
    )


def stage_cost(machine: Machine, total: StageTotals) -> tuple[float, int]:
    """Energy in pJ, leakage included, and cycles of a stage, summed over samples."""
    prices, time = prices_of(machine), total.in_time()
    energy_pj = sum(counter.sum_energy_pj for counter in _counters(prices, total, time))
    return energy_pj + prices.leakage_pj(time.cycles), time.cycles


def _counters(prices: MachinePrices, total: StageTotals, time: TimeTotals) -> tuple[CounterResult, ...]:
    """Every count of a stage, DRAM's and the clock's after the others, priced."""
    machine = prices.machine
    reads, writes = time.dram_read_bits, time.dram_write_bits
    counters = [
        *total.counters.values(),
        *(dram_traffic("read", operand) for operand in reads),
        *(dram_traffic("write", operand) for operand in writes),
        *dram_counters(machine),
        *prices.clock_counters,
    ]
    counts = [
        *map(total.counts.__getitem__, total.counters),
        *reads.values(),
        *writes.values(),
        *dram_counts(machine, total.row_activations, time.cycles),
        *prices.clock_counts(time.breakdown),
    ]
    return prices.price(counters, counts)


def _layer_result(network: Trace, prices: MachinePrices, total: StageTotals, samples: int) -> LayerResult:
    """One stage, priced."""
    time = total.in_time()
    counters, cycles = _counters(prices, total, time), time.cycles
    leaked_pj = prices.leakage_pj(cycles)
    energy_pj = sum(one.sum_energy_pj for one in counters) + leaked_pj
    return LayerResult(
        name=total.stage.name,
        operator=_operator(total.stage),
        shape=_shape(total.stage),
        tiling=dict(total.tiling),
        storage=_storage(total),
        cycles_per_inference=cycles / samples,
        energy_per_inference_pj=energy_pj / samples,
        synaptic_operations_per_inference=total.synaptic_operations / samples,
        sum_input_spikes=total.input_spikes,
        sum_input_currents=total.input_currents,
        input_density=total.input_spikes / total.input_positions if total.input_positions else 0.0,
        sum_output_spikes=total.output_spikes,
        sum_synaptic_operations=total.synaptic_operations,
        sum_dense_synaptic_operations=samples * network.timesteps * _dense_sops(total.stage),
        sum_cycles=cycles,
        sum_cycle_breakdown=time.breakdown,
        utilization=total.busy.get("pe", 0) / (prices.machine.pe_count * cycles) if cycles else 0.0,
        sum_busy_cycles=time.busy,
        sum_dram_read_bits=time.dram_read_bits,
        sum_dram_write_bits=time.dram_write_bits,
        inferences_with_weights_on_chip=total.inferences_with_weights_on_chip,
        tensors_on_chip=dict(sorted(total.kept.items())),
        output_neurons=total.over_time.neurons,
        sum_input_spikes_by_timestep=total.over_time.inputs.tolist(),
        sum_output_spikes_by_timestep=total.over_time.outputs.tolist(),
        raster=total.over_time.raster,
        sum_busy_cycles_by_pe=[] if total.busy_by_pe is None else total.busy_by_pe.tolist(),
        sum_accesses_by_bank={name: banks.tolist() for name, banks in total.accesses_by_bank.items()},
        counters=list(counters),
        sum_leakage_pj=leaked_pj,
        sum_energy_pj=energy_pj,
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
    storage = total.storage
    zeros = sum(synapse.zero_weights for synapse in total.stage.synapses())
    return StorageResult(
        weights=sum(synapse.shape.M * synapse.shape.fan_in for synapse in total.stage.synapses()),
        zero_weights=zeros,
        payload_bits=storage.payload_bits,
        metadata_bits=storage.metadata_bits,
        directory_bits=storage.directory_bits,
        stored_bits=storage.stored_bits,
    )
