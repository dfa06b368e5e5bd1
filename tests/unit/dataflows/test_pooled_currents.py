"""Max pools between a convolution and its neurons: which are a part of a layer, and what they cost, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array import SpikeArrayPlan
from spikecycle.simulator.dataflows.stage import layers, pooled_currents
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, Source, open_trace
from tests.rtl.harness.bundles import NotCoveredError
from tests.rtl.harness.coverage import check_layer
from tests.unit.row_stationary.cases import machine as row_stationary_machine
from tests.unit.spike_array.cases import NEURON_UNIT, buffer, layer, machine, replayed

PLAIN = Neuron("lif", 3, 8, leak_numerator=1, leak_shift=1)


def pooled(columns: int, neuron: Neuron = PLAIN) -> LayerTask:
    """A 1 x 1 convolution of one input channel, a map of 1 x 3, two output channels of weight 1, two timesteps."""
    shape = LayerShape("conv2d", C=1, H=1, W=3, M=2, R=1, S=1)
    return replace(layer(shape, np.ones((2, 1, 1, 1)), 2, neuron=neuron), pool=(1, columns))


def run(task: LayerTask, **changes: Any) -> Activity:
    """One input spike, in the first timestep, on two PEs of one output channel each."""
    inputs = np.zeros((2, 1, 1, 3), np.uint8)
    inputs[0, 0, 0, 0] = 1
    return SpikeArrayPlan(machine(**changes), task).run(LayerSample(inputs, replayed(task, inputs).outputs))


@pytest.mark.parametrize(("columns", "comparisons"), [(3, 2), (2, 1)])
@pytest.mark.parametrize(("ports", "sweep"), [(2, 3 + 1 + 2), (1, 6 + 2 + 2)])
def test_sums_are_read_and_cleared_before_neurons_are_updated(
    columns: int, comparisons: int, ports: int, sweep: int
) -> None:
    """Three sums and one neuron in each PE, also where the last sum is in no window; two accumulates."""
    found = run(pooled(columns), buffers__potentials=buffer(64, 24, banks=2, ports=ports))
    update = found.work.categories.index("update")
    assert found.work.breakdown[:, update].tolist() == [sweep, sweep]
    assert found.counts["potentials.read"] == found.counts["potentials.write"] == 2 + 2 * 2 * (3 + 1)
    assert found.counts["neuron.pool"] == 2 * 2 * comparisons
    assert found.counts["neuron.compare"] == found.counts["neuron.integrate"] == found.counts["neuron.control"] == 4
    assert found.counts["sweep.update"] == 2 * 2 * (3 + 1)
    assert found.accesses_by_bank["potentials"].sum() == 2 * 18


def test_neurons_of_two_states_add_twice() -> None:
    """The largest sum to the current, and that to the potential."""
    states = Neuron("synaptic", 3, 8, current_leak_numerator=1, current_bits=6)
    found = run(pooled(3, states))
    assert (found.counts["neuron.compare"], found.counts["neuron.integrate"]) == (4, 8)
    assert found.counts["potentials.read"] == 2 + 2 * 2 * (3 + 2)


def test_sums_and_neurons_have_parts_of_whole_rows() -> None:
    """Two banks: three sums take two rows, one neuron a third: 6 words."""
    SpikeArrayPlan(machine(buffers__potentials=buffer(6, 24, banks=2, ports=2)), pooled(2))
    with pytest.raises(MappingError, match=r"has 6 words of sums, .* \(1 per neuron\) of one window .* holds 5"):
        SpikeArrayPlan(machine(buffers__potentials=buffer(5, 24, banks=2, ports=2)), pooled(2))


def test_tiles_have_whole_windows() -> None:
    """A map of 1 x 7 in windows of 2: 4 columns in the first tile, 3 in the second; or 2, 2 and 3."""
    shape = LayerShape("conv2d", C=1, H=1, W=7, M=1, R=1, S=1)
    task = replace(layer(shape, np.ones((1, 1, 1, 1)), neuron=PLAIN), pool=(1, 2))
    for words, ends in ((10, [7]), (9, [4, 7]), (6, [4, 7]), (5, [2, 4, 7])):
        chosen = machine(dataflow__pes=1, buffers__potentials=buffer(words, 24, banks=1, ports=2))
        assert [tile.stop for tile in SpikeArrayPlan(chosen, task).cut.map.columns] == ends


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataflow__update": "sparse"}, "dataflow.update: sparse cannot pool"),
        ({"dataflow__partition": "space", "dataflow__pe_rows": 1, "dataflow__pe_columns": 2}, "space cannot pool"),
        ({"dataflow__neuron_unit": NEURON_UNIT | {"pools_currents": False}}, "neuron_unit.pools_currents: true"),
        ({"buffers__potentials": buffer(64, 7, banks=2, ports=2)}, "a state of a neuron has 8 bits, .* is 7"),
    ],
)
def test_what_an_array_cannot_pool_is_refused_by_its_key(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        SpikeArrayPlan(machine(**changes), pooled(2))


def test_the_rtl_pools_nothing() -> None:
    check_layer(pooled(1))
    with pytest.raises(NotCoveredError, match="layer 'generated': pool: the RTL has no pool of currents"):
        check_layer(pooled(3))


@pytest.mark.parametrize(("columns", "comparisons"), [(3, 2), (2, 1)])
def test_a_row_stationary_unit_takes_a_sum_a_cycle(columns: int, comparisons: int) -> None:
    """Two neurons, two timesteps, two lanes: 4 updates of 2 or 3 sums; spikes of 2 neurons a timestep are stored."""
    task = pooled(columns)
    inputs = np.zeros((2, 1, 1, 3), np.uint8)
    inputs[0, 0, 0, 0] = 1
    sample = LayerSample(inputs, replayed(task, inputs).outputs)
    found = RowStationaryPlan(row_stationary_machine(), task).run(sample)
    update = found.work.categories.index("update")
    assert found.work.breakdown[:, update].sum() == 4 * columns // 2 + 2
    assert found.counts["neuron.pool"] == 4 * comparisons
    assert found.counts["neuron.compare"] == found.counts["neuron.add"] == 4
    assert found.moves.store_bits.sum() == 4
    without = row_stationary_machine(dataflow__neuron_unit=NEURON_UNIT | {"pools_currents": False})
    with pytest.raises(MappingError, match=r"neuron_unit\.pools_currents: true"):
        RowStationaryPlan(without, task)


def network(path: Path, make: Callable[[GraphBuilder, Source], Source]) -> Path:
    """A convolution to a map of 1 x 4 x 4, what is made of its currents, and neurons."""
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", np.ones((1, 1, 1, 4, 4), int))
    current = graph.conv2d("conv", x, np.ones((1, 1, 1, 1), int), weight_bits=2)
    graph.neuron("spikes", make(graph, current), Neuron("if", 1, 8))
    graph.write(path)
    return path


def test_a_window_that_no_row_stationary_tile_holds_is_named() -> None:
    """Sums of a whole window of 1 x 3 and two timesteps do not fit a global buffer of 4 words of 32 bits."""
    array = row_stationary_machine(buffers__global_buffer=buffer(4, 32))
    with pytest.raises(MappingError, match=r"no tile of whole windows of its max pool \(1 x 3 sums\) fits the pads"):
        RowStationaryPlan(array, pooled(3))


def test_a_pool_of_windows_side_by_side_is_a_part_of_its_layer(tmp_path: Path) -> None:
    path = network(tmp_path / "net.h5", lambda graph, current: graph.pool("pool", current, "max", 2))
    with open_trace(path) as trace:
        assert list(pooled_currents(trace)) == ["pool"]
        (stage,) = layers(trace, with_pools=True)
        assert (stage.name, [operator.name for operator in stage.operators]) == ("conv", ["conv", "pool", "spikes"])
    for array in ("spike_array", "eyeriss_snn"):
        result = spikecycle.simulate(path, array, verify=True)
        assert [layer.name for layer in result.layers] == ["conv"]
        assert sum(part.mismatches for part in result.verification or ()) == 0
        assert "pool" not in result.assumptions.free_operators


TAKEN_ELSEWHERE = "does not go to one population of neurons that takes nothing else"
REFUSED: dict[str, tuple[Callable[[GraphBuilder, Source], Any], str]] = {
    "overlapping": (
        lambda graph, current: graph.pool("most", current, "max", 2, stride=1),
        "has windows of 2 x 2 that overlap at a stride of 1 x 1",
    ),
    "overlapping along rows": (
        lambda graph, current: graph.pool("most", current, "max", (2, 3), stride=2),
        "has windows of 2 x 3 that overlap at a stride of 2 x 2",
    ),
    "gaps": (
        lambda graph, current: graph.pool("most", current, "max", 1, stride=2),
        "has windows of 1 x 1 that leave gaps at a stride of 2 x 2",
    ),
    "padded": (lambda graph, current: graph.pool("most", current, "max", 2, padding=1), "has padding"),
    "both": (
        lambda graph, current: graph.pool("most", current, "max", 3, stride=2, padding=1),
        "has windows of 3 x 3 that overlap at a stride of 2 x 2 and has padding",
    ),
    "sums": (lambda graph, current: graph.pool("most", current, "sum", 2), "is of mode sum, not max"),
    "twice": (
        lambda graph, current: graph.pool("second", graph.pool("most", current, "max", 2), "max", 2),
        TAKEN_ELSEWHERE,
    ),
    "beside another input": (
        lambda graph, current: [
            graph.pool("most", current, "max", 2), graph.input("y", np.ones((1, 1, 1, 2, 2), int))
        ],
        TAKEN_ELSEWHERE,
    ),
}  # fmt: skip
"""Pools that are no part of a layer, and what is said of them."""
BEHIND = "a pool behind the neurons, of their spikes, may be of any kind"


@pytest.mark.parametrize("case", REFUSED)
def test_other_pools_of_currents_are_refused_by_name_with_what_would_run(tmp_path: Path, case: str) -> None:
    make, problem = REFUSED[case]
    path = network(tmp_path / "net.h5", make)
    with pytest.raises(MappingError) as error:
        spikecycle.simulate(path, "spike_array")
    said, _, machines = str(error.value).splitlines()[0].partition("; machines that run it: ")
    assert said == (
        "operator 'conv' cannot be mapped on machine 'spike_array' (dataflow spike_array): "
        "its output does not go to one population of neurons and nothing else, but to 'most', "
        f"pool 'most' {problem} (a max pool runs between one operator with weights and one population "
        "if its windows lie side by side, stride = window, without padding; "
        f"{BEHIND})"
    )
    assert "systolic_output_stationary" in machines.split(", ")


def test_machines_that_pool_no_currents_say_so(tmp_path: Path) -> None:
    path = network(tmp_path / "net.h5", lambda graph, current: graph.pool("most", current, "max", 2))
    with pytest.raises(MappingError) as error:
        spikecycle.simulate(path, "loihi")
    line = str(error.value).splitlines()[0]
    assert f"but to 'most', pool 'most' takes currents, which is not supported ({BEHIND})" in line
    assert "spike_array" in line.partition("; machines that run it: ")[2].split(", ")


@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 1, 0), (3, 2, 1), (2, 2, 0)])
def test_a_pool_behind_the_neurons_runs_as_the_refusal_says(
    tmp_path: Path, window: int, stride: int, padding: int
) -> None:
    graph = GraphBuilder(timesteps=1)
    x = graph.input("x", np.ones((1, 1, 1, 4, 4), int))
    current = graph.conv2d("conv", x, np.ones((1, 1, 1, 1), int), weight_bits=2)
    spikes = graph.neuron("spikes", current, Neuron("if", 1, 8))
    pooled_spikes = graph.pool("pool", spikes, "max", window, stride=stride, padding=padding)
    count = ((4 + 2 * padding - window) // stride + 1) ** 2
    graph.neuron("out", graph.linear("fc", pooled_spikes, np.ones((2, count), int), weight_bits=2), Neuron("if", 1, 8))
    graph.write(tmp_path / "net.h5")
    for machine_name in ("spike_array", "loihi"):
        assert spikecycle.simulate(tmp_path / "net.h5", machine_name).sum_cycles > 0


def test_a_pool_whose_currents_others_take_or_that_comes_late_is_named(tmp_path: Path) -> None:
    def both(graph: GraphBuilder, current: Source) -> Source:
        graph.neuron("others", current, Neuron("if", 1, 8))
        return graph.pool("most", current, "max", 2)

    with pytest.raises(
        MappingError, match="but to 'others', 'most', pool 'most' is not alone in taking these currents"
    ):
        spikecycle.simulate(network(tmp_path / "both.h5", both), "spike_array")
