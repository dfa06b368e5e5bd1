"""Crossbars by SpikeSim's formulas, worked out by hand from its constants."""

from __future__ import annotations

import pytest

from spikecycle.simulator.energy.crossbar import crossbar_constants, pe_cycle_pj, tile_mm2
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.crossbar import Crossbar

# 64 columns, 8 to a converter: 8 groups. A group reads 9 crossbars and has 8 converters with multiplexers:
# RRAM 9 x 1.76423 + 8 x (2.03084 + 0.094245) = 32.87875 pJ, SRAM 9 x 671.089 + 17.00068 = 6056.80168 pJ; and 16
# subtractors of 1.15e-6 and a buffer of 0.2. Beside the groups 157.12 + 4.64 + 5.096 + 397 = 563.856 pJ.
RRAM_PJ = 563.856 + 8 * (32.87875 + 16 * 1.15e-6 + 0.2)
SRAM_PJ = 563.856 + 8 * (6056.80168 + 16 * 1.15e-6 + 0.2)
# A PE: 9 x 26.2144 + 8 x (693.633 + 45.9) = 6152.1936 um2. A tile: 8 PEs, 8 subtractors of 13411.41498, buffers of
# 484.643999 and 0.7391 x 64 x 128, an H-tree of 433660 um2.
TILE_UM2 = 8 * 6152.1936 + 8 * 13411.41498 + 484.643999 + 6054.7072 + 433660


def test_a_pe_cycle_of_a_3x3_kernel() -> None:
    constants = crossbar_constants(65)
    assert pe_cycle_pj(Crossbar(size=64, device="rram"), 9, constants) == pytest.approx(RRAM_PJ, rel=1e-9)
    assert pe_cycle_pj(Crossbar(size=64, device="rram"), 9, constants) == pytest.approx(828.486, abs=1e-3)
    assert pe_cycle_pj(Crossbar(size=64, device="sram"), 9, constants) == pytest.approx(SRAM_PJ, rel=1e-9)


def test_what_a_larger_crossbar_or_kernel_adds() -> None:
    """Twice the columns are twice the groups, of twice the converters; a 1x1 kernel leaves 8 crossbars out."""
    constants = crossbar_constants(65)
    double = 563.856 + 16 * (9 * 1.76423 + 16 * 2.125085 + 16 * 1.15e-6 + 0.2)
    assert pe_cycle_pj(Crossbar(size=128, device="rram"), 9, constants) == pytest.approx(double, rel=1e-9)
    one = RRAM_PJ - 8 * 8 * 1.76423
    assert pe_cycle_pj(Crossbar(size=64, device="rram"), 1, constants) == pytest.approx(one, rel=1e-9)


def test_a_tile_in_silicon() -> None:
    constants = crossbar_constants(65)
    assert tile_mm2(Crossbar(size=64, device="rram"), 9, constants) == pytest.approx(TILE_UM2 / 1e6, rel=1e-9)
    without = (TILE_UM2 - 4 * 6152.1936) / 1e6
    assert tile_mm2(Crossbar(size=64, device="rram", pes_per_tile=4), 9, constants) == pytest.approx(without, rel=1e-9)


@pytest.mark.parametrize("node_nm", [45, 64.9])
def test_other_nodes_are_refused(node_nm: float) -> None:
    with pytest.raises(MachineError, match=r"technology\.node_nm: found .*, crossbars are known at 65 nm only"):
        crossbar_constants(node_nm)
