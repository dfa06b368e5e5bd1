"""Counting events: nothing lost, nothing counted twice, the same as tonic where tonic counts the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tonic.transforms import ToFrame

from spikecycle.models.data.events import CAMERA_EVENT, COCHLEA_EVENT, Events
from spikecycle.models.data.frame_grid import ChannelGrid, PixelGrid
from spikecycle.models.data.frames import FrameBinning, bin_parts
from spikecycle.models.data.recordings import Parts, Recordings
from spikecycle.models.data.slicing import EqualEvents, EqualTime, Slicing
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train

SENSOR_PX, SENSOR_CHANNELS, DURATION_US = 12, 30, 1000

recordings = st.tuples(st.integers(0, 200), st.integers(0, 2**32 - 1))
timesteps = st.integers(1, 9)
many = settings(max_examples=150, deadline=None, derandomize=True)


def camera_events(count: int, seed: int) -> Events:
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=CAMERA_EVENT)
    events["x"], events["y"] = rng.integers(0, SENSOR_PX, (2, count))
    events["t"], events["p"] = np.sort(rng.integers(0, DURATION_US, count)), rng.integers(0, 2, count)
    return events


def cochlea_events(count: int, seed: int) -> Events:
    rng = np.random.default_rng(seed)
    events = np.zeros(count, dtype=COCHLEA_EVENT)
    events["x"], events["t"] = rng.integers(0, SENSOR_CHANNELS, count), rng.integers(0, DURATION_US, count)
    return events


@many
@given(recordings, timesteps, st.sampled_from([EqualTime(), EqualTime(DURATION_US), EqualEvents()]))
def test_every_event_is_counted_once(recording: tuple[int, int], steps: int, slicing: Slicing) -> None:
    events = camera_events(*recording)
    frames = FrameBinning(PixelGrid(SENSOR_PX), slicing, steps, count_bits=8).frames(events)
    assert frames.shape == (steps, 2, SENSOR_PX, SENSOR_PX) and frames.dtype == np.uint8
    expected = np.zeros((2, SENSOR_PX, SENSOR_PX), dtype=np.int64)
    for event in events:
        expected[int(event["p"]), event["y"], event["x"]] += 1
    assert np.array_equal(frames.sum(0), expected)


@many
@given(recordings, timesteps)
def test_equal_durations_are_those_of_tonic(recording: tuple[int, int], steps: int) -> None:
    events, window_us = camera_events(*recording), 100
    frames = FrameBinning(PixelGrid(SENSOR_PX), EqualTime(steps * window_us), steps, count_bits=8).frames(events)
    if len(events) == 0:  # of which tonic makes a single frame
        assert not frames.any()
        return
    to_frame = ToFrame((SENSOR_PX, SENSOR_PX, 2), time_window=window_us, start_time=0, end_time=steps * window_us)
    assert np.array_equal(frames, to_frame(events))


@many
@given(recordings, timesteps)
def test_equal_numbers_differ_by_one_at_most_and_follow_time(recording: tuple[int, int], steps: int) -> None:
    times_us = cochlea_events(*recording)["t"]
    step = EqualEvents().steps(times_us, steps)
    counts = np.bincount(step, minlength=steps)
    assert len(counts) == steps and counts.max() - counts.min() <= 1
    assert (np.diff(step[np.argsort(times_us, kind="stable")]) >= 0).all()


@many
@given(recordings, timesteps, st.sampled_from([1, 2, 3, 6, 12]), st.integers(1, 8))
def test_pooling_sums_before_it_saturates(recording: tuple[int, int], steps: int, side: int, bits: int) -> None:
    events = camera_events(*recording)
    full = FrameBinning(PixelGrid(SENSOR_PX), EqualTime(), steps, count_bits=8).frames(events).astype(np.int64)
    pooled = FrameBinning(PixelGrid.at_resolution(SENSOR_PX, side), EqualTime(), steps, bits).frames(events)
    pool = SENSOR_PX // side
    summed = full.reshape(steps, 2, side, pool, side, pool).sum((3, 5))
    assert np.array_equal(pooled, np.minimum(summed, 2**bits - 1))


@many
@given(recordings, timesteps, st.sampled_from([1, 5, 30]))
def test_channels_are_neighbours_summed(recording: tuple[int, int], steps: int, channels: int) -> None:
    events = cochlea_events(*recording)
    full = FrameBinning(ChannelGrid(SENSOR_CHANNELS), EqualTime(), steps, count_bits=8).frames(events)
    pooled = FrameBinning(ChannelGrid.of_channels(SENSOR_CHANNELS, channels), EqualTime(), steps, 8).frames(events)
    assert pooled.shape == (steps, channels, 1, 1)
    assert np.array_equal(pooled[..., 0, 0], full.reshape(steps, channels, -1).sum(2))


def test_a_recording_of_its_own_length_fills_its_first_and_last_timestep() -> None:
    events = camera_events(3, seed=0)
    events["t"] = [700, 740, 899]
    assert EqualTime().steps(events["t"], 4).tolist() == [0, 0, 3]
    assert EqualTime(900).steps(events["t"], 9).tolist() == [7, 7, 8]


@pytest.mark.parametrize(
    ("make_grid", "message"),
    [
        (lambda: PixelGrid.at_resolution(34, 16), "resolution 16 does not divide the 34 of the sensor; possible are"),
        (lambda: ChannelGrid.of_channels(700, 699), "channels 699 does not divide the 700 of the sensor"),
        (lambda: PixelGrid.at_resolution(34, 68), "possible are 1, 2, 17, 34"),
    ],
)
def test_what_does_not_divide_the_sensor_is_refused(make_grid: object, message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        make_grid()  # type: ignore[operator]


def numbered(labels: list[int]) -> Recordings:
    """Recording i is one event in pixel (i, 0)."""

    def read(index: int) -> Events:
        events = np.zeros(1, dtype=CAMERA_EVENT)
        events["x"] = index
        return events

    return Recordings(np.array(labels, dtype=np.int64), read)


def test_parts_are_binned_in_order_and_progress_counts_both() -> None:
    everything = numbered([0, 1, 0, 1])
    parts = Parts(everything.take(np.array([3, 0])), everything.take(np.array([2])), "")
    seen: list[tuple[int, int]] = []
    binning = FrameBinning(PixelGrid(4), EqualTime(), 1, 1)
    train, test = bin_parts(parts, binning, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert train.labels.tolist() == [1, 0] and test.labels.tolist() == [0]
    assert train.frames[:, 0, 0, 0].argmax(1).tolist() == [3, 0] and test.frames[0, 0, 0, 0].argmax() == 2


def test_more_frames_than_any_memory_is_one_line() -> None:
    huge = FrameBinning(PixelGrid(1 << 20), EqualTime(), 1 << 20, 1)
    with pytest.raises(ModelsError, match=r"1 recordings as frames of .* need \d+\.\d GB, more than there is"):
        bin_parts(Parts(numbered([0]), numbered([0]), ""), huge)
