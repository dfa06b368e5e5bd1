"""The study that this project answers: what is made of energies, by hand; its published points, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation.checks import weight_compression as check
from spikecycle.simulator.validation.weight_compression.compression import GridPoint, zero_shares
from spikecycle.simulator.validation.weight_compression.workload import ROWS
from tests.reference_data import reference_file

TERNARY, PLAIN, PRUNED = GridPoint(2, 0), GridPoint(8, 0), GridPoint(8, 0.8)
PUBLISHED = {("rle", TERNARY): 10.0, ("uop", TERNARY): 12.0, ("rle", PLAIN): 24.0, ("rle", PRUNED): 14.0}


def test_equal_energies_pass_in_any_unit() -> None:
    rows = list(check.compared({run: 3 * energy for run, energy in PUBLISHED.items()}, PUBLISHED))
    assert all(row.passed for row in rows)
    assert [row.ours for row in rows[:3]] == pytest.approx([1, 1, 1])


def test_a_point_that_is_off_fails_and_lowers_the_share() -> None:
    rows = list(check.compared(PUBLISHED | {("rle", PRUNED): 17.0}, PUBLISHED))
    assert rows[1].ours == pytest.approx(3 / 4)
    assert [row.quantity for row in rows if not row.passed] == [
        rows[1].quantity, "energy of rle 8 b, 80 % over rle ternary"
    ]  # fmt: skip


def test_formats_in_the_wrong_order_fail() -> None:
    rows = list(check.compared(PUBLISHED | {("uop", TERNARY): 9.9}, PUBLISHED))
    assert (rows[2].ours, rows[2].theirs, rows[2].passed) == (0, 1, False)


def test_every_pair_of_formats_counts() -> None:
    published = {("rle", TERNARY): 10.0, ("cp", TERNARY): 10.1, ("uop", TERNARY): 12.0}
    assert check.format_order({run: 1 / energy for run, energy in published.items()}, published) == (0, 3)
    assert check.format_order(published, published) == (3, 3)


def test_ranks() -> None:
    assert check.rank_correlation([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(0.8)


def test_bad_tables_are_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / check.ENERGIES).write_text("format,method,prune,activity,weight_bits,energy_uj\nrle,joint,x,mean,2,1\n")
    with pytest.raises(UsageError, match=rf"{check.ENERGIES}: is no table"):
        list(check.rows(tmp_path))


def test_the_published_points() -> None:
    """Minutes; only where the study's figures are. What the formats of the study do to each other is exact in order."""
    folder = reference_file(check.ENERGIES).parent
    rows = list(check.rows(folder))
    assert len(rows) == 3 + 36
    rank, share, order = rows[:3]
    assert rank.ours is not None and rank.ours >= 0.95
    assert share.ours is not None and share.ours >= 0.9
    assert order.passed
    assert not [row.quantity for row in rows if not row.passed]
    energy = {row.quantity.removeprefix("energy of ").removesuffix(" over rle ternary"): row.ours for row in rows[3:]}
    for point in ("ternary", "3 b", "4 b", "6 b", "8 b", "8 b, 80 %", "8 b, 95 %"):
        assert energy[f"ubm {point}"] > energy[f"uop {point}"]  # type: ignore[operator]


def test_wide_layers_keep_more_of_their_weights() -> None:
    """Of normal weights, 20 % are beyond 1.2816 deviations and 1.04 % beyond twice that; of weights that are twice as
    wide, 52.2 % are beyond the first threshold and 20 % beyond the second."""
    narrow, wide = 0.8, 1 - 0.52193
    given = {row.name: narrow for row in ROWS} | {"Conv1": wide}  # Conv1 has 2304 of 1.7 M weights
    shares = zero_shares(GridPoint(8, 1 - 0.01037 - 0.00025), {"quant_ternary": given, "prune80": given})
    assert shares["Conv2"] == pytest.approx(1 - 0.01037, abs=2e-4)
    assert shares["Conv1"] == pytest.approx(0.8, abs=2e-3)
