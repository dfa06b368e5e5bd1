"""STEMS: what fusion and time batches save on the paper's network."""

from __future__ import annotations

from spikecycle.simulator.validation.checks.stems_traffic import rows, saved


def test_traffic_saved() -> None:
    assert [row.passed for row in rows(None)] == [True, None, None]
    assert saved(fuse=1, batch=1) == 1
    assert 1 < saved(batch=1) < saved(fuse=1) < saved()  # potentials move most, and only batches keep them
