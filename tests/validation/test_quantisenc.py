"""The quantisenc core: its neuron by hand, its golden run bit for bit, and a wrong bit that is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation.checks import quantisenc
from spikecycle.simulator.validation.quantisenc_core import read_golden, run_layer
from tests.reference_data import reference_file


def potentials(inputs: list[int], weight: int) -> list[int]:
    found, _ = run_layer(np.array(inputs, np.uint8)[:, None], np.array([[weight]]), len(inputs))
    return found[:, 0].tolist()


def test_the_leak_by_hand() -> None:
    """10 leaks floor(30 / 16) = 1 a step down to 5, whose leak of 15 / 16 becomes -1: it hovers between 5 and 6."""
    assert potentials([1, 0, 0, 0, 0, 0, 0, 0], 10) == [10, 9, 8, 7, 6, 5, 6, 5]


def test_a_negative_potential_comes_back_to_rest() -> None:
    """-7 leaks 21 / 16 -> -1, and from -5 on -1 although the leak rounds to 0."""
    assert potentials([1] + [0] * 8, -7) == [-7, -6, -5, -4, -3, -2, -1, 0, 0]


def test_a_reset_subtracts_the_threshold_and_leaks_only_if_something_arrives() -> None:
    """20 > 16: 4 without a leak in silence; with an input of weight 20 there is one of floor(60 / 16) = 3."""
    assert potentials([1, 0], 20) == [20, 4]
    assert potentials([1, 1], 20) == [20, 20 - 3 - 16 + 20]


def test_the_threshold_itself_does_not_spike() -> None:
    found, spikes = run_layer(np.array([[1]], np.uint8), np.array([[16], [17]]), 1)
    assert found[0].tolist() == [16, 17]
    assert spikes[0].tolist() == [0, 1]


def test_the_golden_run_is_exact() -> None:
    rows = list(quantisenc.rows(reference_file(quantisenc.FILE).parent))
    assert [row.ours for row in rows] == [0, 0, 393, 263]
    assert all(row.passed and row.tolerance == 0 for row in rows)


def test_wrong_weights_are_seen(tmp_path: Path) -> None:
    with np.load(reference_file(quantisenc.FILE)) as archive:
        arrays = dict(archive)
    weights = arrays["weight"].copy()
    weights[:256][weights[:256] == 1] = 2  # of the first neuron of the first layer
    np.savez(tmp_path / quantisenc.FILE, **(arrays | {"weight": weights}))
    failed = [row.quantity for row in quantisenc.rows(tmp_path) if not row.passed]
    assert any("potentials" in quantity for quantity in failed)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "wrong.npz").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"wrong\.npz: is no archive"):
        read_golden(tmp_path / "wrong.npz")
