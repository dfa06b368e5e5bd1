"""Sinabs' modules, as they are and with samples and timesteps in one axis: what is imported fires as they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.source import FloatRun
from tests.unit.models.importing import sinabs_like as like

pytestmark = pytest.mark.train


def as_it_was(network: Any, samples: Tensor) -> Any:
    """What the last population sends, (N, T, ...), which exact sums give too."""
    inputs = samples.numpy().reshape(*samples.shape[:2], *network.source.input_shape)
    own = [np.asarray(each) for each in network.source.original.outputs(inputs)]
    for one, other in zip(own, FloatRun(network.source.graph).outputs(inputs), strict=True):
        assert np.allclose(one, other, atol=1e-4) or (one != other).mean() <= 2e-3
    return own[-1]


NEURONS = {
    "IAF": lambda: like.IAF(),
    "IAF reset to 0": lambda: like.IAF(reset_fn=like.MembraneReset()),
    "LIF": lambda: like.LIF(5.0, spike_threshold=0.2),
    "LIF that adds to all": lambda: like.LIF(5.0, norm_input=False, reset_fn=like.MembraneReset(0.2)),
    "LIF of two states": lambda: like.LIF(5.0, 3.0, norm_input=False),
    "LIF of two states, normed": lambda: like.LIF(5.0, 3.0, spike_threshold=0.1),
    "LIF of a leak each": lambda: like.LIF(torch.linspace(2, 9, 6), norm_input=False),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons_over_time(name: str) -> None:
    torch.manual_seed(1)
    fc = nn.Linear(8, 6)
    with torch.no_grad():
        fc.weight.mul_(3)
    net = nn.Sequential(fc, NEURONS[name]())
    samples = (torch.rand(6, 15, 8) < 0.4).float()
    network = import_network(net, torch.rand(2, 15, 8))
    own = as_it_was(network, samples)
    direct = net(samples).detach().numpy()
    assert 0.02 < direct.mean() < 0.6
    assert np.array_equal(own.reshape(direct.shape), direct)
    network.calibrate(samples)
    network.quantize(16)
    assert network.measure(samples).spike_difference_mapped["1"] <= 2e-3


@pytest.mark.parametrize(("batch_size", "num_timesteps"), [(1, -1), (-1, 7), (4, 7)])
def test_samples_and_timesteps_in_one_axis(batch_size: int, num_timesteps: int) -> None:
    """Whatever the layers were made for, they are run a timestep a call, and are left as they were."""
    torch.manual_seed(2)
    spiking = like.LIFSqueeze(batch_size, num_timesteps, tau_mem=4.0, norm_input=False, spike_threshold=0.4)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), spiking, nn.LPPool2d(1, 2), nn.Conv2d(4, 3, 3))
    net.append(like.LIFSqueeze(batch_size, num_timesteps, tau_mem=2.0, norm_input=False, spike_threshold=0.4))
    samples = (torch.rand(4, 7, 2, 8, 8) < 0.4).float()
    network = import_network(net, torch.rand(3, 2, 8, 8))
    assert [each.mode for each in network.source.graph.operators if each.name == "2"] == ["sum"]
    own = as_it_was(network, samples)
    assert (spiking.batch_size, spiking.num_timesteps, spiking.v_mem.numel()) == (batch_size, num_timesteps, 0)
    for layer in (net[1], net[4]):
        layer.batch_size, layer.num_timesteps = 4, 7
    direct = net(samples.flatten(0, 1)).unflatten(0, (4, 7)).detach().numpy()
    assert 0.02 < direct.mean() < 0.6
    assert np.array_equal(own.reshape(direct.shape), direct)


def test_potentials_that_only_leak_are_read_out() -> None:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(8, 6), like.IAF(spike_threshold=0.2), nn.Linear(6, 3), like.ExpLeak(4.0))
    samples = (torch.rand(6, 9, 8) < 0.4).float()
    network = import_network(net, torch.rand(2, 9, 8))
    direct = net(samples).detach().numpy()
    assert np.allclose(as_it_was(network, samples).reshape(direct.shape), direct, atol=1e-5)
    network.calibrate(samples)
    network.quantize(8)
    assert network.operators[-1].neuron.kind == "readout"


REFUSED = {
    "several spikes": (lambda: like.IAF(spike_fn=like.MultiSpike), "emits several spikes in a timestep .*MultiSpike"),
    "lower bound": (lambda: like.IAF(min_v_mem=-1.0), "min_v_mem = -1; supported: None"),
    "another value": (lambda: like.IAF(reset_fn=like.MembraneSubtract(0.5)), r"subtract_value = 0\.5"),
    "recurrent": (lambda: like.IAFRecurrent(), "supported: ExpLeak, IAF, LIF"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_place_in_a_trace_is_refused_by_name(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ModelsError, match=rf"^Sequential: module 1 \(IAF\w*\): {words}"):
        import_network(nn.Sequential(nn.Linear(4, 4), make()), torch.rand(2, 5, 4))


def test_pooling_by_another_norm_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LPPool2d(2, 2), like.LIFSqueeze(tau_mem=2.0))
    with pytest.raises(ModelsError, match="pooling by norm 2; supported: 1, a sum"):
        import_network(net, torch.rand(2, 1, 8, 8))
