"""Events of a timestep, listed by position, and joined so that those of a window lie side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.workload import Windows
from spikecycle.simulator.workload.event_lists import InputEvents, RowEvents, join_rows, list_events
from spikecycle.traces import LayerShape
from tests.generated import layer_shapes, spikes
from tests.unit.workload.test_non_zero_sums import words_of


@lean_kernel
def list_group(spiking: np.ndarray, group: int, positions: int, channels: int, step: int, events: InputEvents) -> None:
    """Called from Python."""
    list_events(spiking, group * channels * positions, positions, channels, step, events)


@lean_kernel
def join_row(windows: Windows, p: int, step: int, events: InputEvents, joined: RowEvents) -> None:
    """Called from Python."""
    join_rows(windows, p, step, events, joined)


@pytest.mark.kernel
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.integers(1, 3),
    st.sampled_from([1, 2, 3, 63, 64, 65, 130]),
    st.integers(1, 130),
    st.sampled_from([0, 0.02, 0.5, 1]),
    st.integers(0, 2**32 - 1),
)
def test_events_are_listed_by_position_and_channel(
    groups: int, channels: int, positions: int, density: float, seed: int
) -> None:
    spiking = (np.random.default_rng(seed).random((groups * channels, positions)) < density).astype(np.uint8)
    events = InputEvents.of(
        LayerShape("conv2d", C=groups * channels, H=1, W=positions, M=groups, R=1, S=1, groups=groups)
    )
    for group in range(groups):
        list_group(words_of(spiking[None])[0], group, positions, channels, 7, events)
        for i in range(positions):
            first, last = events.starts[i : i + 2]
            expected = [7 * c for c in range(channels) if spiking[group * channels + c, i]]
            assert events.weights[first:last].tolist() == expected


@pytest.mark.kernel
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_events_of_a_window_lie_side_by_side(data: st.DataObject) -> None:
    shape = data.draw(layer_shapes())
    inputs = spikes(data.draw, shape.input_shape).astype(np.uint8)
    windows, events, joined = Windows.of(shape), InputEvents.of(shape), RowEvents.of(shape)
    channels, step = shape.C // shape.groups, 10
    row_step = channels * step
    event(f"dilated: {shape.dilation[1] > 1}, strides: {shape.stride[1] > 1}")
    top, _, left, _ = shape.sides
    for group in range(shape.groups):
        list_group(words_of(inputs[None])[0], group, shape.H * shape.W, channels, step, events)
        own = inputs[group * channels : (group + 1) * channels]
        for p in range(shape.P):
            join_row(windows, p, row_step, events, joined)
            for q in range(shape.Q):
                column = q * shape.stride[1]
                place = column % shape.dilation[1] * joined.apart + column // shape.dilation[1]
                first, last = joined.starts[[place, place + shape.S]]
                expected = []
                for s in range(shape.S):
                    for r in range(shape.R):
                        h, w = p * shape.stride[0] + r * shape.dilation[0] - top, column + s * shape.dilation[1] - left
                        if 0 <= h < shape.H and 0 <= w < shape.W:
                            row = (s * shape.R + r) * row_step
                            expected += [row + c * step for c in range(channels) if own[c, h, w]]
                assert (joined.weights[first:last] - place * shape.R * row_step).tolist() == expected
