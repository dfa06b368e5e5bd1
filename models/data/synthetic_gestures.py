"""Eleven moving-arm gestures, drawn by the project and seen by its own event camera. No person was recorded.

They stand in for DVS128 Gesture where that is not at hand: the same classes, the same shape of input. Nothing
measured on them says anything about accuracy on the real recordings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.event_camera import record_events
from spikecycle.models.data.events import CAMERA_EVENT, Events, event_array, in_order
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, bin_parts
from spikecycle.models.data.gesture_paths import GESTURES, Movement
from spikecycle.models.data.gesture_scene import Scene
from spikecycle.models.data.options import OnProgress, Slicing
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.data.slicing import slicing_of
from spikecycle.models.errors import ModelsError

CLASSES = len(GESTURES)
SMALLEST_PX, LARGEST_PX = 16, 128  # below, limbs are thinner than a pixel; above, no sensor of this kind is meant
US_PER_S = 1_000_000


@dataclass(frozen=True)
class Variety:
    """Ranges from which every performance is drawn, evenly; all of them the project's choice.

    noise_hz: events per pixel and second that have no cause in the scene.
    """

    cycles_per_second: tuple[float, float] = (0.9, 1.8)
    amplitude: tuple[float, float] = (0.75, 1.2)
    offset: tuple[float, float] = (-0.06, 0.06)
    scale: tuple[float, float] = (0.8, 1.05)
    background: tuple[float, float] = (0.15, 0.35)
    noise_hz: tuple[float, float] = (0.1, 1.0)


@dataclass(frozen=True)
class GestureCamera:
    """Performs gestures in front of an event camera of side_px x side_px pixels.

    instants_per_second: pictures between which the camera interpolates, at 32 pixels; more in proportion at more.
    """

    side_px: int
    duration_us: int = 1_500_000
    instants_per_second: int = 50
    contrast_threshold: float = 0.3
    variety: Variety = Variety()

    def record(self, label: int, rng: np.random.Generator) -> Events:
        """Events of one performance of a gesture, the numbers of which are those of GESTURES."""
        ranges = self.variety
        times_us = self._instants_us()
        turns = rng.uniform() + rng.uniform(*ranges.cycles_per_second) * times_us / US_PER_S
        move = Movement(2 * np.pi * turns, rng.uniform(*ranges.amplitude), rng)
        scene = Scene(
            self.side_px,
            centre=(0.5 + rng.uniform(*ranges.offset), 0.5 + rng.uniform(*ranges.offset)),
            scale=rng.uniform(*ranges.scale),
            background=rng.uniform(*ranges.background),
        )
        seen = record_events(np.log(scene.intensity(GESTURES[label](move))), times_us, self.contrast_threshold)
        return in_order(np.concatenate([seen, self._noise(rng.uniform(*ranges.noise_hz), rng)]))

    def _instants_us(self) -> npt.NDArray[np.int64]:
        steps = self.duration_us * self.instants_per_second * self.side_px // (32 * US_PER_S)
        return np.linspace(0, self.duration_us, steps + 1).round().astype(np.int64)

    def _noise(self, rate_hz: float, rng: np.random.Generator) -> Events:
        """Events at random pixels and times, ON and OFF alike."""
        count = rng.poisson(rate_hz * self.side_px**2 * self.duration_us / US_PER_S)
        x, y = rng.integers(0, self.side_px, (2, count))
        t, p = rng.integers(0, self.duration_us, count), rng.integers(0, 2, count)
        return event_array(CAMERA_EVENT, x=x, y=y, t=t, p=p)


def load(
    *,
    timesteps: int = 20,
    slicing: Slicing = "time",
    resolution: int = 32,
    count_bits: int = 2,
    samples_per_class: int = 60,
    test_share: float | None = None,
    split_seed: int = 0,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """Synthetic gestures as event frames (T, 2, side, side), made on the spot; the arguments are those of DataOptions.

    resolution: of the sensor that sees them, so that nothing has to be pooled. The performance number i of a gesture
    depends on `seed`, the gesture and i alone.
    """
    if not SMALLEST_PX <= resolution <= LARGEST_PX:
        raise ModelsError(f"resolution {resolution} of synthetic gestures is not in {SMALLEST_PX} to {LARGEST_PX}")
    camera = GestureCamera(resolution)
    binning = FrameBinning(PixelGrid(resolution), slicing_of(slicing, camera.duration_us), timesteps, count_bits)

    def perform(index: int) -> Events:
        label, number = divmod(index, samples_per_class)
        return camera.record(label, np.random.default_rng((seed, label, number)))

    labels = np.repeat(np.arange(CLASSES, dtype=np.int64), samples_per_class)
    parts = Selection(None, test_share, split_seed).split(Recordings(labels, perform))
    train, test = bin_parts(parts, binning, on_progress)
    return DataSplit(
        name="synthetic gestures",
        description=(
            f"synthetic: {CLASSES} arm gestures drawn by the project and seen by a simulated event camera, "
            f"{samples_per_class} of each with seed {seed}, no recordings of people{binning.remark}; {parts.remark}"
        ),
        classes=CLASSES,
        input_bits=count_bits,
        train=train,
        test=test,
    )
