"""Currents that are added before they reach neurons, on machines whose synapses feed neurons and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.dataflows.joined_sums import joined_operators
from spikecycle.simulator.reuse import Reuse
from spikecycle.traces import GraphBuilder, Neuron, open_trace

LIF = Neuron("lif", 3, potential_bits=12, leak_numerator=1, leak_shift=1)
MACHINES = ("spike_array", "eyeriss_snn", "loihi", "catalyst_n1", "tinyodin", "snn_fpga", "spikesim_rram", "stems")


def residual(path: Path, way: str) -> Path:
    """Two layers, the second of which adds the first one's input by a 1 x 1 convolution, written in a way."""
    random = np.random.default_rng(1)

    def weights(*shape: int) -> Any:
        return random.integers(-3, 4, shape)

    graph = GraphBuilder(3)
    x = graph.input("x", (random.random((2, 3, 4, 5, 5)) < 0.3).astype(int))
    first = graph.neuron("first", graph.conv2d("a", x, weights(4, 4, 3, 3), weight_bits=4, padding=1), LIF)
    main = graph.conv2d("b", first, weights(4, 4, 3, 3), weight_bits=4, padding=1)
    short = graph.conv2d("c", x, weights(4, 4, 1, 1), weight_bits=4)
    more = graph.conv2d("d", x, weights(4, 4, 3, 3), weight_bits=4, padding=1)
    if way == "inputs":
        graph.neuron("last", [main, short, more], LIF)
    elif way == "sum":
        graph.neuron("last", graph.add("sum", [main, short, more]), LIF)
    elif way == "sums of sums":
        graph.neuron("last", graph.add("sum", [graph.add("inner", [main, short]), more], record=False), LIF)
    elif way == "taken twice":
        graph.neuron("last", graph.add("sum", [main, short, more]), LIF)
        graph.neuron("other", "sum", LIF)
    elif way == "of spikes":
        graph.neuron("last", [graph.add("sum", [main, short, first]), more], LIF)
    graph.write(path)
    return path


def names(path: Path) -> list[str]:
    with open_trace(path) as trace:
        return [operator.name for operator in joined_operators(trace)]


@pytest.mark.parametrize("way", ["sum", "sums of sums"])
def test_the_sum_is_gone_and_its_parts_are_inputs(tmp_path: Path, way: str) -> None:
    path = residual(tmp_path / "net.h5", way)
    assert names(path) == ["a", "first", "b", "c", "d", "last"]
    with open_trace(path) as trace:
        assert [source.tensor for source in joined_operators(trace)[-1].inputs] == ["b", "c", "d"]


@pytest.mark.parametrize("way", ["taken twice", "of spikes"])
def test_what_is_more_than_a_sum_of_currents_stays(tmp_path: Path, way: str) -> None:
    path = residual(tmp_path / "net.h5", way)
    with open_trace(path) as trace:
        assert joined_operators(trace) == trace.operators
    with pytest.raises(spikecycle.MappingError, match=r"operator 'b' cannot be mapped.*machines that run it: bishop, "):
        spikecycle.simulate(path, "spike_array")


@pytest.mark.parametrize("machine", MACHINES)
def test_both_ways_of_writing_it_cost_the_same(tmp_path: Path, machine: str) -> None:
    results = []
    for way in ("inputs", "sum", "sums of sums"):
        found = spikecycle.simulate(residual(tmp_path / f"{way}.h5", way), machine, verify=True)
        assert all(each.mismatches == 0 for each in found.verification or [])
        results.append([layer.model_dump(exclude={"raster"}) for layer in found.layers])
    assert results[0] == results[1] == results[2]


def test_runs_that_share_share_this_too(tmp_path: Path) -> None:
    path = residual(tmp_path / "net.h5", "sum")
    alone = [spikecycle.simulate(path, name).sum_cycles for name in ("mint", "snn_fpga", "mint", "loihi")]
    with open_trace(path) as trace:
        reuse = Reuse(trace)
        shared = [
            spikecycle.simulate(trace, name, reuse=reuse).sum_cycles for name in ("mint", "snn_fpga", "mint", "loihi")
        ]
    assert alone == shared


def test_a_refusal_names_machines_that_join_the_sum(tmp_path: Path) -> None:
    """quantisenc takes values of 1 bit: of those that run the layer, arrays that join its sum are named too."""
    graph = GraphBuilder(1)
    x = graph.input("x", np.full((1, 1, 4, 1, 1), 3), bits=2)
    currents = [graph.linear(name, x, np.ones((2, 4), int), weight_bits=4) for name in "ab"]
    graph.neuron("n", graph.add("sum", currents), LIF)
    graph.write(tmp_path / "net.h5")
    with pytest.raises(spikecycle.MappingError, match=r"operator 'a' .*machines that run it: .*spike_array"):
        spikecycle.simulate(tmp_path / "net.h5", "quantisenc")
