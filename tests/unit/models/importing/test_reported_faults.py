"""What users of such tools have reported, each as a kind: imported, or one line that names what is the matter."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import snntorch as snn
import torch
from torch import Tensor, nn

from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.source import FloatRun
from tests.unit.models.importing.graphs import chain, conv, integrate, written

pytestmark = pytest.mark.train
INIT: dict[str, Any] = {"init_hidden": True, "threshold": 0.3}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


def spikes(*shape: int) -> np.ndarray:
    return (np.random.default_rng(0).random(shape) < 0.4).astype(np.float32)


def as_it_was(module: nn.Module, example: Any, samples: np.ndarray) -> None:
    """Imported, with the module's own spikes in exact sums, but for ties."""
    network = import_network(module, example)
    inputs = samples.reshape(*samples.shape[:2], *network.source.input_shape)
    own = network.source.original.outputs(inputs)
    exact = FloatRun(network.source.graph).outputs(inputs)
    assert sum(float(np.asarray(each).sum()) for each in own) > 0
    for one, other in zip(own, exact, strict=True):
        assert (one.reshape(other.shape) != other).mean() <= 2e-3


def plain(**changed: Any) -> nn.Sequential:
    return nn.Sequential(nn.Linear(20, 8), snn.Leaky(0.9, **{**INIT, **changed}))


def test_the_reset_is_the_one_that_the_constructor_chose() -> None:
    for made, told in (("subtract", "zero"), ("zero", "subtract")):
        module = plain(reset_mechanism=made)
        module[1].reset_mechanism = told
        as_it_was(module, torch.zeros(1, 20), spikes(8, 20, 20))
        network = import_network(module, torch.zeros(1, 20))
        assert network.source.stages[0].layer.neuron.reset == {"subtract": "soft", "zero": "hard"}[made]
        network.calibrate(spikes(4, 20, 20))
        network.quantize(8)
        assert any(f"reset_mechanism says {told}" in remark for remark in network.measure(spikes(4, 20, 20)).remarks)


@pytest.mark.parametrize("shape", [(3, 12, 8, 6, 2), (12, 3, 2, 8, 6), (3, 12, 6, 2, 8), (3, 12, 2, 6, 8), (2, 8, 6)])
def test_samples_with_axes_in_another_order_are_refused(shape: tuple[int, ...]) -> None:
    graph = chain((2, 8, 6), c=conv(np.ones((4, 2, 3, 3))), n=integrate((4, 6, 4), 0.7))
    network = import_network(graph)
    network.calibrate(spikes(3, 12, 2, 8, 6))
    network.quantize(8)
    with pytest.raises(ModelsError, match=r"^samples must have (shape \(N, T, 2, 8, 6\)|12 timesteps, found 3; s)"):
        network.measure(spikes(*shape))


def test_batch_norm_in_every_form() -> None:
    for change in ("bias", "weight", "both", "affine"):
        norm = nn.BatchNorm1d(8, affine=change != "affine")
        norm.running_mean, norm.running_var = torch.rand(8) - 0.5, torch.rand(8) + 0.5
        if change in ("bias", "both"):
            norm.bias = None  # type: ignore[assignment]
        if change in ("weight", "both"):
            norm.weight = None  # type: ignore[assignment]
        as_it_was(nn.Sequential(nn.Linear(20, 8), norm, snn.Leaky(0.9, **INIT)), torch.zeros(2, 20), spikes(4, 12, 20))
    unknown = nn.Sequential(nn.Linear(20, 8), nn.BatchNorm1d(8, track_running_stats=False), snn.Leaky(0.9, **INIT))
    with pytest.raises(
        ModelsError, match=r"module 1 \(BatchNorm1d\): no running statistics; supported: batch norm with"
    ):
        import_network(unknown, torch.zeros(2, 20))


class Called(nn.Module):
    """Keyword arguments, states that begin anew in every call: a sample of one timestep; a submodule without input."""

    def __init__(self, loops: bool) -> None:
        super().__init__()
        self.fc, self.lif, self.loops = nn.Linear(20, 5), snn.Leaky(beta=0.9, threshold=0.3), loops

    def forward(self, x: Tensor) -> Tensor:
        mem = self.lif.init_leaky()
        if not self.loops:
            return self.lif(input_=self.fc(x), mem=mem)[0]  # type: ignore[no-any-return]
        out = []
        for step in x:
            spike, mem = self.lif(mem=mem, input_=self.fc(step))
            out.append(spike)
        return torch.stack(out)


def test_keyword_arguments() -> None:
    as_it_was(Called(loops=True), torch.zeros(6, 1, 20), spikes(5, 9, 20))
    as_it_was(Called(loops=False), torch.zeros(1, 20), spikes(20, 1, 20))
    network = import_network(Called(loops=False), torch.zeros(1, 20))
    with pytest.raises(
        ModelsError,
        match=r"must have 1 timesteps, found 9; the module was taken for a whole run of 1 .*init_hidden=True",
    ):
        network.calibrate(spikes(5, 9, 20))


class Factor(nn.Module):
    """A module that takes nothing, as layers that quantize themselves have inside."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.value, self.how, self.calls = nn.Parameter(torch.tensor(0.6)), how, 0

    def forward(self) -> Tensor:
        self.calls += 1
        if self.how == "random":
            return torch.rand(())
        return {"same": self.value, "derived": self.value.exp() * 0.4, "counted": self.value * self.calls}[self.how]


class Scaled(nn.Module):
    """Currents times what such a module gives."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.fc, self.factor, self.lif = nn.Linear(20, 8), Factor(how), snn.Leaky(0.9, threshold=0.3)

    def forward(self, x: Tensor) -> Tensor:
        mem, out = self.lif.init_leaky(), []
        for step in x:
            spike, mem = self.lif(self.fc(step) * self.factor(), mem)
            out.append(spike)
        return torch.stack(out)


def test_submodules_without_an_input_are_followed_or_refused_by_what_they_change() -> None:
    for how in ("same", "derived"):
        as_it_was(Scaled(how), torch.rand(9, 2, 20), spikes(5, 9, 20))
    for how in ("counted", "random"):
        with pytest.raises(ModelsError, match=r"^Scaled: module lif \(Leaky\): gets something else than the layers"):
            import_network(Scaled(how), torch.rand(9, 2, 20))


def test_unbatched_examples_and_flatten_from_the_first_axis() -> None:
    as_it_was(plain(), torch.rand(20), spikes(3, 12, 20))
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3), snn.Leaky(0.9, **INIT), nn.Flatten(0), nn.Linear(64, 8), snn.Leaky(0.9, **INIT)
    )
    as_it_was(module, torch.rand(2, 6, 6), spikes(3, 8, 2, 6, 6))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, when it loads its compiler
def test_compiled_modules_are_run_as_they_were_written() -> None:
    inner = nn.Sequential(torch.compile(nn.Linear(20, 8)), snn.Leaky(0.9, **INIT))  # type: ignore[arg-type]
    whole = plain()
    whole.compile()
    for module in (torch.compile(plain()), inner, whole):
        as_it_was(module, torch.rand(2, 20), spikes(3, 12, 20))  # type: ignore[arg-type]


def test_tensors_of_every_kind_are_converted_or_refused_by_name() -> None:
    example, samples = torch.rand(2, 20), torch.tensor(spikes(3, 12, 20))
    for given in (example.requires_grad_(), example.to_sparse(), example.bfloat16(), example.double(), example.half()):
        import_network(plain(), given)
    network = import_network(plain().double(), example)
    for given in (samples.clone().requires_grad_(), samples.to_sparse(), samples.half(), list(samples), samples.bool()):
        network.calibrate(given)
        assert network.inputs == "spikes of 1 bits"
    ragged = [samples[0], samples[1, :5]]
    for given, words in (
        (ragged, "samples must all have one shape, found (12, 20), (5, 20); pad or cut them to the same length"),
        ([[[1.0], [2.0, 3.0]]], "samples must all have one shape, found lists of different lengths"),
        (samples.to("meta"), "samples: a tensor on the device meta, which has no values"),
        (np.full((2, 3, 20), "a"), "samples must be numbers, found <U1"),
    ):
        with pytest.raises(ModelsError) as error:
            network.calibrate(given)
        assert str(error.value) == words


def test_a_readout_by_an_infinite_threshold() -> None:
    module = nn.Sequential(
        nn.Linear(20, 8), snn.Leaky(0.9, **INIT), nn.Linear(8, 4),
        snn.Leaky(0.9, threshold=float("inf"), reset_mechanism="zero", init_hidden=True, output=True),
    )  # fmt: skip
    network = import_network(module, torch.rand(2, 20))
    assert network.source.stages[1].layer.neuron.reads_out
    graph = chain((8,), fc=nir.Linear(np.eye(8)), n=integrate(8, float("inf")))
    assert import_network(graph).source.stages[0].layer.neuron.reads_out


class PerTimestep(nn.Module):
    """Batch norm that is another one in every timestep (BNTT)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(20, 8), snn.Leaky(0.9)
        self.norms = nn.ModuleList(nn.BatchNorm1d(8) for _ in range(4))
        for norm in self.norms:
            norm.running_mean = torch.rand(8)

    def forward(self, x: Tensor) -> Tensor:
        mem, out = self.lif.reset_mem(), []
        for step, norm in enumerate(self.norms):
            spike, mem = self.lif(norm(self.fc(x[step])), mem)
            out.append(spike)
        return torch.stack(out)


def test_a_forward_that_depends_on_the_timestep_is_refused() -> None:
    with pytest.raises(ModelsError, match=r"module lif \(Leaky\): gets something else than the layers before it give"):
        import_network(PerTimestep(), torch.rand(4, 2, 20))


def test_a_file_that_another_program_has_open_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "open.nir", chain((2,), fc=nir.Linear(np.eye(2)), n=integrate(2, 1.0)))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert import_network(path).source.input_shape == (2, 1, 1)
