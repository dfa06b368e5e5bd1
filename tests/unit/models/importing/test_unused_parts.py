"""Parts of a module that reach no answer: recorded or left out, and always said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecycle.models import ImportedNetwork, import_network

pytestmark = pytest.mark.train
T = 6


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


class Branched(nn.Module):
    """fc1 - lif1 - fc2 - lif2, and an auxiliary branch; what a timestep returns is what `step` says."""

    def __init__(self, step: Callable[[Branched, Tensor], Any], together: bool = True) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(6, 5), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.fc2, self.lif2 = nn.Linear(5, 4), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.aux, self.lif3 = nn.Linear(5, 3), snn.Leaky(0.875, threshold=0.2, init_hidden=True)
        self.norm, self.step, self.together = nn.BatchNorm1d(3), step, together

    def forward(self, x: Tensor) -> Any:
        made = [self.step(self, x[:, t]) for t in range(x.shape[1])]
        if not self.together:
            return made
        if isinstance(made[0], tuple):
            return tuple(torch.stack(each, 1) for each in zip(*made, strict=True))
        return torch.stack(made, 1)

    def hidden(self, x: Tensor) -> Tensor:
        return self.lif1(self.fc1(x))  # type: ignore[no-any-return]

    def answer(self, spikes: Tensor) -> Tensor:
        return self.lif2(self.fc2(spikes))  # type: ignore[no-any-return]


def imported(step: Callable[[Branched, Tensor], Any], **options: Any) -> ImportedNetwork:
    """The network; its spikes are the module's."""
    module, samples = Branched(step, **options).eval(), (torch.rand(5, T, 6) < 0.4).float()
    network = import_network(module, samples[:2])
    network.calibrate(samples)
    network.quantize(16)
    figures = network.measure(samples)
    assert max(figures.spike_difference_mapped.values()) <= 0.02
    return network


def names(network: ImportedNetwork) -> list[str]:
    return [each.name for each in network.operators]


def test_what_is_never_called_is_said() -> None:
    network = imported(lambda s, x: s.answer(s.hidden(x)))
    (said,) = network.source.remarks
    assert said == "aux (Linear), lif3 (Leaky), norm (BatchNorm1d): never called by the forward, so not in the trace"
    network = imported(lambda s, x: s.lif2(F.linear(s.hidden(x), s.fc2.weight)))  # by its weights, though not called
    assert network.source.remarks == (said,)


def discarded(s: Branched, x: Tensor) -> Tensor:
    hidden = s.hidden(x)
    s.norm(s.aux(hidden))
    return s.answer(hidden)


def test_weights_whose_results_are_not_used_are_left_out_and_said() -> None:
    network = imported(discarded)
    assert names(network) == ["fc1", "lif1", "fc2", "lif2"]
    assert list(network.source.remarks) == [
        "lif3 (Leaky): never called by the forward, so not in the trace",
        "aux (Linear), norm (BatchNorm1d): reaches no neurons and no answer; left out of the trace, and of every cost",
    ]


def unheard(s: Branched, x: Tensor) -> Tensor:
    hidden = s.hidden(x)
    s.lif3(s.aux(hidden))
    return s.answer(hidden)


def test_neurons_whose_spikes_are_not_used_are_recorded_and_said() -> None:
    network = imported(unheard)
    assert set(names(network)) == {"fc1", "lif1", "fc2", "lif2", "aux", "lif3"}
    assert network.source.graph.outputs == ("lif2",)
    assert network.source.remarks[0] == (
        "lif3 (Leaky): nothing that comes of it is returned; recorded all the same, and part of every cost"
    )


def both(s: Branched, x: Tensor) -> tuple[Tensor, Tensor]:
    hidden = s.hidden(x)
    return s.answer(hidden), s.lif3(s.aux(hidden))


def test_of_several_returned_the_first_answers_and_all_are_said() -> None:
    network = imported(both)
    assert network.source.graph.outputs == ("lif2", "lif3")
    assert network.source.remarks[0] == (
        "the module returns what lif2, lif3 give: classes are those of lif2; the others are recorded as well"
    )
    assert network.classes == 4


def test_the_last_layer_answers_though_hidden_spikes_are_returned_before_it() -> None:
    network = imported(lambda s, x: (lambda hidden: (hidden, s.answer(hidden)))(s.hidden(x)))
    assert network.source.graph.outputs == ("lif2", "lif1") and network.classes == 4
    assert "what lif2, lif1 give: classes are those of lif2" in network.source.remarks[0]


def test_layers_at_the_end_are_all_read_out() -> None:
    network = imported(lambda s, x: (lambda hidden: (s.fc2(hidden), s.aux(hidden)))(s.hidden(x)))
    assert network.source.graph.outputs == ("fc2, read out", "aux, read out")
    assert {"fc2", "fc2, read out", "aux", "aux, read out"} < set(names(network))
    network = imported(lambda s, x: (lambda hidden: torch.cat([s.fc2(hidden), s.aux(hidden)], 1))(s.hidden(x)))
    assert set(network.source.graph.outputs) == {"fc2, read out", "aux, read out"}
    assert any("returns a mixture of what" in each for each in network.source.remarks)
    assert any("answers by something else" in each for each in network.source.remarks)


def test_a_batch_norm_at_the_end_is_read_out_with_its_weights() -> None:
    module = Branched(lambda s, x: s.norm(s.aux(s.hidden(x)))).eval()
    nn.init.uniform_(module.norm.weight, -2, 2)
    nn.init.uniform_(module.norm.bias, -1, 1)
    samples = (torch.rand(20, T, 6) < 0.4).float()
    network = import_network(module, samples[:2])
    with torch.no_grad():
        for each in (module.lif1, module.lif2, module.lif3):
            each.reset_mem()
        told = module(samples).numpy()
    found = network.source.original.outputs(samples.numpy()[..., None, None])[-1]
    assert np.allclose(found.reshape(told.shape), told, atol=1e-4)
    assert not any("something else" in each for each in network.source.remarks)


def test_a_whole_network_has_nothing_to_say() -> None:
    network = import_network(nn.Sequential(nn.Linear(4, 3), snn.Leaky(0.9, init_hidden=True)), torch.rand(2, 4))
    assert network.source.remarks == ()
