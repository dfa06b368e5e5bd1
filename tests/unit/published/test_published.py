"""The benchmark of the published study: its workload adds up, its tables say what they should, bad input is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.published import compare
from benchmarks.published.activity_table import read_activity
from benchmarks.published.command import grid
from benchmarks.published.figures import PLAIN, PRUNED_80, TERNARY, read_energies
from benchmarks.published.sensitivity import Variant
from spikecycle.simulator.validation.weight_compression import compression
from spikecycle.simulator.validation.weight_compression.compression import (
    BITS,
    PRUNED,
    GridPoint,
    whole_network,
    zero_shares,
)
from spikecycle.simulator.validation.weight_compression.measure import Bench, EnergyBreakdown, wire_price
from spikecycle.simulator.validation.weight_compression.workload import ROWS, read_densities, synthetic_layer

CHECKOUT = Path(__file__).parents[3]
SCRIPT = CHECKOUT / "benchmarks" / "published_study.py"
LAYERS = [row.name for row in ROWS]
GIVEN = {
    "quant_ternary": dict(zip(LAYERS, np.linspace(0.82, 0.55, 11).tolist(), strict=True)),
    "prune80": dict(zip(LAYERS, np.linspace(0.35, 0.84, 11).tolist(), strict=True)),
    "seq_3b_80": dict.fromkeys(LAYERS, 0.81),
    "joint_3b_80": dict.fromkeys(LAYERS, 0.82),
}


def study_data() -> Path:
    """The study's figures, in SPIKECYCLE_DATA or in shared/data beside the checkout; skips where they are absent."""
    folder = Path(os.environ.get("SPIKECYCLE_DATA", CHECKOUT.parent / "shared" / "data"))
    if not (folder / compression.LAYER_SPARSITY).is_file():
        pytest.skip("the study's figures are not there")
    return folder


def test_the_rows_are_the_studys_workload() -> None:
    dense = sum(row.T * row.weights * row.P * row.Q for row in ROWS)
    assert round(dense / 1e9, 2) == 17.25
    assert sum(row.weights for row in ROWS) == 1_720_704
    for row in ROWS:
        shape = row.shape
        assert (shape.M, shape.C, shape.R, shape.S) == (row.M, row.C, row.S, row.R)
        assert (shape.P, shape.Q) == (row.Q, row.P)


@pytest.mark.parametrize("point", [GridPoint(bits, 0) for bits in BITS] + [GridPoint(8, p) for p in PRUNED[1:]])
def test_zeros_add_up_to_what_the_study_states(point: GridPoint) -> None:
    shares = zero_shares(point, GIVEN)
    stated = point.pruned or compression.ZEROS_OF_QUANTIZATION[point.weight_bits]
    assert whole_network(shares) == pytest.approx(stated, abs=1e-9)
    assert all(0 <= share <= 1 for share in shares.values())


def test_where_both_act_a_layer_has_the_zeros_of_the_stronger() -> None:
    quantized, pruned = zero_shares(TERNARY, GIVEN), zero_shares(PRUNED_80, GIVEN)
    both = zero_shares(GridPoint(2, 0.8), GIVEN)
    assert both == {layer: max(quantized[layer], pruned[layer]) for layer in LAYERS}
    assert both != pruned
    assert both != quantized
    assert zero_shares(GridPoint(3, 0.8, "seq"), GIVEN) == GIVEN["seq_3b_80"]
    assert zero_shares(GridPoint(3, 0.8), GIVEN) == GIVEN["joint_3b_80"]


def test_the_published_layers_add_up_too() -> None:
    given = compression.read_layer_sparsity(study_data())
    assert whole_network(given["quant_ternary"]) == pytest.approx(0.679, abs=0.005)
    assert whole_network(given["prune80"]) == pytest.approx(0.80, abs=0.02)
    energies = read_energies(study_data())
    assert len(energies) == 24
    assert energies["rle", PRUNED_80] / energies["rle", TERNARY] == pytest.approx(1.457, abs=0.001)


def test_a_synthetic_layer_has_its_densities_and_is_the_same_again() -> None:
    row = ROWS[6]
    layer, again = (synthetic_layer(row, 0.1, 0.8, 3) for _ in range(2))
    assert np.count_nonzero(layer.weights == 0) == round(0.8 * row.weights)
    assert set(np.unique(layer.weights)) == {-3, -2, -1, 0, 1, 2, 3}
    assert layer.inputs.mean() == pytest.approx(0.1, abs=0.005)
    assert np.array_equal(layer.weights, again.weights)
    assert np.array_equal(layer.inputs, again.inputs)
    other = synthetic_layer(row, 0.1, 0.2, 8)
    assert np.array_equal(layer.inputs, other.inputs)


def test_densities_are_one_for_each_row(tmp_path: Path) -> None:
    assert set(read_densities()) == set(LAYERS)
    path = tmp_path / "densities.csv"
    path.write_text("layer,input_density,source\nConv1,0.1,here\n")
    with pytest.raises(ValueError, match=r"densities\.csv: one density of 0 to 1 for each of Conv1, "):
        read_densities(path)


def test_densities_are_those_of_our_float_network() -> None:
    assert read_densities() == read_activity("synthetic_gestures", "float")
    own = read_densities()
    assert Variant("same").densities(own, TERNARY) == own
    doubled = Variant("twice", density_factor=2.0).densities(own, TERNARY)
    assert doubled["Conv2"] == 2 * own["Conv2"]
    assert max(doubled.values()) <= 1
    each = Variant("each", data="nmnist", each_its_own=True)
    assert each.densities(own, PRUNED_80) == read_activity("nmnist", "pruned80")
    assert each.densities(own, PLAIN) == read_activity("nmnist", "float")
    with pytest.raises(ValueError, match="rows of nmnist, none are missing"):
        read_activity("nmnist", "none")


def test_energies_add_up_and_leave_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spikecycle.simulator import simulate

    monkeypatch.setattr(
        "spikecycle.simulator.validation.weight_compression.measure.ROWS", (ROWS[10],)
    )  # the smallest row
    bench = Bench(tmp_path, GIVEN)
    energy = bench.energy("rle", TERNARY)
    result = simulate(bench.traces(TERNARY)[0], "eyeriss_snn", formats={"weights": "rle"})
    assert energy.total == pytest.approx(result.sum_energy_pj / 1e9)
    assert energy.cycles == result.sum_cycles
    assert energy.dram["weights"] > 0
    assert bench.energy("rle", PLAIN).total > energy.total  # 8 bits and hardly a zero


def test_tables_tell_errors_and_what_is_out_of_range() -> None:
    published = {run: 10.0 for run in grid([], everything=True) if run[0] in ("rle", "uop")}
    ours = published | {("rle", PRUNED_80): 12.0}
    ratios = {line.split("  ")[0]: line for line in compare.ratio_table(ours, published).splitlines()}
    assert ratios["rle: 80 % pruned / ternary"].split()[-3:] == ["+20.0", "%", "NO"]
    assert ratios["uop: 80 % pruned / ternary"].split()[-3:] == ["+0.0", "%", "yes"]
    assert compare.within((0.7, 0.8), 0.69) == "69.0% (low)"
    assert compare.within((0.7, 0.8), 0.7) == "70.0%"


def test_statements_can_fail() -> None:
    runs = [("rle", 1.0), ("uop", 0.9)]
    ours = {
        (name, GridPoint(bits, pruned)): factor * (bits - 6 * pruned)
        for name, factor in runs
        for bits in BITS
        for pruned in PRUNED
    }
    held = {statement.text: statement.holds for statement in compare.statements(ours, ours)}
    assert held["rle: more bits cost more"]
    assert held["uop: pruning more never costs more"]
    assert held["rle costs more than uop on weights of 8, 6 and 4 bits"]
    assert not held["uop costs more than rle on weights of 3 and 2 bits"]
    turned = {run: -energy for run, energy in ours.items()}
    assert not [s for s in compare.statements(turned, ours) if "more bits" in s.text and s.holds]
    assert compare.spearman([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(0.8)


def test_the_grid_has_every_point_of_the_study_once() -> None:
    runs = grid([], everything=True)
    assert (
        len(set(runs)) == len(runs) == 4 * (5 * 8 + 4 * 7)
    )  # formats x (bits x shares + seq: fewer than 8 bits, pruned)
    assert {("rle", TERNARY), ("uop", PRUNED_80), ("cp", GridPoint(4, 0.975, "seq")), ("ubm", PLAIN)} <= set(runs)
    assert not [point for _, point in runs if point.method == "seq" and not point.pruned]


def test_prices_change_what_they_price() -> None:
    energy = EnergyBreakdown({"weights": 2.0}, wires=1.0, sram={"input_pad": 1.0}, arithmetic=0.5, cycles=7)
    priced = Variant("dear", dram_factor=2.0, wire_pj_per_bit_mm=3 * wire_price()).priced(energy)
    assert (priced.total, priced.cycles) == (pytest.approx(4.0 + 3.0 + 1.0 + 0.5), 7)
    assert wire_price() == 0.121
    assert energy.dram_share == pytest.approx(2.0 / 4.5)


def test_without_the_studys_figures_one_line_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--data", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "seed_paper_energy.csv" in done.stderr


@pytest.mark.parametrize("option", ["--csv", "--picture"])
@pytest.mark.parametrize(
    ("target", "told"),
    [("none/x.svg", "cannot be written: No such file or directory"), ("", "cannot be written: is a directory")],
)
def test_targets_are_looked_at_before_anything_is_simulated(
    tmp_path: Path, option: str, target: str, told: str
) -> None:
    command = [sys.executable, str(SCRIPT), "--data", str(tmp_path), option, str(tmp_path / target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert option in done.stderr and told in done.stderr
