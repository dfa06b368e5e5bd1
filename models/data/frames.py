"""Events binned to frames of saturating counts, and the pair of sets that a training reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.events import Events
from spikecycle.models.data.frame_grid import FrameGrid
from spikecycle.models.data.options import OnProgress
from spikecycle.models.data.recordings import Parts, Recordings
from spikecycle.models.data.slicing import Slicing
from spikecycle.models.errors import ModelsError
from spikecycle.simulator import default_limit_bytes

Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FrameBinning:
    """How a recording becomes the input of a network: T frames of `grid`, counts of `count_bits` bits.

    A count saturates at 2**count_bits - 1, after pooling; one bit keeps only whether there was an event. Unlike
    tonic's ToFrame, no event of the recording is lost to a remainder, and empty recordings give empty frames.
    """

    grid: FrameGrid
    slicing: Slicing
    timesteps: int
    count_bits: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, C, H, W)."""
        return self.timesteps, *self.grid.shape

    @property
    def remark(self) -> str:
        """What a description has to say of frames that are not plain counts of equal duration, or nothing."""
        return self.grid.remark + self.slicing.remark

    def frames(self, events: Events) -> Frames:
        """uint8 (T, C, H, W): counts per timestep and cell."""
        step = self.slicing.steps(events["t"], self.timesteps)
        index = step * math.prod(self.grid.shape) + self.grid.of(events)
        counts = np.bincount(index[(step >= 0) & (step < self.timesteps)], minlength=math.prod(self.shape))
        frames: Frames = np.minimum(counts, 2**self.count_bits - 1).astype(np.uint8).reshape(self.shape)
        return frames


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
    """A data set ready to train on. `description` is the sentence that a trace's provenance records.

    class_names: by number, where classes have names; else empty.
    """

    name: str
    description: str
    classes: int
    input_bits: int
    train: FrameSet
    test: FrameSet
    class_names: tuple[str, ...] = ()


def bin_parts(parts: Parts, binning: FrameBinning, on_progress: OnProgress | None = None) -> tuple[FrameSet, FrameSet]:
    """The frames of the train and the test part, holding one recording at a time.

    on_progress is called after every recording with the recordings done and those of both parts together.
    """
    first, total = len(parts.train), len(parts.train) + len(parts.test)

    def after(done: int) -> None:
        if on_progress is not None:
            on_progress(done, total)

    return _bin(parts.train, binning, after), _bin(parts.test, binning, lambda done: after(first + done))


def _bin(recordings: Recordings, binning: FrameBinning, after: Callable[[int], None]) -> FrameSet:
    shape = (len(recordings), *binning.shape)
    if math.prod(shape) > default_limit_bytes():
        raise ModelsError(
            f"{len(recordings)} recordings as frames of {binning.shape} need {math.prod(shape) / 1e9:.1f} GB, more "
            "than there is; take fewer samples_per_class, fewer timesteps or a lower resolution"
        )
    frames = np.zeros(shape, dtype=np.uint8)
    for index in range(len(recordings)):
        frames[index] = binning.frames(recordings.read(index))
        after(index + 1)
    return FrameSet(frames, recordings.labels)
