"""Events binned to frames of saturating counts, and the pair of sets that a training reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tonic.transforms import ToFrame

from models.data.event_camera import Events

Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FrameBinning:
    """How a recording becomes the input of a network: T frames of equal duration, counts of `count_bits` bits.

    A count saturates at 2**count_bits - 1; one bit keeps only whether there was an event.
    """

    height: int
    width: int
    timesteps: int
    duration_us: int
    count_bits: int

    def frames(self, events: Events) -> Frames:
        """uint8 (T, 2, height, width): counts per timestep and polarity (channel 0 OFF, 1 ON)."""
        if len(events) == 0:  # tonic would return a single frame
            return np.zeros((self.timesteps, 2, self.height, self.width), dtype=np.uint8)
        to_frame = ToFrame(
            sensor_size=(self.width, self.height, 2),
            time_window=self.duration_us / self.timesteps,
            start_time=0,
            end_time=self.duration_us,
        )
        counts: npt.NDArray[np.int16] = to_frame(events)
        return np.clip(counts, 0, 2**self.count_bits - 1).astype(np.uint8)


@dataclass(frozen=True)
class FrameSet:
    """Labelled samples. frames: uint8 (N, T, C, H, W); labels: int64 (N,)."""

    frames: Frames
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> FrameSet:
        """The samples at `indices`, in that order."""
        return FrameSet(self.frames[indices], self.labels[indices])


@dataclass(frozen=True)
class DataSplit:
    """A data set ready to train on. `description` is the sentence that a trace's provenance records."""

    name: str
    description: str
    classes: int
    input_bits: int
    train: FrameSet
    test: FrameSet


def bin_recordings(count: int, recording: Callable[[int], Events], binning: FrameBinning) -> Frames:
    """Frames of `count` recordings, uint8 (count, T, 2, height, width), holding one recording at a time."""
    shape = (count, binning.timesteps, 2, binning.height, binning.width)
    frames = np.zeros(shape, dtype=np.uint8)
    for index in range(count):
        frames[index] = binning.frames(recording(index))
    return frames
