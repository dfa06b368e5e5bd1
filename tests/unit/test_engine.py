"""The main loop: sums, choices, and what a result states."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from spikecycle.simulator import LayerResult, RunResult, UsageError, load_machine, override, simulate
from spikecycle.traces import LayerArrays, open_trace, write_trace

SAMPLE, MACHINE = "digits-ternary", "spike_array_edge"


@pytest.fixture(scope="module")
def result() -> RunResult:
    return simulate(SAMPLE, MACHINE, samples=[0, 1], verify=True)


def test_totals_are_the_sums_of_the_layers(result: RunResult) -> None:
    assert result.sum_cycles == sum(layer.sum_cycles for layer in result.layers) == sum(result.cycles_per_sample)
    assert sum(result.sum_cycle_breakdown.values()) == result.sum_cycles
    for layer in result.layers:
        assert sum(layer.sum_cycle_breakdown.values()) == layer.sum_cycles
        priced_pj = sum(counter.sum_energy_pj for counter in layer.counters)
        assert layer.sum_energy_pj == pytest.approx(priced_pj + layer.sum_leakage_pj, rel=1e-12)
    assert result.sum_energy_pj == pytest.approx(sum(layer.sum_energy_pj for layer in result.layers), rel=1e-12)
    assert result.sum_energy_pj == pytest.approx(sum(result.sum_energy_by_component_pj.values()), rel=1e-12)
    assert result.sum_synaptic_operations == sum(layer.sum_synaptic_operations for layer in result.layers)


def test_figures_per_inference(result: RunResult) -> None:
    assert result.seconds_per_inference == pytest.approx(result.sum_cycles / 2 / (result.clock_mhz * 1e6), rel=1e-12)
    assert result.energy_per_inference_pj == pytest.approx(result.sum_energy_pj / 2, rel=1e-12)
    energy_j = result.energy_per_inference_pj / 1e12
    assert result.edp_per_inference_js == pytest.approx(energy_j * result.seconds_per_inference, rel=1e-12)


def test_dram_energy_is_its_bits_times_what_the_result_states(result: RunResult) -> None:
    for layer in result.layers:
        bits = sum(layer.sum_dram_read_bits.values()) + sum(layer.sum_dram_write_bits.values())
        dram_pj = sum(counter.sum_energy_pj for counter in layer.counters if counter.component == "dram")
        assert dram_pj == pytest.approx(bits * result.assumptions.dram_pj_per_bit, rel=1e-12)


def test_samples_add_up(result: RunResult) -> None:
    alone = [simulate(SAMPLE, MACHINE, samples=[sample]) for sample in (0, 1)]
    assert result.cycles_per_sample == [run.sum_cycles for run in alone]
    for layer, first, second in zip(result.layers, alone[0].layers, alone[1].layers, strict=True):
        counts = [a.sum_count + b.sum_count for a, b in zip(first.counters, second.counters, strict=True)]
        assert [counter.sum_count for counter in layer.counters] == counts


def test_a_result_repeats_to_the_bit_and_survives_json(result: RunResult) -> None:
    again = simulate(SAMPLE, MACHINE, samples=[0, 1], verify=True)
    assert again.model_dump_json() == result.model_dump_json()
    assert RunResult.model_validate_json(result.model_dump_json()) == result


def test_verification_is_exact_and_says_where_it_is_not(result: RunResult, tmp_path: Path) -> None:
    assert result.verification is not None
    assert all(part.recorded and part.mismatches == 0 and part.spikes_compared > 0 for part in result.verification)
    wrong = tmp_path / "wrong.h5"
    _copy(wrong, flip=(1, 3, 2, 4, 5))
    verification = simulate(wrong, MACHINE, verify=True).verification
    assert verification is not None
    assert [part.mismatches for part in verification] == [1]
    assert verification[0].first_mismatch == [1, 3, 2, 4, 5]


def test_outputs_that_were_not_recorded_are_recomputed(tmp_path: Path) -> None:
    _copy(tmp_path / "with.h5")
    _copy(tmp_path / "without.h5", outputs=False)
    recorded = simulate(tmp_path / "with.h5", MACHINE)
    recomputed = simulate(tmp_path / "without.h5", MACHINE, verify=True)
    assert recomputed.layers == recorded.layers
    assert recomputed.verification is not None
    assert not recomputed.verification[0].recorded


def test_settings_and_formats_are_the_machine_with_other_keys() -> None:
    settings = {"dataflow.fifo_depth": 1, "formats.spikes.format": "aer"}
    by_name = simulate(SAMPLE, MACHINE, samples=[0], settings={"dataflow.fifo_depth": 1}, formats={"spikes": "aer"})
    loaded = simulate(SAMPLE, load_machine(MACHINE, settings), samples=[0])
    assert by_name == loaded
    assert by_name.spike_format == "aer"


def test_an_ideal_memory_is_a_lower_bound(result: RunResult) -> None:
    ideal = simulate(SAMPLE, MACHINE, samples=[0, 1], ideal_memory=True)
    stalls = {
        category: cycles for category, cycles in result.sum_cycle_breakdown.items() if category.startswith("dram_")
    }
    assert (ideal.assumptions.ideal_memory, result.assumptions.ideal_memory) == (True, False)
    assert ideal.sum_cycles == result.sum_cycles - sum(stalls.values()) < result.sum_cycles
    assert not any(cycles for category, cycles in ideal.sum_cycle_breakdown.items() if category.startswith("dram_"))
    assert [layer.sum_dram_read_bits for layer in ideal.layers] == [layer.sum_dram_read_bits for layer in result.layers]


def test_progress_counts_every_sample_of_every_layer() -> None:
    calls: list[tuple[str, int, int]] = []
    simulate(SAMPLE, MACHINE, samples=[0, 2], progress=lambda *call: calls.append(call))
    assert [call[1:] for call in calls] == [(step, 8) for step in range(1, 9)]
    assert [call[0] for call in calls[::2]] == ["conv1", "conv2", "fc1", "fc2"]


def test_an_open_trace_stays_open() -> None:
    with open_trace(SAMPLE) as trace:
        simulate(trace, MACHINE, samples=[0])
        assert trace.layers[0].inputs(1).any()


@pytest.mark.usefixtures("all_threads_help")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_leaves_nothing_of_a_trace_to_the_garbage_collector(threads: int) -> None:
    gc.collect()
    gc.disable()
    try:
        with open_trace(SAMPLE) as trace:
            simulate(trace, MACHINE, samples=[0, 1], threads=threads)
            layers = [weakref.ref(layer) for layer in trace.layers]
        del trace
        assert not any(layer() for layer in layers)
    finally:
        gc.enable()


@pytest.mark.parametrize("samples", [[-1], [10], []])
def test_samples_that_are_not_there(samples: list[int]) -> None:
    with pytest.raises(UsageError, match="samples must lie in 0 to 9"):
        simulate(SAMPLE, MACHINE, samples=samples)


def _copy(path: Path, outputs: bool = True, flip: tuple[int, ...] | None = None) -> None:
    """The first layer of the sample with two of its samples; one output flipped on request."""
    with open_trace(SAMPLE) as trace:
        layer = trace.layers[0]
        recorded = np.stack([layer.outputs(sample) for sample in (0, 1)])
        inputs = np.stack([layer.inputs(sample) for sample in (0, 1)])
        if flip:
            recorded[flip] ^= 1
        copied = LayerArrays(
            layer.name, layer.shape, layer.weights(), layer.weight_bits, layer.neuron, inputs, layer.input_bits,
            recorded if outputs else None, layer.weight_scale, layer.bias(),
        )  # fmt: skip
        write_trace(path, [copied], provenance={})


def _but_for_time(layer: LayerResult) -> LayerResult:
    """A layer without clock and leakage, which are those of the whole array: of all decoders that it has."""
    counted = [one for one in layer.counters if one.resource != "clock"]
    priced = dict.fromkeys(("sum_leakage_pj", "sum_energy_pj", "energy_per_inference_pj"), 0.0)
    return layer.model_copy(update={"counters": counted, **priced})


def test_a_layer_has_the_format_that_is_chosen_for_it() -> None:
    whole = {name: simulate(SAMPLE, MACHINE, samples=[0], formats={"weights": name}) for name in ("bitmask", "rle")}
    name = whole["rle"].layers[0].name
    mixed = simulate(SAMPLE, MACHINE, samples=[0], formats={"weights": "bitmask", f"weights.{name}": "rle"})
    assert _but_for_time(mixed.layers[0]) == _but_for_time(whole["rle"].layers[0])
    for layer, alike in zip(mixed.layers[1:], whole["bitmask"].layers[1:], strict=True):
        assert _but_for_time(layer) == _but_for_time(alike)
    assert _but_for_time(whole["rle"].layers[0]) != _but_for_time(whole["bitmask"].layers[0])
    assert mixed.logic_area_mm2 > max(result.logic_area_mm2 for result in whole.values()), "it has both decoders"
    loaded = load_machine(MACHINE, formats={f"weights.{name}": "rle"})
    assert override(loaded, formats={f"weights.{name}": "cp"}).formats.weights_of(name).format == "cp"


def test_a_format_for_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^formats\.per_operator\.features\.9: the network has no operator"):
        simulate(SAMPLE, MACHINE, samples=[0], formats={"weights.features.9": "rle"})
