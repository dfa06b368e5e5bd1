"""Networks whose weights, thresholds and leaks are fractions of powers of two: ties are decided as in float."""

from __future__ import annotations

import nir
import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

from spikecycle.models import import_network
from spikecycle.models.importing.weights import ChannelWeights, scales_of
from tests.unit.models.importing.graphs import chain, leaky
from tests.unit.models.importing.neurons_like import LIFNode

pytestmark = pytest.mark.train


def eighths(rng: np.random.Generator) -> nn.Linear:
    layer = nn.Linear(9, 12)
    with torch.no_grad():
        for each in layer.parameters():
            each.copy_(torch.from_numpy(np.round(rng.normal(0, 4, tuple(each.shape))) / 8))
    return layer


def differing(neuron: nn.Module, rng: np.random.Generator, bits: int) -> tuple[int, int]:
    """Spikes that differ in integers, and spikes of the module."""
    network = import_network(nn.Sequential(eighths(rng), neuron), torch.zeros(1, 9))
    samples = (rng.random((4, 20, 9)) < 0.3).astype(np.float32)
    network.calibrate(samples)
    network.quantize(bits)
    figures = network.measure(samples)
    fired = round(next(iter(figures.float_firing_rates.values())) * 4 * 20 * 12)
    return round(next(iter(figures.spike_difference_integer.values())) * fired), fired


@pytest.mark.parametrize(("beta", "bits"), [(0.5, 16), (0.5, 12), (0.75, 16), (1.0, 12)])
@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_a_potential_at_the_threshold_does_not_fire(
    beta: float, threshold: float, bits: int, rng: np.random.Generator
) -> None:
    """snnTorch subtracts, and fires above the threshold only."""
    neuron = snn.Leaky(beta=beta, threshold=threshold, init_hidden=True, reset_mechanism="subtract")
    lost, fired = differing(neuron, rng, bits)
    assert fired > 50 and lost == 0


def test_a_potential_at_the_threshold_fires(rng: np.random.Generator) -> None:
    """Those that fire at it: 0.5 v + 0.5 x is there after as many timesteps as it takes, without a bit lost."""
    lost, fired = differing(LIFNode(tau=2.0, v_threshold=0.5, v_reset=None), rng, 16)
    assert fired > 50 and lost == 0


def test_by_hand() -> None:
    """v' = v / 2 + x. 0.75 then 0.625 + 0.375 = 1 is no spike above 1; then 0.5 + 0.625 = 1.125 is one, and leaves
    0.125; then 0.0625 + 1 = 1.0625 is one, and leaves 0.0625."""
    weight = np.array([[0.75, 0.625, 1.0]])
    node = leaky(1, 0.5)
    network = import_network(chain((3,), fc=nir.Linear(weight), n=node), reset="soft")
    samples = np.zeros((1, 4, 3), np.float32)
    for t, which in enumerate((0, 1, 1, 2)):
        samples[0, t, which] = 1
    network.calibrate(samples)
    network.quantize(16)
    assert network.nodes[0].run(samples.astype(np.uint8)).reshape(-1).tolist() == [0, 0, 1, 1]


def test_units_of_other_channels_are_as_fine_as_before() -> None:
    """Codes 3, 5 and 7 of 8 bits: 127 // 7 = 18 units each; 16 where the threshold is a whole number of them, too."""
    weights = np.array([3.0, 5.0, -7.0])

    def scale(threshold: float, bias: float) -> float:
        return float(scales_of([ChannelWeights(weights, threshold, bias, "soft", True, True, np.inf)], 8, False)[0])

    assert scale(4.0, 0.0) == pytest.approx(1 / 16) and scale(4.5, 0.25) == pytest.approx(1 / 16)
    assert scale(4.03, 0.0) == pytest.approx(1 / 18) and scale(4.0, 0.01) == pytest.approx(1 / 18)
