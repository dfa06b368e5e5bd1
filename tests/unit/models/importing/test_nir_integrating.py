"""NIR's neurons without a leak, whose r is 1 for some writers and 1 / dt for others; spikes worked out by hand."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from spikecycle.models import import_network
from tests.unit.models.importing.graphs import DT, chain

pytestmark = pytest.mark.train


def spikes(r: list[float], threshold: float, dt: float = DT) -> tuple[list[list[int]], list[str]]:
    """Of neurons that each get 1 in each of 6 timesteps and are reset to 0, by neuron; and remarks on r."""
    count = len(r)
    node = nir.IF(np.array(r), np.full(count, threshold), np.zeros(count))
    network = import_network(chain((count,), fc=nir.Linear(np.eye(count)), n=node), dt=dt)
    samples = np.ones((1, 6, count), np.float32)
    own = np.asarray(network.source.original.outputs(samples)[0]).reshape(6, count).astype(int)
    network.calibrate(samples)
    network.quantize(16)
    figures = network.measure(samples)
    assert figures.spike_difference_integer["n"] == 0
    return own.T.tolist(), [remark for remark in figures.remarks if "a timestep adds" in remark]


EVERY_THIRD, EVERY_SECOND = [0, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("r", [1.0, 1.0 / DT])
def test_both_ways_to_write_one_are_one(r: float) -> None:
    """1, 2, 3: above 2.5 in every third timestep."""
    assert spikes([r], 2.5) == ([EVERY_THIRD], [])


@pytest.mark.parametrize("scale", [1.0, 1.0 / DT])
def test_nearly_one_and_different_ones_are_read_alike(scale: float) -> None:
    """1.0001 is no other number than 1; beside it, 2 gives 2, 4."""
    assert spikes([1.0001 * scale], 2.5)[0] == [EVERY_THIRD]
    found, remarks = spikes([1.0 * scale, 2.0 * scale], 2.5)
    assert found == [EVERY_THIRD, EVERY_SECOND]
    taken, other = ("r = 1 to 2", "r x dt = 0.0001 to 0.0002") if scale == 1 else ("r x dt = 1 to 2", "r = 10000 to ")
    assert len(remarks) == 1 and f"n (IF): a timestep adds {taken}" in remarks[0] and other in remarks[0]


def test_timesteps_of_one_leave_no_doubt() -> None:
    assert spikes([1.0, 2.0], 2.5, dt=1.0) == ([EVERY_THIRD, EVERY_SECOND], [])


def test_an_integrator_that_is_read_has_the_same_r() -> None:
    """Potentials after three timesteps of 1: 3 r."""
    network = import_network(chain((2,), fc=nir.Linear(np.eye(2)), n=nir.I(np.array([1.5, 0.5]))))
    own = np.asarray(network.source.original.outputs(np.ones((1, 3, 2), np.float32))[0]).reshape(3, 2)
    assert own.tolist() == [[1.5, 0.5], [3.0, 1.0], [4.5, 1.5]]
