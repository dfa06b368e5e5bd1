"""What results rest on: said in the head of tables and on pages, from what documents hold."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from spikecycle.simulator.explore.advise import advise
from spikecycle.simulator.explore.compare import compare
from spikecycle.simulator.explore.results import SweepResult
from spikecycle.simulator.explore.sweep import sweep
from spikecycle.simulator.report.advice_table import advice_report
from spikecycle.simulator.report.comparison_table import compared_report
from spikecycle.simulator.report.grounds_line import Ground, ground_line
from spikecycle.simulator.report.page.contents import Material
from spikecycle.simulator.report.page.fronts import candidates_of_rows
from spikecycle.simulator.report.page.html import page
from spikecycle.simulator.report.sweep_table import sweep_report
from tests.unit.explore.small import small_trace

ONE = Ground(10, "bitmask", "bitmap", "inference", "dram")
OTHER = Ground(1, "rle", None, "batch:4", "chip")


def test_what_all_have_in_common_is_said_once() -> None:
    assert ground_line([ONE, ONE]) == (
        "10 samples; weights bitmask, reloaded in every inference; spikes bitmap; activations through DRAM"
    )


def test_what_differs_is_listed_or_counted() -> None:
    assert ground_line([ONE, OTHER]) == (
        "10 samples or 1 sample; weights bitmask or rle, reloaded in every inference or loaded once per batch of 4; "
        "spikes bitmap or in no format; activations through DRAM or on chip where they fit"
    )
    five = [Ground(1, f"format{number}", "aer", "resident", "dram") for number in range(5)]
    assert ground_line(five) == "1 sample; weights 5 formats, resident; spikes aer; activations through DRAM"


def test_letters_say_of_which_result_it_is() -> None:
    assert ground_line([ONE, OTHER, ONE], "ABC") == (
        "10 samples (A, C), 1 sample (B); weights bitmask (A, C), rle (B), reloaded in every inference (A, C), loaded "
        "once per batch of 4 (B); spikes bitmap (A, C), in no format (B); activations through DRAM (A, C), on chip "
        "where they fit (B)"
    )


def test_of_an_earlier_document_only_what_it_has_is_said() -> None:
    assert ground_line([Ground(2, "rle", "aer", None, None)]) == "2 samples"
    assert ground_line([Ground(None, None, None, None, None)]) == ""


def _head(table: RenderableType) -> str:
    page = io.StringIO()
    Console(file=page, width=200, markup=False).print(table)
    return page.getvalue().partition("\n\n")[0]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    trace = small_trace(tmp_path_factory.mktemp("grounds") / "small.h5")
    return sweep(
        trace, ["spike_array"], settings={"dram.energy_pj_per_bit": [8.0, 9.5]}, samples=[0, 1],
        residency={"activations": ["dram"]},
    )  # fmt: skip


def test_points_carry_what_they_rest_on(swept: SweepResult) -> None:
    ours = swept.done[0]
    expected = {
        "inferences": 2, "weight_format": "bitmask", "spike_format": "bitmap", "weight_residency": "inference",
        "activation_residency": "dram", "dram_pj_per_bit": 8.0, "node_nm": 45.0, "sram_cell": "itrs-lstp",
        "temperature_k": 300, "energy_table": "45nm_gates",
    }  # fmt: skip
    assert {key: ours[key] for key in expected} == expected
    assert "trunk of the clock tree" in ours["not_modelled"]


def test_the_heads_of_tables_say_it(swept: SweepResult, tmp_path: Path) -> None:
    ours = "weights bitmask, reloaded in every inference; spikes bitmap; activations through DRAM"
    assert f"\n2 samples; {ours}" in _head(sweep_report(swept))
    trace = small_trace(tmp_path / "small.h5")
    settings = {"dataflow.pes": [8, 16]}
    assert f"\n1 sample; {ours}" in _head(
        compared_report(compare(trace, "spike_array", settings=settings, samples=[0]))
    )
    assert f"\n1 sample; {ours}" in _head(advice_report(advise(trace, "spike_array", samples=[0], jobs=1)))


def test_the_page_of_a_sweep_says_it(swept: SweepResult) -> None:
    candidates, failed = candidates_of_rows("s", swept.columns, swept.points)
    text = re.sub(r"<[^>]+>", "|", page(Material(candidates=candidates, sweeps=[("s", swept)], failed=failed)))
    assert "Simulated: 2 samples; weights bitmask, reloaded in every inference; spikes bitmap;" in text
    for name, value in (
        ("residency of weights", "inference"), ("residency of activations", "dram"), ("DRAM", "8 pJ/bit, 9.5 pJ/bit"),
        ("technology", "45 nm, SRAM cells itrs-lstp, 300 K, energy table 45nm_gates"), ("samples of each point", "2"),
    ):  # fmt: skip
        assert re.search(rf"\|{name}\|+{re.escape(value)}", text), name
    assert "DRAM activations (page misses)" in text
    old = swept.model_copy(update={"points": [_without_grounds(point) for point in swept.points]})
    assert re.search(
        r"\|technology\|+not in this document",
        re.sub(r"<[^>]+>", "|", page(Material(candidates=candidates, sweeps=[("s", old)]))),
    )


def _without_grounds(point: dict[str, object]) -> dict[str, object]:
    """A point as earlier versions wrote it."""
    left_out = ("weight_residency", "activation_residency", "dram_pj_per_bit", "node_nm", "not_modelled")
    return {key: value for key, value in point.items() if key not in left_out}
