"""SpikeSim's public simulator on VGG9: energies of every layer to the last printed digit."""

from __future__ import annotations

from spikecycle.simulator.validation.checks.spikesim_vgg9 import rows


def test_vgg9() -> None:
    found = list(rows(None))
    assert [row.quantity for row in found if row.passed is False] == []
    assert len([row for row in found if row.passed]) == 2 * (7 + 1 + 1)
    # 563.856 of the PE, and of each of 8 groups 9 crossbars, 8 converters, subtractors and a buffer
    pe_cycle = next(row for row in found if "PE cycle" in row.quantity)
    by_hand = 563.856 + 8 * (9 * 1.76423 + 8 * 2.125085 + 16 * 1.15e-6 + 0.2)
    assert abs(pe_cycle.ours / by_hand - 1) < 1e-9 if pe_cycle.ours else False
