"""The tables of a comparison of formats."""

from __future__ import annotations

import pytest

from spikecycle.simulator.compare import differences
from spikecycle.simulator.comparison import (
    FormatComparison,
    FormatLayer,
    FormatRun,
    LayerBest,
    OperandComparison,
    RefusedFormat,
)
from spikecycle.simulator.report.formats_table import comparison_report, layer_table, totals_table, verdict
from spikecycle.simulator.report.residency import difference_lines
from spikecycle.simulator.result import SlowBuffer
from tests.unit.report.example import run_result
from tests.unit.report.test_tables import row, shown

RELOADED: dict[str, object] = {"weights": "inference", "batch": 1, "activations": "dram"}
RESIDENT: dict[str, object] = {"weights": "resident", "batch": 1, "activations": "dram"}


def _run(name: str, energies_pj: tuple[float, float], cycles: tuple[float, float], own: bool = False) -> FormatRun:
    layers = [
        FormatLayer(
            layer=layer, format_bits=300, stored_bits=400,
            fetched_per_inference_bits={"dram": 4096.0, "weights": 40_960.0},
            cycles_per_inference=cycles[index], energy_per_inference_pj=energies_pj[index],
        )
        for index, layer in enumerate(("conv1", "dense1"))
    ]  # fmt: skip
    return FormatRun(
        format=name, title=name.upper(), is_machines_own=own, layers=layers, format_bits_per_weight=3.0,
        stored_bits_per_weight=4.0, fetched_per_inference_bits={"dram": 8192.0, "weights": 81_920.0},
        cycles_per_inference=sum(cycles), energy_per_inference_pj=sum(energies_pj),
        edp_per_inference_js=sum(energies_pj) * sum(cycles) * 4e-21,
    )  # fmt: skip


def comparison() -> FormatComparison:
    """rle is best on conv1, uop on dense1 and overall; they tie on conv1's cycles; cp is refused.

    With resident weights rle has the least energy overall and of conv1, and the fewest cycles.
    """
    weights = OperandComparison(
        operand="weights",
        residency=RELOADED,
        runs=[_run("uop", (1500.0, 500.0), (50, 150), own=True), _run("rle", (1000.0, 2000.0), (50, 100))],
        refused=[RefusedFormat(format="cp", title="CP", problem="tiny: layer conv1: the directory is too narrow")],
        best_by_energy=["uop"],
        best_by_cycles=["rle"],
        best_by_edp=["uop"],
        best_per_layer=[
            LayerBest(layer="conv1", by_energy=["rle"], by_cycles=["uop", "rle"]),
            LayerBest(layer="dense1", by_energy=["uop"], by_cycles=["rle"]),
        ],
    )
    spikes = OperandComparison(
        operand="spikes",
        residency=RELOADED,
        runs=[_run("bitmap", (1500.0, 500.0), (50, 150), own=True)],
        refused=[],
        best_by_energy=["bitmap"],
        best_by_cycles=["bitmap"],
        best_by_edp=["bitmap"],
        best_per_layer=[
            LayerBest(layer=name, by_energy=["bitmap"], by_cycles=["bitmap"]) for name in ("conv1", "dense1")
        ],
    )
    resident = OperandComparison(
        operand="weights",
        residency=RESIDENT,
        runs=[_run("rle", (300.0, 800.0), (40, 90)), _run("uop", (500.0, 700.0), (45, 140), own=True)],
        refused=[RefusedFormat(format="cp", title="CP", problem="tiny: layer conv1: the directory is too narrow")],
        best_by_energy=["rle"],
        best_by_cycles=["rle"],
        best_by_edp=["rle"],
        best_per_layer=[
            LayerBest(layer="conv1", by_energy=["rle"], by_cycles=["rle"]),
            LayerBest(layer="dense1", by_energy=["uop"], by_cycles=["rle"]),
        ],
    )
    result = run_result()
    return FormatComparison(
        spikecycle="0.1.0", trace="digits", trace_sha256="0", machine=result.machine, samples=[0, 1], weights=weights,
        weights_other_residency=resident, residency_differences=differences(weights, resident), spikes=spikes,
        clock_mhz=200, too_slow=[], not_modelled=["control"],
        assumptions=result.assumptions, machine_file="", machine_overrides={"dataflow.fifo_depth": 2},
        machine_sha256="abcdef0123456789" * 4, base_machine_sha256=None,
    )  # fmt: skip


def test_one_row_a_format_with_means_per_inference_and_the_best_marked() -> None:
    text = shown(totals_table(comparison().weights))
    assert row(text, "uop") == [
        "(own)", "3.00", "4.00", "1.00", "KiB", "10.0", "KiB", "200", "2.000*", "1.00", "1.60", "fJ·s*",
    ]  # fmt: skip
    assert row(text, "rle")[-5:] == ["150*", "3.000", "1.50", "1.80", "fJ·s"]


def test_layers_show_where_the_best_changes() -> None:
    energy = shown(layer_table(comparison().weights, by="energy"))
    assert row(energy, "conv1") == ["1.500", "1.000*"]
    assert row(energy, "dense1") == ["0.5000*", "2.000"]
    assert "nJ" in energy
    cycles = shown(layer_table(comparison().weights, by="cycles"))
    assert row(cycles, "conv1") == ["50*", "50*"]


def test_where_the_best_depends_on_residency_in_one_sentence() -> None:
    one = comparison()
    assert [(each.layer, each.measure) for each in one.residency_differences] == [
        ("", "energy"), ("", "edp"), ("conv1", "cycles"),
    ]  # fmt: skip
    assert difference_lines(one) == [
        "The best weight format depends on residency: least energy with uop if weights are reloaded, with rle if they "
        "are resident; least energy-delay product with uop if weights are reloaded, with rle if they are resident."
    ]
    text = " ".join(shown(comparison_report(one)).split())
    assert difference_lines(one)[0] in text
    assert "Weight formats, weights resident" in text


def test_layers_whose_best_depends_on_residency_are_named() -> None:
    one = comparison()
    other = one.weights_other_residency
    best = [each.model_copy(update={"by_energy": ["cp"]}) for each in other.best_per_layer]
    same = other.model_copy(
        update={
            "best_per_layer": best, "best_by_energy": one.weights.best_by_energy, "best_by_edp": one.weights.best_by_edp
        }
    )  # fmt: skip
    changed = one.model_copy(
        update={"weights_other_residency": same, "residency_differences": differences(one.weights, same)}
    )
    assert difference_lines(changed) == [
        "The best weight format is the same whether weights are reloaded or resident.",
        "By layer, the format with the least energy depends on it in conv1 and dense1.",
    ]


def test_weights_that_cannot_be_resident_are_said_so_once() -> None:
    one = comparison()
    problem = "machine 'tiny': residency.weights: resident is not possible"
    refused = [RefusedFormat(format=name, title=name, problem=problem) for name in ("rle", "uop")]
    none = one.weights_other_residency.model_copy(update={"runs": [], "refused": refused, "best_per_layer": []})
    text = shown(
        comparison_report(one.model_copy(update={"weights_other_residency": none, "residency_differences": []}))
    )
    assert "With weights resident no format is possible on this machine." in text
    lines = " ".join(text.split())
    assert f"Not possible with weights resident: any format: {problem}" in lines
    assert lines.count("resident is not possible") == 1
    some = one.weights_other_residency.model_copy(update={"refused": refused[:1]})
    text = shown(comparison_report(one.model_copy(update={"weights_other_residency": some})))
    assert f"Not possible with weights resident: rle: {problem}" in " ".join(text.split())


def test_the_machine_is_named_with_what_was_changed() -> None:
    assert "digits on two_buffers with dataflow.fifo_depth=2 [abcdef0123]" in shown(comparison_report(comparison()))


def test_the_verdict_in_words() -> None:
    words = verdict(comparison().weights).plain
    assert words.startswith("Least energy: uop; fewest cycles: rle; least energy-delay product: uop.")
    assert "Best by energy per layer: rle: conv1; uop: dense1." in words
    assert "Best by cycles per layer: uop = rle: conv1; rle: dense1." in words
    assert "per layer" not in verdict(comparison().spikes).plain


def test_nothing_wins_on_a_machine_that_cannot_run() -> None:
    slow = [SlowBuffer(buffer="weights", access_ns=5.01, period_ns=5.0)]
    nobody: dict[str, list[str]] = {"best_by_energy": [], "best_by_cycles": [], "best_by_edp": []}
    per_layer = [LayerBest(layer=name, by_energy=[], by_cycles=[]) for name in ("conv1", "dense1")]
    weights = comparison().weights.model_copy(update={**nobody, "best_per_layer": per_layer})
    text = shown(comparison_report(comparison().model_copy(update={"weights": weights, "too_slow": slow})))
    assert "longer than a cycle of 5.00 ns in weights (5.01 ns)" in " ".join(text.split())
    assert verdict(weights).plain == "No format is the best one: this machine cannot run at its clock."
    assert "*" not in shown(totals_table(weights))


def test_a_refused_format_is_named_with_its_reason() -> None:
    assert "weights cp: tiny: layer conv1: the directory is too narrow" in shown(comparison_report(comparison()))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_report_fits(width: int) -> None:
    text = shown(comparison_report(comparison()), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for words in ("Weight formats", "Spike formats", "uop (own)", "4 pJ/bit"):
        assert words in text
