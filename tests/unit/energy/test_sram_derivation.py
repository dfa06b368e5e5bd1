"""The shipped SRAM table is what the benchmark makes of a sweep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.sram_model import derive
from spikecycle.simulator.energy.files import energy_folder

SWEEP = """\
tech_nm,size_KiB,width_bit,depth,n_banks,read_pJ,write_pJ,read_fJ_per_bit,leak_mW,area_mm2,cycle_ns,access_ns,extrapolated,call_s
22,0.5,16,256,1,0.19753,0.29328,12.345,0.00013508,0.00040871,0.3407,0.42707,1,0.30
32,32,64,4096,4,7.3268,8.155,114.48,0.0018759,0.061784,0.70201,1.0348,0,0.29
"""


def test_only_runs_of_cacti_are_kept(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep.csv"
    sweep.write_text(SWEEP)
    assert derive(sweep) == [
        "node_nm,size_kib,width_bits,banks,read_pj,write_pj,leakage_mw,area_mm2,access_ns,cycle_ns",
        "32,32,64,4,7.3268,8.155,0.0018759,0.061784,1.0348,0.70201",
    ]


def test_the_shipped_table_comes_from_the_sweep() -> None:
    folder = os.environ.get("SPIKECYCLE_SHARED_DATA")
    if not folder:
        pytest.skip("SPIKECYCLE_SHARED_DATA is not set: the CACTI sweep is not here")
    shipped = (energy_folder() / "sram_cacti7.csv").read_text().splitlines()
    assert [line for line in shipped if not line.startswith("#")] == derive(Path(folder) / "cacti_sram.csv")
