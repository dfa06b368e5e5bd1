"""What can be asked of a data set: one vocabulary for all of them, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.catalogue import Choices

OnProgress = Callable[[int, int], None]  # recordings done, recordings in all
Slicing = Literal["time", "events"]

Whole = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what scikit-learn takes


class DataOptions(Choices):
    """Choices for one data set; what is left out or None is the data set's own default.

    root: folder that holds the recordings. download: let tonic fetch them into `root` when they are not there.
    timesteps: frames per sample. slicing: frames of equal duration, or of equal number of events.
    resolution: pixels along each side of a frame. channels: of a frame, for recordings that have no pixels.
    count_bits: a frame's counts saturate at 2**count_bits - 1.
    samples_per_class: at most so many recordings of every class, drawn by `split_seed`; where the data set comes
    with a test part, so many of each part.
    test_share: share of the recordings to test on, where the data set comes without a test part.
    split_seed: of that split. seed: of everything random in recordings that the project makes itself.

    Frozen; keys that are not listed here are refused. A data set refuses those that it does not have.
    """

    root: Annotated[Path, Field(strict=False), AfterValidator(Path.expanduser)] | None = None
    download: bool | None = None
    timesteps: Whole | None = None
    slicing: Slicing | None = None
    resolution: Whole | None = None
    channels: Whole | None = None
    count_bits: Annotated[int, Field(ge=1, le=8)] | None = None
    samples_per_class: Whole | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    split_seed: Seed | None = None
    seed: Seed | None = None
