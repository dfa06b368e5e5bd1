"""The kernels of a workload against its twin: the im2col matrix and everything that is counted without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.workload import WindowAxis, Windows, input_range, outputs_of_tap
from spikecycle.simulator.workload.counts import DIGITS, WORDS_AT_ONCE, add_spikes, add_up, sum_taps, sum_windows
from spikecycle.simulator.workload.im2col import (
    FieldRoom,
    lie_alike,
    pack_bit_by_bit,
    pack_by_fields,
    pack_rows,
    turn_bits,
)
from spikecycle.simulator.workload.spike_counts import spikes_by_place
from spikecycle.simulator.workload.words import count_ones, lowest_one
from spikecycle.traces.packing import PackedSpikes, pack_spikes
from tests.reference import workload as reference
from tests.unit.workload.cases import Case, cases, values, windows_of

AXES = st.builds(
    WindowAxis.of,
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 4),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.integers(1, 3),
).filter(lambda axis: axis.outputs >= 1)


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_counts_equal_those_of_the_matrix(case: Case) -> None:
    geometry, windows = case.geometry, windows_of(case.geometry)
    timesteps, outputs = len(case.inputs), (windows.rows.outputs, windows.columns.outputs)
    assert outputs == tuple(len(starts) for starts in geometry.outputs())
    of_channel = np.zeros((geometry.C, geometry.H * geometry.W), np.int32)
    of_step = np.zeros((geometry.groups, timesteps, geometry.H * geometry.W), np.int32)
    non_zeros = np.zeros(timesteps, np.int64)
    maps = case.inputs.reshape(timesteps, geometry.C, -1)
    add_up(maps, geometry.groups, case.bits == 1, of_channel, of_step, non_zeros)
    taps = np.zeros((geometry.C, geometry.R, geometry.S), np.int64)
    sum_taps(of_channel.reshape(geometry.C, geometry.H, geometry.W), windows, np.empty(geometry.H, np.int64), taps)
    ones = np.zeros((geometry.groups * timesteps, *outputs), np.int64)
    sum_windows(of_step.reshape(-1, geometry.H, geometry.W), windows, ones)

    matrices = [reference.matrix(geometry, case.inputs, bit) for bit in range(case.bits)]
    rows = [
        [sum(sum(plane[g][t][i]) for plane in matrices) for i in range(outputs[0] * outputs[1])]
        for g in range(geometry.groups)
        for t in range(timesteps)
    ]
    assert ones.reshape(len(rows), -1).tolist() == rows
    twin = reference.tap_counts(geometry, case.inputs, case.bits)
    assert {(c, r, s): int(n) for (c, r, s), n in np.ndenumerate(taps)} == {
        key: twin[key] for key in np.ndindex(taps.shape)
    }
    assert non_zeros.tolist() == [sum(value != 0 for value in step.reshape(-1).tolist()) for step in case.inputs]


@pytest.mark.kernel
@pytest.mark.parametrize("timesteps", [1, 2, 31, 32, 63, 70])
@pytest.mark.parametrize("positions", [1, 31, 33, 64, 65, 64 * WORDS_AT_ONCE + 5])
@pytest.mark.parametrize("density", [0.1, 0.5, 1])
def test_spikes_are_added_up_over_timesteps(timesteps: int, positions: int, density: float) -> None:
    """31 timesteps are what five digits count."""
    random = np.random.default_rng(timesteps * positions)
    spiking = (random.random((timesteps, positions)) < density).astype(np.uint8)
    filled = np.pad(spiking, ((0, 0), (0, -positions % 64)))
    before = random.integers(0, 9, positions).astype(np.int32)
    counts = before.copy()
    room = np.full((DIGITS, WORDS_AT_ONCE), 2**64 - 1, np.uint64)
    add_spikes(np.packbits(filled, axis=1, bitorder="little").view("<u8"), room, counts)
    expected = [start + sum(column) for start, column in zip(before.tolist(), spiking.T.tolist(), strict=True)]
    assert counts.tolist() == expected


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 5, 5), (8, 32, 40)])
@pytest.mark.parametrize("is_writable", [True, False])
def test_spikes_by_place_are_those_of_all_timesteps(shape: tuple[int, int, int], is_writable: bool) -> None:
    """Few spikes and many, rows of whole words and others, in arrays that may be written to or not."""
    spiking = (np.random.default_rng(1).random((40, *shape)) < 0.4).astype(np.uint8)
    packed = pack_spikes(spiking)
    packed.setflags(write=is_writable)
    assert spikes_by_place(PackedSpikes(packed, shape)).tolist() == spiking.reshape(40, -1).sum(axis=0).tolist()


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases(), st.data())
def test_packed_rows_are_those_of_the_matrix(case: Case, data: st.DataObject) -> None:
    geometry, windows = case.geometry, windows_of(case.geometry)
    bit = data.draw(st.integers(0, case.bits - 1))
    fan_in = geometry.C // geometry.groups * geometry.R * geometry.S
    positions = windows.rows.outputs * windows.columns.outputs
    packed = np.zeros((geometry.groups, len(case.inputs), positions, -(-fan_in // 64)), np.uint64)
    by_fields = packed.copy()
    pack_bit_by_bit(case.inputs, windows, bit, packed)
    pack_by_fields(case.inputs, windows, bit, FieldRoom.of(windows, by_fields.shape[3]), by_fields)
    event(f"words: {packed.shape[-1]}, stride: {geometry.stride}")
    expected = [
        [
            [[sum(one << k for k, one in enumerate(row[w : w + 64])) for w in range(0, fan_in, 64)] for row in step]
            for step in group
        ]
        for group in reference.matrix(geometry, case.inputs, bit)
    ]
    assert packed.tolist() == expected
    assert by_fields.tolist() == expected


@st.composite
def alike(draw: st.DrawFn) -> Case:
    """Windows whose outputs lie as the inputs do, in columns; many channels, maps of more and of less than a word."""
    groups, taps = draw(st.sampled_from([1, 1, 3])), draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    width = dilation[1] * (taps[1] - 1)
    left, top, bottom = draw(st.integers(0, width)), draw(st.integers(0, 5)), draw(st.integers(0, 5))
    height = draw(st.integers(max(1, dilation[0] * (taps[0] - 1) + 1 - top - bottom), 14))
    geometry = reference.Geometry(
        C=groups * draw(st.integers(1, 12)), H=height, W=draw(st.integers(1, 14)), M=groups, R=taps[0], S=taps[1],
        padding=(top, bottom, left, width - left), dilation=dilation, groups=groups,
    )  # fmt: skip
    bits = draw(st.sampled_from([1, 1, 3, 9]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.1, 0.6, 1.0]))
    shape = (draw(st.integers(1, 2)), geometry.C, geometry.H, geometry.W)
    return Case(geometry, values(random, shape, bits, density), bits, np.zeros(0))


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, derandomize=True)
@given(alike(), st.data())
def test_maps_that_are_moved_make_the_matrix(case: Case, data: st.DataObject) -> None:
    geometry, windows = case.geometry, windows_of(case.geometry)
    assert lie_alike(windows)
    bit = data.draw(st.integers(0, case.bits - 1))
    event(f"positions: {windows.rows.outputs * windows.columns.outputs > 64}")
    expected = np.array(reference.matrix(geometry, case.inputs, bit), np.uint8)
    filled = np.pad(expected, ((0, 0), (0, 0), (0, 0), (0, -expected.shape[3] % 64)))
    words = np.packbits(filled, axis=3, bitorder="little").view("<u8").tolist()
    assert pack_rows(case.inputs, windows, geometry.groups, bit).tolist() == words
    word_major = pack_rows(case.inputs, windows, geometry.groups, bit, word_major=True)
    assert word_major.tolist() == words
    assert word_major.transpose(0, 3, 1, 2).flags.c_contiguous
    if case.bits == 1:
        packed = PackedSpikes(pack_spikes(case.inputs), case.inputs.shape[1:])
        assert pack_rows(packed, windows, geometry.groups, 0).tolist() == words


def test_windows_that_do_not_lie_as_inputs_do() -> None:
    row, column = WindowAxis.of(5, 3, 1, (0, 0), 1), WindowAxis.of(5, 3, 1, (1, 1), 1)
    assert lie_alike(Windows(row, column))  # fewer rows, each as wide
    assert not lie_alike(Windows(column, row))
    assert not lie_alike(Windows(WindowAxis.of(5, 3, 2, (1, 1), 1), column))
    assert not lie_alike(Windows(column, WindowAxis.of(5, 1, 2, (2, 2), 1)))  # as many columns, by chance


@pytest.mark.kernel
@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_squares_of_bits_are_turned(seed: int, squares: int) -> None:
    words = np.random.default_rng(seed).integers(0, 2**64, (64, squares), np.uint64)
    bits = words[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    turn_bits(words)
    turned = words[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    assert np.array_equal(turned, bits.transpose(2, 1, 0))


def test_a_linear_layer_has_its_inputs_for_rows() -> None:
    inputs = np.zeros((2, 70, 1, 1), np.uint8)
    inputs[0, [0, 63, 64]] = 1
    inputs[1, 69] = 3
    windows = windows_of(reference.Geometry(C=70, H=1, W=1, M=1, R=1, S=1))
    assert pack_rows(inputs, windows, 1, 0).tolist() == [[[[1 | 1 << 63, 1]], [[0, 1 << 5]]]]
    assert pack_rows(inputs, windows, 1, 1).tolist() == [[[[0, 0]], [[0, 1 << 5]]]]
    assert pack_rows(inputs[:0], windows, 1, 0).shape == (1, 0, 1, 2)
    assert pack_rows(inputs, windows, 2, 0).tolist() == [[[[1]], [[0]]], [[[1 << 28 | 1 << 29]], [[1 << 34]]]]


@pytest.mark.kernel
@settings(max_examples=200, deadline=None, derandomize=True)
@given(AXES, st.data())
def test_an_axis_knows_its_inputs_and_its_taps(axis: WindowAxis, data: st.DataObject) -> None:
    def met(output: int, tap: int) -> int | None:
        found = output * axis.stride + tap * axis.dilation - axis.padding
        return found if 0 <= found < axis.inputs else None

    start = data.draw(st.integers(0, axis.outputs - 1))
    stop = data.draw(st.integers(start + 1, axis.outputs))
    read = [met(p, r) for p in range(start, stop) for r in range(axis.taps)]
    inputs = [found for found in read if found is not None]
    first, last = input_range(axis, start, stop)
    assert first <= last
    if inputs:
        # nothing that is read lies outside; without gaps between taps and windows, the range is no wider
        assert first <= min(inputs) <= max(inputs) < last
        if axis.dilation == 1 and axis.stride <= axis.taps:
            assert (first, last) == (min(inputs), max(inputs) + 1)
    elif axis.dilation == 1 and axis.stride <= axis.taps:
        assert first == last
    for tap in range(axis.taps):
        first, last = outputs_of_tap(axis, tap)
        assert list(range(first, last)) == [p for p in range(axis.outputs) if met(p, tap) is not None]


def test_a_row_wider_than_a_field_and_a_word() -> None:
    """A kernel of 1 x 70 on a row of 71: columns 0 to 69 of position 0, and one to the right at position 1."""
    inputs = np.zeros((1, 1, 1, 71), np.uint8)
    inputs[0, 0, 0, [0, 31, 32, 63, 64, 69, 70]] = 1
    geometry = reference.Geometry(C=1, H=1, W=71, M=1, R=1, S=70)
    packed = np.zeros((1, 1, 2, 2), np.uint64)
    windows = windows_of(geometry)
    pack_by_fields(inputs, windows, 0, FieldRoom.of(windows, packed.shape[3]), packed)
    assert packed[0, 0, 0].tolist() == [1 | 1 << 31 | 1 << 32 | 1 << 63, 1 | 1 << 5]
    assert packed[0, 0, 1].tolist() == [1 << 30 | 1 << 31 | 1 << 62 | 1 << 63, 1 << 4 | 1 << 5]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(40, 140), st.integers(1, 3))
def test_fields_that_straddle_words_lose_nothing(seed: int, channels: int, taps: int) -> None:
    """More columns than a word, by sums: every row has as many ones as its window has spikes."""
    random = np.random.default_rng(seed)
    inputs = (random.random((1, channels, taps, taps)) < 0.5).astype(np.uint8)
    geometry = reference.Geometry(C=channels, H=taps, W=taps, M=1, R=taps, S=taps)
    packed = np.zeros((1, 1, 1, -(-channels * taps * taps // 64)), np.uint64)
    windows = windows_of(geometry)
    pack_by_fields(inputs, windows, 0, FieldRoom.of(windows, packed.shape[3]), packed)
    bits = np.unpackbits(packed.view(np.uint8), bitorder="little")[: inputs.size]
    assert bits.tolist() == inputs.reshape(-1).tolist()
    assert np.bitwise_count(packed).sum() == inputs.sum()


@pytest.mark.kernel
@given(st.integers(1, 2**64 - 1))
def test_ones_of_a_word(word: int) -> None:
    assert count_ones(np.uint64(word)) == bin(word).count("1")
    assert lowest_one(np.uint64(word)) == len(bin(word)) - 1 - bin(word).rindex("1")
    assert count_ones(np.uint64(0)) == 0
