"""A person in front of a camera, drawn: head and torso stand still, arms of two segments follow the hands.

All proportions are the project's own; the picture only has to have limbs, edges and occlusion. Lengths are in body
units, which the scene scales to pixels; intensities are shares of full white.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.gesture_paths import Hands, Path

Field = npt.NDArray[np.float64]

SHOULDER = (0.13, -0.08)  # (outward, down) from the middle of the chest
UPPER_ARM, FOREARM = 0.17, 0.18  # lengths
ARM_RADIUS, HAND_RADIUS = 0.035, 0.045
HEAD, HEAD_RADIUS = (0.0, -0.25), 0.08
TORSO_TOP, TORSO_BOTTOM, TORSO_RADIUS = (0.0, 0.04), (0.0, 0.6), 0.14
TORSO_LEVEL, HEAD_LEVEL, ARM_LEVEL = 0.45, 0.65, 0.85
ELBOW_TURN = 4.0  # how sharply an elbow turns outward as its hand leaves the height of the shoulder
SMALLEST = 1e-12  # keeps a quotient finite
EDGE_PX = 1.0  # width of a soft edge
SIDES = {"right": -1, "left": 1}  # where the camera sees a hand's outward


@dataclass(frozen=True)
class Scene:
    """The camera's frame of side_px x side_px pixels and how the person stands in it.

    centre: of the chest, (x, y) as shares of the frame; scale: of the body, 1 = drawn size; background: intensity.
    """

    side_px: int
    centre: tuple[float, float] = (0.5, 0.5)
    scale: float = 1.0
    background: float = 0.25

    def intensity(self, hands: Hands) -> Field:
        """float64 (K, side_px, side_px): what the camera sees at the K instants of the hands' paths."""
        picture = np.full((len(hands.right), self.side_px, self.side_px), self.background)
        self._draw(picture, [TORSO_TOP], [TORSO_BOTTOM], TORSO_RADIUS, TORSO_LEVEL)
        self._draw(picture, [HEAD], [HEAD], HEAD_RADIUS, HEAD_LEVEL)
        for hand, side in ((hands.right, SIDES["right"]), (hands.left, SIDES["left"])):
            shoulder, elbow, wrist = (joint * (side, 1) for joint in arm_joints(hand))
            self._draw(picture, shoulder, elbow, ARM_RADIUS, ARM_LEVEL)
            self._draw(picture, elbow, wrist, ARM_RADIUS, ARM_LEVEL)
            self._draw(picture, wrist, wrist, HAND_RADIUS, ARM_LEVEL)
        return picture

    def _draw(self, picture: Field, start: npt.ArrayLike, stop: npt.ArrayLike, radius: float, level: float) -> None:
        """Put a rounded limb of that intensity in front of what is in the picture already.

        start, stop: float64 (K, 2) or (1, 2) in body units, x to the right and y down.
        """
        unit_px, radius_px = self.side_px * self.scale, radius * self.side_px * self.scale
        a, b = (np.asarray(end) * unit_px + np.array(self.centre) * self.side_px - 0.5 for end in (start, stop))
        # Only the part of the frame that the limb reaches at any instant.
        ends, margin_px = np.concatenate([a, b]), radius_px + EDGE_PX
        left, top = np.clip(np.floor(ends.min(0) - margin_px), 0, self.side_px).astype(int)
        right, bottom = np.clip(np.ceil(ends.max(0) + margin_px) + 1, 0, self.side_px).astype(int)
        (ax, ay), (along_x, along_y) = a.T[:, :, None, None], (b - a).T[:, :, None, None]
        dx, dy = np.arange(left, right) - ax, np.arange(top, bottom)[:, None] - ay
        length_squared = np.maximum(along_x**2 + along_y**2, SMALLEST)  # a disc is a limb of no length
        share = np.clip(dx * (along_x / length_squared) + dy * (along_y / length_squared), 0.0, 1.0)
        distance_px = np.sqrt((dx - share * along_x) ** 2 + (dy - share * along_y) ** 2)
        covered = np.clip((radius_px - distance_px) / EDGE_PX + 0.5, 0.0, 1.0)
        behind = picture[:, top:bottom, left:right]
        behind += covered * (level - behind)


def arm_joints(hand: Path) -> tuple[Path, Path, Path]:
    """Shoulder, elbow and hand, float64 (K, 2) each, in (outward, down).

    A hand out of reach is drawn back towards the shoulder. Of the two positions that an elbow can have in the
    picture it takes the outward one; near the height of the shoulder, where that changes sides, the arm is seen as
    foreshortened and the elbow in line.
    """
    shoulder = np.broadcast_to(np.array(SHOULDER), hand.shape)
    towards = hand - shoulder
    distance = np.linalg.norm(towards, axis=1, keepdims=True)
    direction = towards / np.maximum(distance, SMALLEST)
    reach = np.clip(distance, abs(FOREARM - UPPER_ARM) + 1e-3, (UPPER_ARM + FOREARM) * 0.999)
    along = (UPPER_ARM**2 - FOREARM**2 + reach**2) / (2 * reach)
    aside = np.sqrt(np.maximum(UPPER_ARM**2 - along**2, 0.0))
    outward, down = direction[:, :1], direction[:, 1:]
    turned = np.concatenate([down, -outward], axis=1) * np.tanh(ELBOW_TURN * down)
    return shoulder, shoulder + along * direction + aside * turned, shoulder + reach * direction
