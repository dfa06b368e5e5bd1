"""Sums that are counted without being kept, against the gathering twin; and where they must not be counted so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.workload import Windows
from spikecycle.simulator.workload.event_lists import InputEvents, RowEvents
from spikecycle.simulator.workload.non_zero_sums import (
    LANES,
    OutputSums,
    SummedWeights,
    count_non_zero_sums,
    event_weights,
)
from spikecycle.traces import LayerShape
from spikecycle.traces.packing import PackedSpikes, pack_spikes
from spikecycle.traces.tensors import ValueRange
from tests.generated import layer_shapes, spikes
from tests.reference.replay import gather

ANY = ValueRange(-(2**62), 2**62)


@st.composite
def layers(draw: st.DrawFn) -> tuple[LayerShape, int, np.ndarray, np.ndarray, np.ndarray]:
    """A shape, bits of its weights, weights that often cancel or repeat, a bias, and spikes (T, C, H, W)."""
    shape = draw(layer_shapes())
    shape = replace(shape, M=shape.groups * draw(st.one_of(st.integers(1, 9), st.sampled_from([LANES, LANES + 1]))))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = draw(st.integers(1, 16))
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = draw(st.sampled_from([range(lowest, highest + 1), (lowest, 0, highest), (lowest,), (0,)]))
    weights = random.choice(codes, shape.weight_shape).astype(np.int32)
    bias = (random.integers(-2, 3, shape.M) * draw(st.sampled_from([0, 1, 128, 2**14, 2**20]))).astype(np.int32)
    return shape, bits, weights, bias, spikes(draw, (draw(st.integers(1, 3)), *shape.input_shape)).astype(np.uint8)


def twin(shape: LayerShape, weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> list[int]:
    """Non-zero sums of every timestep."""
    places = list(np.ndindex(shape.M, shape.P, shape.Q))
    codes, start = weights.tolist(), bias.tolist()
    return [
        sum(gather(shape, codes, frame, m, p, q)[0] + start[m] != 0 for m, p, q in places) for frame in inputs.tolist()
    ]


def packed(inputs: np.ndarray) -> PackedSpikes:
    """Spikes as a trace holds them."""
    return PackedSpikes(pack_spikes(inputs), inputs.shape[1:])


def words_of(inputs: np.ndarray) -> np.ndarray:
    """The same as words of 64 bits, and one more."""
    bits = inputs.reshape(len(inputs), -1)
    filled = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64 + 64)))
    return np.packbits(filled, axis=1, bitorder="little").view("<u8")


def non_zero_sums(
    shape: LayerShape, spikes: PackedSpikes, weights: np.ndarray, bits: int, bias: np.ndarray, allowed: ValueRange
) -> np.ndarray | None:
    """Counted, if they can be."""
    summed = SummedWeights.of(shape, weights, bits, bias, allowed)
    return None if summed is None else summed.non_zero_sums(spikes)


@pytest.mark.kernel
def test_sums_are_those_of_the_twin() -> None:
    seen: set[Any] = set()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(layers())
    def compare(layer: Any) -> None:
        shape, bits, weights, bias, inputs = layer
        expected = twin(shape, weights, bias, inputs)
        found = non_zero_sums(shape, packed(inputs), weights, bits, bias, ANY)
        is_scattered = shape.groups > 1 and shape.M // shape.groups < 4
        assert found is None if is_scattered else found is not None and found.tolist() == expected
        seen.update({shape.operator, ("dilated", shape.dilation[1] > 1), ("groups", shape.groups > 1)})
        seen.update({("found", found is not None), ("bits", bits > 8), ("bias", bool(bias.any()))})
        seen.add(("cancelled", 0 < expected[0] < shape.M * shape.P * shape.Q))

    compare()
    both = {
        (what, is_so) for what in ("dilated", "groups", "found", "bits", "bias", "cancelled") for is_so in (True, False)
    }
    assert seen >= {"conv1d", "conv2d", "linear", *both}


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 40),
    st.sampled_from([4, 8, 12]),
    st.sampled_from([np.int16, np.int32]),
    st.sampled_from([(0, 1, -1), (0, 64, -64, 128), (1, -1, 100, -100, -128)]),
    st.integers(0, 2**32 - 1),
)
def test_sums_of_many_events_are_split(
    inputs: int, most_events: int, dtype: type[np.signedinteger[Any]], codes: tuple[int, ...], seed: int
) -> None:
    """As they are where 16 bits hold no more: what is above 8 bits is kept apart, also several times in a window."""
    random = np.random.default_rng(seed)
    shape = LayerShape.linear(inputs, 70)
    weights = random.choice(codes, shape.weight_shape).astype(np.int32)
    bias = random.integers(-1, 2, shape.M).astype(np.int32)
    spiking = (random.random((4, *shape.input_shape)) < random.choice([0.1, 0.5, 1], (4, 1, 1, 1))).astype(np.uint8)
    lanes = np.zeros((1, 2 * LANES), dtype)
    lanes[0, : shape.M] = bias
    sums = OutputSums(lanes, np.zeros(LANES, dtype), np.zeros(LANES, dtype), most_events)
    rows = event_weights(weights, shape, np.int16)
    counts = np.zeros(len(spiking), np.int64)
    events, joined = InputEvents.of(shape), RowEvents.of(shape)
    count_non_zero_sums(words_of(spiking), Windows.of(shape), rows, sums, events, joined, counts)
    assert counts.tolist() == twin(shape, weights, bias, spiking)
    event(f"most are split {(int(spiking[0].sum()) - 1) // most_events} times")


@pytest.mark.kernel
@pytest.mark.parametrize("half", [100, 124, 127, 128, 129, 300, 1000])
@pytest.mark.parametrize("weight", [-127, -1, 1, 127])
def test_sums_of_long_windows_are_exact(weight: int, half: int) -> None:
    """As many inputs subtract a weight as add it before. Left are 0, 256, -256, 1 and 0; without an event, 0."""
    left = [[0, 0, 0, 0], [64, 64, 64, 64], [-128, -128, 0, 0], [1, 0, 0, 0], [1, 1, -1, -1]]
    weights = np.array([[weight] * half + [-weight] * half + codes for codes in left], np.int32)
    shape = LayerShape.linear(weights.shape[1], len(left))
    spiking = np.zeros((3, *shape.input_shape), np.uint8)
    spiking[[0, 2]] = 1
    bias = np.zeros(len(left), np.int32)
    counts = non_zero_sums(shape, packed(spiking), weights.reshape(shape.weight_shape), 8, bias, ANY)
    assert counts is not None
    assert counts.tolist() == [3, 0, 3]


@pytest.mark.parametrize(
    ("bias", "largest", "magnitude", "dtype", "most_events"),
    [
        (0, 128, 128 * 1152, np.int16, 248),  # 32767 - 255 = 32512 = 254 x 128, 4 of them apart
        (0, 1, 1152, np.int16, 32508),
        (-16000, 127, 170_000, np.int16, 124),  # 16512 = 130 x 127 + 2
        (0, 0, 0, np.int16, 32508),
        (0, 903, 903 * 1152, np.int16, 32),  # 32512 = 36 x 903 + 4
        (0, 904, 904 * 1152, np.int32, 2**31 - 1),
        (32767, 1, 40_000, np.int32, 2**31 - 1),
        (0, 127, 32767 * 256 - 1, np.int16, 252),
        (0, 127, 32767 * 256, np.int32, 2**31 - 1),  # what is above 8 bits could leave 16
    ],
)
def test_sums_are_of_16_bits_where_those_hold_many_events(
    bias: int, largest: int, magnitude: int, dtype: type[np.signedinteger[Any]], most_events: int
) -> None:
    sums = OutputSums.of(np.array([[bias, 0]], np.int32), largest, magnitude)
    assert (sums.low.dtype, sums.high.dtype, sums.bias.dtype) == (dtype, dtype, dtype)
    assert sums.most_events == most_events
    assert sums.bias.tolist() == [[bias, 0]]


@pytest.mark.parametrize(
    ("weight", "bits", "inputs"),
    [(-128, 8, 512), (64, 8, 1024), (64, 8, 4), (-1, 2, 2**16), (-32768, 16, 2), (16384, 16, 4), (2**16, 18, 1)],
)
def test_a_power_of_two_is_not_0(weight: int, bits: int, inputs: int) -> None:
    """Its last 8 or 16 bits are 0. Four output channels more get a weight less, which is no power of two."""
    shape = LayerShape.linear(inputs, 5)
    weights = np.full(shape.weight_shape, weight, np.int32)
    weights[1:, 0] = 0
    ones = np.ones((1, *shape.input_shape), np.uint8)
    bias = np.array([0, *([-weight * (inputs - 1)] * 2), 0, 0], np.int32)
    counts = non_zero_sums(shape, packed(ones), weights, bits, bias, ANY)
    others = 0 if inputs == 1 else 2  # without a bias that cancels theirs
    assert counts is not None
    assert counts.tolist() == [1 + others]


def linear(weights: list[list[int]], bias: list[int], allowed: ValueRange, bits: int = 8) -> list[int] | None:
    """Sums of a linear layer, all inputs spiking."""
    codes = np.array(weights, np.int32)
    shape = LayerShape.linear(codes.shape[1], len(codes))
    ones = packed(np.ones((1, *shape.input_shape), np.uint8))
    found = non_zero_sums(shape, ones, codes.reshape(shape.weight_shape), bits, np.array(bias, np.int32), allowed)
    return None if found is None else found.tolist()


def test_sums_that_may_leave_their_range_are_not_counted() -> None:
    """They must be made one by one then, so that somebody sees whether they do. Weights 3, 4 and -2 reach -2 to 7."""
    weights = [[3, 4, -2], [0, 0, 0], [1, 1, 1], [1, -1, 0]]
    assert linear(weights, [0, 0, 0, 0], ValueRange(-2, 7)) == [2]
    assert linear(weights, [0, 0, 0, 0], ValueRange(-1, 7)) is None
    assert linear(weights, [0, 0, 0, 0], ValueRange(-2, 6)) is None
    assert linear(weights, [0, 9, 0, 0], ValueRange(-2, 8)) is None
    assert linear(weights, [0, -9, 0, 0], ValueRange(-9, 7)) == [3]
    assert linear(weights, [0, -9, 0, 0], ValueRange(-8, 7)) is None


def test_sums_of_more_than_32_bits_are_not_counted() -> None:
    most = 2**31 - 1
    assert linear([[1], [0], [0], [0]], [most - 1, 0, 0, 0], ANY) == [1]
    assert linear([[1], [0], [0], [0]], [most, 0, 0, 0], ANY) is None
    assert linear([[2**30] * 2], [0], ANY, bits=32) is None


def test_many_timesteps_are_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikecycle.simulator.workload.non_zero_sums.BLOCK_BYTES", 2)
    shape = LayerShape.linear(3, 2)
    weights = np.array([[1, 1, 0], [1, -1, 0]], np.int32).reshape(shape.weight_shape)
    inputs = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 1], [0, 0, 0]], np.uint8).reshape(5, 3, 1, 1)
    counts = non_zero_sums(shape, packed(inputs), weights, 8, np.zeros(2, np.int32), ANY)
    assert counts is not None
    assert counts.tolist() == [1, 0, 2, 2, 0]
