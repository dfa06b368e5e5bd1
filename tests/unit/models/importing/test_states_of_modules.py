"""Modules whose neurons have states of two places, or keep them from call to call: named in the refusal."""

from __future__ import annotations

import pytest
import snntorch as snn
import torch
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.network import import_network


class Shared(nn.Module):
    """One layer of neurons in two places, a state for each, in a loop of its own; other: fc2 is ahead of the second."""

    def __init__(self, loops: bool, other: bool = True) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 4), nn.Linear(4, 4)
        self.lif, self.loops, self.other = snn.Leaky(0.5, threshold=0.3), loops, other

    def forward(self, x: Tensor) -> Tensor:
        one, two, found = self.lif.init_leaky(), self.lif.init_leaky(), []
        for given in x.unbind(1) if self.loops else [x]:
            spikes, one = self.lif(self.fc1(given), one)
            spikes, two = self.lif((self.fc2 if self.other else self.fc1)(spikes), two)
            found.append(spikes)
        return torch.stack(found)


class Keeps(nn.Module):
    """A module that keeps the potential of its neurons as an attribute, from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(4, 4), snn.Leaky(0.5, threshold=0.3)
        self.potential = torch.zeros(1, 4)

    def forward(self, x: Tensor) -> Tensor:
        spikes, self.potential = self.lif(self.fc(x), self.potential)
        return spikes


@pytest.mark.parametrize("other", [True, False])
@pytest.mark.parametrize("shape", [(1, 8, 4), (2, 1, 4), (2, 2, 4), (1, 4)])
def test_neurons_with_a_state_for_each_of_two_places_are_named(shape: tuple[int, ...], other: bool) -> None:
    with pytest.raises(ModelsError) as error:
        import_network(Shared(len(shape) == 3, other), torch.rand(shape))
    assert str(error.value) == (
        "Shared: module lif (Leaky): is called in two places; supported: neurons that are called once in a timestep"
    )


@pytest.mark.parametrize("buffer", [False, True])
def test_a_potential_that_is_kept_as_an_attribute_is_named(buffer: bool) -> None:
    module = Keeps()
    if buffer:
        del module.potential
        module.register_buffer("potential", torch.zeros(1, 4))
    with pytest.raises(ModelsError) as error:
        import_network(module, torch.rand(1, 4))
    assert "module lif (Leaky): starts at a potential other than 0" in str(error.value)
    assert "keep it from call to call in an attribute (potential)? Samples start anew: make the states" in str(
        error.value
    )
