"""Recordings to evaluate on: a labelled folder, or a part of a data set in its own layout, as a network takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.evaluation_set import FolderOptions, read_recordings
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from tests.unit.models.data.test_labelled_folder import folder
from tests.unit.models.data.test_nmnist import write_part
from tests.unit.models.data.test_shd import write_file

pytestmark = pytest.mark.train


def test_a_part_of_nmnist_in_frames_of_the_network(tmp_path: Path) -> None:
    """Recording i of digit d has one event at pixel (d, i): of 17 pixels a side, in cell (d // 2, i // 2)."""
    write_part(tmp_path / "Train", of_each=3)
    write_part(tmp_path / "Test", of_each=2)
    for part, count in (("test", 20), (None, 20), ("train", 30), ("all", 50)):
        options = FolderOptions(timesteps=1, data="nmnist", part=part)  # type: ignore[arg-type]
        read = read_recordings(tmp_path, options, (2, 17, 17))
        names, found = read.classes, read.frames
        assert names == tuple("0123456789") and len(found) == count
        _, _, polarity, row, column = found.frames.nonzero()
        assert (polarity == 1).all() and (column == found.labels // 2).all() and row.max() == {20: 0}.get(count, 1)
    options = FolderOptions(data="nmnist", part="all", resolution=34, samples_per_class=1)
    assert read_recordings(tmp_path, options, (2, 17, 17)).frames.frames.shape == (20, 10, 2, 34, 34)


def test_the_part_that_is_not_asked_for_is_not_read(tmp_path: Path) -> None:
    write_part(tmp_path / "Train", of_each=1)
    write_part(tmp_path / "Test", of_each=1)
    (tmp_path / "Train" / "3" / "00000.bin").write_bytes(b"123")
    assert len(read_recordings(tmp_path, FolderOptions(data="nmnist"), (2, 34, 34)).frames) == 10
    with pytest.raises(ModelsError, match=r"00000\.bin: 3 bytes, not a whole number"):
        read_recordings(tmp_path, FolderOptions(data="nmnist", part="all"), (2, 34, 34))


def test_shd_has_the_channels_of_the_network(tmp_path: Path) -> None:
    for name in ("shd_train.h5", "shd_test.h5"):
        write_file(tmp_path / name)
    read = read_recordings(tmp_path, FolderOptions(data="shd", timesteps=4), (70, 1, 1))
    names, found = read.classes, read.frames
    assert found.frames.shape == (20, 4, 70, 1, 1) and len(names) == 20
    assert (found.frames == load_data("shd", DataOptions(root=tmp_path, timesteps=4, channels=70)).test.frames).all()


def test_recordings_that_lie_in_a_corner_of_an_assumed_camera_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, {"a": 2, "b": 2})
    for data in (lambda: read_recordings(root, FolderOptions(), (2, 16, 16)), lambda: load_data(
        "folder", DataOptions(root=root, test_share=0.5))):  # fmt: skip
        with pytest.raises(ModelsError) as error:
            data()
        assert str(error.value) == (
            f"{root}: no event lies beyond pixel 7 of a camera of 128 x 128, which is assumed; give the pixels along a "
            "side of yours (sensor)"
        )
    assert read_recordings(root, FolderOptions(128, timesteps=1), (2, 128, 128)).frames.frames.shape == (
        4,
        1,
        2,
        128,
        128,
    )
    folder(tmp_path, {"c": 1}, pixels=100)
    assert np.unique(read_recordings(root, FolderOptions(), (2, 128, 128)).frames.labels).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (FolderOptions(data="nmnst"), "no data set named nmnst; did you mean nmnist?"),
        (FolderOptions(34, data="nmnist"), "data set nmnist has no option sensor; it has "),
        (FolderOptions(data="nmnist", resolution=9), "resolution 9 does not divide the 34 of the sensor"),
        (FolderOptions(data="digits"), "data set digits has no option root"),
        (FolderOptions(data="nmnist"), "no N-MNIST here; expected Train/<digit>"),
        (FolderOptions(8, part="test"), "a labelled folder has no part test; name the folder of that part"),
    ],
)
def test_what_is_wrong_with_a_choice_is_one_line(options: FolderOptions, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError) as error:
        read_recordings(tmp_path, options, (2, 17, 17))
    assert words in str(error.value) and "\n" not in str(error.value)
