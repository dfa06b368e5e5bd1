"""OutputSums that are counted without being kept, against the gathering twin; and where they must not be counted so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.replay.steps import by_input_channel
from spikecycle.simulator.workload import Windows
from spikecycle.simulator.workload.non_zero_sums import (
    ListedEvents,
    OutputSums,
    count_non_zero_sums,
    list_events,
    non_zero_sums,
)
from spikecycle.traces import LayerShape
from spikecycle.traces.packing import PackedSpikes, pack_spikes
from spikecycle.traces.tensors import ValueRange
from tests.generated import layer_shapes, spikes
from tests.reference.replay import gather

ANY = ValueRange(-(2**62), 2**62)


@st.composite
def layers(draw: st.DrawFn) -> tuple[LayerShape, np.ndarray, np.ndarray, np.ndarray]:
    """A shape with up to 9 output channels a group, weights that often cancel, a bias, and spikes (T, C, H, W)."""
    shape = draw(layer_shapes())
    shape = replace(shape, M=shape.groups * draw(st.integers(1, 9)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    largest = draw(st.sampled_from([1, 2, 127]))
    weights = random.integers(-largest, largest + 1, shape.weight_shape).astype(np.int32)
    bias = (random.integers(-2, 3, shape.M) * draw(st.booleans())).astype(np.int32)
    return shape, weights, bias, spikes(draw, (draw(st.integers(1, 3)), *shape.input_shape)).astype(np.uint8)


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
    """The same as words of 64 bits."""
    bits = inputs.reshape(len(inputs), -1)
    filled = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64)))
    return np.packbits(filled, axis=1, bitorder="little").view("<u8")


@pytest.mark.kernel
def test_sums_are_those_of_the_twin() -> None:
    seen: set[Any] = set()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(layers(), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([np.int16, np.int32]))
    def compare(layer: Any, most_events: int, dtype: type[np.signedinteger[Any]]) -> None:
        shape, weights, bias, inputs = layer
        outputs = shape.M // shape.groups
        wide = np.zeros(outputs, np.int32)
        sums = OutputSums(bias.reshape(shape.groups, outputs), wide.astype(dtype), wide, most_events)
        places = shape.groups * shape.H * shape.W
        events = ListedEvents(np.zeros(places + 2, np.int32), np.zeros(shape.input_count, np.int32))
        counts = np.zeros(len(inputs), np.int64)
        rows = by_input_channel(weights, shape, np.int8).reshape(-1, outputs)
        count_non_zero_sums(words_of(inputs), Windows.of(shape), shape.groups, rows, sums, events, counts)
        expected = twin(shape, weights, bias, inputs)
        assert counts.tolist() == expected
        found = non_zero_sums(shape, packed(inputs), weights, 8, bias, ANY)
        assert found is None if shape.groups > 1 and outputs < 4 else found is not None and found.tolist() == expected
        seen.update({shape.operator, shape.dilation[1] > 1, ("groups", shape.groups > 1), ("found", found is not None)})
        seen.add(("cancelled", 0 < expected[0] < shape.M * shape.P * shape.Q))

    compare()
    both = {(what, is_so) for what in ("groups", "found", "cancelled") for is_so in (True, False)}
    assert seen >= {"conv1d", "conv2d", "linear", True, False, *both}


@pytest.mark.kernel
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_events_are_listed_by_group_position_and_channel(groups: int, channels: int, places: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    spiking = (random.random((groups * channels, places)) < random.random()).astype(np.uint8)
    event(f"words: {-(-spiking.size // 64)}")
    events = ListedEvents(np.full(groups * places + 2, 9, np.int32), np.zeros(spiking.size, np.int32))
    list_events(words_of(spiking[None])[0], places, len(spiking), groups, events)
    for group in range(groups):
        for place in range(places):
            first, last = events.starts[group * places + place :][:2]
            own = range(group * channels, (group + 1) * channels)
            expected = [place * len(spiking) + c for c in own if spiking[c, place]]
            assert events.numbers[first:last].tolist() == expected


@pytest.mark.parametrize(
    ("weight", "bits", "inputs"),
    [(-128, 8, 512), (64, 8, 1024), (-32768, 16, 2), (16384, 16, 4), (2**16, 18, 1)],
)
def test_a_sum_of_two_to_the_power_of_16_is_not_0(weight: int, bits: int, inputs: int) -> None:
    """Its last 16 bits are 0. Four output channels more get a weight less, which is no power of two."""
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
    """OutputSums of a linear layer, all inputs spiking."""
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
