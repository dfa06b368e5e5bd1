"""The SRAM model: exact on its rows, honest about its error, continuous and monotone everywhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sram_model import BEYOND, OFF_GRID, fit_law, shipped_tables
from spikecycle.simulator.energy import SramModel
from spikecycle.simulator.energy.files import energy_folder
from spikecycle.simulator.energy.sram_error import prediction_errors, summarize
from spikecycle.simulator.energy.sram_schema import SramFile
from spikecycle.simulator.energy.sram_table import QUANTITIES, SramTable, read_table
from spikecycle.simulator.errors import MachineError

CACTI_FALLS = 0.01
"""By how much a quantity may fall from one size to the next of the test, of which an octave has ten."""
GROWING = ("read_pj", "write_pj", "leakage_mw", "area_mm2")


SHIPPED = shipped_tables()
LSTP = "sram_lstp_300k_1rw"


@pytest.fixture(scope="module")
def constants() -> SramFile:
    return SHIPPED[LSTP]


@pytest.fixture(scope="module")
def model() -> SramModel:
    return SramModel.load()


def loaded(name: str) -> SramModel:
    return SramModel.load(SHIPPED[name].cell, SHIPPED[name].temperature_k, SHIPPED[name].ports)


def rows(name: str) -> SramTable:
    return read_table(energy_folder() / SHIPPED[name].table)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_row_of_a_table_comes_back(name: str) -> None:
    """Every SRAM of the grid whose banks are at least 64 words deep: nothing between the rows is made up."""
    assert len(rows(name)) == 1136
    assert np.abs(prediction_errors(loaded(name), rows(name))).max() < 1e-9


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


@pytest.mark.parametrize(
    ("cell", "temperature_k", "ports", "read_pj", "write_pj", "leakage_mw", "area_mm2", "access_ns"),
    [
        # CACTI 7, 45 nm, 8 KiB x 64 bit, one bank: a port more is a quarter more energy and twice the area
        ("itrs-lstp", 300, 1, 6.137, 7.8781, 0.00025678, 0.026267, 1.0638),
        ("itrs-lstp", 300, 2, 7.6554, 9.8903, 0.00032353, 0.053317, 1.1666),
        # hot and fast cells: 2,300 and 35,000 times the leakage
        ("itrs-lop", 350, 1, 3.1622, 3.2442, 0.59126, 0.026282, 0.65176),
        ("itrs-hp", 350, 1, 5.2883, 6.5023, 9.0462, 0.026291, 0.28749),
        ("itrs-lop", 350, 2, 3.923, 4.046, 0.75867, 0.053337, 0.73069),
        ("itrs-hp", 350, 2, 6.4913, 8.0567, 11.249, 0.053406, 0.3238),
    ],
)
def test_cells_and_ports_have_figures_of_their_own(
    cell: str, temperature_k: int, ports: int, read_pj: float, write_pj: float, leakage_mw: float, area_mm2: float,
    access_ns: float,
) -> None:  # fmt: skip
    estimate = SramModel.load(cell, temperature_k, ports).estimate(45, 8, 64, 1)
    found = dataclasses.astuple(estimate)[:5]
    assert found == pytest.approx((read_pj, write_pj, leakage_mw, area_mm2, access_ns), rel=1e-3)


@pytest.mark.parametrize(("stated", "folder"), [("between_rows", OFF_GRID), ("beyond_rows", BEYOND)])
@pytest.mark.parametrize("name", SHIPPED)
def test_error_against_cacti_elsewhere_is_as_stated(name: str, stated: str, folder: Path) -> None:
    """CACTI run at random SRAMs that the model has never seen: the error that a user meets."""
    for summary in summarize(prediction_errors(loaded(name), read_table(folder / f"{name}.csv"))):
        error = getattr(getattr(SHIPPED[name].errors_percent, stated), summary.quantity)
        assert (summary.median_percent, summary.p90_percent, summary.max_percent) == pytest.approx(
            (error.median, error.p90, error.max), abs=0.1
        )


def test_points_beyond_are_marked_and_those_between_are_not(model: SramModel) -> None:
    for folder, extrapolated in ((OFF_GRID, False), (BEYOND, True)):
        for node_nm, size_kib, width_bits, banks in np.exp2(read_table(folder / f"{LSTP}.csv").points):
            estimate = model.estimate(float(node_nm), float(size_kib), round(width_bits), round(banks))
            assert estimate.extrapolated is extrapolated


@pytest.mark.parametrize(
    ("size_kib", "width_bits", "banks"),
    [(0.25, 32, 1), (4096, 64, 1), (2, 16, 1), (64, 1024, 1), (512, 64, 64), (2, 512, 1), (8, 64, 32)],
)
def test_beyond_the_table_is_extrapolated(model: SramModel, size_kib: float, width_bits: int, banks: int) -> None:
    assert model.estimate(32, size_kib, width_bits, banks).extrapolated


@pytest.mark.parametrize("name", SHIPPED)
def test_the_law_is_the_fitted_one(name: str) -> None:
    table = rows(name)
    for column, quantity in enumerate(QUANTITIES):
        law, summary = fit_law(table, column)
        stated = getattr(SHIPPED[name].law, quantity)
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
        # CACTI's own figures fall by 3.9 % once: a read, 32 nm, 64 bits, 2 banks, from 1 to 2 KiB
        assert np.all(np.diff(values) >= -CACTI_FALLS * values[1:]), quantity
    assert estimates[0].area_mm2 < estimates[-1].area_mm2


@pytest.mark.parametrize(
    "edge",
    [
        {"size_kib": 0.5, "width_bits": 48, "banks": 1},
        {"size_kib": 2048.0, "width_bits": 48, "banks": 4},
        {"size_kib": 0.5, "width_bits": 8, "banks": 1},
        {"size_kib": 48.0, "width_bits": 100, "banks": 60},
        # 64 words per bank, where the rule for shallow memories takes over, on and off the grid
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
