"""DVS128 Gesture in tonic's layout: arrays to frames by hand, nothing unpickled, damage named."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.dvs_gesture import read_recording
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train

OK_ROWS = [[0, 0, 0, 0], [127, 127, 1, 1000]]


def write_part(folder: Path, users: int) -> None:
    """Gesture g of a user: g + 1 OFF events at pixel (4 g, 8) in the first second, one ON event at the end of two."""
    for user in range(users):
        of_user = folder / f"user{user + 1:02}_natural"
        of_user.mkdir(parents=True)
        for gesture in range(11):
            rows = [[4 * gesture, 8, 0, time_ms] for time_ms in range(gesture + 1)] + [[127, 0, 1, 1999]]
            np.save(of_user / f"{gesture}.npy", np.array(rows, dtype=np.float64))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people to train on, one to test on, as tonic's download lies in its root."""
    write_part(tmp_path / "DVSGesture" / "ibmGestureTrain", users=2)
    write_part(tmp_path / "DVSGesture" / "ibmGestureTest", users=1)
    return tmp_path


def test_gestures_become_pooled_frames_of_equal_time(root: Path) -> None:
    options = DataOptions(root=root, timesteps=2, resolution=32, slicing="time", count_bits=3)
    data = load_data("dvs128_gesture", options)
    assert data.train.frames.shape == (22, 2, 2, 32, 32) and data.test.frames.shape == (11, 2, 2, 32, 32)
    assert data.test.labels.tolist() == list(range(11)) and data.classes == 11
    for gesture, frames in enumerate(data.test.frames):
        assert frames[0, 0, 2, gesture] == min(gesture + 1, 7) and frames[1, 1, 0, 31] == 1
        assert frames.sum() == min(gesture + 1, 7) + 1
    assert "128x128 pixels summed 4x4: its own train and test parts" in data.description


def test_equal_numbers_of_events_are_the_default(root: Path) -> None:
    data = load_data("dvs128_gesture", DataOptions(root=root, timesteps=2, samples_per_class=1))
    assert data.train.frames.shape == (11, 2, 2, 128, 128)
    for frames in data.test.frames:
        first, second = frames.sum((1, 2, 3), dtype=int).tolist()
        assert first - second in (0, 1)
    assert "equal numbers of events" in data.description and "at most 1 of every class" in data.description


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array(OK_ROWS)[:, :3], r"not an array \(N, 4\)"),
        (np.array(OK_ROWS, dtype=complex), r"not an array \(N, 4\)"),
        (np.array(OK_ROWS)[:0], "not a single event"),
        (np.array([[0, 0, 0, np.nan]]), "a value that is not a number"),
        (np.array([[0, 0, 0, 1e30]]), "a time outside 0 to 3600000 ms"),
        (np.array([[2.9, 0, 0, 1]]), "a pixel or polarity that is no whole number"),
        (np.array([[0, 128, 0, 0]]), "an event outside 128 x 128 pixels"),
        (np.array([[-1, 0, 0, 0]]), "an event outside 128 x 128 pixels"),
        (np.array([[0, 0, 2, 0]]), "a polarity that is neither 0 nor 1"),
        (np.array([{"x": 1}, None], dtype=object), "not a readable .npy file of numbers"),
    ],
)
def test_a_damaged_file_is_named(root: Path, rows: np.ndarray, message: str) -> None:
    path = root / "DVSGesture" / "ibmGestureTest" / "user01_natural" / "3.npy"
    np.save(path, rows, allow_pickle=True)
    with pytest.raises(ModelsError, match=message) as refused:
        load_data("dvs128_gesture", DataOptions(root=root, resolution=16))
    assert str(refused.value).startswith(f"{path}: ")


def test_a_file_cut_short_is_named(root: Path) -> None:
    path = root / "DVSGesture" / "ibmGestureTrain" / "user02_natural" / "9.npy"
    for kept in (0, 5, 200):
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(ModelsError, match=r"9\.npy: not a readable .npy file"):
            load_data("dvs128_gesture", DataOptions(root=root, resolution=16))


def test_a_header_that_is_damaged_never_ends_in_a_traceback(root: Path) -> None:
    path = root / "DVSGesture" / "ibmGestureTrain" / "user02_natural" / "9.npy"
    whole = path.read_bytes()
    for place in range(128):  # the header; its last bytes are blanks
        for byte in b"(\n9\xff":
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            with suppress(ModelsError):  # or it describes another array, of events that are possible
                across = read_recording(path)["x"]
                assert across.min() >= 0 and across.max() < 128


def test_gestures_that_do_not_occur_are_named(root: Path) -> None:
    (root / "DVSGesture" / "ibmGestureTest" / "user01_natural" / "10.npy").unlink()
    with pytest.raises(ModelsError, match=r"ibmGestureTest: no recording of class 10 \(0 to 10\)"):
        load_data("dvs128_gesture", DataOptions(root=root))
