"""On every shipped machine, an option that leaves DRAM out does what its name says, or is refused by name.

`ideal_memory`: no cycle waits for DRAM, whether the overlap policy or the machine's own rule counts such cycles.
`residency`: weights that are loaded once per batch are loaded less often, and tensors that stay on chip are not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import MappingError, RunResult, load_machine, simulate
from spikecycle.simulator.machine.loader import shipped_machines
from spikecycle.traces import GraphBuilder, Neuron, Trace

MACHINES = shipped_machines()
WITH_DRAM = [name for name in MACHINES if load_machine(name).dram is not None]
WITHOUT_DRAM = [name for name in MACHINES if name not in WITH_DRAM]
KEEP = ("spike_array", "spike_array_edge")
"""That can keep weights on chip, and load them at all."""
KEEP_TENSORS = (*KEEP, "eyeriss_snn", "eyeriss_sparseloop")
SAMPLES, TIMESTEPS = 4, 2
BATCH = {"weights": f"batch:{SAMPLES}"}
CHIP = {"activations": "chip"}


def waiting(result: RunResult) -> int:
    """Cycles of every category that is a wait for DRAM: those of the policies, and the load of spines."""
    cycles = result.sum_cycle_breakdown.items()
    return sum(count for name, count in cycles if name.startswith("dram_") or name == "load")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dense layers, 64 to 40 to 10 neurons, of few spikes: any memory holds their weights."""
    random = np.random.default_rng(5)
    graph = GraphBuilder(TIMESTEPS)
    source = graph.input("x", (random.random((SAMPLES, TIMESTEPS, 64)) < 0.1).astype(np.int64))
    for name, (outputs, inputs) in {"fc1": (40, 64), "fc2": (10, 40)}.items():
        weights = random.integers(1, 8, (outputs, inputs))
        neuron = Neuron("lif", 9, potential_bits=16, leak_numerator=3, leak_shift=2)
        source = graph.neuron(f"{name}_spikes", graph.linear(name, source, weights, weight_bits=4), neuron)
    path = tmp_path_factory.mktemp("small") / "small.h5"
    graph.write(path)
    return path


@pytest.mark.parametrize("machine", WITH_DRAM)
def test_no_cycle_waits_for_an_ideal_memory(machine: str, small: Path) -> None:
    _compare_with_ideal(machine, small)


@pytest.mark.parametrize("name", ["convolution", "attention"])
@pytest.mark.parametrize("machine", ["prosperity", "ptb", "spinalflow"])
def test_no_cycle_of_a_rule_waits_for_an_ideal_memory(machine: str, name: str, network: Callable[[str], Trace]) -> None:
    if (machine, name) != ("spinalflow", "attention"):  # which it does not run
        _compare_with_ideal(machine, network(name))


def _compare_with_ideal(machine: str, trace: Path | Trace) -> None:
    given, ideal = (simulate(trace, machine, ideal_memory=is_ideal) for is_ideal in (False, True))
    assert waiting(ideal) == 0
    assert all(one <= other for one, other in zip(ideal.cycles_per_sample, given.cycles_per_sample, strict=True))
    assert (ideal.sum_cycles < given.sum_cycles) == (waiting(given) > 0)
    for one, other in zip(ideal.layers, given.layers, strict=True):
        assert one.sum_dram_read_bits == other.sum_dram_read_bits
        assert one.sum_dram_write_bits == other.sum_dram_write_bits
    assert (ideal.machine_sha256, ideal.machine) == (given.machine_sha256, given.machine)
    assert ideal.assumptions.ideal_memory


@pytest.mark.parametrize("machine", WITHOUT_DRAM)
def test_a_machine_without_dram_refuses_an_ideal_memory(machine: str, small: Path) -> None:
    with pytest.raises(MappingError, match=f"machine '{machine}': ideal memory is not possible: .* no DRAM"):
        simulate(small, machine, ideal_memory=True)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_batch_loads_weights_once_or_is_refused(machine: str, small: Path) -> None:
    if machine not in KEEP:
        with pytest.raises(MappingError, match=f"machine '{machine}': residency.weights: batch is not possible: stage"):
            simulate(small, machine, residency=BATCH)
        return
    given, batch = (_weight_bits(simulate(small, machine, residency=asked)) for asked in (None, BATCH))
    assert 0 < SAMPLES * batch == given


@pytest.mark.parametrize("machine", MACHINES)
def test_a_batch_is_refused_in_the_words_in_which_residence_is(machine: str, small: Path) -> None:
    said = [_refusal(small, machine, {"weights": how}) for how in ("resident", BATCH["weights"])]
    if said[0]:
        assert said[1] == said[0].replace("resident is", "batch is")


@pytest.mark.parametrize("machine", MACHINES)
def test_tensors_stay_on_chip_or_that_is_refused(machine: str, small: Path) -> None:
    if machine not in KEEP_TENSORS:
        with pytest.raises(MappingError, match=f"machine '{machine}': residency.activations: chip is not possible"):
            simulate(small, machine, residency=CHIP)
        return
    given, kept = (simulate(small, machine, residency=asked) for asked in (None, CHIP))
    assert kept.layers[1].sum_dram_read_bits["spikes"] == 0 < given.layers[1].sum_dram_read_bits["spikes"]


def test_a_batch_loads_weights_once_into_a_global_buffer(small: Path) -> None:
    settings: dict[str, Any] = {"dataflow.weights_bypass_global_buffer": False}
    given, batch = (
        _weight_bits(simulate(small, "eyeriss_snn", settings=settings, residency=asked)) for asked in (None, BATCH)
    )
    assert 0 < batch < given


def _weight_bits(result: RunResult) -> int:
    return sum(layer.sum_dram_read_bits["weights"] for layer in result.layers)


def _refusal(trace: Path, machine: str, residency: Mapping[str, str]) -> str:
    """What the refusal says, or ""."""
    try:
        simulate(trace, machine, residency=residency)
    except MappingError as error:
        return str(error)
    return ""
