"""Gestures made by the project: limbs that stay whole, mirror images, directions that only motion tells, seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.models.data import gesture_paths as gestures
from spikecycle.models.data.gesture_paths import GESTURES, Hands, Movement
from spikecycle.models.data.gesture_scene import FOREARM, HAND_RADIUS, SHOULDER, UPPER_ARM, Scene, arm_joints
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.data.synthetic_gestures import GestureCamera, Variety
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train

Gesture = Callable[[Movement], Hands]

QUIET = Variety(noise_hz=(0.0, 0.0), offset=(0.0, 0.0))
FEW = DataOptions(samples_per_class=5, seed=3)


def movement(turns: float = 1.0, amplitude: float = 1.0) -> Movement:
    return Movement(np.linspace(0, 2 * np.pi * turns, 40), amplitude, np.random.default_rng(0))


def generator() -> np.random.Generator:
    return np.random.default_rng(1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_limbs_are_never_longer_than_they_are(outward: float, down: float) -> None:
    shoulder, elbow, hand = (joint[0] for joint in arm_joints(np.array([[outward, down]])))
    assert np.linalg.norm(elbow - shoulder) <= UPPER_ARM + 1e-9
    assert np.linalg.norm(hand - elbow) <= FOREARM + 1e-9
    wanted = np.array([outward, down]) - SHOULDER
    if 0.02 < np.linalg.norm(wanted) < (UPPER_ARM + FOREARM) * 0.99:
        assert np.allclose(hand - shoulder, wanted)
    assert elbow[0] >= min(shoulder[0], hand[0]) - 1e-9


@pytest.mark.parametrize("gesture", GESTURES, ids=lambda gesture: gesture.__name__)
@pytest.mark.parametrize("amplitude", Variety().amplitude)
def test_every_gesture_moves_inside_the_frame_and_without_a_jump(gesture: Gesture, amplitude: float) -> None:
    hands = gesture(movement(amplitude=amplitude))
    paths = np.stack([arm_joints(hands.right)[2], arm_joints(hands.left)[2]])
    assert 0.05 < np.ptp(paths, axis=1).max() < 0.7
    assert np.abs(np.diff(paths, axis=1)).max() < 0.09
    farthest = (np.abs(paths).max() + HAND_RADIUS) * Variety().scale[1] + Variety().offset[1]
    assert farthest < 0.5 or gesture is gestures.other_gestures


@pytest.mark.parametrize(
    ("right", "left"),
    [
        (gestures.right_hand_wave, gestures.left_hand_wave),
        (gestures.right_arm_clockwise, gestures.left_arm_counter_clockwise),
        (gestures.right_arm_counter_clockwise, gestures.left_arm_clockwise),
    ],
)
def test_left_is_the_mirror_image_of_right(right: Gesture, left: Gesture) -> None:
    camera, labels = GestureCamera(32, variety=QUIET), [GESTURES.index(gesture) for gesture in (right, left)]
    seen, mirrored = (camera.record(label, generator()) for label in labels)
    assert len(seen) > 300
    mirrored["x"] = 31 - mirrored["x"]
    counts = [np.bincount(e["x"] * 32 + e["y"], minlength=1024) for e in (seen, mirrored)]
    # Rounding may move an event across its threshold.
    assert np.abs(counts[0] - counts[1]).sum() <= 0.01 * len(seen)
    assert seen["x"].mean() < 15.5  # the person's right is on the camera's left


@pytest.mark.parametrize(
    ("clockwise", "counter"),
    [
        (gestures.right_arm_clockwise, gestures.right_arm_counter_clockwise),
        (gestures.left_arm_clockwise, gestures.left_arm_counter_clockwise),
    ],
)
def test_the_direction_of_a_circle_is_in_its_motion_alone(clockwise: Gesture, counter: Gesture) -> None:
    there = movement()
    back = Movement(-there.phase, 1.0, there.rng)
    for hand in ("right", "left"):
        assert np.allclose(getattr(clockwise(there), hand), getattr(counter(back), hand))
    signs = [turned_clockwise(gesture) for gesture in (clockwise, counter)]
    assert min(signs[0]) > 0 and max(signs[1]) < 0


def turned_clockwise(gesture: Gesture) -> list[float]:
    """Area that the middle of the events goes round, clockwise on a screen, in performances without noise."""
    areas = []
    for number in range(5):
        rng = np.random.default_rng(number)
        events = GestureCamera(32, variety=Variety(noise_hz=(0, 0))).record(GESTURES.index(gesture), rng)
        slots = events["t"] // 75_000
        middle = np.stack([np.bincount(slots, events[axis]) / np.bincount(slots) for axis in ("x", "y")], axis=1)
        x, y = (middle - middle.mean(0)).T
        areas.append(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()))  # y points down, so positive is clockwise
    return areas


def test_what_moves_is_lit_and_what_rests_stays_the_same() -> None:
    picture = Scene(64).intensity(gestures.left_hand_wave(movement()))
    assert picture.shape == (40, 64, 64) and picture.min() > 0.2 and picture.max() < 0.9
    changed = np.ptp(picture, axis=0) > 0
    assert changed[:, 40:].sum() > 100 and not changed[:, :32].any()
    assert not changed[40:].any()  # the torso, and the hand that hangs


def test_noise_comes_at_its_rate_and_everywhere() -> None:
    noisy = Variety(noise_hz=(2.0, 2.0))
    with_noise, without = (
        GestureCamera(32, variety=variety).record(0, generator()) for variety in (noisy, Variety(noise_hz=(0.0, 0.0)))
    )
    expected = 2.0 * 32 * 32 * 1.5
    assert abs(len(with_noise) - len(without) - expected) < 5 * expected**0.5
    assert (np.diff(with_noise["t"]) >= 0).all() and with_noise["t"].max() < 1_500_000
    assert len(np.unique(with_noise["x"] * 32 + with_noise["y"])) > 900


def frames_of(**changes: object) -> npt.NDArray[np.uint8]:
    data = load_data("synthetic_gestures", FEW.model_copy(update=changes))
    order = np.argsort(np.concatenate([data.train.labels, data.test.labels]), kind="stable")
    frames: npt.NDArray[np.uint8] = np.concatenate([data.train.frames, data.test.frames])[order]
    return frames


def test_they_say_that_they_are_synthetic_and_follow_their_seed() -> None:
    data = load_data("synthetic_gestures", FEW)
    assert data.name.startswith("synthetic") and data.description.startswith("synthetic: 11 arm gestures")
    assert "5 of each with seed 3, no recordings of people" in data.description
    assert data.train.frames.shape == (44, 20, 2, 32, 32) and data.classes == 11
    assert np.bincount(data.test.labels).tolist() == [1] * 11
    first = frames_of()
    assert np.array_equal(first, frames_of())
    assert not np.array_equal(first, frames_of(seed=4))


def test_a_performance_does_not_depend_on_how_many_there_are() -> None:
    few, more = ({frame.tobytes() for frame in frames_of(samples_per_class=number)} for number in (5, 6))
    assert len(few) == 55 and len(more) == 66 and few < more


def test_a_resolution_has_its_own_sensor() -> None:
    data = load_data("synthetic_gestures", DataOptions(samples_per_class=2, resolution=48, test_share=0.5))
    assert data.test.frames.shape == (11, 20, 2, 48, 48)
    for resolution in (15, 129):
        with pytest.raises(ModelsError, match=f"resolution {resolution} of synthetic gestures is not in 16 to 128"):
            load_data("synthetic_gestures", DataOptions(resolution=resolution))
