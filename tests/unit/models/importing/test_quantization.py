"""Numbers that become integers: leaks, inputs, weights, thresholds; and what a trained network loses by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.imported_network import nir_graph, trained_network
from spikecycle.models import ModelsError, import_network
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.importing.inputs import InputEncoding
from spikecycle.models.importing.leak import DECAY_TOLERANCE, nearest_leak
from spikecycle.models.importing.nodes import FloatLayer
from spikecycle.models.importing.weights import quantize_weights
from spikecycle.models.training import accuracy
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import chain, conv, integrate, leaky

pytestmark = pytest.mark.train


@given(st.floats(0, 1))
def test_a_leak_is_near_and_no_smaller_denominator_would_do(leak: float) -> None:
    found = nearest_leak(leak)
    error = abs(found.value - leak)
    assert error <= max(DECAY_TOLERANCE * (1 - leak), 2**-17)
    assert found.numerator % 2 or found.shift == 0
    for shift in range(found.shift):
        assert abs(round(leak * 2**shift) / 2**shift - leak) >= error


@given(st.integers(0, 2**16))
def test_a_leak_that_hardware_has_is_kept(numerator: int) -> None:
    leak = numerator / 2**16
    if 1 - leak >= 2**-16 / DECAY_TOLERANCE or leak == 1:
        found = nearest_leak(leak)
        assert abs(found.value - leak) <= DECAY_TOLERANCE * (1 - leak)
    assert nearest_leak(15 / 16) == (15, 4)


@pytest.mark.parametrize(
    ("samples", "expected", "words"),
    [
        ([0.0, 1.0, 1.0], InputEncoding(1, 1.0, False), "spikes of 1 bits"),
        ([0.0, 5.0, 2.0], InputEncoding(3, 1.0, False), "counts of 3 bits"),
        ([-1.0, 0.0, 1.0], InputEncoding(1, 1.0, True), "spikes of 1 bits, ON and OFF channels"),
        ([0.0, 0.25, 1.5], InputEncoding(4, 0.1, False), "analog values of 4 bits"),
    ],
)
def test_inputs_say_what_they_are(samples: list[float], expected: InputEncoding, words: str) -> None:
    array = np.array(samples).reshape(1, 1, 3, 1, 1)
    found = InputEncoding.fitting(array, analog_bits=4)
    assert (found.bits, found.signed, found.kind) == (expected.bits, expected.signed, words)
    assert found.step == pytest.approx(expected.step)
    codes = found.encode(array).astype(float)
    decoded = codes[:, :, :3] - codes[:, :, 3:] if found.signed else codes
    assert np.abs(decoded * found.step - array).max() <= found.step / 2
    assert found.clipped_share(array) == 0 and found.clipped_share(array * 2) > 0


def test_negative_and_analog_inputs_reach_the_neurons_as_they_were(tmp_path: Path, rng: np.random.Generator) -> None:
    pool = nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    network = import_network(chain((2, 6, 6), p=pool, a=conv(rng.normal(size=(5, 2, 3, 3))), n=leaky(5, 0.75)))
    samples = rng.normal(size=(40, 6, 2, 6, 6))
    network.calibrate(samples, input_bits=10)
    network.quantize(weight_bits=12)
    figures = network.record(tmp_path / "signed.h5", samples)
    assert figures.spike_difference_integer["a"] < 0.02
    with open_trace(tmp_path / "signed.h5") as trace:
        assert trace.layers[0].shape.C == 4 and trace.layers[0].input_bits == 12
    grouped = import_network(chain((2, 6, 6), a=conv(np.ones((2, 1, 3, 3)), groups=2), n=integrate(2, 1.0)))
    with pytest.raises(ModelsError, match="negative inputs need OFF channels"):
        grouped.calibrate(samples)


def layer_of(weight: np.ndarray, **neuron: float) -> FloatLayer:
    graph = chain((weight.shape[1],), a=nir.Linear(weight), n=leaky(len(weight), 0.75, **neuron))
    return import_network(graph).source.stages[0].layer


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_weights_that_are_integers_times_a_scale_keep_their_integers(bits: int, rng: np.random.Generator) -> None:
    highest = 2 ** (bits - 1) - 1
    codes = rng.integers(-highest, highest + 1, (6, 50))
    codes[:, 0] = highest
    scale = rng.uniform(0.001, 3, (6, 1)).astype(np.float32)
    found = quantize_weights(layer_of((codes * scale).astype(np.float64)), bits)
    assert np.array_equal(found.codes[:, :, 0, 0], codes)
    assert np.allclose(found.scale, scale[:, 0], rtol=1e-6)
    assert found.exact.all()
    wider = quantize_weights(layer_of((codes * scale).astype(np.float64)), bits + 4)
    assert wider.exact.all() and (wider.codes[:, :, 0, 0] % codes.max() == 0).any()


def test_the_scale_beats_the_one_that_reaches_the_largest_weight(rng: np.random.Generator) -> None:
    weight = rng.standard_t(3, (8, 400))
    found = quantize_weights(layer_of(weight), 4)
    step = np.abs(weight).max(axis=1, keepdims=True) / 7
    plain = ((np.clip(np.round(weight / step), -7, 7) * step - weight) ** 2).sum(axis=1)
    errors = ((found.weight[:, :, 0, 0] - weight) ** 2).sum(axis=1)
    assert (errors <= plain).all() and errors.sum() < 0.8 * plain.sum()


def test_a_channel_without_weights_still_has_its_threshold() -> None:
    weight = np.array([[0.0, 0.0], [1.0, 0.5]])
    found = quantize_weights(layer_of(weight), 8)
    assert found.codes[0].any() == 0 and found.scale[0] == pytest.approx(1 / 127)


def test_a_trained_network_loses_little(digits: DataSplit, tmp_path: Path) -> None:
    few = replace(digits, train=digits.train.take(range(384)), test=digits.test.take(range(200)))
    trained = trained_network(few, epochs=3)
    own = accuracy(trained, few.test, few.classes)
    assert own > 0.6
    nir.write(tmp_path / "digits.nir", nir_graph(trained, (2, 16, 16)))
    network = import_network(tmp_path / "digits.nir", classes=10)
    network.calibrate(few.train.frames[:64])
    losses = {}
    for bits in (8, 4):
        network.quantize(weight_bits=bits)
        figures = network.measure(few.test.frames, few.test.labels)
        assert figures.accuracy_float == pytest.approx(own, abs=0.01)  # ours fires at the threshold, NIR above
        assert figures.accuracy_integer is not None
        losses[bits] = own - figures.accuracy_integer
    # Trained on another processor it is another network: a sample is half a point, and four turn either way.
    assert losses[8] <= 0.04 and losses[4] <= 0.1
