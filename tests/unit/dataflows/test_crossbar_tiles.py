"""Crossbar tiles: PEs, cycles, energy and pipelines by hand; bit slices, epitomes, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.activity import Counter
from spikecycle.simulator.errors import MachineError, MappingError
from spikecycle.simulator.machine.loader import load_machine, override
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.traces import GraphBuilder, Neuron, Trace
from tests.contracts.conftest import network as network  # the small networks
from tests.contracts.suite import Case, check_twin

Networks = Callable[[str], Trace]
SETTINGS: list[dict[str, Any]] = [
    {"crossbar.size": 8, "dataflow.cell_bits": 1},
    {"crossbar.size": 9, "dataflow.cell_bits": 3},
]


@pytest.mark.parametrize("name", ["grouped", "residual", "recurrent", "linear", "many_bits", "pooled_spikes"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_crossbars_are_as_the_twin_says(settings: dict[str, Any], name: str, network: Networks) -> None:
    check_twin(Case.of(override(load_machine("spikesim_rram"), settings), network(name)))


@pytest.mark.parametrize(("name", "operator"), [("grouped", "conv"), ("linear", "fc1"), ("residual", "conv2")])
def test_epitomes_are_as_the_twin_says(name: str, operator: str, network: Networks) -> None:
    settings = {"crossbar.size": 8, "dataflow.epitomes": {operator: 3}, "dataflow.cell_bits": 1}
    check_twin(Case.of(override(load_machine("spikesim_rram"), settings), network(name)))


def chain(tmp_path: Path) -> Path:
    """Two 3 x 3 convolutions of 4 bits on maps of 4 x 4, 10 to 20 and 20 to 10 channels, two timesteps."""
    graph = GraphBuilder(2)
    source = graph.input("x", np.zeros((1, 2, 10, 4, 4), int))
    for index, (inputs, outputs) in enumerate(((10, 20), (20, 10))):
        weights = np.zeros((outputs, inputs, 3, 3), int)
        current = graph.conv2d(f"conv{index + 1}", source, weights, weight_bits=4, padding=1)
        source = graph.neuron(f"neurons{index + 1}", current, Neuron("if", 1, potential_bits=8))
    graph.write(tmp_path / "chain.h5")
    return tmp_path / "chain.h5"


SIZE = {"crossbar.size": 8}


@pytest.mark.parametrize(
    ("settings", "pes", "cycles"),
    [
        # ceil(10 / 8) x ceil(20 / 8), and the other way round; 16 positions x 26 cycles x 2 timesteps
        (SIZE, [6, 6], [832, 832]),
        # 4 columns a weight: ceil(80 / 8) and ceil(40 / 8)
        (SIZE | {"dataflow.cell_bits": 1}, [20, 15], [832, 832]),
        # 3 cells of 1.5 bits do not exist: 4 bits in cells of 3 are two columns
        (SIZE | {"dataflow.cell_bits": 3}, [10, 9], [832, 832]),
        # 20 channels from 5 stored ones, one after the other
        (SIZE | {"dataflow.epitomes": {"conv1": 4}}, [2, 6], [3328, 832]),
    ],
)
def test_pes_and_cycles_by_hand(settings: dict[str, Any], pes: list[int], cycles: list[int], tmp_path: Path) -> None:
    result = simulate(chain(tmp_path), "spikesim_rram", settings={**settings, "overlap": {"policy": "roofline"}})
    assert [layer.tiling["pes"] for layer in result.layers] == pes
    assert [layer.sum_cycles for layer in result.layers] == cycles
    for layer, count, length in zip(result.layers, pes, cycles, strict=True):
        (counter,) = [one for one in layer.counters if one.resource == "crossbar"]
        assert counter.sum_count == count * length / 26


def test_an_epitome_stores_less_and_computes_as_much(tmp_path: Path) -> None:
    """Half of the crossbars, each twice as often: the same energy of PE cycles where columns divide evenly."""
    settings = {"crossbar.size": 10, "dataflow.epitomes": {"conv1": 2}}
    whole, half = (
        simulate(chain(tmp_path), "spikesim_rram", settings=one) for one in ({"crossbar.size": 10}, settings)
    )
    assert half.layers[0].tiling["area_um2"] == whole.layers[0].tiling["area_um2"]  # one tile holds either
    assert 2 * half.layers[0].tiling["pes"] == whole.layers[0].tiling["pes"]
    assert half.layers[0].sum_energy_pj == pytest.approx(whole.layers[0].sum_energy_pj)


@pytest.mark.parametrize(
    ("pipelined", "share", "cycles"),
    [
        # the second layer starts when three quarters of a sample, or of the first timestep, are there
        ("samples", 0.75, 624 + 832),
        ("timesteps", 0.75, 312 + 832),
        ("samples", 1.0, 832 + 832),
        ("timesteps", 1.0, 416 + 832),
    ],
)
def test_layers_are_pipelined(pipelined: str, share: float, cycles: int, tmp_path: Path) -> None:
    overlap = {"policy": "layer_pipeline", "start_after": share}
    settings = SIZE | {"dataflow.pipelined": pipelined, "overlap": overlap}
    assert simulate(chain(tmp_path), "spikesim_rram", settings=settings).cycles_per_sample == [cycles]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"technology.node_nm": 45}, r"technology.node_nm: found 45, crossbars are known at 65 nm only"),
        ({"crossbar.device": "pcm"}, r"crossbar.device"),
        ({"dataflow.epitomes": {"conv1": 0}}, r"dataflow.epitomes.conv1"),
    ],
)
def test_wrong_machines_are_refused_by_key(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MachineError, match=message):
        load_machine("spikesim_rram", settings)


def test_epitomes_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"dataflow.epitomes.conv3: .*there are: conv1, conv2"):
        simulate(chain(tmp_path), "spikesim_rram", settings={"dataflow.epitomes": {"conv3": 2}})


def test_a_machine_without_crossbars_has_no_pe_cycles() -> None:
    counter = Counter("pe.cycle_9", "pe", "weights", "cycle", "crossbar", "PE cycles", "one", bits=9)
    with pytest.raises(MachineError, match=r"systolic_output_stationary: has no crossbar that pe.cycle_9 could count"):
        MachinePrices(load_machine("systolic_output_stationary")).price([counter], [1])
