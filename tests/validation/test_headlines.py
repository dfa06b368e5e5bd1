"""Checks of headline figures: what can be had passes, what cannot says why."""

from __future__ import annotations

import pytest

from spikecycle.simulator.validation.run import validate


@pytest.mark.parametrize(
    ("machine", "passing", "without"), [("phi", 0, 7), ("sne", 3, 2), ("gustavsnn", 3, 5), ("bishop", 0, 4)]
)
def test_rows(machine: str, passing: int, without: int) -> None:
    rows = validate(machine=machine).rows
    assert [row.passed for row in rows].count(True) == passing
    assert [row.passed for row in rows].count(None) == without
    assert len(rows) == passing + without
    assert all(row.note for row in rows if row.ours is None)
