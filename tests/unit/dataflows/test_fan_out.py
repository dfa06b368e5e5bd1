"""Whom spikes reach: entry by entry as synapses listed one by one say, in pieces as at once, and in little memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.cores import events, fan_out
from spikecycle.simulator.dataflows.cores.placement import CoreRanks
from spikecycle.simulator.dataflows.cores.schema import NeuronOrder
from spikecycle.simulator.dataflows.cores.through_synapse import ThroughSynapse, most_reached
from spikecycle.simulator.dataflows.memory import run_needs
from spikecycle.simulator.dataflows.routed_cores import plan as routed_plan
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.traces import LayerShape, Trace, open_trace
from spikecycle.traces.synthetic import synthetic_trace
from tests.contracts.conftest import network as network  # the small networks
from tests.reference import cores as twin


class Weights:
    """A synapse as fan-outs and the twin take it."""

    def __init__(self, shape: LayerShape, seed: int) -> None:
        self.shape = shape
        self._codes = np.random.default_rng(seed).integers(-1, 2, shape.weight_shape).astype(np.int8)

    def codes(self) -> Any:
        return self._codes

    weights = codes


@st.composite
def cases(draw: st.DrawFn) -> tuple[Weights, CoreRanks, bool]:
    groups = draw(st.sampled_from([1, 1, 2]))
    taps, strides, dilations = st.integers(1, 3), [(1, 1), (2, 1), (3, 2)], [(1, 1), (2, 2), (1, 2)]
    shape = LayerShape(
        "conv2d", C=groups * draw(st.integers(1, 2)), H=draw(st.integers(5, 7)), W=draw(st.integers(5, 6)),
        M=groups * draw(st.integers(1, 5)), R=draw(taps), S=draw(taps), groups=groups,
        stride=draw(st.sampled_from(strides)), dilation=draw(st.sampled_from(dilations)),
        padding=draw(st.sampled_from([(0, 0), (1, 2)])),
    )  # fmt: skip
    orders: list[NeuronOrder] = ["position", "channel"]
    order, per_core = draw(st.sampled_from(orders)), draw(st.integers(1, 40))
    if draw(st.booleans()):  # cores of whole channels, where they are placed one by one
        per_core = shape.P * shape.Q * draw(st.integers(1, 3))
    ranks = CoreRanks.of((shape.M, shape.P, shape.Q), order, per_core, first_core=3)
    return Weights(shape, draw(st.integers(0, 99))), ranks, draw(st.booleans())


@pytest.mark.kernel
@settings(max_examples=60, deadline=None)
@given(cases())
def test_entries_are_those_of_synapses_one_by_one(case: tuple[Weights, CoreRanks, bool]) -> None:
    synapse, ranks, skips_zeros = case
    shape = synapse.shape
    maps = (shape.C, shape.H, shape.W)
    expected: dict[int, Counter[int]] = {value: Counter() for value in range(int(np.prod(maps)))}
    for place, neuron, weight in twin.synapses(synapse, maps):
        if weight or not skips_zeros:
            flat = np.ravel_multi_index(neuron, (shape.M, shape.P, shape.Q))
            expected[int(np.ravel_multi_index(place, maps))][int(ranks.core_of(np.array([flat]))[0])] += 1
    values = np.array(sorted(expected)[::2])
    found = ThroughSynapse(synapse, ranks, skips_zeros).of(values)  # type: ignore[arg-type]
    for index, value in enumerate(values.tolist()):
        entries = slice(found.starts[index], found.starts[index + 1])
        assert list(zip(found.cores[entries].tolist(), found.synapses[entries].tolist(), strict=True)) == sorted(
            expected[value].items()
        )
        assert found.passed()[index] == expected[value].total()
        assert len(expected[value]) <= most_reached(shape, ranks)


@pytest.mark.kernel
@pytest.mark.parametrize("name", ["residual", "recurrent", "grouped"])
@pytest.mark.parametrize("machine", ["tinyodin", "loihi", "truenorth"])
def test_in_pieces_as_at_once(
    machine: str, name: str, network: Callable[[str], Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value at a time, nothing kept, and few timesteps unpacked."""
    changed = {"dataflow.mapping.neurons_per_core": 5}
    results = []
    for kept, at_once, unpacked in ((fan_out.KEPT_ENTRIES, fan_out.ENTRIES_AT_ONCE, events.UNPACKED_VALUES), (0, 1, 1)):
        monkeypatch.setattr(events, "KEPT_ENTRIES", kept)
        monkeypatch.setattr(routed_plan, "KEPT_ENTRIES", kept)
        monkeypatch.setattr(fan_out, "ENTRIES_AT_ONCE", at_once)
        monkeypatch.setattr(events, "UNPACKED_VALUES", unpacked)
        results.append(simulate(network(name), machine, settings=changed))
    assert results[0].cycles_per_sample == results[1].cycles_per_sample
    assert results[0].layers[0].counters == results[1].layers[0].counters
    assert results[0].layers[0].tiling == results[1].layers[0].tiling


WIDE = (LayerShape("conv2d", C=64, H=32, W=32, M=64, R=3, S=3, padding=(1, 1)),)
"""65,536 values, each of which reaches nearly all 64 channels, on cores of their own: 12.6 M entries, 150 MB."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wide") / "wide.h5"
    synthetic_trace(path, WIDE, 2, 1, 0.01, 0.2, 8, 1, output_density=0.01)
    return path


MAPPING = {"dataflow.mapping": {"cores": 4096, "neurons_per_core": 16, "order": "channel"}}


MESH = {"dataflow.mesh": {"width": 128, "height": 64, "cores_per_tile": 1, "link_buffer": 4}}
ON_MESH = {"dataflow.mapping": {"cores": 8192, "neurons_per_core": 16, "order": "channel"}} | MESH


@pytest.mark.parametrize(
    ("name", "changed", "limit_bytes"),
    [("tinyodin", MAPPING, 100e6), ("truenorth", ON_MESH, 100e6), ("loihi", ON_MESH, 150e6)],
    ids=["bus", "no time", "timed"],
)
def test_memory_does_not_grow_with_cores_reached(
    name: str, changed: dict[str, Any], limit_bytes: float, wide: Path
) -> None:
    """What is needed, by the estimate and by what is allocated, is less than the entries of all values take."""
    machine = override(load_machine(name), changed)
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    with open_trace(wide) as trace:
        needs = run_needs(dataflow, machine, trace, dataflow.stages(machine, trace))
    (of_network,) = needs.values()
    estimate = sum(need.bytes for need in of_network)
    simulate(wide, machine, max_memory_bytes=estimate)  # kernels are compiled
    tracemalloc.start()
    try:
        simulate(wide, machine, max_memory_bytes=estimate)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < estimate < limit_bytes
