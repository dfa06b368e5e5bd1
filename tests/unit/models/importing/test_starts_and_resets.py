"""Starts, resets and rests that differ between channels: spikes of the integer network beside NIR's equations in float.

The reference is NIR's Euler steps, written out here: a synaptic current jumps before the potential takes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from spikecycle import simulate
from spikecycle.models import ModelsError, import_network
from spikecycle.models.importing.network import ImportedNetwork
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import DT, chain, conv, emitted

pytestmark = pytest.mark.train
CHANNELS, INPUTS, TIMESTEPS = 8, 12, 20


@pytest.fixture
def samples() -> np.ndarray:
    return (np.random.default_rng(3).random((4, TIMESTEPS, INPUTS)) < 0.3).astype(np.float32)


@pytest.fixture
def weight() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.6, (CHANNELS, INPUTS))


def parameters(**given: Any) -> dict[str, np.ndarray]:
    """One value for each neuron."""
    return {name: np.broadcast_to(np.asarray(value, float), CHANNELS).copy() for name, value in given.items()}


def cuba(**changed: Any) -> dict[str, np.ndarray]:
    plain = {"tau_mem": 8 * DT, "tau_syn": 4 * DT, "r": 5.0, "v_leak": 0.0, "v_threshold": 0.5, "v_reset": 0.0}
    return parameters(**{**plain, "w_in": 2.0, **changed})


def lif(**changed: Any) -> dict[str, np.ndarray]:
    plain = {"tau": 20 * DT, "r": 8.0, "v_leak": 0.0, "v_threshold": 0.5, "v_reset": 0.0}
    return parameters(**{**plain, **changed})


def own(neuron: dict[str, np.ndarray], arriving: np.ndarray) -> np.ndarray:
    """What neurons make of currents (N, T, M): spikes, or potentials where there is no threshold."""
    made = []
    v, i = np.broadcast_to(neuron["v_leak"], arriving[:, 0].shape), np.zeros(arriving[:, 0].shape)
    for t in range(arriving.shape[1]):
        now = arriving[:, t]
        if "tau_syn" in neuron:
            i = i + DT / neuron["tau_syn"] * (neuron["w_in"] * now - i)
            now = i
        tau = neuron["tau_mem" if "tau_mem" in neuron else "tau"]
        v = v + DT / tau * (neuron["v_leak"] - v + neuron["r"] * now)
        if "v_threshold" not in neuron:
            made.append(v)
            continue
        made.append(v > neuron["v_threshold"])
        v = np.where(made[-1], neuron["v_reset"], v) if "v_reset" in neuron else v - made[-1] * neuron["v_threshold"]
    return np.stack(made, axis=1)


def quantized(weight: np.ndarray, node: Any, samples: np.ndarray, **options: Any) -> ImportedNetwork:
    network = import_network(chain((INPUTS,), fc=nir.Linear(weight), n=node), **options)
    network.calibrate(samples)
    network.quantize(16)
    return network


STARTS = {
    "below": lif(v_leak=0.25),
    "high": lif(v_leak=0.45, v_reset=-0.1),
    "above the threshold of others": lif(v_leak=0.45, v_threshold=np.linspace(0.2, 2, CHANNELS)),
    "above its own threshold": lif(v_leak=0.7),
    "low": lif(v_leak=-2.0, r=30.0),
    "one each": lif(v_leak=np.linspace(-0.5, 0.45, CHANNELS)),
    "counts of many volts": lif(v_leak=-65.0, v_reset=-75.0, v_threshold=-55.0, r=300.0),
}


@pytest.mark.parametrize("words", STARTS)
def test_every_channel_starts_where_it_rests(words: str, samples: np.ndarray) -> None:
    """Weights of channels are up to 15 times as large as of others, and so are their units."""
    neuron = STARTS[words]
    weight = np.random.default_rng(3).normal(0, 0.15, (CHANNELS, INPUTS)) * np.geomspace(0.2, 3, CHANNELS)[:, None]
    expected = own(neuron, samples @ weight.T)
    figures = quantized(weight, nir.LIF(**neuron), samples).measure(samples)
    assert expected.any()
    assert figures.spike_difference_integer["n"] * expected.sum() <= 1  # a spike may be at a tie of rounding


RESETS = {
    "one for all": cuba(v_reset=-0.2),
    "one each": cuba(v_reset=np.linspace(-0.4, 0.2, CHANNELS)),
    "rests": cuba(v_leak=np.linspace(-0.2, 0.2, CHANNELS)),
    "both": cuba(v_leak=np.linspace(-0.2, 0.45, CHANNELS), v_reset=np.linspace(0.3, -0.4, CHANNELS)),
    "together": cuba(v_leak=np.linspace(-0.2, 0.2, CHANNELS), v_reset=np.linspace(-0.5, -0.1, CHANNELS)),
    "other leaks": cuba(v_leak=0.2, tau_syn=np.linspace(1, 8, CHANNELS) * DT, v_reset=np.linspace(-0.4, 0, CHANNELS)),
    "rests above the threshold": cuba(v_leak=0.7, v_reset=-0.2),
    "keeps nothing": cuba(tau_mem=DT, v_reset=-0.2),
}


@pytest.mark.parametrize("words", RESETS)
def test_every_channel_has_its_reset_value(words: str, weight: np.ndarray, samples: np.ndarray, tmp_path: Path) -> None:
    neuron = RESETS[words]
    expected = own(neuron, samples @ weight.T)
    network = quantized(weight, nir.CubaLIF(**neuron), samples)
    network.record(tmp_path / "n.h5", samples)
    with open_trace(tmp_path / "n.h5") as trace:
        spikes = emitted(trace, "n").reshape(expected.shape)
    assert expected.any() and (spikes != expected).sum() <= 1


def test_a_constant_beside_a_current_that_resets_by_subtraction(weight: np.ndarray, samples: np.ndarray) -> None:
    neuron = cuba(v_leak=np.linspace(0.1, 0.3, CHANNELS))
    del neuron["v_reset"]
    expected = own(neuron, samples @ weight.T)
    network = quantized(weight, nir.CubaLIF(**neuron), samples, reset="soft")
    assert network.measure(samples).spike_difference_integer["n"] * expected.sum() <= 1


@pytest.mark.parametrize("placed", [{}, {"padding": 1}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 2}])
def test_machines_run_what_brings_a_constant(placed: dict[str, int], tmp_path: Path, rng: np.random.Generator) -> None:
    """On maps, of several pixels for each channel."""
    layer = conv(rng.normal(size=(4, 2, 3, 3)), **placed)
    side = {(1, 0): 3, (1, 1): 5, (2, 1): 3, (1, 2): 5}[placed.get("stride", 1), placed.get("padding", 0)]
    shape = (4, side, side)
    values = {name: np.broadcast_to(value[::2, None, None], shape).copy() for name, value in RESETS["both"].items()}
    network = import_network(chain((2, 5, 5), a=layer, n=nir.CubaLIF(**values)))
    maps = (rng.random((2, 12, 2, 5, 5)) < 0.3).astype(np.float32)
    network.calibrate(maps)
    network.quantize(8)
    figures = network.record(tmp_path / "maps.h5", maps)
    assert figures.spike_difference_integer["n"] < 0.04  # 8 bits of weights
    assert any(remark.startswith("n: ") and "constant of n" in remark for remark in figures.remarks)
    for each in simulate(tmp_path / "maps.h5", "spike_array", verify=True).verification or ():
        assert each.spikes_compared and not each.mismatches


def answers(
    nodes: dict[str, Any], shape: tuple[int, ...], samples: np.ndarray, classes: np.ndarray
) -> tuple[float, float]:
    network = import_network(chain(shape, **nodes))
    network.calibrate(samples)
    network.quantize(16)
    figures = network.measure(samples, classes)
    assert figures.accuracy_mapped is not None and figures.accuracy_integer is not None
    return figures.accuracy_mapped, figures.accuracy_integer


def test_potentials_of_classes_that_rest_elsewhere_are_compared_as_they_are(
    weight: np.ndarray, rng: np.random.Generator
) -> None:
    weight = weight - weight.mean(axis=1, keepdims=True)  # so that several classes win
    neuron = cuba(v_leak=np.linspace(-1, 1, CHANNELS), w_in=1.0)
    del neuron["v_threshold"], neuron["v_reset"]
    many = (rng.random((40, TIMESTEPS, INPUTS)) < 0.3).astype(np.float32)
    potentials = own(neuron, many @ weight.T)
    classes = potentials.sum(axis=1).argmax(axis=1)
    assert ((potentials - neuron["v_leak"]).sum(axis=1).argmax(axis=1) != classes).mean() > 0.2
    assert answers({"fc": nir.Linear(weight), "n": nir.CubaLI(**neuron)}, (INPUTS,), many, classes) == (1.0, 1.0)


@pytest.mark.parametrize("name", ["r", "tau"])
def test_potentials_in_several_units_are_refused(name: str, rng: np.random.Generator) -> None:
    """A map of one channel, whose columns are the classes."""
    columns = np.linspace(2 * DT, 20 * DT, 10) if name == "tau" else np.linspace(0.5, 8, 10)
    values = {"tau": np.full(10, 8 * DT), "r": np.full(10, 5.0), "v_leak": np.zeros(10), name: columns}
    node = nir.LI(**{key: value.reshape(1, 1, 10) for key, value in values.items()})
    with pytest.raises(
        ModelsError, match=r"node n \(LI\): a gain .* within one channel, whose potentials are compared"
    ):
        import_network(chain((1, 1, 12), a=conv(rng.normal(size=(1, 1, 1, 3))), n=node))
