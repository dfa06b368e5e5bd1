"""The path of a camera that looks at a still image in three micro-saccades along a triangle.

Source: Orchard, Jayawant, Cohen, Thakor, "Converting Static Image Datasets to Spiking Neuromorphic Datasets
Using Saccades", Frontiers in Neuroscience 9:437 (2015): three straight movements of 100 ms that return to their
start. The extent in pixels is ours, since our field of view is smaller than theirs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Corner = tuple[float, float]


@dataclass(frozen=True)
class Saccades:
    """Straight movements from corner to corner and back to the first, at constant speed.

    Corners are (vertical, horizontal) shifts of the image in pixels of the sensor.
    """

    corners_px: tuple[Corner, ...] = ((-1.5, -1.5), (1.5, 0.0), (-1.5, 1.5))
    duration_us: int = 100_000
    steps: int = 20

    @property
    def total_us(self) -> int:
        """Duration of the whole path."""
        return self.duration_us * len(self.corners_px)

    def path(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Positions, float64 (K + 1, 2) in pixels, and their times, int64 (K + 1,) in microseconds.

        K = steps * number of corners; the first and the last position are the same corner, exactly.
        """
        corners = np.array([*self.corners_px, self.corners_px[0]], dtype=np.float64)
        share = np.arange(self.steps)[:, None] / self.steps
        legs = [start + (stop - start) * share for start, stop in itertools.pairwise(corners)]
        positions = np.concatenate([*legs, corners[:1]])
        return positions, np.linspace(0, self.total_us, len(positions)).round().astype(np.int64)
