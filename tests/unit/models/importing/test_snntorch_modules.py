"""Live snntorch modules: the chain that is watched is the module's own, and what is no chain is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from spikecycle import simulator
from spikecycle.models import ImportedNetwork, ModelsError, import_network
from spikecycle.models.compression.prune import Mask
from spikecycle.models.importing.source import FloatStages
from spikecycle.traces import open_trace

pytestmark = pytest.mark.train
INIT = {"init_hidden": True}
MAY_DIFFER = 1e-3
"""Share of spikes that rounding may move: the same sums are taken over all timesteps at once and one by one."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(4)


class Unrolled(nn.Module):
    """As in snntorch's tutorials: a loop over timesteps, states handed around, pooling and flattening as functions."""

    def __init__(self, **neuron: Any) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.lif1 = snn.Leaky(**neuron)
        self.drop = nn.Dropout(0.5)
        self.fc1 = nn.Linear(6 * 16, 10)
        self.lif2 = snn.Leaky(**neuron)
        assert self.norm.running_mean is not None and self.norm.running_var is not None
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spikes, potentials = [], []
        for step in range(x.shape[1]):
            spk1, mem1 = self.lif1(self.norm(self.conv1(x[:, step])), mem1)
            pooled = F.max_pool2d(spk1, 2)
            spk2, mem2 = self.lif2(self.fc1(self.drop(pooled.view(len(x), -1))), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes), torch.stack(potentials)


def frames(*shape: int) -> Tensor:
    return (torch.rand(*shape) < 0.3).float()


@pytest.mark.parametrize(
    ("neuron", "exact"),
    [
        ({"beta": 0.9375, "reset_mechanism": "zero"}, True),
        ({"beta": 0.9375, "reset_mechanism": "zero", "reset_delay": False}, True),
        ({"beta": 1.0, "reset_mechanism": "subtract"}, True),
        ({"beta": 0.9375, "reset_mechanism": "subtract"}, False),
        ({"beta": 0.9, "reset_mechanism": "zero", "threshold": 0.7}, False),
    ],
    ids=["zero", "zero at once", "subtract without leak", "subtract after the leak", "leak rounded"],
)
def test_a_module_with_its_own_loop(neuron: dict[str, Any], exact: bool, tmp_path: Path) -> None:
    module, samples = Unrolled(**neuron).train(), frames(12, 20, 2, 8, 8)
    network = import_network(module, samples[:2])
    assert module.training
    with torch.no_grad():
        told = module.eval()(samples)[0].transpose(0, 1).numpy()
    watched = network.source.original.outputs(samples.numpy())
    assert 0.01 < told.mean() < 0.5
    assert (watched[-1] != told).mean() <= MAY_DIFFER

    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "net.h5", samples, told.sum(axis=1).argmax(axis=1))
    assert figures.accuracy_float is not None and figures.accuracy_float >= 1 - 1 / 12  # rounding may turn a sample
    assert figures.spike_difference_mapped.keys() == {"conv1", "fc1"}
    assert (max(figures.spike_difference_mapped.values()) <= MAY_DIFFER) == exact
    assert figures.spike_difference_integer["conv1"] < (0.05 if exact else 0.5)
    with open_trace(tmp_path / "net.h5") as trace:
        assert trace.layers[1].shape.C == 6 * 16
        assert trace.provenance["source_format"].startswith("snntorch")
    result = simulator.simulate(tmp_path / "net.h5", "spike_array", verify=True)
    assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


def sequential() -> nn.Sequential:
    """Hidden states, average pooling of spikes, membrane potentials as the output; two weights are pruned."""
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), snn.Leaky(0.75, reset_mechanism="zero", **INIT), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(36, 8), snn.Leaky(0.5, reset_mechanism="none", output=True, **INIT),
    )  # fmt: skip
    mask = Mask(net[4].weight.shape)
    mask.kept[0, :2] = False
    parametrize.register_parametrization(net[4], "weight", mask)
    return net


def test_a_module_of_one_timestep_with_potentials_as_its_output(tmp_path: Path) -> None:
    net, samples = sequential(), torch.rand(9, 7, 1, 8, 8) * 3
    network = import_network(net, samples[:2, 0])
    total = torch.zeros(9, 8)
    with torch.no_grad():
        for step in range(7):
            total += net(samples[:, step])[1]
    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "net.h5", samples, total.argmax(dim=1))
    assert figures.accuracy_float is not None and figures.accuracy_float >= 1 - 1 / 9  # rounding may turn a sample
    assert figures.accuracy_integer is not None and figures.accuracy_integer > 0.7
    with open_trace(tmp_path / "net.h5") as trace:
        conv, linear = trace.layers
        assert (conv.input_bits, linear.input_bits) == (8, 3)
        assert not linear.weights()[0, :2].any() and linear.weights()[0, 2:].any()


def test_resistance_and_capacitance_are_a_leak_and_a_gain() -> None:
    net = nn.Sequential(nn.Linear(5, 6), snn.Lapicque(R=2.0, C=4.0, **INIT))
    network = import_network(net, frames(1, 5))
    assert network.source.stages[0].layer.neuron.leak == 1 - 1 / 8
    equal_from_the_right_start(network, frames(20, 200, 5) * 4)
    refused = nn.Sequential(nn.Linear(5, 6), snn.Lapicque(R=2.0, C=4.0, reset_mechanism="zero", **INIT))
    with pytest.raises(ModelsError, match=r"module 1 \(Lapicque\): loses what arrives in the timestep after a spike"):
        import_network(refused, frames(1, 5))


def test_a_subtraction_after_the_leak_is_one_before_it_in_shifted_potentials() -> None:
    net = nn.Sequential(nn.Linear(5, 6), snn.Leaky(0.875, threshold=0.5, **INIT))
    equal_from_the_right_start(import_network(net, frames(1, 5)), frames(20, 200, 5))


def equal_from_the_right_start(network: ImportedNetwork, samples: Tensor) -> None:
    """The shifted neurons fire as the module's do; from 0, as in hardware, they differ at first and hardly later."""
    stages = network.source.stages
    in_hardware = [replace(stage, layer=stage.layer.as_hardware()) for stage in stages]
    inputs = samples.numpy().reshape(*samples.shape, 1, 1)
    runs = (network.source.original, FloatStages(stages), FloatStages(in_hardware))
    own, shifted, from_zero = (run.outputs(inputs)[0].reshape(20, 200, 6) for run in runs)
    assert 0.05 < own.mean() < 0.9
    assert (own != shifted).mean() <= MAY_DIFFER and (own != shifted)[:, :10].mean() <= MAY_DIFFER
    assert (own != from_zero)[:, :10].mean() > MAY_DIFFER and (own != from_zero)[:, 100:].mean() < 5e-3


class Skip(nn.Module):
    """An addition around a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.lif = nn.Linear(4, 4), nn.Linear(4, 4), snn.Leaky(0.5, **INIT)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.fc1(x)
        return self.lif(self.fc2(hidden) + hidden)


class Twice(nn.Module):
    """One layer in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(4, 4), snn.Leaky(0.5, **INIT)

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.fc(self.lif(self.fc(x))))


class Rolled(nn.Module):
    """Pixels in another order between two layers, which the builder would not know of."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(4, 4), snn.Leaky(0.5, **INIT)

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.fc(x)[:, [1, 0, 3, 2]])


class Between(nn.Module):
    """Something done to spikes between two layers, which a silent example does not show."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 8, 3, padding=1), snn.Leaky(0.5, **INIT)
        self.fc, self.lif2 = nn.Linear(8 * 64, 10), snn.Leaky(0.5, **INIT)
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        return self.lif2(self.fc(self.change(self.lif1(self.conv(x))).flatten(1)))


def silenced(spikes: Tensor) -> Tensor:
    spikes[:, :4] = 0
    return spikes


@pytest.mark.parametrize(
    "change",
    [lambda spikes: spikes[:, [1, 0, 2, 3, 4, 5, 6, 7]], silenced, lambda spikes: F.dropout(spikes, 0.5)],
    ids=["permuted", "set in place", "dropped"],
)
def test_what_is_done_to_spikes_is_seen_with_a_silent_example_too(change: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(ModelsError, match=r"Between: module fc \(Linear\): gets something else than the layer before"):
        import_network(Between(change), torch.zeros(1, 2, 8, 8))
    import_network(Between(lambda spikes: spikes.detach()), torch.zeros(1, 2, 8, 8))


class Fed(nn.Module):
    """Something done to the input."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.lif, self.change = nn.Conv2d(2, 8, 3), snn.Leaky(0.5, **INIT), change

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.lif(self.conv(step)) for step in self.change(x)])


def test_inputs_are_cut_and_turned_along_their_axes_and_nothing_else() -> None:
    for change in (lambda x: x, lambda x: x.transpose(0, 1), lambda x: x[1:], lambda x: x.permute(1, 0, 2, 4, 3)):
        assert import_network(Fed(change), torch.zeros(3, 3, 2, 8, 8)).source.stages[0].layer.shape.M == 8
    for change in (lambda x: x[:, :, [1, 0]], lambda x: x[[2, 1, 0]], lambda x: F.dropout(x, 0.5)):
        with pytest.raises(ModelsError, match=r"module conv \(Conv2d\): gets something else than the input, or in ano"):
            import_network(Fed(change), torch.zeros(3, 3, 2, 8, 8))


@pytest.mark.parametrize("shape", [(8,), (1, 8), (8, 1)])
def test_a_threshold_along_a_map_is_none_of_a_channel(shape: tuple[int, ...]) -> None:
    thresholds = torch.linspace(0.2, 4, 8).reshape(shape)
    net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), snn.Leaky(0.5, threshold=thresholds, **INIT))
    with pytest.raises(ModelsError, match=r"threshold of one channel differs between neurons, 0.2 to 4"):
        import_network(net, torch.zeros(1, 2, 8, 8))
    by_channel = nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1), snn.Leaky(0.5, threshold=thresholds.reshape(8, 1, 1), **INIT)
    )
    found = import_network(by_channel, torch.zeros(1, 2, 8, 8)).source.stages[0].layer.neuron.threshold
    assert np.allclose(np.diff(found), np.diff(found)[0]) and found[0] < found[7]


def layers(*modules: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), *modules)


@pytest.mark.parametrize(
    ("module", "lines"),
    [
        (layers(nn.ReLU(), snn.Leaky(0.5, **INIT), nn.Tanh()),
         ["Sequential: module 1 (ReLU): supported: AvgPool2d, BatchNorm1d,", "Sequential: module 3 (Tanh): supp"]),
        (layers(snn.RLeaky(0.5, linear_features=4, **INIT)), ["Sequential: module 1 (RLeaky): supported: "]),
        (layers(snn.Synaptic(0.5, 0.5, **INIT), nn.Linear(4, 4), snn.Leaky(0.5, surrogate_disable=True, **INIT)),
         ["module 1 (Synaptic): a synaptic current with alpha 0.5", "module 3 (Leaky): surrogate_disable; supported"]),
        (layers(snn.Leaky(torch.tensor([0.1, 0.2, 0.3, 0.4]), **INIT)),
         ["Sequential: module 1 (Leaky): beta differs between neurons, 0.1 to 0.4; supported: one per layer"]),
        (layers(snn.Leaky(0.5, graded_spikes_factor=2.0, **INIT)), ["module 1 (Leaky): graded_spikes_factor; supp"]),
        (layers(snn.Leaky(0.5, reset_mechanism="none", **INIT), nn.Linear(4, 4), snn.Leaky(0.5, **INIT)),
         ["module 1 (Leaky): fires without ever a reset; supported: reset by subtraction or to zero, or, at the end"]),
        (layers(snn.Leaky(0.5, reset_delay=False, **INIT)), ["module 1 (Leaky): reset_delay=False subtracts a second"]),
        (layers(snn.Synaptic(0.0, 0.5, reset_mechanism="zero", **INIT)), ["module 1 (Synaptic): loses what arrives"]),
        (layers(snn.Leaky(0.5, **INIT), nn.BatchNorm1d(4)), ["module 2 (BatchNorm1d): batch norm on spikes; supp"]),
        (Skip(), ["Skip: module lif (Leaky): gets the result of add; supported: a chain of modules, no branches"]),
        (Twice(), ["Twice: module fc (Linear): is called in two places; supported: a chain"]),
        (Rolled(), ["Rolled: module lif (Leaky): gets something else than the layer before it emits; supported: flat"]),
        (nn.Sequential(nn.Linear(3, 4)), ["Sequential: cannot be run on the example: RuntimeError: "]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_modules_that_are_no_chain_of_layers_of_a_trace(module: nn.Module, lines: list[str]) -> None:
    with pytest.raises(ModelsError) as error:
        import_network(module, torch.rand(3, 4))
    found = str(error.value).splitlines()
    assert len(found) == len(lines)
    assert all(words in line for line, words in zip(found, lines, strict=True))


def test_the_largest_current_has_no_integer_layer_but_the_average_has() -> None:
    def pooled(pool: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 2, 3), pool, snn.Leaky(0.5, **INIT))

    with pytest.raises(ModelsError, match=r"module 1 \(MaxPool2d\): the largest of the currents of 0; supported: max"):
        import_network(pooled(nn.MaxPool2d(2)), torch.rand(1, 1, 8, 8))
    assert import_network(pooled(nn.AvgPool2d(2)), torch.rand(1, 1, 8, 8)).source.stages[0].layer.shape.R == 4
    with pytest.raises(ModelsError, match="an example is needed"):
        import_network(pooled(nn.AvgPool2d(2)))
