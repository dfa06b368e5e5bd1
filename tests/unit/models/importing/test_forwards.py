"""What a forward does between its neurons, written in many ways: imported so that every spike is the module's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.network import import_network

Forward = Callable[["Written", Tensor], Tensor]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(8)


class Written(nn.Module):
    """A convolution, neurons, a dense layer, neurons; one timestep is what `forward_of` says. Takes (N, T, 2, 6, 6)."""

    def __init__(self, forward_of: Forward, norm: nn.Module | None = None, padding: int = 1) -> None:
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 3, 3, padding=1), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.fc, self.lif2 = nn.Linear(108, 4), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.second, self.norm, self.forward_of = nn.Conv2d(3, 3, 3, padding=padding), norm or nn.Identity(), forward_of

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.forward_of(self, x[:, step]) for step in range(x.shape[1])], 1)

    def spikes(self, x: Tensor) -> Tensor:
        """Those of the first neurons, in a timestep."""
        return self.lif1(self.conv(x))  # type: ignore[no-any-return]


def trained_norm(norm: Any) -> nn.Module:
    """With statistics, and a gain and a shift if it has them, as training would leave them."""
    norm.running_mean.uniform_(-0.2, 0.2)
    norm.running_var.uniform_(0.3, 1.5)
    if norm.affine:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.3, 0.3)
    return norm  # type: ignore[no-any-return]


def check(module: nn.Module, samples: Tensor) -> None:
    """Real numbers and integers of 16 bits give the spikes that the module gives."""
    network = import_network(module, samples[:2])
    with torch.no_grad():
        module.eval()
        for each in module.modules():
            if isinstance(each, snn.Leaky):
                each.reset_mem()
        told = module(samples).numpy()
    assert 0.01 < told.mean() < 0.99
    network.calibrate(samples)
    network.quantize(weight_bits=16)
    figures = network.measure(samples)
    own = np.asarray(network.source.original.outputs(samples.numpy())[-1]).reshape(told.shape)
    assert np.array_equal(own, told)
    assert max(figures.spike_difference_mapped.values()) <= 0.01
    assert max(figures.spike_difference_integer.values()) <= 0.02


def frames() -> Tensor:
    return (torch.rand(6, 10, 2, 6, 6) < 0.3).float()


def dense(s: Written, rows: Tensor) -> Tensor:
    """The second neurons, behind weights for as many inputs as there are."""
    return s.lif2(F.linear(rows, s.fc.weight.repeat(1, 2)[:, : rows.shape[1]], s.fc.bias))  # type: ignore[no-any-return]


def silenced(spikes: Tensor) -> Tensor:
    """Without those of the first channel, set in place."""
    spikes[:, :1] = 0
    return spikes


WRITTEN: dict[str, Forward] = {
    "two functions in one module": lambda s, x: s.lif2(
        F.linear(F.max_pool2d(s.spikes(x), 2).flatten(1), s.fc.weight[:, :27], s.fc.bias)
    ),
    "a matrix product": lambda s, x: s.lif2(s.spikes(x).flatten(1) @ s.fc.weight.t() + s.fc.bias),
    "a product with a bias": lambda s, x: s.lif2(
        torch.addmm(s.fc.bias, s.spikes(x).flatten(1), s.fc.weight.t(), beta=0.5, alpha=2.0)
    ),
    "a constant off the spikes": lambda s, x: s.lif2(s.fc((s.spikes(x) - 0.25).flatten(1))),
    "the spikes off a constant": lambda s, x: s.lif2(s.fc((1 - s.spikes(x)).flatten(1))),
    "a constant, then pooling": lambda s, x: s.lif2(
        F.linear((F.avg_pool2d(2 * s.spikes(x) - 1, 2)).flatten(1), s.fc.weight[:, :27], s.fc.bias)
    ),
    "maps side by side, then flat": lambda s, x: dense(s, torch.cat([s.spikes(x), x], 1).flatten(1)),
    "flat maps side by side": lambda s, x: dense(s, torch.cat([s.spikes(x).flatten(1), x.flatten(1)], 1)),
    "maps of other sizes side by side": lambda s, x: dense(
        s, torch.cat([F.max_pool2d(s.spikes(x), 2).flatten(1), x.flatten(1)], 1)
    ),
    "parts of maps, and zeros": lambda s, x: dense(
        s, torch.cat([s.spikes(x)[:, 1:].flatten(1), torch.zeros(len(x), 9), x.flatten(1)[:, 5:]], 1)
    ),
    "element by element in turn": lambda s, x: dense(
        s, torch.stack([s.spikes(x)[:, :2].flatten(1), x.flatten(1)], 2).flatten(1)
    ),
    "an average without its padding": lambda s, x: dense(
        s, F.avg_pool2d(s.spikes(x), 3, 2, 1, count_include_pad=False).flatten(1)
    ),
    "an average by another divisor": lambda s, x: dense(s, F.avg_pool2d(s.spikes(x), 2, divisor_override=3).flatten(1)),
    "a channel set to zero": lambda s, x: dense(s, silenced(s.spikes(x)).flatten(1)),
    "two shifted, side by side": lambda s, x: s.lif2(
        F.linear(torch.cat([s.spikes(x)[:, :3] + 0.5, x - 0.25], 1).flatten(1), s.fc.weight.repeat(1, 2)[:, :180])
    ),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_ways_of_writing(way: str) -> None:
    check(Written(WRITTEN[way]), frames())


@pytest.mark.parametrize("affine", [True, False])
def test_a_batch_norm_of_spikes_goes_into_the_weights_behind_it(affine: bool) -> None:
    norm = trained_norm(nn.BatchNorm1d(108, affine=affine))
    check(Written(lambda s, x: s.lif2(s.fc(s.norm(s.spikes(x).flatten(1)))), norm), frames())
    norm = trained_norm(nn.BatchNorm2d(3, affine=affine))
    check(Written(lambda s, x: s.lif2(s.fc(s.norm(s.spikes(x)).flatten(1))), norm), frames())


def normed(s: Written, x: Tensor) -> Tensor:
    mixed = F.conv2d(s.norm(s.spikes(x)), s.second.weight, s.second.bias, padding=s.second.padding)
    return s.lif2(mixed.flatten(1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("padding", [0, 1])
def test_a_batch_norm_before_a_convolution(padding: int) -> None:
    check(Written(normed, trained_norm(nn.BatchNorm2d(3)), padding=padding), frames())


def test_a_lazy_module_is_refused_by_name() -> None:
    module = nn.Sequential(nn.LazyLinear(6), snn.Leaky(0.9, init_hidden=True))
    with pytest.raises(ModelsError, match=r"0\.weight has no shape yet \(a lazy module\)"):
        import_network(module, torch.zeros(2, 10))


class Bounded(nn.Module):
    """Potentials have a bound that random numbers of the size of the threshold do not reach."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(6, 5), snn.Leaky(0.9, threshold=0.5)

    def forward(self, x: Tensor) -> Tensor:
        potential, spikes = self.lif.init_leaky(), []
        for step in range(x.shape[1]):
            spike, potential = self.lif(self.fc(x[:, step]), potential.clamp(-4, 4))
            spikes.append(spike)
        return torch.stack(spikes, 1)


def test_what_a_module_does_on_the_samples_alone_is_told() -> None:
    network = import_network(Bounded(), torch.zeros(2, 12, 6))
    for scale, told in ((1.0, False), (40.0, True)):
        samples = scale * torch.randn(20, 12, 6)
        network.calibrate(samples)
        network.quantize(weight_bits=16)
        remarks = network.measure(samples).remarks
        assert any("not those of the network that was read" in remark for remark in remarks) == told


class ChannelsLast(nn.Module):
    """Takes timesteps (N, H, W, C), or samples (N, T, H, W, C) in a loop of its own."""

    def __init__(self, loops: bool) -> None:
        super().__init__()
        self.inner, self.loops = Written(lambda m, x: m.lif2(m.fc(m.spikes(x).flatten(1)))), loops

    def forward(self, x: Tensor) -> Tensor:
        if self.loops:
            return self.inner(x.permute(0, 1, 4, 2, 3))  # type: ignore[no-any-return]
        return self.inner.forward_of(self.inner, x.permute(0, 3, 1, 2))


@pytest.mark.parametrize("loops", [False, True])
def test_inputs_with_channels_last_are_recorded_with_channels_first(loops: bool) -> None:
    module, samples = ChannelsLast(loops).eval(), (torch.rand(4, 9, 2, 6, 6) < 0.3).float()
    last = samples.permute(0, 1, 3, 4, 2)
    network = import_network(module, last[:2] if loops else last[:2, 0])
    assert network.source.graph.input_shape == (2, 6, 6)
    assert any("channels last: samples are given with channels first" in each for each in network.source.remarks)
    for each in module.modules():
        if isinstance(each, snn.Leaky):
            each.reset_mem()
    with torch.no_grad():
        told = module(last) if loops else torch.stack([module(each) for each in last.unbind(1)], 1)
    assert 0.01 < told.mean() < 0.99
    own = np.asarray(network.source.original.outputs(samples.numpy())[-1])
    assert np.array_equal(own.reshape(told.shape), told.numpy())
    network.calibrate(samples)
    network.quantize(weight_bits=16)
    assert not any(network.measure(samples).spike_difference_mapped.values())
    with pytest.raises(ModelsError, match=r"samples must have shape \(N, T, 2, 6, 6\)"):
        network.calibrate(last)
