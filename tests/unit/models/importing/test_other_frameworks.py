"""Modules of SpikingJelly and Norse: known by names, equal to what they compute, in single steps and over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.source import FloatRun
from tests.unit.models.importing import neurons_like as like

pytestmark = pytest.mark.train


def as_it_was(network: Any, samples: Tensor) -> Any:
    """The last population's spikes in exact sums, which are the module's own but for ties; and these."""
    inputs = samples.numpy().reshape(*samples.shape[:2], *network.source.input_shape)
    own = [np.asarray(each) for each in network.source.original.outputs(inputs)]
    exact = FloatRun(network.source.graph).outputs(inputs)
    for one, other in zip(own, exact, strict=True):
        assert 0.01 < one.mean() < 0.95
        assert (one != other).mean() <= 2e-3
    return own[-1]


@pytest.mark.parametrize("v_reset", [None, 0.0, -0.3, 0.25])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (like.IFNode, {}),
        (like.LIFNode, {"tau": 2.0, "decay_input": True}),
        (like.LIFNode, {"tau": 3.0, "decay_input": False}),
        (like.ParametricLIFNode, {"w": 0.7, "decay_input": True}),
        (like.ParametricLIFNode, {"w": -0.7, "decay_input": False}),
    ],
    ids=["IF", "LIF", "LIF, undivided", "PLIF", "PLIF, undivided"],
)
def test_spikingjellys_neurons_in_both_step_modes(kind: Any, options: dict[str, Any], v_reset: float | None) -> None:
    torch.manual_seed(1)
    samples = (torch.rand(6, 12, 8) < 0.4).float()
    fc = nn.Linear(8, 6)
    with torch.no_grad():
        fc.weight.mul_(3)
    found = {}
    for mode in "sm":
        node = kind(v_threshold=0.8, v_reset=v_reset, step_mode=mode, **options)
        example = torch.rand(2, 8) if mode == "s" else torch.rand(12, 2, 8)
        network = import_network(nn.Sequential(fc, node), example)
        found[mode] = as_it_was(network, samples)
        neuron = network.source.stages[0].layer.neuron
        assert neuron.reset == ("soft" if v_reset is None else "hard") and not neuron.strict
        network.calibrate(samples)
        network.quantize(12)
        figures = network.measure(samples)
        assert figures.spike_difference_mapped["1"] <= 5e-3
        assert figures.spike_difference_integer["1"] < 0.05
    assert np.array_equal(found["s"], found["m"])
    node.reset()
    direct = node(fc(samples.transpose(0, 1))).transpose(0, 1)
    assert np.array_equal(found["m"].reshape(direct.shape), direct.detach().numpy())


def test_what_is_not_known_of_spikingjelly_is_refused_by_name() -> None:
    for node, words in (
        (like.IzhikevichNode(), "module 1 (IzhikevichNode): supported: ParametricLIFNode, LIFNode, IFNode"),
        (like.LIFNode(tau=0.5), "module 1 (LIFNode): 1 / tau is 2; supported: above 0, up to 1"),
    ):
        with pytest.raises(ModelsError) as error:
            import_network(nn.Sequential(nn.Linear(4, 4), node), torch.rand(2, 4))
        assert str(error.value) == f"Sequential: {words}"


class Drifting(like.LIFNode):
    """A neuron whose class says one thing and does another."""

    def charge(self, x: Tensor) -> None:
        super().charge(x)
        self.v = self.v.clamp(min=0)


def test_a_neuron_that_does_something_of_its_own_is_found() -> None:
    with pytest.raises(ModelsError, match=r"module 1 \(Drifting\): does something else than its parameters say"):
        import_network(nn.Sequential(nn.Linear(4, 4), Drifting()), torch.rand(2, 4))


class Cells(nn.Module):
    """Cells of Norse, states handed around."""

    def __init__(self, make: Any, parameters: like.Parameters) -> None:
        super().__init__()
        self.fc, self.cell = nn.Linear(8, 6), make(parameters)

    def forward(self, x: Tensor) -> Tensor:
        state, spikes = None, []
        for step in x:
            spike, state = self.cell(self.fc(step), state)
            spikes.append(spike)
        return torch.stack(spikes)


@pytest.mark.parametrize("v_reset", [0.0, -0.2])
@pytest.mark.parametrize("make", [like.LIFCell, like.LIFBoxCell, like.JumpFirst])
def test_norses_cells(make: Any, v_reset: float) -> None:
    torch.manual_seed(2)
    parameters = like.Parameters(v_th=torch.tensor(0.3), v_reset=torch.tensor(v_reset))
    module = Cells(make, parameters)
    with torch.no_grad():
        module.fc.weight.mul_(4)
    samples = (torch.rand(6, 20, 8) < 0.4).float()
    network = import_network(module, torch.rand(5, 2, 8))
    own = as_it_was(network, samples)
    direct = module(samples.transpose(0, 1)).transpose(0, 1)
    assert np.array_equal(own.reshape(direct.shape), direct.numpy())
    network.calibrate(samples)
    network.quantize(12)
    figures = network.measure(samples)
    assert figures.spike_difference_mapped["cell"] <= 2e-3
    assert figures.spike_difference_integer["cell"] < 0.05
