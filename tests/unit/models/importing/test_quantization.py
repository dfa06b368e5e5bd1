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
from spikecycle.models.importing.leak import nearest_leak
from spikecycle.models.importing.weights import ChannelWeights, scales_of, to_codes
from spikecycle.models.training import accuracy
from spikecycle.traces import open_trace
from tests.unit.models.importing.graphs import chain, conv, input_bits, integrate, leaky, synapses

pytestmark = pytest.mark.train


@given(st.floats(0, 1))
def test_a_leak_is_as_near_as_a_trace_can_hold_it(leak: float) -> None:
    found = nearest_leak(leak)
    assert abs(float(found.value) - leak) <= 2**-17
    assert int(found.numerator) % 2 or found.shift == 0


@given(st.floats(0, 1), st.sampled_from([1e-4, 0.01, 0.1]))
def test_with_a_tolerance_no_smaller_denominator_would_do(leak: float, tolerance: float) -> None:
    found = nearest_leak(leak, tolerance)
    error = abs(float(found.value) - leak)
    assert error <= max(tolerance * (1 - leak), 2**-17)
    for shift in range(found.shift):
        assert abs(round(leak * 2**shift) / 2**shift - leak) >= error


@given(st.integers(0, 2**16))
def test_a_leak_that_hardware_has_is_kept(numerator: int) -> None:
    assert float(nearest_leak(numerator / 2**16).value) == numerator / 2**16
    assert tuple(nearest_leak(15 / 16)) == (15, 4)
    several = nearest_leak(np.array([0.5, 0.75]))
    assert several.shift == 2 and several.numerator.tolist() == [2, 3]


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
    assert figures.spike_difference_integer["n"] < 0.02
    with open_trace(tmp_path / "signed.h5") as trace:
        assert synapses(trace)[0].shape.C == 4 and input_bits(trace) == [12]
    grouped = import_network(chain((2, 6, 6), a=conv(np.ones((2, 1, 3, 3)), groups=2), n=integrate(2, 1.0)))
    with pytest.raises(ModelsError, match="negative inputs need OFF channels"):
        grouped.calibrate(samples)


def channels_of(weight: np.ndarray, threshold: float = 1.0, bias: float = 0.0) -> list[ChannelWeights]:
    """Channels of leaky neurons that reset to 0, which weights of that size can make fire."""
    return [ChannelWeights(row, threshold, bias, "hard", True, True, np.inf) for row in weight.reshape(len(weight), -1)]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_weights_that_are_integers_times_a_scale_keep_their_integers(bits: int, rng: np.random.Generator) -> None:
    highest = 2 ** (bits - 1) - 1
    codes = rng.integers(-highest, highest + 1, (6, 50))
    codes[:, 0] = highest
    weight = (codes * rng.uniform(0.1, 3, (6, 1)).astype(np.float32)).astype(np.float64)
    found = to_codes(weight, scales_of(channels_of(weight), bits, one_scale=False), bits)
    assert np.array_equal(found.codes, codes) and found.exact.all()
    wider = to_codes(weight, scales_of(channels_of(weight), bits + 4, one_scale=False), bits + 4)
    assert wider.exact.all() and (wider.codes % codes.max() == 0).any()


def test_the_scale_beats_the_one_that_reaches_the_largest_weight(rng: np.random.Generator) -> None:
    weight = rng.standard_t(3, (8, 400))
    scale = scales_of(channels_of(weight), 4, one_scale=False)
    found = to_codes(weight, scale, 4)
    step = np.abs(weight).max(axis=1, keepdims=True) / 7
    plain = ((np.clip(np.round(weight / step), -7, 7) * step - weight) ** 2).sum(axis=1)
    errors = ((found.codes * scale[:, None] - weight) ** 2).sum(axis=1)
    assert (errors <= plain).all() and errors.sum() < 0.8 * plain.sum()


@pytest.mark.parametrize("factor", [0.0, 1e-3, 1e-6, 1e-12, 1e-40, 1e-300])
@pytest.mark.parametrize("bias", [0.0, -1.0, 0.02])
def test_a_channel_that_cannot_fire_widens_no_potentials(factor: float, bias: float, rng: np.random.Generator) -> None:
    """The neurons of channel 1 stay below their threshold of 1 whatever arrives, so its weights may become 0."""
    weight = rng.normal(size=(3, 20))
    weight[1] *= factor
    affine = nir.Affine(weight, np.array([0.0, bias, 0.0]))
    network = import_network(chain((20,), fc=affine, n=leaky(3, 0.875)))
    samples = (rng.random((6, 20, 20)) < 0.3).astype(np.float32)
    network.calibrate(samples)
    network.quantize(8)
    assert network.potential_bits["n"] <= 16
    figures = network.measure(samples)
    assert any("1 of 3 channels (1) of n never fire" in remark for remark in figures.remarks)
    assert figures.spike_difference_integer["n"] < 0.1


def test_a_channel_that_its_bias_drives_keeps_its_rhythm(rng: np.random.Generator) -> None:
    """v = 0.875 v + 0.3 passes 1 in the fifth timestep: 0.3, 0.5625, 0.79, 0.99, 1.17; with weights of 1e-9 too."""
    affine = nir.Affine(np.stack([rng.normal(size=20), np.full(20, 1e-9)]), np.array([0.0, 0.3]))
    network = import_network(chain((20,), fc=affine, n=leaky(2, 0.875)))
    samples = (rng.random((2, 10, 20)) < 0.3).astype(np.float32)
    network.calibrate(samples)
    network.quantize(8)
    spikes = network.nodes[0].run(samples.astype(np.uint8))[:, :, 1, 0, 0]
    assert spikes.tolist() == [[0, 0, 0, 0, 1] * 2] * 2


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
