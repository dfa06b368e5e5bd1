"""Classes are those of the module itself, however it makes them of what its neurons give; else a remark says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import snntorch as snn
import torch
from torch import Tensor, nn

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.importing.answer import SUMS, Answer
from spikecycle.models.importing.network import import_network
from spikecycle.models.importing.trace_network import TraceNetwork
from spikecycle.traces import open_trace

Returns = Callable[[Tensor, Tensor], Any]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(6)


class Answering(nn.Module):
    """Two layers; what is returned is made of the spikes and potentials of the second, (N, T, outputs) each."""

    def __init__(self, returns: Returns, outputs: int = 6, **neuron: Any) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(10, 12), snn.Leaky(0.9, threshold=0.3)
        self.fc2, self.lif2 = nn.Linear(12, outputs), snn.Leaky(0.9, **{"threshold": 0.2, **neuron})
        self.returns = returns

    def forward(self, x: Tensor) -> Any:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for step in range(x.shape[1]):
            spk1, mem1 = self.lif1(self.fc1(x[:, step]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return self.returns(torch.stack(spikes, 1), torch.stack(potentials, 1))


def samples() -> Tensor:
    return (torch.rand(60, 9, 10) < 0.3).float()


SHUFFLED = [3, 1, 0, 5, 2, 4]
WAYS: dict[str, tuple[Returns, dict[str, Any]]] = {
    "every timestep": (lambda s, m: s, {}),
    "mean": (lambda s, m: s.mean(1), {}),
    "log of softmax": (lambda s, m: torch.log_softmax(s.sum(1), -1), {}),
    "a list of timesteps": (lambda s, m: list(s.unbind(1)), {}),
    "a tuple of timesteps": (lambda s, m: tuple(s.unbind(1)), {}),
    "lists of timesteps beside others": (lambda s, m: {"potentials": [*m.unbind(1)], "spikes": [*s.unbind(1)]}, {}),
    "pairs of timesteps": (lambda s, m: [*zip(s.unbind(1), m.unbind(1), strict=True)], {}),
    "potentials as a list": (lambda s, m: list(m.unbind(1)), {"reset_mechanism": "none"}),
    "beside others": (lambda s, m: {"potentials": m, "spikes": s}, {}),
    "flipped": (lambda s, m: s.sum(1).flip(-1), {}),
    "in another order": (lambda s, m: s[..., SHUFFLED].sum(1), {}),
    "votes of neighbours": (lambda s, m: s.sum(1).unflatten(1, (3, 2)).mean(2), {}),
    "votes of every third": (lambda s, m: s.sum(1).unflatten(1, (2, 3)).mean(1), {}),
    "the last spikes": (lambda s, m: s[:, -1], {}),
    "potentials": (lambda s, m: m.sum(1), {"reset_mechanism": "none"}),
    "the last potential": (lambda s, m: m[:, -1], {"reset_mechanism": "none"}),
    "the largest potential": (lambda s, m: m.max(1)[0], {"reset_mechanism": "none"}),
    "of two classes": (lambda s, m: m[:, -1].flip(-1), {"reset_mechanism": "none", "outputs": 2}),
}


def told_by(returned: Any) -> Tensor:
    """The class that a caller would read from it."""
    scores = returned["spikes"] if isinstance(returned, dict) else returned
    if isinstance(scores, list | tuple):  # of timesteps, perhaps each with potentials behind
        scores = torch.stack([each[0] if isinstance(each, tuple) else each for each in scores], 1)
    return (scores.sum(1) if scores.ndim == 3 else scores).argmax(1)


@pytest.mark.parametrize("way", WAYS)
def test_classes_are_those_that_the_module_returns(way: str) -> None:
    returns, options = WAYS[way]
    module, inputs = Answering(returns, **options), samples()
    with torch.no_grad():
        labels = told_by(module(inputs))
    network = import_network(module, inputs[:2])
    network.calibrate(inputs)
    network.quantize(weight_bits=16)
    figures = network.measure(inputs, labels)
    assert figures.accuracy_float == 1
    assert figures.accuracy_integer is not None and figures.accuracy_integer > 0.9
    assert not any("something else" in remark for remark in figures.remarks)
    assert network.classes == (3 if "votes" in way else options.get("outputs", 6))


def test_classes_themselves_may_be_returned() -> None:
    network = import_network(Answering(lambda s, m: s.sum(1).argmax(1)), samples()[:2])
    assert network.answer.over_time == "sum" and network.answer.order is None and not network.source.remarks


@pytest.mark.parametrize(
    ("returns", "options"),
    [
        (lambda s, m: m.sum(1), {}),
        (lambda s, m: -s.sum(1), {}),
        (lambda s, m: (s * torch.linspace(-1, 2, 6)).sum(1), {}),
        (lambda s, m: s[..., :4].sum(1), {}),
        (lambda s, m: s, {"reset_mechanism": "none"}),
    ],
    ids=["potentials of what fires", "the fewest", "weighted", "a part", "spikes without a reset"],
)
def test_another_answer_is_told(returns: Returns, options: dict[str, Any]) -> None:
    network = import_network(Answering(returns, **options), samples()[:2])
    assert network.answer == SUMS
    (remark,) = network.source.remarks
    assert remark.startswith("the module answers by something else than")
    assert "lif2" in remark and "not the module's own" in remark


def test_of_several_results_that_answer_otherwise_it_is_told_which_does() -> None:
    for returns, over_time, tensor, other in (
        (lambda s, m: (s[:, -1], s), "sum", "tensor 2 (the largest sum", "tensor 1 (the largest in the last timestep)"),
        (lambda s, m: (s, s[:, -1]), "sum", "tensor 1 (the largest sum", "tensor 2 (the largest in the last timestep)"),
        (lambda s, m: (s[:, -1], list(s.unbind(1))), "sum", "tensors 2 to 10, one for each timestep", "tensor 1"),
    ):
        network = import_network(Answering(returns), samples()[:2])
        assert network.answer.over_time == over_time
        (remark,) = [each for each in network.source.remarks if "returns" in each]
        assert f"classes are those of {tensor}" in remark and f"{other}" in remark.split("; ")[1]


def test_the_last_of_several_tensors_answers_in_a_remark() -> None:
    """Two timesteps are missing: it is no list of all timesteps."""
    network = import_network(Answering(lambda s, m: list(s[:, 2:].unbind(1))), samples()[:2])
    assert network.answer.over_time == "last"
    (remark,) = [each for each in network.source.remarks if "returns" in each]
    assert remark.endswith("classes are those of tensor 7 (the largest in the last timestep)")


def test_a_trace_keeps_the_answer(tmp_path: Path) -> None:
    module, inputs = Answering(lambda s, m: m[:, -1].flip(-1), reset_mechanism="none"), samples()
    with torch.no_grad():
        labels = module(inputs).argmax(1).numpy()
    network = import_network(module, inputs[:2])
    network.calibrate(inputs)
    network.quantize(weight_bits=16)
    figures = network.record(tmp_path / "net.h5", inputs, labels)
    frames = FrameSet(inputs.numpy().astype("uint8")[:, :, :, None, None], labels)
    with open_trace(tmp_path / "net.h5") as trace:
        assert trace.provenance["answer"] == {"over_time": "last", "order": [5, 4, 3, 2, 1, 0]}
        assert tuple(TraceNetwork.of(trace).predictions(frames)) == figures.predictions


def test_a_trace_of_plain_neurons_is_read_by_their_potentials(tmp_path: Path) -> None:
    """The neurons of the trace never fire: by their spikes every sample would be of class 0."""
    module, inputs = Answering(lambda s, m: m.sum(1), reset_mechanism="none"), samples()
    with torch.no_grad():
        labels = module(inputs).argmax(1).numpy()
    network = import_network(module, inputs[:2], neurons="plain")
    network.calibrate(inputs)
    network.quantize(weight_bits=16)
    figures = network.record(tmp_path / "net.h5", inputs, labels)
    frames = FrameSet(inputs.numpy().astype("uint8")[:, :, :, None, None], labels)
    with open_trace(tmp_path / "net.h5") as trace:
        predicted = TraceNetwork.of(trace).predictions(frames)
    assert len(set(predicted)) > 1
    assert tuple(predicted) == figures.predictions


def test_classes_asked_for_vote_in_order() -> None:
    network = import_network(Answering(lambda s, m: s.sum(1).flip(-1)), samples()[:2], classes=2)
    assert network.classes == 2 and network.answer == SUMS


@pytest.mark.parametrize("told", [3, {"order": [0, 0, 1]}, {"order": [0, 1]}, {"order": "abc"}, {"over_time": "never"}])
def test_what_no_importer_wrote_says_nothing(told: Any) -> None:
    assert Answer.of_facts({"answer": told}, 3) == SUMS
