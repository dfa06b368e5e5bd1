"""The handwritten digits that scikit-learn ships, as a saccading event camera would see them.

Source of the images: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository (1998), the 1797 8x8 images of sklearn.datasets.load_digits. Nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

from spikecycle.models.data.event_camera import record_events
from spikecycle.models.data.events import Events
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, bin_parts
from spikecycle.models.data.options import OnProgress, Slicing
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.data.saccades import Saccades
from spikecycle.models.data.slicing import slicing_of

FULL_INTENSITY = 16.0  # largest grey level of load_digits, dimensionless


@dataclass(frozen=True)
class DigitsScene:
    """The image as the sensor sees it, and how the camera moves.

    image_px: side on the sensor to which the 8x8 image is enlarged (bilinear); field_px: side of the sensor.
    dark_intensity: intensity of the black background as a share of full white, which bounds the log intensity.
    """

    image_px: float = 12.0
    field_px: int = 16
    dark_intensity: float = 0.15
    contrast_threshold: float = 0.3
    saccades: Saccades = field(default_factory=Saccades)

    def record(self, image: npt.NDArray[np.float64]) -> Events:
        """Events of one image, float64 (height, width), grey levels 0 to 16."""
        positions_px, times_us = self.saccades.path()
        rows = self._interpolation(image.shape[0], positions_px[:, 0])
        columns = self._interpolation(image.shape[1], positions_px[:, 1])
        intensity = rows @ (image / FULL_INTENSITY) @ columns.transpose(0, 2, 1)
        return record_events(np.log(intensity + self.dark_intensity), times_us, self.contrast_threshold)

    def _interpolation(self, pixels: int, shifts_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Bilinear weights of `pixels` image rows on every sensor row, float64 (shifts, field_px, pixels).

        The image is centred in the field, enlarged and shifted; outside of it the scene is black.
        """
        margin_px = (self.field_px - self.image_px) / 2
        sensor_px = np.arange(self.field_px) + 0.5 - margin_px - shifts_px[:, None]
        position = sensor_px * (pixels / self.image_px) - 0.5
        weights: npt.NDArray[np.float64] = np.maximum(0.0, 1.0 - np.abs(position[:, :, None] - np.arange(pixels)))
        return weights


def load(
    *,
    timesteps: int = 12,
    slicing: Slicing = "time",
    resolution: int = 16,
    count_bits: int = 2,
    samples_per_class: int | None = None,
    test_share: float | None = None,
    split_seed: int = 0,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """The digits as event frames, split by class in the same proportions; the arguments are those of DataOptions."""
    scene, digits = DigitsScene(), load_digits()
    binning = FrameBinning(
        PixelGrid.at_resolution(scene.field_px, resolution),
        slicing_of(slicing, scene.saccades.total_us),
        timesteps,
        count_bits,
    )
    everything = Recordings(digits.target.astype(np.int64), lambda index: scene.record(digits.images[index]))
    parts = Selection(samples_per_class, test_share, split_seed).split(everything)
    train, test = bin_parts(parts, binning, on_progress)
    return DataSplit(
        name="digits events",
        description=(
            "scikit-learn load_digits, 8x8 images seen by a simulated event camera in three micro-saccades"
            f"{binning.remark}; {parts.remark}"
        ),
        classes=10,
        input_bits=count_bits,
        train=train,
        test=test,
    )
