"""Loihi beside SANA-FE where it is installed; without it, rows say so."""

from __future__ import annotations

import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation.checks import sanafe_loihi
from spikecycle.simulator.validation.sanafe_run import PeerLayer, PeerNetwork, run_peer


def test_loihi_is_as_sanafe_says() -> None:
    """Every row but how fast both are, which is not for a test."""
    pytest.importorskip("sanafe")
    *rows, speed = sanafe_loihi.rows(None)
    assert len(rows) == 7
    assert [row.quantity for row in rows if not row.passed] == []
    assert {row.tolerance for row in rows} == {0, 0.01, 0.1}
    assert "times as fast" in speed.quantity


def test_a_network_that_it_cannot_take_is_told_in_its_words() -> None:
    """A kernel for 3 channels on an input of one."""
    pytest.importorskip("sanafe")
    layer = PeerLayer([[[[1]], [[1]], [[1]]]], 1, 1, "conv")
    with pytest.raises(UsageError, match=r"sanafe fails: ValueError.*channels"):
        run_peer(PeerNetwork([[[[1]]]], [layer], 4), 1)


def test_without_it_there_is_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanafe_loihi, "is_installed", lambda: False)
    rows = list(sanafe_loihi.rows(None))
    assert [row.passed for row in rows] == [None, None]
    assert all("not installed" in row.note for row in rows)
