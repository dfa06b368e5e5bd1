"""Residency of a network: what is loaded how often, what stays between layers, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import (
    Machine,
    MachineError,
    MappingError,
    RunResult,
    UsageError,
    load_machine,
    override,
    simulate,
)
from spikecycle.traces import GraphBuilder, LayerArrays, Neuron, linear_layer, write_trace
from tests.unit.spike_array.cases import buffer
from tests.unit.spike_array.cases import machine as spike_array_machine

SAMPLES, TIMESTEPS = 4, 2
THRESHOLD = 1


def _chain(path: Path, *sizes: int) -> Path:
    """Dense layers of these sizes with 4-bit weights that are all 1 and inputs that all spike, four samples."""
    layers: list[LayerArrays] = []
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        neuron = Neuron("if", np.full(outputs, THRESHOLD, np.int32), 12)
        spikes = np.ones((SAMPLES, TIMESTEPS, inputs), np.uint8)
        layers.append(linear_layer(f"fc{index}", spikes, np.ones((outputs, inputs), np.int64), 4, neuron))
    write_trace(path, layers)
    return path


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 to 4 to 2 neurons."""
    return _chain(tmp_path_factory.mktemp("chain") / "chain.h5", 8, 4, 2)


def _machine(**changes: Any) -> Machine:
    """One PE, words of 16 bits; a DRAM that takes 25 cycles to answer and then moves 128 bits per cycle."""
    return spike_array_machine(dataflow__pes=1, **changes)


def _weight_bits(result: RunResult) -> list[int]:
    """Bits of weights read from DRAM by layer, all samples."""
    return [layer.sum_dram_read_bits["weights"] for layer in result.layers]


def test_weights_are_loaded_by_every_inference_by_every_batch_or_never(chain: Path) -> None:
    # fibers of 4 x 4 = 16 bits and of 2 x 4 bits, each from a word of 16 bits on: 8 and 4 words, whole bursts of 64
    once = [8 * 16, 4 * 16]
    machine = _machine()
    found = {
        how: simulate(chain, machine, residency={"weights": how})
        for how in ("inference", "batch:2", "batch:4", "resident")
    }
    times = {"inference": 4, "batch:2": 2, "batch:4": 1, "resident": 0}
    assert {how: _weight_bits(result) for how, result in found.items()} == {
        how: [n * bits for bits in once] for how, n in times.items()
    }
    for how, result in found.items():
        assert [layer.inferences_with_weights_on_chip for layer in result.layers] == [4 - times[how]] * 2
        writes = [c.sum_count for layer in result.layers for c in layer.counters if c.name == "weights.write"]
        assert writes == [times[how] * 8, times[how] * 4]


def test_a_batch_of_all_samples_loads_once_what_one_inference_loads(chain: Path) -> None:
    batch = simulate(chain, _machine(), residency={"weights": "batch:4"})
    assert _weight_bits(batch) == _weight_bits(simulate(chain, _machine(), samples=[0]))


def test_a_layer_that_does_not_fit_loads_in_every_inference_of_a_batch(chain: Path) -> None:
    # the first layer's 8 words do not fit 7, so it is cut in tiles that take turns; the second one's 4 words do
    machine = _machine(buffers__weights=buffer(7, 16))
    found = simulate(chain, machine, residency={"weights": "batch:4"})
    reloaded = simulate(chain, machine)
    assert [layer.inferences_with_weights_on_chip for layer in found.layers] == [0, 3]
    assert _weight_bits(found) == [_weight_bits(reloaded)[0], _weight_bits(reloaded)[1] // 4]


def test_cycles_without_anything_to_load_or_store_are_those_of_the_array(chain: Path) -> None:
    """The second layer finds weights and inputs: nothing of its cycles is for DRAM but the store of its spikes."""
    found = simulate(chain, _machine(), residency={"weights": "resident", "activations": "chip"}, samples=[0])
    first, second = found.layers
    assert (first.tensors_on_chip, second.tensors_on_chip) == ({"fc0.outputs": 1}, {"fc1.inputs": 1})
    # 8 inputs take a word of 16 bits per timestep, a burst of 64; 2 outputs likewise
    assert (first.sum_dram_read_bits["spikes"], second.sum_dram_read_bits["spikes"]) == (2 * 64, 0)
    assert (first.sum_dram_write_bits["outputs"], second.sum_dram_write_bits["outputs"]) == (0, 2 * 64)
    breakdown = {name: cycles for name, cycles in second.sum_cycle_breakdown.items() if cycles}
    assert not {"dram_fill", "dram_load"} & set(breakdown)
    reloaded = simulate(chain, _machine(), samples=[0]).layers[1]
    assert breakdown.items() <= {**reloaded.sum_cycle_breakdown, "dram_drain": breakdown.get("dram_drain", 0)}.items()
    # the load that the first pass of the reloaded layer waits for: an answer after 25 cycles, 2 x 64 bits in one more
    assert reloaded.sum_cycle_breakdown["dram_fill"] == 25 + 1


@pytest.mark.parametrize("machine", ["spike_array", "spike_array_edge"])
@pytest.mark.parametrize("weight_format", ["uncompressed", "ubm", "bitmask", "cp", "csr", "rle", "uop"])
def test_resident_never_moves_more_than_reloaded(tmp_path: Path, machine: str, weight_format: str) -> None:
    trace = _chain(tmp_path / "chain.h5", 30, 20, 10)
    formats = {"weights": weight_format}
    reloaded = simulate(trace, machine, formats=formats)
    for residency in ({"weights": "resident"}, {"activations": "chip"}, {"weights": "batch:2"}):
        found = simulate(trace, machine, formats=formats, residency=residency)
        for one, other in zip(found.layers, reloaded.layers, strict=True):
            for operand, bits in one.sum_dram_read_bits.items():
                assert bits <= other.sum_dram_read_bits[operand]
            for operand, bits in one.sum_dram_write_bits.items():
                assert bits <= other.sum_dram_write_bits[operand]
        assert found.sum_energy_pj < reloaded.sum_energy_pj
        assert found.sum_cycles <= reloaded.sum_cycles


def test_tensors_stay_where_they_fit(tmp_path: Path) -> None:
    """40 neurons take 3 words of 16 bits per timestep, 6 in all; half of the buffer must hold them."""
    trace = _chain(tmp_path / "chain.h5", 4, 40, 2)
    for words, stays in ((12, True), (11, False)):
        machine = _machine(buffers__spikes=buffer(words, 16))
        found = simulate(trace, machine, residency={"activations": "chip"})
        assert bool(found.layers[0].tensors_on_chip) == stays


def test_a_pass_has_a_quarter_of_the_buffer_where_tensors_may_stay(tmp_path: Path) -> None:
    """One channel of 4 x 4 positions takes a word: with 7 words half is 3 and a quarter is 1; with 3 it is none."""
    graph = GraphBuilder(1)
    graph.input("x", np.ones((1, 1, 1, 4, 4), np.uint8))
    graph.neuron(
        "conv", graph.conv2d("currents", "x", np.ones((1, 1, 1, 1), np.int64), weight_bits=4),
        Neuron("if", np.array([1], np.int32), 12),
    )  # fmt: skip
    graph.write(tmp_path / "net.h5")
    chip = {"activations": "chip"}
    simulate(tmp_path / "net.h5", _machine(buffers__spikes=buffer(4, 16)), residency=chip)
    simulate(tmp_path / "net.h5", _machine(buffers__spikes=buffer(3, 16)))
    with pytest.raises(MappingError, match=r"a quarter of buffers\.spikes holds 0"):
        simulate(tmp_path / "net.h5", _machine(buffers__spikes=buffer(3, 16)), residency=chip)


def _network(path: Path, kind: str) -> Path:
    """Layers a and b of 4 neurons each, and c of 2, joined one after the other, or in another way."""
    graph = GraphBuilder(TIMESTEPS)
    graph.input("x", np.ones((1, TIMESTEPS, 4, 1, 1), np.uint8))
    neuron = Neuron("if", np.array([1], np.int32), 12)

    def dense(name: str, source: str, outputs: int) -> Any:
        return graph.linear(f"{name} currents", source, np.ones((outputs, 4), np.int64), weight_bits=4)

    a = graph.neuron("a", dense("a", "x", 4), neuron)
    if kind == "pooled":
        a = graph.pool("pooled", a, "max", 1)
    if kind == "skip":
        graph.neuron("b", dense("b", "a", 4), neuron)
        graph.neuron("c", [dense("c", "b", 4), a], neuron)
    elif kind == "two inputs":
        graph.neuron("b", [dense("b", "a", 4), dense("b too", "x", 4)], neuron)
        graph.neuron("c", dense("c", "b", 2), neuron)
    else:
        graph.neuron("b", dense("b", a.tensor, 4), neuron)
        graph.neuron("c", dense("c", "b", 2), neuron)
    graph.write(path)
    return path


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("chain", {"a", "b"}),
        ("pooled", {"b"}),  # the operator without cost takes it from DRAM, as it were
        ("skip", set()),  # a is taken later too, and c must find all of its inputs or none
        ("two inputs", {"b"}),  # the input of the network comes from DRAM, and so does a
    ],
)
def test_only_what_every_taker_finds_stays(tmp_path: Path, kind: str, kept: set[str]) -> None:
    found = simulate(_network(tmp_path / "net.h5", kind), _machine(), residency={"activations": "chip"})
    assert set().union(*(layer.tensors_on_chip for layer in found.layers)) == kept
    stored = {layer.name: layer.sum_dram_write_bits["outputs"] > 0 for layer in found.layers}
    loaded = [layer.sum_dram_read_bits["spikes"] > 0 for layer in found.layers]
    assert [made not in kept for made in ("a", "b")] == list(stored.values())[:2]
    assert len(loaded) == 3 and loaded[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"buffers__weights": buffer(11, 16)},
            "stage 'fc1': with the stages before it, its weights take 12 words of buffers.weights, which holds 11",
        ),
        # half of 7 words is 3, which the words of 2 of the 8 input channels fit, but not those of 4
        ({"buffers__weights": buffer(7, 16)}, "stage 'fc0': its weights are cut in 4 tiles that take turns on chip"),
    ],
)
def test_weights_that_do_not_fit_are_refused(chain: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(MappingError) as error:
        simulate(chain, _machine(**changes), residency={"weights": "resident"})
    assert str(error.value) == f"machine 'generated': residency.weights: resident is not possible: {words}"


def test_weights_that_bypass_the_global_buffer_cannot_be_resident(chain: Path) -> None:
    with pytest.raises(MappingError, match=r"stage 'fc0': dataflow\.weights_bypass_global_buffer: weights come from"):
        simulate(chain, "eyeriss_snn", residency={"weights": "resident"})
    through = {"dataflow.weights_bypass_global_buffer": False}
    found = simulate(chain, "eyeriss_snn", settings=through, residency={"weights": "resident"})
    assert _weight_bits(found) == [0, 0]
    assert sum(_weight_bits(simulate(chain, "eyeriss_snn", settings=through))) > 0


def test_a_rule_knows_no_residency_of_weights(chain: Path) -> None:
    with pytest.raises(MappingError, match="its rule does not say where weights are kept"):
        simulate(chain, "mint", residency={"weights": "resident"})


def test_samples_must_be_whole_batches(chain: Path) -> None:
    with pytest.raises(UsageError, match="must be a multiple of it, found 4"):
        simulate(chain, _machine(), residency={"weights": "batch:3"})


def test_a_batch_leaves_no_room_for_activations(chain: Path) -> None:
    with pytest.raises(MachineError, match="activations cannot stay on chip: it needs activations: dram"):
        simulate(chain, _machine(), residency={"weights": "batch:2", "activations": "chip"})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"spikes": "chip"}, "residency of 'spikes': there is none, allowed: weights, activations"),
        ({"weights": "chip"}, "'chip' is not possible, allowed: inference, batch:N, resident"),
        ({"weights": "batch"}, "'batch' is not possible"),
        ({"weights": "resident:2"}, "'resident:2' is not possible"),
        ({"weights": "batch:1"}, "batch:1: write the inferences of a batch, at least 2"),
        ({"weights": "batch:²"}, "at least 2"),
        ({"weights": "batch:99999999"}, "at least 2"),
        ({"activations": "batch:2"}, "'batch:2' is not possible, allowed: dram, chip"),
    ],
)
def test_what_cannot_be_asked_for(chain: Path, asked: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as error:
        simulate(chain, _machine(), residency=asked)
    assert words in str(error.value)


def test_asking_replaces_what_the_machine_says(chain: Path) -> None:
    batch = override(_machine(), {"residency.weights": "batch", "residency.batch": 4})
    found = simulate(chain, batch, residency={"weights": "resident"})
    assert found.assumptions.residency == {"weights": "resident", "batch": 1, "activations": "dram"}
    assert found == simulate(chain, batch, settings={"residency.weights": "resident", "residency.batch": 1})


def test_a_machine_file_without_the_section_can_be_asked_too() -> None:
    machine = load_machine("spike_array", {"residency.activations": "chip"})
    assert (machine.residency.weights, machine.residency.activations) == ("inference", "chip")
