"""The camera reports changes, only changes, and each with its time; the scene closes its path."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tonic.io import events_struct

from spikecycle.models.data.digits import DigitsScene
from spikecycle.models.data.event_camera import record_events
from spikecycle.models.data.events import Events
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.data.saccades import Saccades

pytestmark = pytest.mark.train

THRESHOLD = 0.25
changes = hnp.arrays(np.float64, (5, 3, 4), elements=st.floats(-2.0, 2.0, width=32))


def times_us(instants: int) -> npt.NDArray[np.int64]:
    return np.arange(instants, dtype=np.int64) * 1000


def per_pixel(events: Events, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Counts (2, H, W) by polarity."""
    counts = np.zeros((2, *shape), dtype=np.int64)
    np.add.at(counts, (events["p"].astype(int), events["y"], events["x"]), 1)
    return counts


def image() -> npt.NDArray[np.float64]:
    """A bright bar with a dim corner, grey levels of load_digits."""
    bar = np.zeros((8, 8))
    bar[1:7, 3:5], bar[0, 0] = 16.0, 5.0
    return bar


def test_a_ramp_is_reported_at_the_times_its_levels_are_crossed() -> None:
    events = record_events(np.array([0.0, 1.0])[:, None, None], np.array([0, 10]), THRESHOLD)
    # Levels at 2.5, 5, 7.5 and 10 us; the last one belongs to the half-open interval that ends there.
    assert events["t"].tolist() == [2, 5, 7, 9]
    assert events["p"].all()


def test_what_stays_below_the_threshold_carries_over() -> None:
    ramp = (0.6 * THRESHOLD * np.arange(6))[:, None, None]  # 0.6, 1.2, 1.8, 2.4, 3.0 thresholds
    events = record_events(ramp, times_us(6), THRESHOLD)
    assert (events["t"] // 1000).tolist()[:2] == [1, 3]
    assert len(record_events(ramp[:2], times_us(2), THRESHOLD)) == 0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(changes)
def test_inverting_the_contrast_flips_every_polarity_and_nothing_else(log_intensity: npt.NDArray[np.float64]) -> None:
    seen = record_events(log_intensity, times_us(5), THRESHOLD)
    inverted = record_events(-log_intensity, times_us(5), THRESHOLD)
    for field in ("x", "y", "t"):
        assert np.array_equal(seen[field], inverted[field])
    assert np.array_equal(seen["p"], ~inverted["p"])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(changes)
def test_going_back_the_same_way_returns_every_event_with_the_other_polarity(
    log_intensity: npt.NDArray[np.float64],
) -> None:
    there_and_back = np.concatenate([log_intensity, log_intensity[-2::-1]])
    counts = per_pixel(record_events(there_and_back, times_us(9), THRESHOLD), (3, 4))
    assert np.array_equal(counts[0], counts[1])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(changes)
def test_events_are_sorted_tonic_events_that_rebuild_the_scene(log_intensity: npt.NDArray[np.float64]) -> None:
    events = record_events(log_intensity, times_us(5), THRESHOLD)
    assert events.dtype == events_struct
    assert (np.diff(events["t"]) >= 0).all()
    off, on = per_pixel(events, (3, 4))
    error = log_intensity[-1] - (log_intensity[0] + (on - off) * THRESHOLD)
    assert (np.abs(error) < THRESHOLD * (1 + 1e-9)).all()


def test_a_camera_that_does_not_move_reports_nothing() -> None:
    still = DigitsScene(saccades=Saccades(corners_px=((0.5, 0.5), (0.5, 0.5), (0.5, 0.5))))
    assert len(still.record(image())) == 0
    assert len(DigitsScene().record(np.zeros((8, 8)))) == 0


def test_three_saccades_end_where_they_began() -> None:
    scene = DigitsScene()
    events = scene.record(image())
    off, on = per_pixel(events, (16, 16))
    assert len(events) > 500
    assert np.array_equal(off, on)
    assert events["t"].min() >= 0 and events["t"].max() < 300_000


def test_reversing_a_movement_swaps_the_polarities_at_an_edge() -> None:
    def events_of_leg(shift_px: float) -> npt.NDArray[np.int64]:
        there_and_back = Saccades(corners_px=((0.0, 0.0), (0.0, shift_px)))
        events = DigitsScene(saccades=there_and_back).record(image())
        return per_pixel(events[events["t"] < 100_000], (16, 16))

    right, left = events_of_leg(2.0), events_of_leg(-2.0)
    # The bar is symmetric about the middle of the field; its right edge brightens where its left edge darkened.
    rows = slice(6, 12)
    assert np.array_equal(right[:, rows], left[:, rows, ::-1])
    assert right[1, rows, 9:].sum() > 0 and right[0, rows, 9:].sum() == 0
    assert left[0, rows, 9:].sum() > 0 and left[1, rows, 9:].sum() == 0


def test_every_digit_is_recorded_and_split_by_class(digits: DataSplit) -> None:
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    assert digits.train.frames.shape[1:] == (12, 2, 16, 16) and digits.train.frames.max() == 3
    for samples in (digits.train, digits.test):
        assert (np.bincount(samples.labels, minlength=10) / len(samples) > 0.09).all()
        assert samples.frames.any(axis=(1, 2, 3, 4)).all()


def test_the_same_image_gives_the_same_events() -> None:
    assert np.array_equal(DigitsScene().record(image()), DigitsScene().record(image()))
