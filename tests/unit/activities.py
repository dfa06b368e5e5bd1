"""How tests look at what dataflows report."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.activity import Activity


def places(activity: Activity) -> list[list[int]]:
    """Where every row of work belongs, one list per row."""
    return np.stack(list(activity.work.places.values()), axis=1).tolist()


def assert_same(one: Activity, other: Activity) -> None:
    """Every number of two activities is equal."""
    assert one.work.breakdown.tolist() == other.work.breakdown.tolist()
    assert one.moves.load_bits.tolist() == other.moves.load_bits.tolist()
    assert one.moves.store_bits.tolist() == other.moves.store_bits.tolist()
    assert dict(one.counts) == dict(other.counts)
    assert dict(one.busy) == dict(other.busy)
    assert places(one) == places(other)
