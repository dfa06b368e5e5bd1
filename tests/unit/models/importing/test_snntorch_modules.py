"""Live snntorch modules: their spikes are the module's own before quantization, and what is not followed is refused."""

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
from torch.nn.utils import parametrize

from spikecycle import simulator
from spikecycle.models import ModelsError, import_network
from spikecycle.models.compression.prune import Mask
from spikecycle.models.importing.source import FloatRun
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import input_bits, populations, synapses

pytestmark = pytest.mark.train
INIT = {"init_hidden": True}
TIES = 2e-3
"""Share of spikes that float32 may decide in another way than exact sums do, and what follows from that."""


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
    "neuron",
    [
        {"beta": 0.9375, "reset_mechanism": "zero"},
        {"beta": 0.9, "reset_mechanism": "zero", "reset_delay": False},
        {"beta": 1.0, "reset_mechanism": "subtract"},
        {"beta": 0.9, "reset_mechanism": "subtract"},
        {"beta": 0.9, "reset_mechanism": "zero", "threshold": 0.7},
        {
            "beta": torch.linspace(0.5, 0.99, 6).reshape(6, 1, 1),
            "threshold": torch.linspace(0.3, 1, 6).reshape(6, 1, 1),
        },
    ],
    ids=["zero", "zero at once", "subtract without leak", "subtract after the leak", "threshold", "by channel"],
)
def test_a_module_with_its_own_loop(neuron: dict[str, Any], tmp_path: Path) -> None:
    module, samples = Unrolled(**neuron).train(), frames(12, 20, 2, 8, 8)
    if isinstance(neuron["beta"], Tensor):
        module.lif2 = snn.Leaky(0.9)
    network = import_network(module, samples[:2])
    assert module.training
    with torch.no_grad():
        told = module.eval()(samples)[0].transpose(0, 1).numpy()
    assert 0.01 < told.mean() < 0.5
    own = network.source.original.outputs(samples.numpy())[-1].reshape(told.shape)
    assert np.array_equal(own, told)
    in_reals = FloatRun(network.source.graph).outputs(samples.numpy())[-1].reshape(told.shape)
    assert (in_reals != told).mean() <= TIES

    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "net.h5", samples, told.sum(axis=1).argmax(axis=1))
    assert figures.accuracy_float == 1
    assert figures.spike_difference_mapped.keys() == {"lif1", "lif2"}
    assert max(figures.spike_difference_mapped.values()) <= 20 * TIES
    leaks = [cause for causes in figures.spike_difference_causes.values() for cause in causes if "neurons" in cause]
    assert not leaks or (torch.as_tensor(neuron["beta"]) != 0.9375).all()
    assert figures.spike_difference_integer["lif1"] < 0.1
    with open_trace(tmp_path / "net.h5") as trace:
        assert synapses(trace)[1].shape.C == 6 * 16
        assert trace.provenance["source_format"].startswith("snntorch 1")
        at_once = neuron.get("reset_mechanism") == "zero" or (torch.as_tensor(neuron["beta"]) == 1).all()
        assert populations(trace)[0].neuron.reset_timing == ("same" if at_once else "next")
    result = simulator.simulate(tmp_path / "net.h5", "systolic_weight_stationary", verify=True)
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


@pytest.mark.parametrize("neurons", ["exact", "plain"])
def test_a_module_of_one_timestep_with_potentials_as_its_output(neurons: Any, tmp_path: Path) -> None:
    net, samples = sequential(), torch.rand(9, 7, 1, 8, 8) * 3
    network = import_network(net, samples[:2, 0], neurons=neurons)
    total = torch.zeros(9, 8)
    with torch.no_grad():
        for step in range(7):
            total += net(samples[:, step])[1]
    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "net.h5", samples, total.argmax(dim=1))
    assert figures.accuracy_float == 1
    assert figures.accuracy_integer is not None and figures.accuracy_integer > 0.7
    with open_trace(tmp_path / "net.h5") as trace:
        assert input_bits(trace) == [8, 3]
        linear = synapses(trace)[1]
        assert not linear.weights()[0, :2].any() and linear.weights()[0, 2:].any()
        assert populations(trace)[1].neuron.kind == ("readout" if neurons == "exact" else "lif")
    if neurons == "plain":
        simulator.simulate(tmp_path / "net.h5", "spike_array", verify=True)


def test_resistance_and_capacitance_are_a_leak_and_a_gain() -> None:
    net = nn.Sequential(nn.Linear(5, 6), snn.Lapicque(R=2.0, C=4.0, **INIT))
    network = import_network(net, frames(1, 5))
    neuron = network.source.stages[0].layer.neuron
    assert (neuron.leak, neuron.gain) == (1 - 1 / 8, 1 / 4)
    as_it_was(network, frames(20, 60, 5) * 4)
    refused = nn.Sequential(nn.Linear(5, 6), snn.Lapicque(R=2.0, C=4.0, reset_mechanism="zero", **INIT))
    with pytest.raises(ModelsError, match=r"module 1 \(Lapicque\): loses what arrives in the timestep after a spike"):
        import_network(refused, frames(1, 5))


def as_it_was(network: Any, samples: Tensor) -> None:
    """The network in exact sums fires as the module does, but for ties."""
    inputs = samples.numpy().reshape(*samples.shape[:2], *network.source.input_shape)
    own = network.source.original.outputs(inputs)
    exact = FloatRun(network.source.graph).outputs(inputs)
    for one, other in zip(own, exact, strict=True):
        if one.size:
            assert 0.005 < np.asarray(one, float).mean() < 0.95
            assert (one.reshape(other.shape) != other).mean() <= TIES


def test_plain_neurons_subtract_before_the_leak_and_start_at_0() -> None:
    """In potentials shifted by s = threshold (1 - leak) / leak: threshold 4/7, a bias of s / 8."""
    net, samples = nn.Sequential(nn.Linear(5, 6), snn.Leaky(0.875, threshold=0.5, **INIT)), frames(20, 200, 5)
    network = import_network(net, frames(1, 5), neurons="plain")
    network.calibrate(samples)
    network.quantize(16)
    (neuron,) = (each.neuron for each in network.operators if hasattr(each, "neuron"))
    assert (neuron.reset_timing, neuron.start_potential.any(), neuron.reset) == ("same", False, "soft")
    assert int(neuron.threshold[0]) == round(0.5 / 0.875 / network._quantized.scales["1"][0])
    own = network.source.original.outputs(samples.numpy().reshape(20, 200, 5, 1, 1))[0].reshape(20, 200, 6)
    found = network.nodes[0].run(samples.numpy().astype(np.uint8)).reshape(20, 200, 6)
    assert (own != found)[:, :10].mean() > 5 * (own != found)[:, 100:].mean()
    assert (own != found)[:, 100:].mean() < 5e-3


class Skip(nn.Module):
    """An addition around a layer of neurons."""

    def __init__(self, change: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(8, 6), snn.Leaky(0.5, **INIT)
        self.fc2, self.lif2 = nn.Linear(6, 6), snn.Leaky(0.8, threshold=0.8, **INIT)
        self.fc3, self.lif3, self.change = nn.Linear(12, 5), snn.Leaky(0.9, threshold=0.5, **INIT), change

    def forward(self, x: Tensor) -> Tensor:
        one = self.change(self.lif1(self.fc1(x) * 2))
        two = self.lif2(self.fc2(one) + one)
        return self.lif3(self.fc3(torch.cat([two, one + two], dim=1)))


class Twice(nn.Module):
    """One layer of neurons in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(4, 4), snn.Leaky(0.5, **INIT)
        self.last = snn.Leaky(0.5, **INIT)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.lif(self.fc(self.lif(self.fc(x)))))


class Between(nn.Module):
    """Something done to spikes between two layers, which a silent example does not show."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 8, 3, padding=1), snn.Leaky(0.5, **INIT)
        self.fc, self.lif2 = nn.Linear(8 * 64, 10), snn.Leaky(0.5, **INIT)
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        return self.lif2(self.fc(self.change(self.lif1(self.conv(x))).flatten(1)))


def halved(spikes: Tensor) -> Tensor:
    spikes[:, :4] = 0.5
    return spikes


@pytest.mark.parametrize(
    "change",
    [halved, lambda spikes: F.dropout(spikes, 0.5), lambda spikes: spikes.clamp(max=0.5), lambda s: s.sort(1)[0]],
    ids=["set in place", "dropped", "clamped", "sorted"],
)
def test_what_is_done_to_spikes_is_seen_with_a_silent_example_too(change: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(ModelsError, match=r"^Between: (module|fc|lif2)[^\n]*: "):
        import_network(Between(change), torch.zeros(1, 2, 8, 8))


def test_an_order_of_channels_goes_into_the_weights() -> None:
    module = Between(lambda spikes: spikes[:, [1, 0, 2, 3, 7, 5, 6, 4]].detach())
    network = import_network(module, torch.zeros(1, 2, 8, 8))
    weight = network.source.stages[1].layer.weight
    assert weight is not None
    own = module.fc.weight.detach().numpy().reshape(10, 8, 64)
    assert np.allclose(weight.reshape(10, 8, 64)[:, [1, 4]], own[:, [0, 7]])


class Fed(nn.Module):
    """Something done to the input."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.lif, self.change = nn.Conv2d(2, 8, 3), snn.Leaky(0.5, threshold=0.3, **INIT), change

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.lif(self.conv(step)) for step in self.change(x)])


def test_inputs_are_turned_along_their_axes_and_nothing_else() -> None:
    for change in (lambda x: x, lambda x: x.transpose(0, 1)):
        as_it_was(import_network(Fed(change), torch.zeros(3, 3, 2, 8, 8)), frames(3, 3, 2, 8, 8))
    for change in (lambda x: x[[2, 1, 0]], lambda x: F.dropout(x, 0.5), lambda x: x[1:], lambda x: x * x):
        with pytest.raises(ModelsError, match=r"^Fed: "):
            import_network(Fed(change), torch.zeros(4, 3, 2, 8, 8))


class Stateful(nn.Module):
    """Something done to the state between timesteps."""

    def __init__(self, change: Callable[[Tensor, int], Tensor], hidden: bool = False) -> None:
        super().__init__()
        self.fc, self.lif, self.change = nn.Linear(5, 6), snn.Leaky(0.9, init_hidden=hidden), change
        self.hidden = hidden

    def forward(self, x: Tensor) -> Tensor:
        mem, spikes = self.lif.reset_mem(), []
        for step in range(x.shape[1]):
            if self.hidden:
                spikes.append(self.lif(self.fc(x[:, step])))
                self.lif.mem = self.change(self.lif.mem, step)
            else:
                spike, mem = self.lif(self.fc(x[:, step]), self.change(mem, step))
                spikes.append(spike)
        return torch.stack(spikes)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda mem, step: mem.relu(), lambda mem, step: 0.9 * mem, lambda mem, step: mem * (step != 2),
        lambda mem, step: mem.clamp(max=1.2), lambda mem, step: mem + 0.1,
    ],
    ids=["relu", "decay", "reset", "clamp", "drive"],
)  # fmt: skip
def test_a_forward_that_changes_states_is_refused(change: Callable[[Tensor, int], Tensor], hidden: bool) -> None:
    with pytest.raises(ModelsError, match=r"^Stateful: module lif \(Leaky\): its states are (changed|set to z)"):
        import_network(Stateful(change, hidden), torch.zeros(2, 6, 5))
    import_network(Stateful(lambda mem, step: mem, hidden), torch.zeros(2, 6, 5))


def layers(*modules: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), *modules)


@pytest.mark.parametrize(
    ("module", "lines"),
    [
        (layers(nn.ReLU(), snn.Leaky(0.5, **INIT)),
         ["Sequential: module 2 (Leaky): gets the result of relu; supported: convolutions, linear layers, batch norm"]),
        (layers(snn.Alpha(0.9, 0.8, **INIT)), ["Sequential: module 1 (Alpha): supported: Leaky, RLeaky, Synaptic"]),
        (layers(snn.Synaptic(0.5, 0.5, reset_mechanism="zero", **INIT), nn.Linear(4, 4),
                snn.Leaky(0.5, surrogate_disable=True, **INIT)),
         ["module 1 (Synaptic): loses what arrives", "module 3 (Leaky): surrogate_disable; supported"]),
        (layers(snn.Leaky(0.5, graded_spikes_factor=2.0, **INIT)), ["module 1 (Leaky): graded_spikes_factor; supp"]),
        (layers(snn.Leaky(0.5, reset_mechanism="none", **INIT), nn.Linear(4, 4), snn.Leaky(0.5, **INIT)),
         ["module 1 (Leaky): fires without ever a reset, or never; supported: reset by subtraction or to zero, or"]),
        (layers(snn.Leaky(0.5, reset_delay=False, **INIT)), ["module 1 (Leaky): reset_delay=False subtracts a second"]),
        (Twice(), ["Twice: module lif (Leaky): is called in two places; supported: neurons that are called once"]),
        (nn.Sequential(nn.Linear(3, 4), snn.Leaky(0.5, **INIT)), ["Sequential: cannot be run on the example: Runt"]),
        (nn.Sequential(nn.Linear(4, 4)), ["Sequential: has no spiking neurons; supported are those of snnTorch"]),
        (layers(snn.Leaky(0.5, **INIT)).to(torch.bfloat16),
         ["Sequential: 0.weight is bfloat16; convert the module with .float() first", "0.bias is bfloat16", "1."]),
        (layers(snn.Leaky(0.5, **INIT)).to("meta"), ["0.weight is on the device meta; move the mod", "0.bias", "1."]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_modules_that_have_no_place_in_a_trace(module: nn.Module, lines: list[str]) -> None:
    with pytest.raises(ModelsError) as error:
        import_network(module, torch.rand(3, 4))
    found = str(error.value).splitlines()
    assert all(words in line for line, words in zip(found, lines, strict=False)), found
    assert len(found) >= len(lines)


def test_sums_and_concatenations_around_neurons() -> None:
    network = import_network(Skip(), torch.rand(3, 8))
    as_it_was(network, torch.rand(10, 40, 8))
    kinds = [type(each).__name__ for each in network.source.graph.operators]
    assert kinds.count("FloatSum") == 2 and kinds.count("FloatJoin") == 1
    with pytest.raises(ModelsError, match="gets the result of"):
        import_network(Skip(lambda x: x.relu()), torch.rand(3, 8))


def test_pooling_of_currents_is_an_operator_or_a_larger_kernel(tmp_path: Path) -> None:
    def pooled(pool: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 2, 3), pool, snn.Leaky(0.5, threshold=0.2, **INIT))

    samples = (torch.rand(4, 6, 1, 8, 8) < 0.3).float()
    for pool, operators in ((nn.MaxPool2d(2), 3), (nn.MaxPool2d(3, 2, 1), 3), (nn.AvgPool2d(2), 2)):
        network = import_network(pooled(pool), samples[:2, 0])
        as_it_was(network, samples)
        network.calibrate(samples)
        network.quantize(8)
        network.record(tmp_path / "pooled.h5", samples, force=True)
        with open_trace(tmp_path / "pooled.h5") as trace:
            assert len(trace.operators) == operators
        simulator.simulate(tmp_path / "pooled.h5", "systolic_output_stationary", verify=True)
    assert synapses(trace)[0].shape.R == 4
    with pytest.raises(ModelsError, match="an example is needed"):
        import_network(pooled(nn.AvgPool2d(2)))


def test_what_is_no_network_is_told_so() -> None:
    module = layers(snn.Leaky(0.5, **INIT))
    for given, words in (
        (
            module.state_dict(),
            "found a OrderedDict: parameters (a state_dict, a checkpoint) do not say what",
        ),
        (None, "a NIR file, a nir.NIRGraph or a torch module is needed, found None (NoneType)"),
        (nn.Linear, "found the class Linear; give a module, Linear(...)"),
    ):
        with pytest.raises(ModelsError) as error:
            import_network(given, torch.rand(1, 4))
        assert words in str(error.value) and "\n" not in str(error.value)
