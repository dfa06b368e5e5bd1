"""The audit of published efficiencies: by hand, and as documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spikecycle.simulator.cli import main
from spikecycle.simulator.validation.audit import Audit, DramPrice, PublishedEfficiency, audit
from spikecycle.simulator.validation.checks import comparison_study_headlines

# 100 GOP/s at 50 GOP/J are 2 W, of which the chip has 0.755 W: 1.245 W of DRAM are 100 Gbit/s at 12.45 pJ, 1 bit a GOP
HALF = PublishedEfficiency("half", 100, 50, 755, 2.0, None)
REFERENCE = PublishedEfficiency("prosperity", 200, 100, 1377.5, 1.0, None)  # 0.6225 W of DRAM: 50 Gbit/s


def test_power_is_throughput_over_efficiency() -> None:
    assert HALF.power_w == pytest.approx(2)
    assert HALF.dram_w == pytest.approx(1.245)
    assert HALF.dram_gbit_per_s == pytest.approx(100)
    assert HALF.on_chip_gopj == pytest.approx(100 / 0.755)


def test_another_price_scales_dram_alone() -> None:
    assert HALF.gopj_at(12.45) == pytest.approx(50)
    assert HALF.gopj_at(24.9) == pytest.approx(100 / (0.755 + 2.49))
    assert HALF.gopj_at(0) == pytest.approx(HALF.on_chip_gopj)


def test_ratios_and_bands() -> None:
    found = Audit((HALF, REFERENCE), (DramPrice("none", 0, ""), DramPrice("published", 12.45, "")))
    assert found.implied_ratio(HALF) == pytest.approx(1 / 0.25)
    ends = sorted((200 / 1.3775 / (100 / 0.755), 100 / 50))
    assert found.band(HALF) == pytest.approx(tuple(ends))


def test_the_shipped_figures_are_consistent() -> None:
    found = audit()
    assert all(each.dram_w > 0 for each in found.machines)
    assert {price.pj_per_bit for price in found.prices} >= {8, 12.45, 70}
    assert all(price.source for price in found.prices)


def test_headlines_without_traces_have_no_figure_of_ours() -> None:
    rows = list(comparison_study_headlines.rows(None))
    assert all(row.passed for row in rows if row.ours is not None)
    missing = [row for row in rows if row.ours is None]
    assert {row.theirs for row in missing} >= {1.97, 3.02, 4.01, 8.09, 14.13, 21.4}
    assert all(row.note.startswith("not reproducible here") and row.passed is None for row in missing)


def test_the_command_writes_documents(tmp_path: Path) -> None:
    target, page = tmp_path / "audit.json", tmp_path / "audit.md"
    assert main(["audit", "--json", str(target), "--markdown", str(page)]) == 0
    document = json.loads(target.read_text())
    assert {each["machine"] for each in document["machines"]} >= {"eyeriss", "prosperity", "stellar"}
    for each in document["machines"]:
        assert each["gopj_by_dram_pj_per_bit"]["12.45"] == pytest.approx(each["published_gopj"])
    assert "| prosperity |" in page.read_text()
    assert main(["audit", "--json", str(tmp_path / "none" / "audit.json")]) == 2
