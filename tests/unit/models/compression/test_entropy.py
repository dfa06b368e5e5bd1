"""The entropy of codes and spikes: by hand, and that training with the penalty raises it."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.entropy import (
    RATE_FLOOR,
    EntropyPenalty,
    code_entropy,
    entropy_penalty,
    spike_entropy,
)
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.networks.network import quantize
from tests.unit.models.networks.lively import lively

pytestmark = pytest.mark.train


def test_of_codes_by_hand() -> None:
    """Ternary: a third each is all there can be; half 0 and half 1: 1 bit of log2 3; one code only: nothing."""
    assert float(code_entropy(torch.tensor([-1.0, 0.0, 1.0]), 1)) == pytest.approx(1.0)
    assert float(code_entropy(torch.tensor([0.0, 1.0, 7.0, 0.0]), 1)) == pytest.approx(1 / math.log2(3))
    assert float(code_entropy(torch.tensor([1.0, 1.0]), 1)) == pytest.approx(0.0, abs=1e-6)
    # 0.25 is three quarters a 0 and one quarter a 1: 0.811 bits.
    quarter = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert float(code_entropy(torch.tensor([0.25]), 1)) == pytest.approx(quarter / math.log2(3))
    assert float(code_entropy(torch.linspace(-7, 7, 15), 7)) == pytest.approx(1.0)


def test_its_gradient_leads_to_the_rarer_code() -> None:
    """Three steps near 0 and one near 1: a step between both rises, for ones are rarer."""
    steps = torch.tensor([0.0, 0.0, 0.0, 0.5], requires_grad=True)
    code_entropy(steps, 1).backward()
    assert steps.grad is not None
    assert float(steps.grad[3]) > 0


def test_of_spikes_by_hand() -> None:
    """Channels that always, never and half the time fire: 0, 0 and 1 bit, but for the floor of rates."""
    spikes = torch.zeros(4, 2, 3, 1, 1)
    spikes[:, :, 0] = 1
    spikes[:2, :, 2] = 1
    floor = RATE_FLOOR / (1 + 2 * RATE_FLOOR)
    nearly_none = -(floor * math.log2(floor) + (1 - floor) * math.log2(1 - floor))
    assert float(spike_entropy(spikes)) == pytest.approx((1 + 2 * nearly_none) / 3)


def test_the_penalty_is_what_is_lacking_and_pruned_weights_are_left_out() -> None:
    compression = Compression(name="x", weight_bits=2)
    scheme = CompressionScheme(compression)
    network = quantize(lively("digits"), scheme)
    spikes = [torch.zeros(2, 1, 2, 1, 1), torch.ones(2, 1, 2, 1, 1)]
    spikes[0][0] = 1  # every second timestep: nothing is lacking
    only_spikes = entropy_penalty(EntropyPenalty(weights=0, spikes=3), network.synapses(), scheme.quantizers)
    assert float(only_spikes(spikes)) == pytest.approx(0.0, abs=1e-6)
    assert float(only_spikes([torch.zeros(2, 1, 2, 1, 1), spikes[1]])) == pytest.approx(3, rel=0.02)
    only_weights = entropy_penalty(EntropyPenalty(weights=2, spikes=0), network.synapses(), scheme.quantizers)
    lacking = []
    with torch.no_grad():
        for synapse in network.synapses():
            synapse.weight[0] = 0
            kept = synapse.weight[1:] / scheme.quantizers[synapse.name].scale()[1:]
            lacking.append(1 - float(code_entropy(kept, 1)))
    with torch.no_grad():
        found = float(only_weights(spikes))
    assert found == pytest.approx(2 * sum(lacking) / len(lacking), rel=1e-5)


def test_codes_that_are_no_whole_numbers_in_turn_are_refused() -> None:
    keys = {"name": "x", "quantizer": "power_of_two", "weight_bits": 4}
    with pytest.raises(ValidationError, match="codes of power_of_two are not equally spaced"):
        Compression.model_validate({**keys, "entropy": {}})
    chosen = Compression.model_validate({**keys, "entropy": {"weights": 0}})
    assert chosen.summary.endswith("entropy regularized")
