"""Parts of a mesh's timing: who is first, what lies on a way, and in which order values are sent."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.dataflows.routed_cores.links import MeshTiming, along, first_port
from spikecycle.simulator.dataflows.routed_cores.step_spikes import SenderOrder
from spikecycle.simulator.dataflows.routed_cores.tournament import NEVER, ROOT, key_of, leaf_bits, put
from spikecycle.simulator.jit import kernel


@kernel
def earliest_keys(keys: np.ndarray, bits: int, cores: np.ndarray, times: np.ndarray, found_out: np.ndarray) -> None:
    """The root after every change."""
    for i in range(len(cores)):
        put(keys, bits, cores[i], key_of(times[i], cores[i], bits))
        found_out[i] = keys[ROOT]


@kernel
def bits_of(cores: int) -> int:
    """`leaf_bits`, which only kernels call."""
    return leaf_bits(cores)


@pytest.mark.kernel
@pytest.mark.parametrize("count", [1, 4, 5, 70])
def test_the_earliest_core_is_at_the_root(count: int) -> None:
    """Of equal times the lowest core; times change up and down."""
    random = np.random.default_rng(count)
    bits = bits_of(count)
    assert 1 << bits >= count
    cores, times = random.integers(0, count, 200), random.integers(0, 9, 200)
    keys, found = np.full(2 << bits, NEVER), np.zeros(200, np.int64)
    earliest_keys(keys, bits, cores, times, found)
    now: dict[int, int] = {}
    for core, time, key in zip(cores.tolist(), times.tolist(), found.tolist(), strict=True):
        now[core] = time
        assert divmod(key, 1 << bits) == min((at, each) for each, at in now.items())


@kernel
def lay(density: np.ndarray, port: int, way: tuple[int, int, int, int], mesh: MeshTiming, change: int) -> int:
    """`along`, which only kernels call."""
    return along(density, port, way[0], way[1], way[2], way[3], mesh, change)


@kernel
def behind_links(mesh: MeshTiming) -> int:
    """`first_port`, which only kernels call."""
    return first_port(mesh)


def places(port: int, way: tuple[int, int, int, int]) -> list[object]:
    """The port, and the links into the tiles on the way, first along x."""
    x, y, x_there, y_there = way
    found: list[object] = [port]
    while x != x_there:
        step = 1 if x_there > x else -1
        x += step
        found.append((x, y, "x", step))
    while y != y_there:
        step = 1 if y_there > y else -1
        y += step
        found.append((x, y, "y", step))
    return found


@pytest.mark.kernel
@pytest.mark.parametrize(("width", "height"), [(3, 2), (40, 3), (2, 37), (1, 1)])
def test_what_lies_on_a_way(width: int, height: int) -> None:
    """Messages laid on random ways, and taken off again: sums as a table of places says, and nothing is left."""
    random = np.random.default_rng(width)
    mesh = MeshTiming(width, height, 1, 0, 0, 0, 0)
    first = behind_links(mesh)
    density = np.zeros(first + 5, np.int64)
    table: dict[object, int] = {}
    laid = []
    for _ in range(60):
        x, y, x_there, y_there = (int(random.integers(0, size)) for size in (width, height) * 2)
        way = (x, y, x_there, y_there)
        port, share = first + int(random.integers(0, 5)), int(random.integers(1, 99))
        assert lay(density, port, way, mesh, share) == sum(table.get(place, 0) for place in places(port, way))
        for place in places(port, way):
            table[place] = table.get(place, 0) + share
        laid.append((port, way, share))
    for port, way, share in laid:
        lay(density, port, way, mesh, -share)
    assert not density.any()


@pytest.mark.parametrize(
    "senders",
    [[3, 3, 4, 9], [5, 3, 4, 6], [8, 2, 2, 8], [4, 9, 3, 1]],
    ids=["ascending", "one each", "several each", "with gaps"],
)
def test_values_are_sent_by_neuron_and_then_by_number(senders: list[int]) -> None:
    order = SenderOrder.of(np.array(senders))
    for spiking in ([0, 1, 2, 3], [1, 3], [0, 2], []):
        found, values = order.sort(np.array(spiking, np.int32))
        assert list(zip(found.tolist(), values.tolist(), strict=True)) == sorted((senders[v], v) for v in spiking)
