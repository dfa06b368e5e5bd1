"""Options of data sets: one set of keys for all of them, validated before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from spikecycle.models.catalogue import Choices

OnProgress = Callable[[int, int], None]  # recordings done, recordings in all
Slicing = Literal["time", "events"]
Part = Literal["train", "test"]
DEFAULT_TEST_SHARE = 0.2

Whole = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what scikit-learn takes


class DataOptions(Choices):
    """Choices for one data set; what is left out, or null, is the data set's own default.

    Frozen; keys that are not listed here are refused. A data set refuses those that it does not have.
    """

    root: Annotated[Path, Field(strict=False), AfterValidator(Path.expanduser)] | None = None
    """Folder that holds the recordings; `--data-root` goes before it."""
    download: bool | None = None
    """Let tonic fetch them into `root` when they are not there."""
    timesteps: Whole | None = None
    """Frames per sample."""
    slicing: Slicing | None = None
    """Frames of equal duration, or of equal number of events."""
    sensor: Annotated[int, Field(ge=1, le=2**14)] | None = None
    """Pixels along each side of the camera, for recordings that do not say; where it is not given, 128, and that is
    refused where all events lie in a corner of it."""
    resolution: Whole | None = None
    """Pixels along each side of a frame."""
    channels: Whole | None = None
    """Of a frame, for recordings that have no pixels."""
    count_bits: Annotated[int, Field(ge=1, le=8)] | None = None
    """A frame's counts saturate at `2**count_bits - 1`."""
    samples_per_class: Whole | None = None
    """At most so many recordings of every class, drawn by `split_seed`; where the data set comes with a test part, so
    many of each part."""
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Share of the recordings to test on, where the data set comes without a test part; where it is not "
        f"given, {DEFAULT_TEST_SHARE}.",
    )
    split_seed: Seed | None = None
    """Of that draw and of that split."""
    seed: Seed | None = None
    """Of everything random in recordings that the project makes itself."""
