"""The SRAM model: exact on its rows, honest about its error, continuous and monotone everywhere."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sram_model import BEYOND, OFF_GRID, fit_law
from spikecycle.simulator.energy import SramModel
from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.sram_error import leave_one_out, prediction_errors, summarize
from spikecycle.simulator.energy.sram_schema import SramFile
from spikecycle.simulator.energy.sram_table import QUANTITIES, SramTable, read_table
from spikecycle.simulator.errors import MachineError

GROWING = ("read_pj", "write_pj", "leakage_mw", "area_mm2")


@pytest.fixture(scope="module")
def constants() -> SramFile:
    return read_validated(energy_folder() / "sram_cacti7.yaml", SramFile)


@pytest.fixture(scope="module")
def table(constants: SramFile) -> SramTable:
    return read_table(energy_folder() / constants.table)


@pytest.fixture(scope="module")
def model() -> SramModel:
    return SramModel.load()


def medians(errors: np.ndarray) -> dict[str, float]:
    return {summary.quantity: summary.median_percent for summary in summarize(errors)}


def test_every_row_of_the_table_comes_back(model: SramModel, table: SramTable) -> None:
    assert len(table) == 394
    assert np.abs(prediction_errors(model, table)).max() < 1e-9


def test_a_known_macro(model: SramModel) -> None:
    # CACTI 7, 45 nm, 32 KiB x 64 bit, one bank, as in the sweep
    estimate = model.estimate(45, 32, 64, 1)
    assert dataclasses.asdict(estimate) == {
        "read_pj": pytest.approx(17.042),
        "write_pj": pytest.approx(15.398),
        "leakage_mw": pytest.approx(0.00092391),
        "area_mm2": pytest.approx(0.09486),
        "access_ns": pytest.approx(1.4092),
        "cycle_ns": pytest.approx(1.343),
        "extrapolated": False,
    }


def test_leave_one_out_median_is_within_five_percent(constants: SramFile, table: SramTable) -> None:
    """Every sixth row, to save time; `benchmarks/sram_model.py` leaves out all of them in turn."""
    left_out = medians(leave_one_out(constants, table, np.arange(0, len(table), 6, dtype=np.float64)))
    assert all(left_out[quantity] <= 5 for quantity in QUANTITIES)
    assert left_out["read_pj"] > 0.5, "the row that was left out is still there"
    stated = constants.errors_percent.left_out
    assert all(getattr(stated, quantity).median <= 5 for quantity in QUANTITIES)
    assert left_out["read_pj"] == pytest.approx(stated.read_pj.median, abs=1)


@pytest.mark.parametrize(("stated", "path"), [("between_rows", OFF_GRID), ("beyond_rows", BEYOND)])
def test_error_against_cacti_elsewhere_is_as_stated(
    constants: SramFile, model: SramModel, stated: str, path: Path
) -> None:
    """CACTI run at random SRAMs that the model has never seen: the error that a user meets."""
    for summary in summarize(prediction_errors(model, read_table(path))):
        error = getattr(getattr(constants.errors_percent, stated), summary.quantity)
        assert (summary.median_percent, summary.p90_percent, summary.max_percent) == pytest.approx(
            (error.median, error.p90, error.max), abs=0.1
        )


def test_points_beyond_are_marked_and_those_between_are_not(model: SramModel) -> None:
    for path, extrapolated in ((OFF_GRID, False), (BEYOND, True)):
        for node_nm, size_kib, width_bits, banks in np.exp2(read_table(path).points):
            estimate = model.estimate(float(node_nm), float(size_kib), round(width_bits), round(banks))
            assert estimate.extrapolated is extrapolated


@pytest.mark.parametrize(
    ("size_kib", "width_bits", "banks"),
    [(0.25, 32, 1), (4096, 64, 1), (2, 16, 1), (64, 1024, 1), (512, 64, 64), (2, 512, 1), (8, 64, 32)],
)
def test_beyond_the_table_is_extrapolated(model: SramModel, size_kib: float, width_bits: int, banks: int) -> None:
    assert model.estimate(32, size_kib, width_bits, banks).extrapolated


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_law_is_the_fitted_one(constants: SramFile, table: SramTable, quantity: str) -> None:
    law, summary = fit_law(table, QUANTITIES.index(quantity))
    stated = getattr(constants.law, quantity)
    for key, fitted in law.items():
        assert getattr(stated, key) == pytest.approx(fitted, rel=0.01, abs=1e-4)
    assert stated.median_error_percent == pytest.approx(summary.median_percent, abs=0.1)
    assert stated.p90_error_percent == pytest.approx(summary.p90_percent, abs=0.1)
    assert stated.max_error_percent == pytest.approx(summary.max_percent, abs=0.1)


@pytest.mark.parametrize("node_nm", [22, 28, 40, 45, 65])
@pytest.mark.parametrize(("width_bits", "banks"), [(1, 1), (32, 1), (48, 3), (512, 1), (1024, 8), (64, 32), (24, 100)])
def test_nothing_falls_as_a_memory_grows(model: SramModel, node_nm: float, width_bits: int, banks: int) -> None:
    sizes = np.exp2(np.linspace(-10, 14, 241))
    estimates = [model.estimate(node_nm, float(size), width_bits, banks) for size in sizes]
    for quantity in GROWING:
        values = np.array([getattr(estimate, quantity) for estimate in estimates])
        assert np.all(values > 0)
        assert np.all(np.diff(values) >= -1e-12 * values[1:]), quantity
    assert estimates[0].area_mm2 < estimates[-1].area_mm2


@pytest.mark.parametrize(
    "edge",
    [
        {"size_kib": 0.5, "width_bits": 48, "banks": 1},
        {"size_kib": 2048.0, "width_bits": 48, "banks": 4},
        {"size_kib": 0.5, "width_bits": 8, "banks": 1},
        {"size_kib": 48.0, "width_bits": 100, "banks": 60},
        # 64 words a bank, where the rule for shallow memories takes over, on and off the grid
        {"size_kib": 0.5, "width_bits": 64, "banks": 1},
        {"size_kib": 64 * 96 * 3 / 8192, "width_bits": 96, "banks": 3},
    ],
)
def test_there_is_no_step_in_size(model: SramModel, edge: dict[str, float]) -> None:
    size_kib, width_bits, banks = edge["size_kib"], int(edge["width_bits"]), int(edge["banks"])
    at = dataclasses.astuple(model.estimate(45, size_kib, width_bits, banks))[:6]
    for step in (-1e-7, 1e-7):
        beside = dataclasses.astuple(model.estimate(45, size_kib * (1 + step), width_bits, banks))[:6]
        assert beside == pytest.approx(at, rel=1e-6)


@pytest.mark.parametrize("node_nm", [22, 32, 45, 65])
def test_there_is_no_step_between_nodes(model: SramModel, node_nm: float) -> None:
    inward = node_nm * (1 + (1e-9 if node_nm < 65 else -1e-9))
    at = dataclasses.astuple(model.estimate(node_nm, 24, 48, 4))[:6]
    assert dataclasses.astuple(model.estimate(inward, 24, 48, 4))[:6] == pytest.approx(at, rel=1e-7)


def test_width_and_banks_go_on_where_the_table_ends(model: SramModel) -> None:
    """The law only bends the curve at the edges: one bit or one bank more changes little."""
    for beside, edge in (((64, 513, 1), (64, 512, 1)), ((64, 31, 1), (64, 32, 1)), ((64, 64, 33), (64, 64, 32))):
        at = dataclasses.astuple(model.estimate(32, *edge))[:6]
        assert dataclasses.astuple(model.estimate(32, *beside))[:6] == pytest.approx(at, rel=0.03)


def test_a_narrower_memory_of_the_same_size_costs_less_a_read(model: SramModel) -> None:
    reads = [model.estimate(28, 16, width, 1).read_pj for width in (4, 8, 16, 24, 32, 64)]
    assert reads == sorted(reads)
    assert reads[0] > reads[-1] / 16, "half the width is not half the energy"


def test_small_memories_fall_with_depth_down_to_a_register(model: SramModel) -> None:
    half, quarter, one_word = (model.estimate(40, size, 32, 1) for size in (0.5, 0.25, 32 / 8192))
    assert quarter.read_pj == pytest.approx(half.read_pj * 0.5**0.78)
    assert quarter.leakage_mw == pytest.approx(half.leakage_mw * 0.5)
    assert quarter.area_mm2 == pytest.approx(half.area_mm2 * 0.5)
    assert (quarter.access_ns, quarter.cycle_ns) == pytest.approx((half.access_ns, half.cycle_ns))
    assert (one_word.read_pj, one_word.write_pj) == pytest.approx((32 * 0.009, 32 * 0.009))


def test_pads_of_eyeriss_are_near_the_accelergy_tables(model: SramModel) -> None:
    """45 nm, 16 bits: input pad of 12 words 0.146-0.188 pJ, weight pad of 224 words 0.71-1.13 pJ, in its versions."""
    assert 0.12 < model.estimate(45, 12 * 16 / 8192, 16, 1).read_pj < 0.23
    assert 0.55 < model.estimate(45, 224 * 16 / 8192, 16, 1).read_pj < 1.2


@pytest.mark.parametrize("node_nm", [22, 28, 65])
def test_banking_is_carried_over_from_the_nodes_that_have_it(model: SramModel, node_nm: float) -> None:
    for size_kib, width_bits, banks in itertools.product((128, 512, 2048), (64, 128), (4, 32)):
        ratio = {
            node: model.estimate(node, size_kib, width_bits, banks).read_pj
            / model.estimate(node, size_kib, width_bits, 1).read_pj
            for node in (node_nm, 32, 45)
        }
        assert ratio[node_nm] == pytest.approx((ratio[32] * ratio[45]) ** 0.5, rel=0.15)


def test_28_nm_lies_between_its_neighbours(model: SramModel) -> None:
    below, at, above = (model.estimate(node, 32, 64, 1) for node in (22, 28, 32))
    assert below.read_pj < at.read_pj < above.read_pj
    assert at.read_pj == pytest.approx(6.47, rel=0.05)  # linear between 22 and 32 nm, as hwcomponents-cacti does


@pytest.mark.parametrize("node_nm", [7, 16, 21.9, 65.1, 90, float("nan")])
def test_other_nodes_are_refused(model: SramModel, node_nm: float) -> None:
    with pytest.raises(MachineError, match=r"technology\.node_nm: found .* 22 to 65 nm"):
        model.estimate(node_nm, 32, 64, 1)


@pytest.mark.parametrize(("size_kib", "width_bits", "banks"), [(0, 64, 1), (-1, 64, 1), (1, 0, 1), (1, 64, 0)])
def test_nothing_is_no_memory(model: SramModel, size_kib: float, width_bits: int, banks: int) -> None:
    with pytest.raises(MachineError, match="no SRAM has"):
        model.estimate(45, size_kib, width_bits, banks)


@pytest.mark.parametrize(("cell", "temperature_k"), [("itrs-hp", 300), ("itrs-lstp", 350), ("lstp", 300)])
def test_other_cells_are_refused(cell: str, temperature_k: int) -> None:
    with pytest.raises(MachineError, match=r"sram_cell: found .* itrs-lstp at 300 K"):
        SramModel.load(cell, temperature_k)


def test_it_is_the_same_every_time(constants: SramFile, table: SramTable, model: SramModel) -> None:
    again = SramModel.build(constants, table, table.axes())
    assert np.allclose(again.grid.values, model.grid.values, rtol=1e-9, atol=1e-9)
    one, other = (dataclasses.astuple(each.estimate(28, 24, 40, 6)) for each in (again, model))
    assert one == pytest.approx(other, rel=1e-9)
