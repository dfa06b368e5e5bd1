"""Labelled recordings that have not been binned yet: which of them to use, and which of those to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.data.events import Events
from models.errors import ModelsError

Indices = npt.NDArray[np.int64]

DEFAULT_TEST_SHARE = 0.2


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

    def at_most(self, samples_per_class: int | None, seed: int) -> Recordings:
        """At most so many of every class, drawn by `seed`, in their old order; None: all of them."""
        if samples_per_class is None:
            return self
        order = np.random.default_rng(seed).permutation(len(self))
        drawn = [order[self.labels[order] == label][:samples_per_class] for label in np.unique(self.labels)]
        return self.take(np.sort(np.concatenate(drawn)))

    def split(self, test_share: float, seed: int) -> tuple[Recordings, Recordings]:
        """Train and test, every class in the same proportions; the same way for the same seed."""
        from sklearn.model_selection import train_test_split  # only here, where the extra `train` is needed

        try:
            train, test = train_test_split(
                np.arange(len(self)), test_size=test_share, random_state=seed, stratify=self.labels
            )
        except ValueError:
            classes, counts = np.unique(self.labels, return_counts=True)
            raise ModelsError(
                f"{len(self)} recordings of {len(classes)} classes, {counts.min()} of the rarest, cannot be split with "
                f"a test_share of {test_share:g} and every class in both parts"
            ) from None
        return self.take(train), self.take(test)
