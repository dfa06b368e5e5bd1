"""Where the hands go in each of eleven made-up gestures, named and numbered as those of DVS128 Gesture.

The paths are the project's own drawing of the gestures that Amir et al. (CVPR 2017) name, not taken from recordings.
A position is (outward, down) from the middle of the chest, in body units (1 = the frame's side at scale 1), so that
the same path serves either hand; "right" is the person's right hand, which the camera sees on its left. Clockwise is
as the camera sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Path = npt.NDArray[np.float64]

REST = (0.16, 0.26)  # a hand that hangs
HARMONICS = np.arange(1, 4)  # of the movement that is none of the ten


@dataclass(frozen=True)
class Movement:
    """One performance. phase: float64 (K,) in radians, growing; amplitude: 1 = as drawn; rng: for free choices."""

    phase: npt.NDArray[np.float64]
    amplitude: float
    rng: np.random.Generator

    def at(self, outward: npt.ArrayLike, down: npt.ArrayLike) -> Path:
        """The path float64 (K, 2) of one hand from its two coordinates, either of which may stand still."""
        return np.stack(np.broadcast_arrays(outward, down, self.phase)[:2], axis=1)

    @property
    def rest(self) -> Path:
        """A hand that takes no part."""
        return self.at(*REST)


@dataclass(frozen=True)
class Hands:
    """Paths of both hands, float64 (K, 2) each."""

    right: Path
    left: Path


def hand_clapping(move: Movement) -> Hands:
    """Both hands meet in front of the chest."""
    hand = move.at(0.02 + 0.07 * move.amplitude * (1 + np.cos(move.phase)), 0.05)
    return Hands(hand, hand)


def right_hand_wave(move: Movement) -> Hands:
    """The raised right hand swings sideways."""
    return Hands(_wave(move), move.rest)


def left_hand_wave(move: Movement) -> Hands:
    """The raised left hand swings sideways."""
    return Hands(move.rest, _wave(move))


def right_arm_clockwise(move: Movement) -> Hands:
    """The right hand goes round; on the camera's left, outward is to the left."""
    return Hands(_circle(move, outward_turn=-1), move.rest)


def right_arm_counter_clockwise(move: Movement) -> Hands:
    """The same circle the other way round."""
    return Hands(_circle(move, outward_turn=1), move.rest)


def left_arm_clockwise(move: Movement) -> Hands:
    """The left hand goes round; on the camera's right, outward is to the right."""
    return Hands(move.rest, _circle(move, outward_turn=1))


def left_arm_counter_clockwise(move: Movement) -> Hands:
    """The same circle the other way round."""
    return Hands(move.rest, _circle(move, outward_turn=-1))


def arm_roll(move: Movement) -> Hands:
    """Both hands round each other in front of the chest, either way."""
    turn = move.rng.choice([-1.0, 1.0])
    across, down = 0.08 * move.amplitude * np.cos(move.phase), 0.08 * move.amplitude * turn * np.sin(move.phase)
    return Hands(move.at(across, 0.08 + down), move.at(across, 0.08 - down))


def air_drums(move: Movement) -> Hands:
    """Both hands beat in turn."""
    stroke = 0.08 * move.amplitude * np.sin(move.phase)
    return Hands(move.at(0.11, 0.10 + stroke), move.at(0.11, 0.10 - stroke))


def air_guitar(move: Movement) -> Hands:
    """The left hand slides along a neck, the right one strums in front of the belly."""
    slide, strum = 0.03 * np.sin(move.phase / 3), 0.08 * move.amplitude * np.sin(move.phase)
    return Hands(move.at(0.02, 0.16 + strum), move.at(0.26 + slide, -0.01 - slide / 2))


def other_gestures(move: Movement) -> Hands:
    """Each hand on a smooth closed path of its own, drawn anew for every performance."""
    return Hands(_any_path(move), _any_path(move))


GESTURES: tuple[Callable[[Movement], Hands], ...] = (
    hand_clapping,
    right_hand_wave,
    left_hand_wave,
    right_arm_clockwise,
    right_arm_counter_clockwise,
    left_arm_clockwise,
    left_arm_counter_clockwise,
    arm_roll,
    air_drums,
    air_guitar,
    other_gestures,
)


def _wave(move: Movement) -> Path:
    return move.at(0.20 + 0.09 * move.amplitude * np.sin(move.phase), -0.31 + 0.02 * np.cos(2 * move.phase))


def _circle(move: Movement, outward_turn: int) -> Path:
    """A circle beside the shoulder; outward_turn 1 goes from outward to down, -1 from outward to up."""
    radius = 0.12 * move.amplitude
    return move.at(0.21 + radius * np.cos(move.phase), -0.06 + outward_turn * radius * np.sin(move.phase))


def _any_path(move: Movement) -> Path:
    start = move.rng.uniform((0.05, -0.25), (0.25, 0.2))
    sine, cosine = move.rng.normal(0, 0.06 * move.amplitude, (2, len(HARMONICS), 2)) / HARMONICS[:, None]
    angle = move.phase[:, None] * HARMONICS
    path: Path = start + np.sin(angle) @ sine + np.cos(angle) @ cosine
    return path
