"""The comparison of formats: every figure is that of a simulation in that format."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.simulator import FormatComparison, MappingError, RunResult, compare_formats, load_machine, simulate
from tests.bad_input.inputs import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trace with 8-bit weights."""
    return small_trace(tmp_path_factory.mktemp("compare"))


@pytest.fixture(scope="module")
def comparison(trace: Path) -> FormatComparison:
    """On the spike array, two of the samples."""
    return compare_formats(trace, "spike_array", samples=[0, 2])


@pytest.mark.parametrize("name", ["bitmask", "rle", "uncompressed"])
def test_a_run_is_a_simulation_in_that_format(comparison: FormatComparison, trace: Path, name: str) -> None:
    result = simulate(trace, "spike_array", formats={"weights": name}, samples=[0, 2])
    run = next(run for run in comparison.weights.runs if run.format == name)
    assert run.cycles_per_inference == result.sum_cycles / 2
    assert run.energy_per_inference_pj == pytest.approx(result.sum_energy_pj / 2, rel=1e-12)
    assert run.edp_per_inference_js == pytest.approx(result.edp_per_inference_js, rel=1e-12)
    assert [layer.stored_bits for layer in run.layers] == [layer.storage.stored_bits for layer in result.layers]
    assert run.fetched_per_inference_bits == {level: bits / 2 for level, bits in _fetched(result).items()}


def _fetched(result: RunResult) -> dict[str, int]:
    """Bits of weights read, from the declared widths of the spike array's two weight memories."""
    buffers = load_machine("spike_array").buffer_items()
    counts = {
        level: sum(c.sum_count for layer in result.layers for c in layer.counters if c.name == f"{level}.read")
        for level in ("weights", "directory")
    }
    bits = {level: count * buffers[level].width_bits for level, count in counts.items()}
    return {"dram": sum(layer.sum_dram_read_bits["weights"] for layer in result.layers), **bits}


def test_bits_a_weight(comparison: FormatComparison) -> None:
    runs = {run.format: run for run in comparison.weights.runs}
    assert runs["uncompressed"].format_bits_per_weight == 8
    assert runs["ubm"].format_bits_per_weight == 9


def test_the_best_are_the_best(comparison: FormatComparison) -> None:
    for operand in (comparison.weights, comparison.spikes):
        assert [run.energy_per_inference_pj for run in operand.runs] == sorted(
            run.energy_per_inference_pj for run in operand.runs
        )
        least = min(run.cycles_per_inference for run in operand.runs)
        assert set(operand.best_by_cycles) == {run.format for run in operand.runs if run.cycles_per_inference == least}
        for index, best in enumerate(operand.best_per_layer):
            energies = {run.format: run.layers[index].energy_per_inference_pj for run in operand.runs}
            assert set(best.by_energy) == {name for name, pj in energies.items() if pj == min(energies.values())}


def test_the_machines_own_formats_are_marked(comparison: FormatComparison) -> None:
    assert [run.format for run in comparison.weights.runs if run.is_machines_own] == ["bitmask"]
    assert [run.format for run in comparison.spikes.runs if run.is_machines_own] == ["bitmap"]


def test_a_format_that_cannot_be_mapped_has_its_reason(trace: Path) -> None:
    settings = {"buffers.directory.width_bits": 2, "formats.weights.format": "uncompressed"}
    comparison = compare_formats(trace, "spike_array", settings=settings, samples=[0])
    assert {"uncompressed", "ubm"} == {run.format for run in comparison.weights.runs}
    problems = {refused.format: refused.problem for refused in comparison.weights.refused}
    for name in ("bitmask", "cp", "rle", "uop", "csr"):
        assert "buffers.directory.width_bits" in problems[name]
    for name in ("n_of_m", "trits", "codebook", "eie", "rlc"):  # the machine has no decoder of these
        assert f"weight format {name!r}" in problems[name]
    assert {run.format for run in comparison.spikes.runs} == {"bitmap", "aer", "run_length"}
    assert {refused.format for refused in comparison.spikes.refused} == {"firing_words", "time_sorted"}


def test_if_none_can_be_mapped_it_says_why_once(trace: Path) -> None:
    with pytest.raises(MappingError, match=r"^layer 'conv1'[^\n]*potentials[^\n]*$"):
        compare_formats(trace, "spike_array", settings={"buffers.potentials.width_bits": 8})


def test_progress_counts_all_runs_together(trace: Path) -> None:
    steps: list[tuple[int, int]] = []
    compare_formats(trace, "spike_array", samples=[0], progress=lambda _what, done, total: steps.append((done, total)))
    total = steps[0][1]
    done = [done for done, _ in steps]  # runs that are refused leave gaps
    assert done == sorted(set(done))
    assert done[0] == 1
    assert done[-1] <= total
    assert {of for _, of in steps} == {total}


def test_nothing_is_best_on_a_machine_that_cannot_run(trace: Path) -> None:
    """At 2 GHz a cycle is 0.5 ns, faster than any of its SRAMs."""
    slow = compare_formats(trace, "spike_array", settings={"technology.clock_mhz": 2000}, samples=[0])
    assert {buffer.buffer for buffer in slow.too_slow} == {"spikes", "weights", "directory", "potentials", "outputs"}
    assert all(buffer.access_ns > buffer.period_ns == 0.5 for buffer in slow.too_slow)
    for operand in (slow.weights, slow.spikes):
        assert operand.runs
        assert operand.best_by_energy == operand.best_by_cycles == operand.best_by_edp == []
        assert not any(best.by_energy or best.by_cycles for best in operand.best_per_layer)


def test_a_machine_that_can_run_has_winners(comparison: FormatComparison) -> None:
    assert comparison.too_slow == []
    assert comparison.weights.best_by_energy
    assert "DRAM background power" in comparison.not_modelled
