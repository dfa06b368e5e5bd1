"""Kernels of the row-stationary array, each against its twin: the order of passes, counts of windows, deliveries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.dataflows.row_stationary.counts import TapInputs, count_rows
from spikecycle.simulator.dataflows.row_stationary.global_buffer import deliver_row
from spikecycle.simulator.dataflows.row_stationary.machine import lower_layer
from spikecycle.simulator.dataflows.row_stationary.passes import Passes, PassSequence, Places, look_up, number_passes
from spikecycle.simulator.dataflows.row_stationary.slowest_pe import RangesOfInputs, cycles_dtype, go_through_ranges
from spikecycle.simulator.workload import input_range
from spikecycle.simulator.workload.im2col import bit_words
from spikecycle.traces import LayerShape
from tests.reference import row_stationary_passes as reference
from tests.unit.row_stationary.cases import machine
from tests.unit.spike_array.cases import layer


@pytest.mark.kernel
@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    st.integers(1, 6), st.booleans(), st.data(),
)  # fmt: skip
def test_passes_are_numbered_as_the_twin_does(
    sizes: list[int],
    ranges: int,
    filter_folds: int,
    channel_folds: int,
    folds_per_group: int,
    by_group: bool,
    data: st.DataObject,
) -> None:
    shape = ranges * sum(sizes), filter_folds, channel_folds
    twin = reference.passes(sizes, shape, folds_per_group, by_group)
    assert len(twin) == shape[0] * filter_folds * channel_folds
    first = data.draw(st.integers(0, len(twin) - 1))
    stop = data.draw(st.integers(first, len(twin)))
    sequence = PassSequence(np.array(sizes), filter_folds, channel_folds, folds_per_group, int(by_group))
    found = Passes(*np.full((4, stop - first), -1, np.int64))
    number_passes(sequence, first, found)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == [
        (one.tile, one.filter_fold, one.channel_fold, one.number) for one in twin[first:stop]
    ]

    groups = data.draw(st.lists(st.integers(0, 2), min_size=filter_folds, max_size=filter_folds))
    sizes_of_axes = (ranges, sum(sizes), filter_folds, channel_folds)
    for axes in itertools.permutations(range(4)):  # in whatever order the tables have them, and without some of them
        missing = data.draw(st.sets(st.integers(0, 3)))
        kinds = groups if data.draw(st.booleans()) else list(range(filter_folds))
        lengths = [1 if axis in missing else max(3, sizes_of_axes[axis]) for axis in axes]
        tables = np.arange(2 * math.prod(lengths), dtype=np.uint16).reshape(2, *lengths)
        steps = {axis: 0 if axis in missing else math.prod(lengths[at + 1 :]) for at, axis in enumerate(axes)}
        looked_up = np.full((2, stop - first), -1, np.int64)
        places = Places(*(steps[axis] for axis in range(4)))
        look_up(tables.reshape(2, -1), places, np.array(kinds), sequence, first, looked_up)
        for table, found_there in zip(tables, looked_up.tolist(), strict=True):
            wanted = [
                (one.range, one.fold - one.range * sum(sizes), kinds[one.filter_fold], one.channel_fold)
                for one in twin[first:stop]
            ]
            where = [tuple(0 if axis in missing else place[axis] for axis in axes) for place in wanted]
            assert found_there == [table[place] for place in where]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("width", "taps", "stride", "padding"),
    [
        (5, 3, 1, 1), (7, 3, 2, 0), (1, 1, 1, 0), (3, 3, 5, 2), (9, 4, 3, 3),
        (130, 3, 1, 1), (200, 5, 3, 2), (150, 2, 70, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("density", "planes"), [(0.3, 0), (1.0, 1)])
def test_windows_are_counted_as_the_twin_does(
    width: int, taps: int, stride: int, padding: int, density: float, planes: int
) -> None:
    random = np.random.default_rng(width)
    shape = LayerShape(
        "conv2d", C=2, H=3, W=width, M=1, R=min(taps, 3), S=taps, stride=(stride, stride), padding=(1, padding)
    )
    inputs = random.random((2, *shape.input_shape)) < density
    spec = lower_layer(machine(), layer(shape, np.ones(shape.weight_shape), timesteps=2))
    bits = bit_words(inputs.astype(np.uint8), 0)
    cut = np.array([0, shape.Q // 3, shape.Q // 2, shape.Q])
    # all ranges add to the same taps, and the last one leaves its windows
    for starts, ends in [(cut[:1], cut[3:]), (cut[:1], cut[:1] + 1), (cut[2:3], cut[3:]), (cut[:-1], cut[1:])]:
        found = [reference.windows(inputs, shape, range(q0, q1)) for q0, q1 in zip(starts, ends, strict=True)]
        windows = np.full((shape.C * shape.S, shape.H * len(inputs)), 77, cycles_dtype(shape.Q))
        sums = TapInputs(*np.ones((2, shape.C, shape.R, shape.S), np.int64))
        none = np.empty(0, np.int64)
        go_through_ranges(
            RangesOfInputs(bits, bits[np.newaxis][:planes], starts, ends, np.zeros((0, 4), np.int64)),
            spec.windows, sums, np.zeros((0, 0, 0, 0), np.int64), none, np.zeros((0, 0), np.int64), none, (1, 1), False,
            windows, np.empty(shape.H, np.int64),
            *np.empty((3, 0), windows.dtype), np.empty((2, len(starts), 0, 0, 0), windows.dtype),
        )  # fmt: skip
        assert windows.tolist() == found[-1][0].reshape(windows.shape).tolist()
        of_taps = sum(taps_of_range for _, taps_of_range, _ in found)
        assert (sums.active_inputs - 1).tolist() == of_taps.tolist()
        assert (sums.events - 1).tolist() == (planes * of_taps).tolist()
        for (_, _, spikes), q0, q1 in zip(found, starts.tolist(), ends.tolist(), strict=True):
            counted = np.full(spikes.shape, 77, np.int64)
            count_rows(bits, shape.W, *input_range(spec.windows.columns, q0, q1), counted)
            assert counted.tolist() == spikes.tolist()


@pytest.mark.kernel
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 4), st.integers(1, 40), st.sampled_from((1, 8, 24)),
    st.integers(1, 2), st.booleans(),
)  # fmt: skip
def test_rows_are_delivered_as_the_twin_does(
    seed: int, channels: int, fold_channels: int, row_bits: int, word_bits: int, stride: int, gates: bool
) -> None:
    takes = np.random.default_rng(seed).integers(0, 3, (2, channels, 3)) * (seed % 3 > 0)
    reaches = np.array([(0, 2), (1, 1), (0, 0), (1, 2)])
    found = np.full((4, len(reaches), 2, -(-channels // fold_channels)), -1, np.int64)
    deliver_row(takes, reaches, stride, fold_channels, (row_bits, word_bits), gates, found)
    for number, (low, high) in enumerate(reaches.tolist()):
        twin = reference.delivered(takes, range(low, high + 1, stride), fold_channels, row_bits, word_bits, gates)
        assert found[:, number].tolist() == twin.tolist()


def test_cycles_of_pes_have_the_narrowest_type_that_holds_them() -> None:
    assert [cycles_dtype(most) for most in (1, 2**16 - 1)] == [np.uint16] * 2
    assert [cycles_dtype(most) for most in (2**16, 2**31 - 1)] == [np.int32] * 2
    assert cycles_dtype(2**31) == np.int64
