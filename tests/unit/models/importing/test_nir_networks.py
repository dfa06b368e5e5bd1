"""NIR graphs against their equations, stepped here in plain NumPy, and against the integer network and its trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from spikecycle import simulator
from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.graph import run_graph
from spikecycle.models.importing.lower import lower
from spikecycle.models.importing.nir_nodes import CONVERTERS
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import (
    DT,
    chain,
    conv,
    emitted,
    input_bits,
    integrate,
    leaky,
    populations,
    synapses,
    written,
)

pytestmark = pytest.mark.train
MAY_DIFFER = 0.01
"""Share of spikes that rounding may move where the network computes in float32 and its equations in float64."""


def integer_lenet(rng: np.random.Generator, threshold: float = 9.0) -> nir.NIRGraph:
    """Two convolutions with sum pooling behind them and two linear layers, all weights small integers."""
    first, second = rng.integers(-3, 4, (4, 2, 3, 3)), rng.integers(-3, 4, (6, 4, 3, 3))
    return chain(
        (2, 10, 10),
        conv1=conv(first.astype(float), padding=1, bias=rng.integers(-1, 3, 4).astype(float)),
        if1=integrate((4, 10, 10), threshold),
        pool1=nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        conv2=conv(second.astype(float), padding="same"),
        if2=integrate((6, 5, 5), threshold),
        flat=nir.Flatten({"input": np.array([6, 5, 5])}, 0),
        fc1=nir.Linear(rng.integers(-3, 4, (12, 150)).astype(float)),
        if3=integrate(12, threshold),
        fc2=nir.Affine(rng.integers(-3, 4, (5, 12)).astype(float), np.ones(5)),
        if4=integrate(5, threshold),
    )


def direct(graph: nir.NIRGraph, frames: np.ndarray, soft: bool) -> list[np.ndarray]:
    """Spikes of every neuron node, (N, T, ...), node after node by NIR's equations, in float64."""
    x, emitted = torch.from_numpy(frames).double(), []
    for node in graph.nodes.values():
        batch = x.flatten(0, 1)
        if isinstance(node, nir.Conv2d):
            padding = "same" if node.padding == "same" else list(node.padding)
            batch = F.conv2d(batch, torch.tensor(node.weight), torch.tensor(node.bias), padding=padding)
        elif isinstance(node, nir.SumPool2d):
            batch = F.avg_pool2d(batch, 2) * 4
        elif isinstance(node, nir.Linear | nir.Affine):
            bias = torch.tensor(node.bias) if isinstance(node, nir.Affine) else None
            batch = F.linear(batch.flatten(1), torch.tensor(node.weight), bias)
        x = batch.reshape(*x.shape[:2], *batch.shape[1:])
        if isinstance(node, nir.IF):
            v = torch.zeros_like(x[:, 0])
            spikes = []
            for step in range(x.shape[1]):
                v = v + x[:, step]
                spikes.append((v > float(node.v_threshold.flat[0])).double())
                v = v - spikes[-1] * node.v_threshold.flat[0] if soft else v * (1 - spikes[-1])
            x = torch.stack(spikes, dim=1)
            emitted.append(x.numpy())
    return emitted


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_integer_weights_without_leak_lose_not_a_single_spike(
    soft: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    graph = integer_lenet(rng)
    path = written(tmp_path / "lenet.nir", graph, without_reset=soft)
    frames = rng.integers(0, 3, (6, 8, 2, 10, 10)).astype(np.float32)
    network = import_network(path)
    network.calibrate(frames)
    network.quantize(weight_bits=8)
    labels = np.arange(6) % 5
    figures = network.record(tmp_path / "lenet.h5", frames, labels)

    expected = direct(graph, frames, soft)
    with open_trace(tmp_path / "lenet.h5") as trace:
        assert [each.name for each in synapses(trace)] == ["conv1", "conv2", "fc1", "fc2"]
        assert input_bits(trace) == [2, 3, 1, 1]
        for name, spikes in zip(("if1", "if2", "if3", "if4"), expected, strict=True):
            recorded = emitted(trace, name)
            assert 0.01 < recorded.mean() < 0.9
            assert np.array_equal(recorded.reshape(spikes.shape), spikes)
        told = trace.provenance
        assert told["source_format"].startswith("NIR 1.") and told["inputs"] == "counts of 2 bits"
    assert set(figures.spike_difference_integer.values()) == {0.0}
    found = (expected[-1].sum(axis=1).argmax(axis=1) == labels).mean()
    assert told["accuracy_float"] == told["accuracy_integer"] == figures.accuracy_integer == pytest.approx(found)
    result = simulator.simulate(tmp_path / "lenet.h5", "spike_array", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


def currents(graph: nir.NIRGraph, frames: np.ndarray) -> np.ndarray:
    """What the neurons of the one layer get, seen as the first potential of neurons that keep nothing."""
    told: list[torch.Tensor] = []
    lowered = lower(import_network(graph).source.graph)
    run_graph(lowered, frames[:, None], (), observe=lambda name, run: told.append(run.arriving))
    return told[0].numpy()


def pool(kind: Any, size: int) -> Any:
    return kind(np.array([size, size]), np.array([size, size]), np.array([0, 0]))


THRESHOLD = nir.Threshold(np.array([1.0]))
WEIGHT = np.random.default_rng(1).normal(size=(4, 2, 3, 3))
MAP = torch.from_numpy(np.random.default_rng(2).normal(size=(3, 2, 9, 11)).astype(np.float32))
W = torch.tensor(WEIGHT, dtype=torch.float32)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"a": conv(WEIGHT, dilation=(2, 1), stride=(1, 2), padding=(1, 0))},
         F.conv2d(MAP, W, stride=(1, 2), padding=(1, 0), dilation=(2, 1))),
        ({"a": conv(WEIGHT, padding="same", dilation=2)}, F.conv2d(MAP, W, padding="same", dilation=2)),
        ({"a": conv(WEIGHT[:, :1], groups=2, padding=1)}, F.conv2d(MAP, W[:, :1], groups=2, padding=1)),
        ({"a": conv(WEIGHT, stride=2, bias=np.arange(4.0)), "b": pool(nir.AvgPool2d, 2)},
         F.avg_pool2d(F.conv2d(MAP, W, torch.arange(4.0), stride=2), 2)),
        ({"a": conv(WEIGHT, bias=np.arange(4.0)), "b": pool(nir.SumPool2d, 3)},
         F.avg_pool2d(F.conv2d(MAP, W, torch.arange(4.0)), 3) * 9),
        ({"p": pool(nir.AvgPool2d, 2), "s": nir.Scale(np.array([2.0, -0.5])), "a": conv(WEIGHT)},
         F.conv2d(F.avg_pool2d(MAP, 2) * torch.tensor([2.0, -0.5])[:, None, None], W)),
        ({"a": conv(WEIGHT), "s": nir.Scale(np.arange(4.0))},
         F.conv2d(MAP, W) * torch.arange(4.0)[:, None, None]),
    ],
    ids=["dilated", "same", "grouped", "average of currents", "sum of currents", "gains before", "gains behind"],
)  # fmt: skip
def test_what_the_neurons_get(nodes: dict[str, Any], expected: torch.Tensor) -> None:
    found = currents(chain((2, 9, 11), **nodes, neurons=THRESHOLD), MAP.numpy())
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-5)


def test_a_row_is_a_map_of_one_row_and_flattening_keeps_channel_row_column(rng: np.random.Generator) -> None:
    weight, dense = rng.normal(size=(3, 2, 4)), rng.normal(size=(2, 12))
    row = torch.from_numpy(rng.normal(size=(5, 2, 10)).astype(np.float32))
    conv1d = nir.Conv1d(None, weight, np.array([2]), np.array([1]), np.array([1]), 1, np.zeros(3))
    expected = F.conv1d(row, torch.tensor(weight, dtype=torch.float32), stride=2, padding=1)
    assert np.allclose(currents(chain((2, 10), a=conv1d, n=THRESHOLD), row.numpy())[:, :, 0], expected, atol=1e-5)
    flat = chain((2, 2, 3), f=nir.Flatten({"input": np.array([2, 2, 3])}, 0), a=nir.Linear(dense), n=THRESHOLD)
    maps = rng.normal(size=(5, 2, 2, 3)).astype(np.float32)
    assert np.allclose(currents(flat, maps)[..., 0, 0], maps.reshape(5, -1) @ dense.T, atol=1e-5)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_leaky_neurons_follow_eulers_steps_of_nirs_equation(reset: Any, rng: np.random.Generator) -> None:
    tau, r, v_leak, threshold, v_reset = 5e-4, 3.0, 0.2, np.array([0.8, 1.3]), -0.4
    weight = rng.normal(size=(2, 6))
    changed = {"tau": tau, "r": r, "v_leak": v_leak, "v_threshold": threshold, "v_reset": v_reset}
    graph = chain((6,), fc=nir.Linear(weight), lif=leaky(2, 0.5, **changed))
    inputs = rng.integers(0, 2, (4, 40, 6)).astype(np.float32)
    v, expected = np.full((4, 2), v_leak), np.zeros((4, 40, 2))  # Norse's neurons, for which they differ, rest there
    for step in range(40):
        v = v + DT / tau * (v_leak - v + r * inputs[:, step] @ weight.T)
        expected[:, step] = v > threshold
        v = np.where(v > threshold, v_reset if reset == "hard" else v - threshold, v)
    network = import_network(graph, reset=reset)
    (emitted,) = network.source.original.outputs(inputs.reshape(4, 40, 6, 1, 1))
    assert 0.05 < expected.mean() < 0.9
    assert np.array_equal(emitted.reshape(expected.shape), expected)


@pytest.mark.parametrize(("r", "gain"), [(1.0, 1.0), (1 / DT, 1.0), (2 / DT, 2.0)])
def test_both_conventions_of_integrate_and_fire_add_the_current(r: float, gain: float) -> None:
    (stage,) = import_network(chain((1,), a=nir.Linear(np.eye(1)), n=integrate(1, 5.0, r))).source.stages
    assert stage.layer.neuron.gain.item() == pytest.approx(gain)


def test_a_synaptic_current_of_one_timestep_is_no_state() -> None:
    lif = leaky(1, 0.75)
    cuba = nir.CubaLIF(np.full(1, DT), lif.tau, lif.r, lif.v_leak, lif.v_threshold, lif.v_reset, w_in=np.array([3.0]))
    (stage,) = import_network(chain((1,), a=nir.Linear(np.eye(1)), n=cuba)).source.stages
    assert stage.layer.neuron.gain.item() == pytest.approx(3.0) and stage.layer.neuron.current_leak is None
    assert stage.layer.neuron.leak == pytest.approx(0.75)


@pytest.mark.parametrize("end", [None, "LI", "I"])
def test_outputs_that_do_not_fire_are_told_by_their_potentials(
    end: str | None, tmp_path: Path, rng: np.random.Generator
) -> None:
    weight = rng.normal(size=(3, 8))
    nodes: dict[str, Any] = {"a": nir.Linear(np.eye(8)), "n": integrate(8, 0.5), "fc": nir.Linear(weight)}
    if end == "LI":
        nodes["out"] = nir.LI(np.full(3, 4 * DT), np.full(3, 4.0), np.zeros(3))
    elif end == "I":
        nodes["out"] = nir.I(np.ones(3))
    samples = (rng.random((50, 6, 8)) < 0.4).astype(np.float32)
    keep = {None: 0.0, "LI": 0.75, "I": 1.0}[end]
    v, total = np.zeros((50, 3)), np.zeros((50, 3))
    for step in range(6):
        v = keep * v + samples[:, step] @ weight.T
        total += v
    network = import_network(chain((8,), **nodes))
    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "out.h5", samples, total.argmax(axis=1))
    assert figures.accuracy_float is not None and figures.accuracy_float >= 1 - 1 / 50  # rounding may turn a sample
    assert figures.accuracy_integer is not None and figures.accuracy_integer >= 0.94
    assert list(figures.spike_difference_integer) == ["n"]
    with open_trace(tmp_path / "out.h5") as trace:
        last = populations(trace)[-1]
        potentials = emitted(trace, last.name).reshape(50, 6, 3)
        assert last.neuron.kind == "readout" and figures.accuracy_integer == pytest.approx(
            (potentials.sum(axis=1).argmax(axis=1) == total.argmax(axis=1)).mean()
        )


def test_a_graph_inside_a_graph_and_an_edge_named_twice_are_still_a_chain() -> None:
    inner = chain((3,), a=nir.Linear(np.eye(3)), n=integrate(3, 0.5))
    graph = chain((3,), first=inner, b=nir.Linear(np.ones((2, 3))), m=integrate(2, 0.5))
    graph.edges.append(graph.edges[1])
    assert [stage.layer.name for stage in import_network(graph).source.stages] == ["first.n", "m"]


def spiking(v: np.ndarray, threshold: float) -> np.ndarray:
    return (v > threshold).astype(float)


def recurrent_graph(rng: np.random.Generator) -> tuple[nir.NIRGraph, np.ndarray, np.ndarray]:
    """A population whose spikes come back through weights, within a graph of its own, as snnTorch writes RLeaky."""
    weight, back = rng.normal(size=(6, 8)), rng.normal(size=(6, 6))
    parts = {
        "input": nir.Input(np.array([6])), "lif": leaky(6, 0.75), "w_rec": nir.Affine(back, np.full(6, 0.1)),
        "output": nir.Output(np.array([6])),
    }  # fmt: skip
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    inner = nir.NIRGraph(parts, edges, type_check=False)
    return chain((8,), fc=nir.Linear(weight), rec=inner), weight, back


def test_spikes_that_come_back_come_a_timestep_later(tmp_path: Path, rng: np.random.Generator) -> None:
    graph, weight, back = recurrent_graph(rng)
    inputs = (rng.random((5, 30, 8)) < 0.4).astype(np.float32)
    v, spikes, expected = np.zeros((5, 6)), np.zeros((5, 6)), np.zeros((5, 30, 6))
    for step in range(30):
        v = 0.75 * v + inputs[:, step] @ weight.T + spikes @ back.T + 0.1
        spikes = expected[:, step] = spiking(v, 1.0)
        v = v * (1 - spikes)
    for source in (graph, written(tmp_path / "rec.nir", graph)):
        network = import_network(source)
        (found,) = network.source.original.outputs(inputs.reshape(5, 30, 8, 1, 1))
        assert 0.1 < expected.mean() < 0.9 and np.array_equal(found.reshape(expected.shape), expected)
    network.calibrate(inputs)
    network.quantize(12)
    figures = network.record(tmp_path / "rec.h5", inputs)
    assert figures.spike_difference_mapped == {"rec.lif": 0.0}
    result = simulator.simulate(tmp_path / "rec.h5", "spike_array", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


def test_a_synaptic_current_and_a_branch_that_meets_again(tmp_path: Path, rng: np.random.Generator) -> None:
    """i = i (1 - dt / tau_syn) + dt / tau_syn w_in x, then v = v (1 - dt / tau_mem) + dt / tau_mem r i."""
    weight, one = rng.normal(size=(6, 8)), np.ones(6)
    cuba = nir.CubaLIF(one * 4 * DT, one * 2 * DT, one * 2, one * 0, one, one * 0, w_in=one * 4)
    nodes = {
        "input": nir.Input(np.array([8])), "fc": nir.Linear(weight), "cuba": cuba, "last": integrate(6, 1.5),
        "late": nir.Delay(one * DT), "output": nir.Output(np.array([6])),
    }  # fmt: skip
    edges = [("input", "fc"), ("fc", "cuba"), ("cuba", "last"), ("cuba", "late"), ("late", "last"), ("last", "output")]
    inputs = (rng.random((5, 30, 8)) < 0.4).astype(np.float32)
    i, v, u, before = (np.zeros((5, 6)) for _ in range(4))
    expected = np.zeros((2, 5, 30, 6))
    for step in range(30):
        i = 0.75 * i + inputs[:, step] @ weight.T
        v = 0.5 * v + i
        spikes = expected[0, :, step] = spiking(v, 1.0)
        v = v * (1 - spikes)
        u = u + spikes + before  # the spikes of this timestep, and those of the last
        expected[1, :, step] = spiking(u, 1.5)
        u, before = u * (1 - expected[1, :, step]), spikes
    network = import_network(nir.NIRGraph(nodes, edges, type_check=False))
    found = network.source.original.outputs(inputs.reshape(5, 30, 8, 1, 1))
    for emitted_spikes, wanted in zip(found, expected, strict=True):
        assert 0.1 < wanted.mean() < 0.9 and np.array_equal(emitted_spikes.reshape(wanted.shape), wanted)
    network.calibrate(inputs)
    network.quantize(12)
    assert set(network.record(tmp_path / "cuba.h5", inputs).spike_difference_mapped.values()) == {0.0}
    with open_trace(tmp_path / "cuba.h5") as trace:
        assert [each.neuron.kind for each in populations(trace)] == ["synaptic", "if"]
    simulator.simulate(tmp_path / "cuba.h5", "systolic_weight_stationary", verify=True)


def test_a_name_with_a_slash_is_named(tmp_path: Path) -> None:
    nodes = {"block/fc": nir.Linear(np.eye(3)), "n": integrate(3, 0.5)}
    path = written(tmp_path / "slash.nir", chain((3,), **nodes))
    with pytest.raises(ModelsError) as error:
        import_network(path)
    assert str(error.value) == (
        f"{path}: cannot be read as a NIR file: node block: has no type (a slash in a name, as in block/fc, makes a "
        "group of the file)"
    )


def test_every_type_of_node_of_nir_has_a_converter() -> None:
    known = {name for name, each in vars(nir).items() if isinstance(each, type) and issubclass(each, nir.NIRNode)}
    assert known - {"NIRNode", "NIRGraph", "Input", "Output"} <= set(CONVERTERS)


@pytest.mark.parametrize("v_reset", [0.0, 0.2, -0.5])
def test_neurons_start_at_v_reset_as_their_writers_do(v_reset: float, rng: np.random.Generator) -> None:
    """As SpikingJelly writes integrate-and-fire neurons: r = 1 / dt."""
    weight = 0.3 * rng.normal(size=(5, 20))
    inputs = (rng.random((8, 20, 20)) < 0.3).astype(np.float32)
    v, expected = np.full((8, 5), v_reset), np.zeros((8, 20, 5))
    for step in range(20):
        v = v + inputs[:, step] @ weight.T
        expected[:, step] = spiking(v, 1.0)
        v = np.where(v > 1, v_reset, v)
    network = import_network(chain((20,), fc=nir.Linear(weight), n=integrate(5, 1.0, 1 / DT, v_reset)))
    (found,) = network.source.original.outputs(inputs.reshape(8, 20, 20, 1, 1))
    assert expected.mean() > 0.02 and np.array_equal(found.reshape(expected.shape), expected)
    network.calibrate(inputs)
    network.quantize(16)
    assert network.measure(inputs).spike_difference_mapped["n"] == 0
    assert np.abs(network.nodes[0].run(inputs.astype(np.uint8)).reshape(expected.shape) - expected).mean() < 5e-3


def test_parameters_and_files_that_lack_something(tmp_path: Path, rng: np.random.Generator) -> None:
    fc = torch.nn.Linear(20, 5)
    graph = chain((20,), fc=nir.Affine(fc.weight, fc.bias), n=nir.IF(torch.ones(5), torch.ones(5), torch.zeros(5)))
    weight = import_network(graph).source.stages[0].layer.weight
    assert weight is not None and np.allclose(weight[:, :, 0, 0], fc.weight.detach())
    maps = chain((2, 8, 8), c=conv(rng.normal(size=(4, 2, 3, 3))), n=integrate((4, 6, 6), 1.0))
    path = written(tmp_path / "old.nir", maps)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/c/input_shape"]
    assert import_network(path).source.graph["n"].shape == (4, 6, 6)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/input/shape"]
    without = chain((2,), a=nir.Linear(np.eye(2)), n=integrate(2, 1.0))
    without.nodes["input"] = nir.Input({"input": None})
    for source in (path, without):
        with pytest.raises(ModelsError, match=r"^[^\n]*node input \(Input\): [^\n]*shape[^\n]*$"):
            import_network(source)


def test_a_dt_that_makes_a_network_silent_is_said(rng: np.random.Generator) -> None:
    slow = chain((8,), fc=nir.Linear(rng.normal(size=(5, 8))), n=leaky(5, 0.9, tau=7.0, r=1.0))
    samples = (rng.random((4, 20, 8)) < 0.4).astype(np.float32)
    network = import_network(slow)
    network.calibrate(samples)
    network.quantize(8)
    remarks = network.measure(samples).remarks
    assert any(remark.startswith("n never fires on these samples") for remark in remarks)
    assert any("n keeps 99.9986 % of its potential in a timestep" in remark for remark in remarks)
