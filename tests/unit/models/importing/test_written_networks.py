"""Small networks as users write them: each gives the spikes that its module gives, or is refused in a line by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecycle import simulator
from spikecycle.models import ModelsError, import_network

pytestmark = pytest.mark.train
SAMPLES, STEPS = 4, 7
MAP, ROW, FLAT = (2, 8, 8), (3, 20), (10,)
Step = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """Named layers, and what one timestep does with them."""

    def __init__(self, step: Step, **layers: nn.Module) -> None:
        super().__init__()
        self.step = step
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.step(self, each) for each in x.unbind(1)], 1)


def lif(beta: Any = 0.875, threshold: Any = 0.3, **options: Any) -> nn.Module:
    made: nn.Module = snn.Leaky(beta, threshold=threshold, init_hidden=True, **options)
    return made


def norm(channels: int) -> nn.Module:
    """With statistics and weights of both signs."""
    made = nn.BatchNorm2d(channels)
    assert made.running_mean is not None and made.running_var is not None
    made.running_mean.uniform_(-0.3, 0.3)
    made.running_var.uniform_(0.5, 1.5)
    nn.init.uniform_(made.weight, -1, 1.5)
    return made


def shuffled(maps: Tensor) -> Tensor:
    """Channels of two groups in turn."""
    n, c, h, w = maps.shape
    return maps.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def gated(s: Any, x: Tensor) -> Tensor:
    hidden = s.l(s.a(x))
    return s.m(s.o(hidden * s.k(s.b(hidden))))  # type: ignore[no-any-return]


def split(s: Any, x: Tensor) -> Tensor:
    """The two halves of what a layer gives go different ways."""
    first, second = s.l(s.a(x)).chunk(2, 1)
    return s.m(s.b(first) + s.c(second))  # type: ignore[no-any-return]


def dense(s: Any, x: Tensor) -> Tensor:
    """Every layer gets all that came before it."""
    all_of_it = torch.cat([x, s.l(s.a(x))], -1)
    all_of_it = torch.cat([all_of_it, s.k(s.b(all_of_it))], -1)
    return s.m(s.o(all_of_it))  # type: ignore[no-any-return]


def tied() -> dict[str, nn.Module]:
    one, other = nn.Linear(10, 10), nn.Linear(10, 10)
    other.weight = one.weight
    return {"a": one, "b": other}


IMPORTED: dict[str, tuple[tuple[int, ...], Step, Callable[[], dict[str, nn.Module]]]] = {
    "residual": (MAP, lambda s, x: s.m(s.o(s.k(s.b(s.l(s.n(s.a(x)))) + s.c(x)).flatten(1))), lambda: {
        "a": nn.Conv2d(2, 4, 3, padding=1), "n": norm(4), "b": nn.Conv2d(4, 4, 3, padding=1, bias=False),
        "c": nn.Conv2d(2, 4, 1), "k": lif(), "o": nn.Linear(256, 5)}),
    "shortcut with a stride": (MAP, lambda s, x: (lambda h: s.m(s.b(h) + s.c(h)))(s.l(s.a(x))), lambda: {
        "a": nn.Conv2d(2, 4, 3, padding=1, stride=2), "b": nn.Conv2d(4, 6, 3, padding=1, stride=2),
        "c": nn.Sequential(nn.Conv2d(4, 6, 1, stride=2, bias=False), norm(6))}),
    "branches side by side": (MAP, lambda s, x: s.m(s.o(s.l(torch.cat([s.a(x), s.b(x), s.c(x)], 1)).flatten(1))),
        lambda: {"a": nn.Conv2d(2, 3, 1), "b": nn.Conv2d(2, 3, 3, padding=1), "c": nn.Conv2d(2, 2, 5, padding=2),
                 "o": nn.Linear(512, 4)}),
    "depthwise, dilated, pointwise": (MAP, lambda s, x: s.m(s.c(s.b(s.l(s.a(x))))), lambda: {
        "a": nn.Conv2d(2, 8, 3, padding=1, groups=2), "b": nn.Conv2d(8, 8, 3, padding=2, groups=8, dilation=2),
        "c": nn.Conv2d(8, 4, 1)}),
    "rows": (ROW, lambda s, x: s.m(s.o(s.k(s.b(F.max_pool1d(s.l(s.a(x)), 2))).flatten(1))), lambda: {
        "a": nn.Conv1d(3, 4, 5, stride=2, padding=2), "b": nn.Conv1d(4, 6, 3, groups=2), "k": lif(),
        "o": nn.Linear(18, 3)}),
    "tied weights": (FLAT, lambda s, x: s.m(s.b(s.l(s.a(x)))), tied),
    "a layer twice": (FLAT, lambda s, x: s.m(s.a(s.l(s.a(x)))), lambda: {"a": nn.Linear(10, 10)}),
    "einsum": (FLAT, lambda s, x: s.m(torch.einsum("bi,oi->bo", s.l(s.a(x)), s.o.weight)), lambda: {
        "a": nn.Linear(10, 8), "o": nn.Linear(8, 4)}),
    "einsum of channels": (MAP, lambda s, x: s.m(torch.einsum("oc,bchw->bhwo", s.o.weight, s.l(s.a(x))).flatten(1)),
        lambda: {"a": nn.Conv2d(2, 3, 3, padding=1), "o": nn.Linear(3, 5)}),
    "channels last, then flat": (MAP, lambda s, x: s.m(s.o(s.l(s.a(x)).permute(0, 2, 3, 1).reshape(len(x), -1))),
        lambda: {"a": nn.Conv2d(2, 3, 3), "o": nn.Linear(108, 4)}),
    "leak 1": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.Linear(10, 6), "m": lif(1.0)}),
    "leak 0": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.Linear(10, 6), "m": lif(0.0)}),
    "leak beyond 1": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.Linear(10, 6), "m": lif(1.3)}),
    "each neuron its own": (FLAT, lambda s, x: s.m(s.o(s.l(s.a(x)))), lambda: {
        "a": nn.Linear(10, 6), "o": nn.Linear(6, 3), "l": lif(torch.linspace(0.3, 0.95, 6),
        torch.linspace(0.2, 0.6, 6), learn_beta=True, learn_threshold=True)}),
    "sums of spikes of several layers and the input": (
        FLAT, lambda s, x: (lambda h: s.m(s.o(h + s.k(s.b(h)) + x)))(s.l(s.a(x))), lambda: {
        "a": nn.Linear(10, 10), "b": nn.Linear(10, 10), "k": lif(), "o": nn.Linear(10, 4)}),
    "pools of both kinds": (MAP, lambda s, x: s.m(F.avg_pool2d(s.a(F.max_pool2d(s.l(s.b(x)), 3, 2, 1)), 2)), lambda: {
        "b": nn.Conv2d(2, 4, 3, padding=1), "a": nn.Conv2d(4, 4, 3)}),
    "one of all positions": (MAP, lambda s, x: s.m(s.o(F.adaptive_avg_pool2d(s.l(s.a(x)), 1).flatten(1))), lambda: {
        "a": nn.Conv2d(2, 8, 3), "o": nn.Linear(8, 3), "m": lif(threshold=0.05)}),
    "two currents in one neuron": (FLAT, lambda s, x: s.m(s.o(s.l(s.a(x)))), lambda: {
        "a": nn.Linear(10, 8), "o": nn.Linear(8, 3),
        "l": snn.Synaptic(0.75, 0.875, threshold=0.5, init_hidden=True)}),
    "recurrent": (FLAT, lambda s, x: s.m(s.o(s.l(s.a(x)))), lambda: {
        "a": nn.Linear(10, 8), "o": nn.Linear(8, 3), "l": snn.RLeaky(0.875, linear_features=8, threshold=0.5,
        init_hidden=True), "m": snn.RLeaky(0.875, all_to_all=False, V=0.3, threshold=0.3, init_hidden=True)}),
    "every other channel": (MAP, lambda s, x: s.m(s.b(s.l(s.a(x))[:, ::2])), lambda: {
        "a": nn.Conv2d(2, 4, 3), "b": nn.Conv2d(2, 5, 3)}),
    "halves of the channels": (MAP, split, lambda: {
        "a": nn.Conv2d(2, 4, 3), "b": nn.Conv2d(2, 5, 3), "c": nn.Conv2d(2, 5, 3)}),
    "channels shuffled, depthwise": (MAP, lambda s, x: s.m(s.o(s.k(s.b(shuffled(s.l(s.a(x))))).flatten(1))), lambda: {
        "a": nn.Conv2d(2, 8, 1, groups=2), "b": nn.Conv2d(8, 16, 3, padding=1, groups=8), "k": lif(),
        "o": nn.Linear(1024, 4)}),
    "channels shuffled, in groups": (MAP, lambda s, x: s.m(s.b(shuffled(s.l(s.a(x))))), lambda: {
        "a": nn.Conv2d(2, 8, 1), "b": nn.Conv2d(8, 6, 3, groups=2)}),
    "groups that change places": (MAP, lambda s, x: s.m(s.b(s.l(s.a(x))[:, [6, 7, 5, 4, 1, 0, 3, 2]])), lambda: {
        "a": nn.Conv2d(2, 8, 1), "b": nn.Conv2d(8, 12, 3, groups=4)}),
    "a scaled and shifted input": (FLAT, lambda s, x: s.m(s.a(x * 0.3) * torch.linspace(-1, 1.5, 6) + 0.05), lambda: {
        "a": nn.Linear(10, 6)}),
    "all that came before": (FLAT, dense, lambda: {
        "a": nn.Linear(10, 6), "b": nn.Linear(16, 6), "k": lif(), "o": nn.Linear(22, 4)}),
    "weights of a norm and a direction": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {
        "a": torch.nn.utils.parametrizations.weight_norm(nn.Linear(10, 6))}),
}  # fmt: skip
SIMULATED = ("residual", "rows", "halves of the channels", "channels shuffled, depthwise", "einsum of channels")


def network_of(step: Step, layers: dict[str, nn.Module]) -> Net:
    return Net(step, **{"l": lif(), "m": lif(), **layers}).eval()


@pytest.mark.parametrize("name", IMPORTED)
def test_every_spike_is_the_modules_own(name: str, tmp_path: Path) -> None:
    torch.manual_seed(6)
    shape, step, layers = IMPORTED[name]
    module, samples = network_of(step, layers()), (torch.rand(SAMPLES, STEPS, *shape) < 0.4).float()
    with torch.no_grad():
        told = module(samples).numpy()
    assert 0.01 < told.mean() < 0.99
    network = import_network(module, samples[:2])
    network.calibrate(samples)
    network.quantize(16)
    figures = network.record(tmp_path / "net.h5", samples)
    assert max(figures.spike_difference_mapped.values()) <= 0.01
    own, output = network.source.original.outputs(samples.numpy()), network.source.graph.outputs[0]
    made = own[[each.name for each in network.source.graph.populations].index(output)]
    order = network.source.original.layouts[output]  # type: ignore[attr-defined]
    flat = made.reshape(*made.shape[:2], -1)[..., order]
    assert np.array_equal(flat, told.reshape(flat.shape))
    if name in SIMULATED:
        result = simulator.simulate(tmp_path / "net.h5", "systolic_weight_stationary", verify=True)
        assert result.verification is not None and not sum(layer.mismatches for layer in result.verification)


REFUSED: dict[str, tuple[tuple[int, ...], Step, Callable[[], dict[str, nn.Module]], str]] = {
    "a transposed convolution": (MAP, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.ConvTranspose2d(2, 3, 2)},
        "module m (Leaky): gets the result of conv_transpose2d; supported"),
    "layer norm": (FLAT, lambda s, x: s.m(F.layer_norm(s.a(x), (6,))), lambda: {"a": nn.Linear(10, 6)},
        "module m (Leaky): gets the result of layer_norm; supported"),
    "group norm": (MAP, lambda s, x: s.m(s.n(s.a(x))), lambda: {"a": nn.Conv2d(2, 4, 3), "n": nn.GroupNorm(2, 4)},
        "module m (Leaky): gets the result of group_norm; supported"),
    "gelu": (FLAT, lambda s, x: s.m(F.gelu(s.a(x))), lambda: {"a": nn.Linear(10, 6)}, "gets the result of gelu"),
    "and": (FLAT, gated, lambda: {"a": nn.Linear(10, 8), "b": nn.Linear(8, 8), "k": lif(), "o": nn.Linear(8, 4)},
        "multiplies what layers give with each other; supported: with constants, and matrix products"),
    "a reflecting border": (MAP, lambda s, x: s.m(s.a(x)), lambda: {
        "a": nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")}, "module a (Conv2d): gets the result of pad"),
    "a border of ones": (MAP, lambda s, x: s.m(s.a(F.pad(x, (1, 1, 1, 1), value=1.0))), lambda: {
        "a": nn.Conv2d(2, 4, 3)}, "module a (Conv2d): gets the result of pad"),
    "rows and columns exchanged": (MAP, lambda s, x: s.m(s.a(x.transpose(2, 3))), lambda: {"a": nn.Conv2d(2, 4, 3)},
        "module a (Conv2d): gets a part of the positions of what network input gives, or in another order"),
    "a part of the map": (MAP, lambda s, x: s.m(s.b(s.l(s.a(x))[:, :, 1:])), lambda: {
        "a": nn.Conv2d(2, 4, 3), "b": nn.Conv2d(4, 4, 3)}, "module b (Conv2d): gets a part of the positions of what l"),
    "einsum of what layers give": (FLAT, lambda s, x: s.m(torch.einsum("bi,bi->b", s.a(x), s.a(x))[:, None]),
        lambda: {"a": nn.Linear(10, 6)}, "einsum bi,bi->b; supported: of what a layer gives and constant weights"),
    "einsum with weights for each position": (
        MAP, lambda s, x: s.m(torch.einsum("bchw,chw->bhw", s.l(s.a(x)), torch.ones(2, 8, 8)).flatten(1)), lambda: {
        "a": nn.Conv2d(2, 2, 1)}, "einsum bchw,chw->bhw; supported: the same weights at every position"),
    "the mean of the batch": (FLAT, lambda s, x: (lambda y: s.m(y - y.mean(0)))(s.a(x)), lambda: {
        "a": nn.Linear(10, 6)}, "module a (Linear): gets a part of what network input gives"),
    "a bilinear layer": (FLAT, lambda s, x: s.m(s.a(x, x)), lambda: {"a": nn.Bilinear(10, 10, 6)},
        "module m (Leaky): gets the result of bilinear"),
    "a threshold of 0": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.Linear(10, 6), "m": lif(threshold=0.0)},
        "module m (Leaky): v_threshold must lie above v_reset, or above 0 where spikes subtract it"),
    "a threshold below 0": (FLAT, lambda s, x: s.m(s.a(x)), lambda: {"a": nn.Linear(10, 6), "m": lif(threshold=-0.2)},
        "module m (Leaky): v_threshold must lie above v_reset"),
    "a larger map": (MAP, lambda s, x: s.m(s.b(F.interpolate(s.l(s.a(x)), scale_factor=2))), lambda: {
        "a": nn.Conv2d(2, 4, 3), "b": nn.Conv2d(4, 2, 3)}, "module b (Conv2d): gets the result of interpolate"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_place_in_a_trace_is_one_line(name: str) -> None:
    torch.manual_seed(6)
    shape, step, layers, words = REFUSED[name]
    with pytest.raises(ModelsError) as error:
        import_network(network_of(step, layers()), (torch.rand(2, STEPS, *shape) < 0.4).float())
    found = str(error.value)
    assert found.startswith("Net: ") and words in found and "\n" not in found


def test_one_timestep() -> None:
    torch.manual_seed(6)
    module = network_of(lambda s, x: s.m(s.o(s.l(s.a(x)))), {"a": nn.Linear(10, 8), "o": nn.Linear(8, 3)})
    samples = (torch.rand(9, 1, 10) < 0.6).float()
    network = import_network(module, samples[:2])
    network.calibrate(samples)
    network.quantize(16)
    figures = network.measure(samples)
    assert max(figures.spike_difference_integer.values()) == 0 and figures.float_firing_rates["l"] > 0.05
