"""Neurons in floating point and in integers, and batch norm folded away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.models.integer.neuron import fire, potential_dtype
from spikecycle.models.networks.fold import fold_batch_norm
from spikecycle.models.networks.neuron import FixedPointLeaky, ImmediateLeaky, NeuronConfig
from spikecycle.models.networks.rounding import floor_straight_through, round_straight_through
from spikecycle.models.networks.spike import spike_at_or_above
from spikecycle.models.networks.spiking import SpikingLayer
from spikecycle.models.networks.synapse import currents
from spikecycle.models.readout import predicted_classes, voter_rates
from spikecycle.traces import LayerShape, Neuron
from spikecycle.traces.neuron import Reset

pytestmark = pytest.mark.train

CONFIG = NeuronConfig(leak_numerator=1, leak_shift=1, reset="soft", potential_bits=8)


def spikes_of(neuron: ImmediateLeaky, currents_in: list[float], threshold: float = 1.0) -> list[float]:
    arriving = torch.tensor(currents_in).reshape(-1, 1, 1)
    found: list[float] = neuron(arriving, torch.tensor(threshold)).flatten().tolist()
    return found


def test_a_spike_needs_exactly_the_threshold() -> None:
    below = float(np.nextafter(np.float32(1.0), np.float32(0.0)))
    assert spikes_of(ImmediateLeaky(CONFIG), [1.0]) == [1.0]
    assert spikes_of(ImmediateLeaky(CONFIG), [below]) == [0.0]


def test_a_soft_reset_takes_one_threshold_per_spike_and_keeps_the_rest() -> None:
    # 3.0 fires, 2.0 left; leaks to 1.0, fires, 0 left. Two thresholds are taken, never three.
    assert spikes_of(ImmediateLeaky(CONFIG), [3.0, 0.0, 0.5, 0.5, 0.25]) == [1, 1, 0, 0, 0]
    assert spikes_of(ImmediateLeaky(CONFIG), [3.0, 0.0, 1.0]) == [1, 1, 1]


def test_a_hard_reset_gives_up_everything_in_the_same_timestep() -> None:
    assert spikes_of(ImmediateLeaky(replace(CONFIG, reset="hard")), [3.0, 0.0, 0.75, 0.625]) == [1, 0, 0, 1]


def test_the_surrogate_gradient_is_largest_at_the_threshold_and_finite() -> None:
    excess = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    spike_at_or_above(excess).sum().backward()
    assert excess.grad is not None
    slope = excess.grad.tolist()
    assert slope[2] == 1.0 == max(slope)
    assert slope == slope[::-1] and min(slope) > 0


@pytest.mark.parametrize("rounding", [round_straight_through, floor_straight_through])
def test_rounding_passes_the_gradient_unchanged(rounding) -> None:
    x = torch.tensor([-1.4, 0.6, 2.5], requires_grad=True)
    rounded = rounding(x)
    assert torch.equal(rounded, rounded.round())
    (rounded * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1.0, 2.0, 3.0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    reset=st.sampled_from(["hard", "soft"]),
    potential_bits=st.integers(4, 16),
    leak=st.integers(0, 8).flatmap(lambda shift: st.tuples(st.integers(0, 2**shift), st.just(shift))),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_trained_neuron_is_the_integer_neuron(
    reset: Reset, potential_bits: int, leak: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    highest = 2 ** (potential_bits - 1) - 1
    threshold = rng.integers(1, highest + 1, 3, dtype=np.int32)
    arriving = rng.integers(-highest, 2 * highest, (6, 2, 3, 1, 1))
    neuron = Neuron("lif", threshold, potential_bits, *leak, reset)
    trained = FixedPointLeaky(NeuronConfig(*leak, reset, potential_bits))
    found = trained(torch.from_numpy(arriving).float(), torch.from_numpy(threshold).float()[:, None, None]).numpy()
    batched = torch.from_numpy(arriving.swapaxes(0, 1).copy()).to(potential_dtype(neuron, 2 * highest))
    assert np.array_equal(found.swapaxes(0, 1), fire(batched, neuron).numpy())


def test_the_dtype_is_the_narrowest_exact_one_and_a_width_beyond_is_refused() -> None:
    assert FixedPointLeaky(NeuronConfig(255, 8, "hard", potential_bits=17)).exact == torch.float32
    assert FixedPointLeaky(NeuronConfig(255, 8, "hard", potential_bits=18)).exact == torch.float64
    with pytest.raises(ValueError, match="exact in float64"):
        FixedPointLeaky(NeuronConfig(2**24 - 1, 24, "hard", potential_bits=32))


def test_a_decaying_input_makes_the_potential_an_average() -> None:
    tau_2 = replace(CONFIG, decays_input=True)
    # v += (x - v) / 2: 0.75, then 1.125 fires and leaves 0.125, then 0.8125.
    assert spikes_of(ImmediateLeaky(tau_2), [1.5, 1.5, 1.5]) == [0, 1, 0]
    with pytest.raises(ValueError, match="without a leak"):
        replace(tau_2, leak_numerator=2)
    with pytest.raises(ValueError, match="belongs into the weights"):
        FixedPointLeaky(tau_2)


def test_folded_batch_norm_computes_the_same() -> None:
    generator = torch.Generator().manual_seed(1)
    shape = LayerShape("conv2d", C=4, H=5, W=4, M=6, R=3, S=2, stride=(2, 1), padding=(1, 0), groups=2)
    layer = SpikingLayer("conv", shape, CONFIG, generator)
    with torch.no_grad():
        layer.norm.weight.uniform_(-2, 2, generator=generator)
        layer.norm.bias.uniform_(-1, 1, generator=generator)
    for _ in range(5):  # moves the running statistics away from 0 and 1
        layer(torch.rand(3, 2, 4, 5, 4, generator=generator) * 5)
    layer.double().eval()
    x = torch.rand(3, 2, 4, 5, 4, generator=generator).double()
    expected = layer.norm(currents(shape, x, layer.weight, None).flatten(0, 1))
    folded = currents(shape, x, *fold_batch_norm(layer.weight, layer.norm)).flatten(0, 1)
    assert torch.allclose(folded, expected, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(folded, currents(shape, x, layer.weight, None).flatten(0, 1))


def test_the_group_of_voters_that_fires_most_wins_and_ties_go_to_the_lower_class() -> None:
    spikes = np.zeros((2, 3, 6, 1, 1), dtype=np.uint8)  # 3 classes of 2 voters
    spikes[0, :2, 4] = 1
    spikes[0, 0, 0] = 1
    spikes[1, 0, 3] = spikes[1, 2, 5] = 1
    assert predicted_classes(spikes, 3).tolist() == [2, 1]
    rates = voter_rates(torch.from_numpy(spikes).float().transpose(0, 1), 3)
    assert rates.argmax(1).tolist() == [2, 1]
    assert rates[0].tolist() == pytest.approx([1 / 6, 0, 2 / 6])
