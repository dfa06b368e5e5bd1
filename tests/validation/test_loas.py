"""LoAS and its baselines: every row passes; and what the masks are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.validation import CHECKS
from spikecycle.simulator.validation.generated import pruned_weights, spike_trains
from spikecycle.simulator.validation.run import validate
from spikecycle.simulator.validation.tables import read_table
from tests.reference_data import reference_file


def test_every_row_passes() -> None:
    rows = [row for row in validate(machine="loas").rows if "LoAS" in row.source]
    assert len(rows) == 12
    assert not [row for row in rows if row.passed is not True]


def test_the_table_adds_up_to_the_published_totals_of_alexnet() -> None:
    """The totals that the paper's speed-ups of AlexNet follow from."""
    layers = [line for line in read_table("loas") if line["network"] == "alexnet"]
    totals = {
        name: sum(int(line[name]) for line in layers) for name in ("loas", "loas_ft", "sparten_s", "gospa_s", "gamma_s")
    }
    assert totals == {"loas": 46871, "loas_ft": 41259, "sparten_s": 365589, "gospa_s": 291189, "gamma_s": 155618}


def test_spike_trains_have_the_shares_that_were_asked_for() -> None:
    spikes = spike_trains(4, (100, 30, 30), 0.2, 0.3, 0.25, np.random.default_rng(1))
    counts = spikes.sum(axis=0)
    assert spikes.mean() == pytest.approx(0.2, rel=0.02)
    assert (counts > 0).mean() == pytest.approx(0.3, rel=0.02)
    assert (counts > 1).mean() == pytest.approx(0.25, rel=0.02)
    assert spikes.mean(axis=(1, 2, 3)) == pytest.approx([0.2] * 4, rel=0.05)


def test_channels_are_as_unlike_as_they_are_asked_to_be() -> None:
    """A tenth of the weights: equal channels would leave e^-6.4 of the pieces of 64 untouched."""
    weights = pruned_weights((512, 64, 3, 3), 29491, 0.7, 64, np.random.default_rng(1)).reshape(512, 9, 64)
    assert np.count_nonzero(weights) == pytest.approx(29491, rel=0.05)
    assert weights.any(axis=2).mean() == pytest.approx(0.7, abs=0.03)
    equal = pruned_weights((512, 64, 3, 3), 29491, 1.0, 64, np.random.default_rng(1)).reshape(512, -1)
    assert equal.sum(axis=1).std() < 3 * np.sqrt(0.1 * 576)


def test_the_published_spikes_of_alexnet() -> None:
    rows = list(CHECKS.lookup("loas_spikes").rows(reference_file("alexnet_cifar10_spikes.npz").parent))
    assert [row.passed for row in rows] == [True] * 5
