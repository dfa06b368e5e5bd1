"""STDP: one spike by hand, fixed-point weights stay codes, patterns are told apart, and the recipe's table."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.stdp import recipe
from spikecycle.models.stdp.memory import largest_within
from spikecycle.models.stdp.network import StdpNetwork, StdpRule, answers, classes_of

# Nothing leaks, thresholds stay, sums are half of the inputs: small enough for hands.
PLAIN = StdpRule(
    sum_weights=0.5, leak=1.0, trace_leak=0.5, threshold=0.5, adaptation=0.0, adaptation_leak=1.0, learning_rate=0.5
)


def _samples(*spikes: list[list[int]], labels: list[int] | None = None) -> FrameSet:
    """Samples of timesteps of inputs."""
    frames = np.array(spikes, np.uint8)[:, :, None, None, :]
    return FrameSet(frames, np.array(labels or [0] * len(frames), np.int64))


def test_a_spike_changes_the_weights_of_the_winner_alone() -> None:
    """4 inputs, sums of 2, threshold 1. Input 0, then 1: potentials 0.8 + 0.4 = 1.2 and 0.2 + 0.6 = 0.8.

    The first neuron fires. Traces are 0.5, 1, 0, 0: its weights 0.8, 0.4, 0.4, 0.4 rise by 0.5 x 0.5 x 0.2 and
    0.5 x 0.6, and fall by 0.5 x 0.4 twice: 0.85, 0.7, 0.2, 0.2, whose sum of 1.95 is brought to 2.
    """
    network = StdpNetwork(4, 2, None, PLAIN, seed=0)
    network.weights = np.array([[0.8, 0.2], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6]])
    network.learn(_samples([[1, 0, 0, 0], [0, 1, 0, 0]]), epochs=1)
    assert network.weights[:, 0] == pytest.approx(np.array([0.85, 0.7, 0.2, 0.2]) * 2 / 1.95)
    assert network.weights[:, 1].tolist() == [0.2, 0.6, 0.6, 0.6]
    assert network.counts(_samples([[1, 1, 0, 0], [0, 0, 0, 0]])).tolist() == [[1, 0]]


def test_adaptation_raises_the_threshold_and_leaks_from_sample_to_sample() -> None:
    """With adaptation 1 a spike adds a whole sum of weights, 2, of which half stays after the sample."""
    rule = StdpRule(0.5, 1.0, 0.5, 0.5, adaptation=1.0, adaptation_leak=0.5, learning_rate=0.0)
    network = StdpNetwork(4, 1, None, rule, seed=0)
    network.learn(_samples([[1, 1, 1, 1], [1, 1, 1, 1]]), epochs=1)  # 2 >= 1 fires; then 2 < 3 does not
    assert network.adapted.tolist() == [1.0]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_fixed_point_weights_stay_codes_and_keep_their_mean(bits: int) -> None:
    network = StdpNetwork(400, 20, bits, StdpRule(), seed=1)
    codes = network.weights * 2**bits
    assert np.array_equal(codes, codes.round()) and codes.min() >= 0 and codes.max() <= 2**bits - 1
    # Rounded up as often as the distance says: the sum of 400 weights is 40 but for chance, some 8 in 20 neurons.
    assert network.weights.sum(axis=0).mean() == pytest.approx(40, abs=3)


def test_two_patterns_are_told_apart_without_their_labels() -> None:
    rng = np.random.default_rng(3)
    labels = [0, 1] * 30
    patterns = np.repeat(np.eye(2, dtype=np.uint8), 20, axis=1)
    frames = (patterns[labels][:, None, :] & (rng.random((60, 8, 40)) < 0.7)).astype(np.uint8)
    samples = FrameSet(frames[:, :, None, None, :], np.array(labels, np.int64))
    network = StdpNetwork(40, 6, 4, StdpRule(), seed=2)
    network.learn(samples, epochs=3)
    counts = network.counts(samples)
    of_neuron = classes_of(counts, samples.labels, 2)
    assert (answers(counts, of_neuron, 2) == samples.labels).all()
    assert {0, 1} <= set(of_neuron.tolist())


def test_a_neuron_that_never_fires_answers_nothing() -> None:
    counts = np.array([[3, 0, 0], [0, 2, 0]])
    of_neuron = classes_of(counts, np.array([1, 0]), 2)
    assert of_neuron.tolist() == [1, 0, -1]
    assert answers(np.array([[0, 5, 9]]), of_neuron, 2).tolist() == [0]


def test_the_recipe_says_what_its_networks_take_and_find() -> None:
    """Sizes and memory of all rows; of the smallest network what it finds, trained again."""
    text = recipe.DOCUMENT.read_text()
    for line in recipe.published_rows():
        assert line in text
    rows = re.findall(r"^\| (\d+) \| (\d) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| .* \|$", text, re.MULTILINE)
    assert len(rows) == len(recipe.BUDGETS_KIB) * len(recipe.WEIGHT_BITS)
    for budget, bits, neurons, takes, _ in rows:
        memory = largest_within(int(budget) * recipe.BITS_PER_KIB, 512, int(bits))
        assert int(neurons) == memory.neurons
        assert float(takes) == pytest.approx(memory.bits / recipe.BITS_PER_KIB, abs=0.05)
    data = load_data("digits", DataOptions())
    smallest = largest_within(16 * recipe.BITS_PER_KIB, 512, 8)
    found = [recipe.found_by(data, smallest, seed) for seed in recipe.SEEDS]
    share = sum(text.count("1") for text in found) / sum(map(len, found))
    assert 100 * share == pytest.approx(float(rows[0][4]), abs=0.06)
