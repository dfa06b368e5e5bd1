"""A folder of one's own recordings as a data set: classes by name, its parts or a split, every file accounted for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.labelled_folder import binning_of, labelled_files, load_all
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from tests.unit.models.data.test_event_files import of

pytestmark = pytest.mark.train
SENSOR = 8


def recording(path: Path, column: int, events: int = 40, pixels: int = SENSOR) -> None:
    """Events at random rows of one column, in a second."""
    rng = np.random.default_rng(column)
    array = np.zeros(events, [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    array["x"], array["y"], array["p"] = column, rng.integers(0, pixels, events), rng.integers(0, 2, events)
    array["t"] = np.sort(rng.integers(0, 1_000_000, events))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def folder(root: Path, counts: dict[str, int], part: str = "", pixels: int = SENSOR) -> Path:
    """So many recordings of each class; each class has its own columns."""
    for place, (name, count) in enumerate(counts.items()):
        for index in range(count):
            recording(root / part / name / f"{index}.npy", place, pixels=pixels)
    return root


def test_classes_are_in_the_order_of_names_and_numbers(tmp_path: Path) -> None:
    found = labelled_files(folder(tmp_path, {"10": 1, "9": 2, "b": 1, "a": 1}))
    assert found.classes == ("9", "10", "a", "b")
    assert [label for _, label in found.files] == [0, 0, 1, 2, 3]


def test_a_folder_is_split_or_keeps_its_own_parts(tmp_path: Path) -> None:
    folder(tmp_path / "one", {"a": 10, "b": 10})
    options = DataOptions(root=tmp_path / "one", sensor=SENSOR, resolution=4, timesteps=5, test_share=0.3)
    data = load_data("folder", options)
    assert data.train.frames.shape == (14, 5, 2, 4, 4) and np.bincount(data.test.labels).tolist() == [3, 3]
    assert "classes a, b" in data.description and "8x8 pixels summed 2x2" in data.description
    columns = data.test.frames.sum(axis=(1, 2, 3))  # of classes 0 and 1: pixel columns 0 and 1, one cell column of 4
    assert (columns[:, 0] > 0).all() and not columns[:, 1:].any()
    folder(tmp_path / "two", {"a": 3, "b": 3}, "Train")
    folder(tmp_path / "two", {"a": 2, "b": 1}, "test")
    data = load_data("folder", DataOptions(root=tmp_path / "two", sensor=SENSOR))
    assert (len(data.train), len(data.test)) == (6, 3) and "own train and test parts" in data.description


def test_as_many_of_a_class_as_there_are(tmp_path: Path) -> None:
    folder(tmp_path, {"a": 5, "b": 2})
    found = load_all(tmp_path, binning_of(SENSOR, None, "time", 4, 2), SENSOR, 3, 0)
    assert found.classes == ("a", "b") and np.bincount(found.frames.labels).tolist() == [3, 2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: None, "no folders of classes in it; expected "),
        (lambda root: (root / "a").mkdir(), "a: a class without recordings"),
        (lambda root: [recording(root / "a" / "0.npy", 1), (root / "a" / "x.txt").write_text("")], "is no file of ev"),
        (lambda root: [recording(root / "a" / f"{i}.npy", 9) for i in range(9)], "x of event 0 is 9, outside of a"),
    ],
    ids=["empty", "empty class", "another file", "another sensor"],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_one_line(make: object, words: str, tmp_path: Path) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(ModelsError) as error:
        load_data("folder", DataOptions(root=tmp_path, sensor=SENSOR))
    assert str(tmp_path) in str(error.value) and words in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(ModelsError, match="folder needs root"):
        load_data("folder")


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (lambda path: path.symlink_to("/annex/not-fetched.npy"), "a/x.npy", "is a link that leads to no file; fetch"),
        (lambda path: path.symlink_to(path.name), "a/x.npy", "is a link that leads to no file"),
        (lambda path: path.symlink_to("/annex/folder"), "c", "is a link that leads to no file"),
        (lambda path: path.symlink_to(path.parent), "a/more", "is a link to a folder, and none is followed within a c"),
        (os.mkfifo, "a/x.npy", "is not a regular file"),
        (os.mkfifo, "a/more/x.npy", "is not a regular file"),
        (os.mkfifo, "x.npy", "is not a regular file"),
        (lambda path: recording(path, 1), "x.npy", "a recording without a class; expected "),
        (lambda path: path.write_bytes(b""), "a/more/x.AEDAT4", "AEDAT 4 is not read; save its events as an array"),
        (lambda path: path.write_bytes(b""), "a/x.txt", "is no file of events; these end in .npy, .npz, .bin"),
    ],
)
def test_what_is_no_recording_is_named_wherever_it_lies(
    make: Callable[[Path], object], name: str, words: str, tmp_path: Path
) -> None:
    path = folder(tmp_path, {"a": 2, "b": 2}) / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    with pytest.raises(ModelsError) as error:
        labelled_files(tmp_path)
    assert str(error.value).startswith(f"{path}: {words}") and "\n" not in str(error.value)


def test_links_to_files_and_to_folders_of_classes_are_followed_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    root, away = folder(tmp_path / "root", {"a": 1}), folder(tmp_path / "away", {"b": 2})
    (root / "b").symlink_to(away / "b")
    (root / "a" / "1.npy").symlink_to(away / "b" / "0.npy")
    (root / "a" / ".cache").mkdir()
    (root / "a" / ".cache" / "0.npy").symlink_to("/nothing")
    (root / ".c").symlink_to("/nothing")
    (root / "README.txt").write_text("ours")
    names = [str(path.relative_to(root)) for path, _ in labelled_files(root).files]
    assert names == ["a/0.npy", "a/1.npy", "b/0.npy", "b/1.npy"]


def test_n_caltech101_cifar10_dvs_and_asl_dvs_as_they_are_laid_out(tmp_path: Path) -> None:
    """A folder for each class: Caltech101/<class>/image_0001.bin, <class>/cifar10_<class>_0.aedat, Yin_a/a/a_0001.mat;
    ASL-DVS counts rows from the bottom of 180."""
    rows = [(3, 1, 10, 1), (5, 7, 2000, 0)]
    for root, names in (
        ("Caltech101", {"BACKGROUND_Google": "image_0001.bin", "airplanes": "image_0001.bin"}),
        ("CIFAR10DVS", {"airplane": "cifar10_airplane_0.aedat", "bird": "cifar10_bird_0.aedat"}),
        ("ASLDVS", {"a": "a_0001.mat", "b": "b_0001.mat"}),
    ):
        for label, (name, file) in enumerate(names.items()):
            folder = tmp_path / root / name
            folder.mkdir(parents=True)
            kept = {"image_0001.bin": "a.bin", "cifar10_airplane_0.aedat": "2.aedat", "cifar10_bird_0.aedat": "2.aedat"}
            of(kept.get(file, "a.mat"), folder, [(x + label, *rest) for x, *rest in rows]).rename(folder / file)
        read = load_all(tmp_path / root, binning_of(240, None, "time", 1, 2), 240, None, 0)
        found = read.frames
        assert list(read.classes) == list(names) and found.labels.tolist() == [0, 1]
        for label in range(2):
            assert np.argwhere(found.frames[label, 0]).tolist() == [[0, 7, 5 + label], [1, 1, 3 + label]]
