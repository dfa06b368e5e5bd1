"""Our frames beside tonic's ToFrame, on generated events and on real N-MNIST recordings: equal where tonic loses no
event, and what differs elsewhere is counted event by event.

- Windows of a fixed duration: equal.
- Equal numbers of events: tonic leaves out what does not divide; without that, equal.
- Equal durations of a recording of its own length: tonic's windows have whole microseconds, (last - first) // T, so
  that it leaves out the last events, and window i begins up to i us earlier than ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonic.transforms import ToFrame

from spikecycle.models.data.event_files import read_events
from spikecycle.models.data.events import CAMERA_EVENT, Events
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import FrameBinning
from spikecycle.models.data.slicing import EqualEvents, EqualTime, Slicing
from tests.reference_data import reference_file

pytestmark = pytest.mark.train
SENSOR_PX, WINDOW_US = 34, 10_000
SIZE = (SENSOR_PX, SENSOR_PX, 2)
FIRST = "N-MNIST-1000/Train/0/00002.bin"


def generated() -> list[Events]:
    """Recordings of 300 ms and a hundred to some thousand events."""
    rng = np.random.default_rng(5)
    found = []
    for count in (100, 1000, 4003):
        events = np.zeros(count, CAMERA_EVENT)
        events["x"], events["y"] = rng.integers(0, SENSOR_PX, (2, count))
        events["t"], events["p"] = np.sort(rng.integers(0, 300_000, count)), rng.integers(0, 2, count)
        found.append(events)
    return found


def real() -> list[Events]:
    """Two recordings of every digit."""
    train = reference_file(FIRST).parent.parent
    files = [path for digit in sorted(train.iterdir()) for path in sorted(digit.iterdir())[:2]]
    assert len(files) == 20
    return [read_events(Path(path), (SENSOR_PX, SENSOR_PX)) for path in files]


@pytest.fixture(params=[generated, real], ids=["generated", "N-MNIST"])
def recordings(request: pytest.FixtureRequest) -> list[Events]:
    return list(request.param())


def frames_of(events: Events, slicing: Slicing, timesteps: int) -> np.ndarray:
    return FrameBinning(PixelGrid(SENSOR_PX), slicing, timesteps, count_bits=8).frames(events).astype(int)


def test_windows_of_a_fixed_duration(recordings: list[Events]) -> None:
    for events in recordings:
        theirs = ToFrame(SIZE, time_window=WINDOW_US, start_time=0, end_time=31 * WINDOW_US)(events)
        assert theirs.sum() > 0
        assert np.array_equal(frames_of(events, EqualTime(31 * WINDOW_US), 31), theirs)


@pytest.mark.parametrize("timesteps", [1, 7, 10])
def test_equal_numbers_of_events(recordings: list[Events], timesteps: int) -> None:
    for events in recordings:
        whole = events[: len(events) // timesteps * timesteps]
        theirs = ToFrame(SIZE, n_event_bins=timesteps)(whole)
        assert np.array_equal(frames_of(whole, EqualEvents(), timesteps), theirs)
        assert frames_of(events, EqualEvents(), timesteps).sum() == len(events)


@pytest.mark.parametrize("timesteps", [3, 10])
def test_equal_durations_differ_by_named_events(recordings: list[Events], timesteps: int) -> None:
    for events in recordings:
        times = events["t"] - events["t"][0]
        window_us = int(times[-1]) // timesteps
        theirs = np.minimum(times // window_us, timesteps)  # timesteps: left out
        ours = EqualTime().steps(events["t"], timesteps)
        kept = theirs < timesteps
        by_steps = ToFrame(SIZE, n_time_bins=timesteps)(events)
        assert by_steps.sum(axis=(1, 2, 3)).tolist() == np.bincount(theirs[kept], minlength=timesteps).tolist()
        later = ours != theirs
        assert (theirs[later] == ours[later] + 1).all()
        since_boundary = times[later] - theirs[later] * window_us
        assert (since_boundary <= theirs[later]).all()  # us
        assert later.mean() <= 0.01
