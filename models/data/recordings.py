"""Labelled recordings before binning, and their split into training and test sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.events import Events
from spikecycle.models.data.options import DEFAULT_TEST_SHARE, Part
from spikecycle.models.errors import ModelsError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recordings:
    """Recordings by index. labels: int64 (N,); read: the events of one recording, read when asked for."""

    labels: Indices
    read: Callable[[int], Events]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Indices) -> Recordings:
        """The recordings at `indices`, in that order."""
        return Recordings(self.labels[indices], lambda index: self.read(int(indices[index])))

    def with_every_class(self, classes: int, place: str) -> Recordings:
        """Itself; ModelsError naming `place` and the classes, numbered from 0, that do not occur in it."""
        missing = sorted(set(range(classes)) - set(self.labels.tolist()))
        if missing:
            raise ModelsError(f"{place}: no recording of class {', '.join(map(str, missing))} (0 to {classes - 1})")
        return self


@dataclass(frozen=True)
class Parts:
    """The recordings to train on and those to test on. remark: how they were chosen, for a description."""

    train: Recordings
    test: Recordings
    remark: str

    def only(self, part: Part | None) -> Parts:
        """With nothing in the other part, so that it is not read; None for itself."""
        if part is None:
            return self
        other: Part = "test" if part == "train" else "train"
        return replace(self, **{other: getattr(self, other).take(np.zeros(0, np.int64))})


@dataclass(frozen=True)
class Selection:
    """Which recordings are used, and for what; the fields are those of DataOptions."""

    samples_per_class: int | None = None
    test_share: float | None = None
    split_seed: int = 0

    def split(self, recordings: Recordings) -> Parts:
        """Recordings that come in one piece: every class in the same proportions in train and test."""
        from sklearn.model_selection import train_test_split  # seconds, and only where there is something to split

        chosen = self.at_most(recordings)
        share = DEFAULT_TEST_SHARE if self.test_share is None else self.test_share
        try:
            train, test = train_test_split(
                np.arange(len(chosen)), test_size=share, random_state=self.split_seed, stratify=chosen.labels
            )
        except ValueError:
            counts = np.unique_counts(chosen.labels).counts
            raise ModelsError(
                f"{len(chosen)} recordings of {len(counts)} classes, {counts.min()} of the rarest, cannot be split "
                f"with test_share {share:g} and every class in both parts"
            ) from None
        return Parts(chosen.take(train), chosen.take(test), f"{self._limit}stratified split, seed {self.split_seed}")

    def keep(self, train: Recordings, test: Recordings) -> Parts:
        """Recordings that come with a test part, which stays what it is."""
        if self.test_share is not None:
            raise ModelsError("test_share has no meaning here: these recordings come with a test part of their own")
        drawn = f", {self._limit}drawn with seed {self.split_seed}" if self.samples_per_class else ""
        return Parts(self.at_most(train), self.at_most(test), f"its own train and test parts{drawn}")

    @property
    def _limit(self) -> str:
        return f"at most {self.samples_per_class} of every class, " if self.samples_per_class else ""

    def at_most(self, recordings: Recordings) -> Recordings:
        """At most samples_per_class of every class, drawn by the seed, in their old order."""
        if self.samples_per_class is None:
            return recordings
        labels = recordings.labels
        order = np.random.default_rng(self.split_seed).permutation(len(labels))
        drawn = [order[labels[order] == label][: self.samples_per_class] for label in np.unique(labels)]
        return recordings.take(np.sort(np.concatenate(drawn)))
