"""Layers without neurons between them, delays and shifts at borders: the same currents in operators of a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import snntorch as snn
import torch
from torch import Tensor, nn

from spikecycle import simulator
from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.folded import MOST_WEIGHTS
from spikecycle.models.importing.graph import FloatGraph, FloatSynapse, run_graph
from spikecycle.models.importing.lower import lower
from tests.unit.models.importing.graphs import DT, chain, conv

pytestmark = pytest.mark.train
RANDOM = np.random.default_rng(5)
FIRES = nir.Threshold(np.array([0.4]))


def linear(outputs: int, inputs: int) -> nir.Affine:
    return nir.Affine(RANDOM.normal(size=(outputs, inputs)), RANDOM.normal(size=outputs))


def mixing(m: int, c: int, r: int, s: int, **changed: Any) -> nir.Conv2d:
    return conv(RANDOM.normal(size=(m, c, r, s)), bias=RANDOM.normal(size=m), **changed)


def flat(*shape: int) -> nir.Flatten:
    return nir.Flatten({"input": np.array(shape)}, 0)


def windows(kind: Any, kernel: int, stride: int, padding: int = 0) -> Any:
    return kind(*(np.array([side, side]) for side in (kernel, stride, padding)))


def currents(graph: FloatGraph, samples: np.ndarray) -> dict[str, np.ndarray]:
    """What arrives at each population, (N, T, K)."""
    told: dict[str, list[np.ndarray]] = {}
    run_graph(graph, samples, (), observe=lambda name, run: told.setdefault(name, []).append(run.arriving.numpy()))
    return {name: np.stack(steps, 1).reshape(len(samples), len(steps), -1) for name, steps in told.items()}


def same(graph: nir.NIRGraph, shape: tuple[int, ...], steps: int = 6) -> FloatGraph:
    """The network that a trace can hold, of which every population gets what it gets in the one that was read."""
    samples = RANDOM.normal(size=(3, steps, *shape))
    read = import_network(graph).source.graph
    lowered = lower(read)
    found = currents(lowered, samples)
    for name, wanted in currents(read, samples).items():
        assert np.abs(wanted).max() > 0.1
        assert np.allclose(found[name], wanted, rtol=0, atol=1e-9 * np.abs(wanted).max()), name
    return lowered


def layers(graph: FloatGraph) -> list[FloatSynapse]:
    return [each for each in graph.operators if isinstance(each, FloatSynapse)]


FOLDS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "linear, linear": ((5,), {"a": linear(4, 5), "b": linear(3, 4)}),
    "three": ((5,), {"a": linear(4, 5), "b": linear(3, 4), "c": linear(6, 3)}),
    "convolution, linear": (
        (2, 7, 6),
        {"a": mixing(4, 2, 3, 3, stride=(2, 1), padding=(1, 2), dilation=(1, 2)), "f": flat(4, 4, 6),
         "b": linear(3, 96)},
    ),
    "groups, linear": (
        (4, 8, 6), {"a": mixing(4, 2, 3, 3, stride=(3, 2), padding=(2, 0), groups=2), "f": flat(4, 4, 2),
                    "b": linear(3, 32)},
    ),
    "depthwise, pointwise": ((4, 7, 6), {"a": mixing(4, 1, 3, 3, padding=1, groups=4), "b": mixing(5, 4, 1, 1)}),
    "pointwise, padded": (
        (4, 7, 6), {"a": conv(RANDOM.normal(size=(3, 4, 1, 1))), "b": mixing(5, 3, 3, 3, padding=(1, 2), stride=2)},
    ),
    "convolution, convolution": (
        (2, 11, 12), {"a": mixing(4, 2, 3, 2, stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
                      "b": mixing(3, 4, 2, 3, stride=(1, 2), dilation=(2, 1))},
    ),
    "groups, groups": ((4, 7, 6), {"a": mixing(4, 2, 3, 3, padding=1, groups=2), "b": mixing(6, 2, 3, 3, groups=2)}),
    "groups, others": ((4, 7, 6), {"a": mixing(4, 2, 3, 3, padding=1, groups=2), "b": mixing(8, 1, 3, 3, groups=4)}),
    "linear, convolution": ((5,), {"a": linear(8, 5), "b": mixing(3, 8, 1, 1)}),
    "average, linear": (
        (2, 8, 8), {"a": mixing(4, 2, 3, 3, padding=1), "p": windows(nir.AvgPool2d, 3, 2, 1), "f": flat(4, 4, 4),
                    "b": linear(3, 64)},
    ),
    "sum, convolution": (
        (2, 8, 8), {"a": mixing(4, 2, 3, 3, padding=1), "p": windows(nir.SumPool2d, 2, 2), "b": mixing(3, 4, 2, 2)},
    ),
    "scaled between": ((5,), {"a": linear(4, 5), "s": nir.Scale(RANDOM.normal(size=4)), "b": linear(3, 4)}),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDS)
def test_layers_without_neurons_between_them_are_one(case: str) -> None:
    shape, nodes = FOLDS[case]
    lowered = same(chain(shape, **nodes, n=FIRES), shape)
    assert len(layers(lowered)) == 1
    assert len(layers(lowered)[0].stands_for) == sum(isinstance(n, nir.Affine | nir.Conv2d) for n in nodes.values())


def joined(edges: str, **nodes: Any) -> nir.NIRGraph:
    parts = {"input": nir.Input(np.array([5])), **nodes, "output": nir.Output(None)}
    return nir.NIRGraph(parts, [tuple(edge.split("-")) for edge in edges.split()], type_check=False)


def test_a_layer_behind_a_sum_is_one_for_each_source() -> None:
    weights = {"a": linear(4, 5), "b": linear(4, 5), "c": linear(3, 4), "n": FIRES}
    assert len(layers(same(joined("input-a input-b a-c b-c c-n n-output", **weights), (5,)))) == 1
    behind = {"a": linear(4, 5), "m": FIRES, "b": linear(5, 4), "c": linear(3, 5), "n": FIRES}
    lowered = same(joined("input-a a-m m-b b-c input-c c-n n-output", **behind), (5,))
    assert sorted(each.weight.shape[:2] for each in layers(lowered)) == [(3, 4), (3, 5), (4, 5)]


def test_what_one_folds_and_another_receives_is_made_once_and_nothing_is_left_over() -> None:
    weights = {"a": linear(4, 5), "c": linear(3, 4), "n": FIRES, "d": linear(2, 4), "m": FIRES, "k": FIRES}
    lowered = same(joined("input-a a-c a-d c-n d-m n-output a-k", **weights), (5,))
    assert sorted(each.name for each in layers(lowered)) == ["a", "c", "d"]
    del weights["k"]
    lowered = same(joined("input-a a-c a-d c-n d-m n-output", **weights), (5,))
    assert sorted(each.name for each in layers(lowered)) == ["c", "d"]


def test_layers_that_are_no_single_one_are_refused_by_name() -> None:
    padded = chain((2, 5, 5), a=mixing(3, 2, 3, 3, padding=1), b=mixing(3, 3, 3, 3, padding=1), n=FIRES)
    with pytest.raises(ModelsError, match=r"^NIR graph: node b \(Conv2d\): pads what a gives with zeros, without neu"):
        import_network(padded)
    side = int(MOST_WEIGHTS**0.5) + 1
    large = chain((side,), a=nir.Linear(np.ones((1, side))), b=nir.Linear(np.ones((side, 1))), n=FIRES)
    with pytest.raises(ModelsError, match=rf"node b \(Linear\): receives what a gives.*{side**2} weights; supp"):
        import_network(large)
    readout = nir.LI(*np.ones((3, 4)))
    with pytest.raises(ModelsError, match=r"node b \(Affine\): receives potentials of l"):
        import_network(chain((5,), a=linear(4, 5), l=readout, b=linear(3, 4), n=FIRES), dt=1.0)


@pytest.mark.parametrize("late", [1, 2, 5])
def test_delays_of_several_timesteps(late: int, tmp_path: Path) -> None:
    delay = nir.Delay(np.full(1, late * DT))
    lowered = same(chain((5,), d=delay, b=nir.Linear(RANDOM.normal(size=(3, 5))), n=FIRES), (5,), 8)
    assert len(lowered.operators) == 2 + late - 1
    pooled = {"a": mixing(2, 1, 3, 3, padding=1), "d": delay, "p": windows(nir.SumPool2d, 2, 2)}
    same(chain((1, 4, 4), **pooled, n=FIRES), (1, 4, 4), 8)
    same(chain((1, 4, 4), a=mixing(2, 1, 3, 3), d=delay, f=flat(2, 2, 2), b=nir.Linear(RANDOM.normal(size=(3, 8))),
               n=FIRES), (1, 4, 4), 8)  # fmt: skip
    behind = chain((5,), a=nir.Linear(np.eye(5)), m=FIRES, d=delay, b=nir.Linear(np.eye(5)), n=FIRES)
    samples = (RANDOM.random((4, 9, 5)) < 0.5).astype(float)
    network = import_network(behind)
    network.calibrate(samples)
    network.quantize(8)
    network.record(tmp_path / "late.h5", samples)
    assert len(network.operators) == 4 + late - 1
    found = network.source.original.outputs(samples[..., None, None])
    assert np.array_equal(found[-1][:, late:], found[0][:, :-late]) and not found[-1][:, :late].any()
    for machine in ("systolic_weight_stationary", "systolic_output_stationary"):
        result = simulator.simulate(tmp_path / "late.h5", machine, verify=True)
        assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


@pytest.mark.parametrize(
    ("delays", "words"),
    [
        (np.array([DT, 2 * DT] * 2 + [DT]), "delays of 0.0001 to 0.0002; supported: the same for all, 0 or whole mu"),
        (np.full(5, 1.5 * DT), "delays of 0.00015 to 0.00015; supported: the same for all"),
        (np.full(5, -DT), "delays of -0.0001 to -0.0001; supported"),
        (np.full(5, 300 * DT), "a delay of 300 timesteps; supported: up to 256"),
    ],
)
def test_delays_that_a_trace_has_no_place_for(delays: np.ndarray, words: str) -> None:
    with pytest.raises(ModelsError) as error:
        import_network(chain((5,), d=nir.Delay(delays), b=linear(3, 5), n=FIRES))
    assert str(error.value).startswith(f"NIR graph: node d (Delay): {words}")


class Padded(nn.Module):
    """A batch norm before a padded convolution, of analog input and of spikes."""

    def __init__(self, groups: int = 1) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3, padding=1, stride=2)
        self.lif1 = snn.Leaky(0.875, threshold=0.3, init_hidden=True)
        self.norm2, self.conv2 = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=(1, 2), groups=groups)
        self.lif2 = snn.Leaky(0.875, threshold=0.3, init_hidden=True)
        for norm in (self.norm1, self.norm2):
            assert norm.running_mean is not None and norm.running_var is not None
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.3, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        spikes = [self.lif2(self.conv2(self.norm2(self.lif1(self.conv1(self.norm1(each)))))) for each in x.unbind(1)]
        return torch.stack(spikes, 1)


def told_by(module: nn.Module, samples: Tensor) -> np.ndarray:
    """What it returns from forgotten states."""
    for each in module.modules():
        if isinstance(each, snn.Leaky):
            each.reset_mem()
    with torch.no_grad():
        return np.asarray(module.eval()(samples))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("analog", [False, True])
def test_a_shift_before_a_padded_convolution_is_not_there_outside_of_the_map(
    groups: int, analog: bool, tmp_path: Path
) -> None:
    torch.manual_seed(groups)
    module = Padded(groups)
    samples = torch.randn(4, 8, 2, 7, 6) if analog else (torch.rand(4, 8, 2, 7, 6) < 0.4).float()
    network = import_network(module, samples[:2])
    network.calibrate(samples, input_bits=11)
    network.quantize(16)
    figures = network.record(tmp_path / "padded.h5", samples)
    told = told_by(module, samples)
    own = network.source.original.outputs(samples.numpy())[-1]
    assert 0.01 < told.mean() < 0.99 and np.array_equal(own.reshape(told.shape), told)
    assert max(figures.spike_difference_mapped.values()) <= (0.02 if analog else 0)
    assert max(figures.spike_difference_integer.values()) <= 0.02
    added = [each for each in figures.remarks if "fires in every timestep was added" in each]
    assert [each.split(":")[0] for each in added] == ["always on beside network input", "always on beside lif1"]
    result = simulator.simulate(tmp_path / "padded.h5", "systolic_weight_stationary", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


class Adaptive(nn.Module):
    """Adaptive averages whose windows are of different sizes, of spikes, behind a layer or before it."""

    def __init__(self, of_currents: bool, size: Any, features: int) -> None:
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 3, 3), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.pool, self.of_currents = nn.AdaptiveAvgPool2d(size), of_currents
        self.fc, self.lif2 = nn.Linear(features, 4, bias=False), snn.Leaky(0.875, threshold=0.3, init_hidden=True)
        nn.init.normal_(self.fc.weight)
        self.fc.weight.data -= self.fc.weight.data.mean(dim=1, keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        made = []
        for each in x.unbind(1):
            maps = self.conv(each)
            pooled = self.lif1(self.pool(maps)) if self.of_currents else self.pool(self.lif1(maps))
            made.append(self.lif2(self.fc(pooled.flatten(1))))
        return torch.stack(made, 1)


@pytest.mark.parametrize("of_currents", [False, True])
@pytest.mark.parametrize(("size", "features"), [((3, 2), 18), ((2, None), 30), (4, 48)])
def test_adaptive_averages_of_windows_of_different_sizes(
    of_currents: bool, size: Any, features: int, tmp_path: Path
) -> None:
    torch.manual_seed(features)
    module, samples = Adaptive(of_currents, size, features), (torch.rand(4, 8, 2, 9, 7) < 0.4).float()
    network = import_network(module, samples[:2])  # maps of 7 x 5
    network.calibrate(samples)
    network.quantize(16)
    figures = network.record(tmp_path / "adaptive.h5", samples)
    told = told_by(module, samples)
    own = network.source.original.outputs(samples.numpy())[-1]
    assert 0.01 < told.mean() < 0.99 and np.array_equal(own.reshape(told.shape), told)
    assert max(figures.spike_difference_mapped.values()) <= 0.01
    assert len(network.operators) == 4  # two layers, two populations
    result = simulator.simulate(tmp_path / "adaptive.h5", "systolic_weight_stationary", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


def test_adaptive_maxima_of_windows_of_different_sizes_are_refused_by_name() -> None:
    module = nn.Sequential(nn.AdaptiveMaxPool2d(3), nn.Conv2d(1, 2, 3), snn.Leaky(0.9, init_hidden=True))
    with pytest.raises(ModelsError, match=r"adaptive max pooling of 7x7 to 3x3; supported: sizes that divide"):
        import_network(module, torch.rand(1, 1, 7, 7))


def test_folded_layers_of_a_module_are_said(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3),
        snn.Leaky(0.875, threshold=0.2, init_hidden=True), nn.Flatten(), nn.Linear(108, 10), nn.Linear(10, 4),
        snn.Leaky(0.875, threshold=0.1, init_hidden=True),
    )  # fmt: skip
    samples = (torch.rand(5, 9, 2, 6, 6) < 0.4).float()
    network = import_network(module, samples[:2, 0])
    network.calibrate(samples)
    network.quantize(16)
    figures = network.record(tmp_path / "folded.h5", samples)
    assert max(figures.spike_difference_mapped.values()) <= 0.01
    assert "0, 1 have no neurons between them: folded into one layer, 1, of 54 weights" in figures.remarks
    assert "5, 6 have no neurons between them: folded into one layer, 6, of 432 weights" in figures.remarks
    simulator.simulate(tmp_path / "folded.h5", "spike_array", verify=True)
