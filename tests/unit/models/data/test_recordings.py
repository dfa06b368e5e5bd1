"""Which recordings are used and which are tested on: by class, by seed, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.models.data.events import CAMERA_EVENT, Events
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train

LABELS = [0] * 30 + [1] * 10 + [2] * 3


def numbered(labels: list[int]) -> Recordings:
    """Recording i is one event in pixel (i, 0)."""

    def read(index: int) -> Events:
        events = np.zeros(1, dtype=CAMERA_EVENT)
        events["x"] = index
        return events

    return Recordings(np.array(labels, dtype=np.int64), read)


def origins(recordings: Recordings) -> list[int]:
    """Which of the numbered recordings these are."""
    return [int(recordings.read(index)["x"][0]) for index in range(len(recordings))]


def test_a_split_has_every_recording_once_and_the_same_proportions() -> None:
    parts = Selection(test_share=0.3).split(numbered(LABELS))
    assert np.bincount(parts.test.labels).tolist() == [9, 3, 1]
    assert sorted(origins(parts.train) + origins(parts.test)) == list(range(43))
    for part in (parts.train, parts.test):
        assert [LABELS[index] for index in origins(part)] == part.labels.tolist()


def test_a_split_follows_its_seed() -> None:
    def tested(seed: int) -> list[int]:
        return origins(Selection(split_seed=seed).split(numbered(LABELS)).test)

    assert tested(1) == tested(1) != tested(2)


def test_a_limit_holds_for_every_class_of_every_part() -> None:
    parts = Selection(samples_per_class=5, split_seed=3).keep(numbered(LABELS), numbered([2, 1, 0]))
    assert np.bincount(parts.train.labels).tolist() == [5, 5, 3] and parts.test.labels.tolist() == [2, 1, 0]
    assert origins(parts.train) == sorted(set(origins(parts.train)))
    other = Selection(samples_per_class=5, split_seed=4).keep(numbered(LABELS), numbered([2, 1, 0]))
    assert origins(other.train) != origins(parts.train)
    assert parts.remark == "its own train and test parts, at most 5 of every class, drawn with seed 3"


def test_a_split_that_leaves_a_class_out_is_refused() -> None:
    with pytest.raises(ModelsError, match="4 recordings of 2 classes, 1 of the rarest, cannot be split"):
        Selection().split(numbered([0, 0, 0, 1]))


def test_a_test_share_of_what_has_its_own_test_part_is_refused() -> None:
    with pytest.raises(ModelsError, match="test_share has no meaning here"):
        Selection(test_share=0.2).keep(numbered([0]), numbered([0]))


def test_classes_that_do_not_occur_are_named() -> None:
    with pytest.raises(ModelsError, match=r"somewhere: no recording of class 1, 3 \(0 to 3\)"):
        numbered([0, 2]).with_every_class(4, "somewhere")
