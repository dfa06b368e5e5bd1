"""A folder of one's own: a folder for each class, files of events in it.

    root/<class>/*                        split into train and test, every class in the same proportions
    root/train/<class>/*, root/test/<class>/*     (any case) its own two parts

Classes are numbered in the order of their names (numbers as numbers, and first). N-Caltech101 and ASL-DVS,
as tonic lays them out, are such folders, and CIFAR10-DVS in its original AEDAT 2.0 (tonic's copy is AEDAT 4, which is
not read). `event_files` says which files are read; whatever else lies in the folder of a class is an error, hidden
files and folders apart. Beside the folders of classes other files may lie, but no recordings, and no links to nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecycle.files import is_regular
from spikecycle.models.data.event_files import READERS, not_read, read_recording
from spikecycle.models.data.events import Events
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, FrameSet, bin_parts
from spikecycle.models.data.options import OnProgress, Slicing
from spikecycle.models.data.recordings import Parts, Recordings, Selection
from spikecycle.models.data.slicing import slicing_of
from spikecycle.models.errors import ModelsError
from spikecycle.traces.errors import reason
from spikecycle.wording import some_of

TRAIN_NAMES, TEST_NAMES = ("train", "training"), ("test", "testing", "val", "validation")
MOST_FILES = 2_000_000
ASSUMED_PX = 128
"""Along each side of a camera of which nothing is said: that of a DVS128, whose recordings are the most common."""

MUCH_SKIPPED = 0.1
"""A share of the events; where more are skipped, that is said."""


@dataclass(frozen=True)
class LabelledFiles:
    """Files by class. classes: their names, in order; files: each with the number of its class."""

    classes: tuple[str, ...]
    files: tuple[tuple[Path, int], ...]


@dataclass(frozen=True, eq=False)
class FolderRecordings:
    """classes: their names, by label; remarks: lines about what was read, where there is something to say."""

    classes: tuple[str, ...]
    frames: FrameSet
    remarks: tuple[str, ...] = ()


def load(
    *,
    root: Path | None = None,
    timesteps: int = 10,
    slicing: Slicing = "time",
    sensor: int | None = None,
    resolution: int | None = None,
    count_bits: int = 2,
    samples_per_class: int | None = None,
    test_share: float | None = None,
    split_seed: int = 0,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """The folder as event frames (T, 2, side, side); the arguments are those of DataOptions."""
    folder = _root(root)
    binning = binning_of(sensor, resolution, slicing, timesteps, count_bits)
    selection, seen = Selection(samples_per_class, test_share, split_seed), _Camera(sensor)
    own = [_part(folder, names) for names in (TRAIN_NAMES, TEST_NAMES)]
    if all(own):
        first, second = (labelled_files(part) for part in own if part is not None)
        if first.classes != second.classes:
            raise ModelsError(f"{folder}: train has the classes {_names(first)}, test {_names(second)}")
        parts = selection.keep(seen.recordings(first), seen.recordings(second))
    else:
        first = labelled_files(folder)
        parts = selection.split(seen.recordings(first))
    train, test = bin_parts(parts, binning, on_progress)
    seen.check(folder)
    return DataSplit(
        name=folder.name,
        description="; ".join(
            [f"folder {folder.name} of classes {_names(first)}{binning.remark}: {parts.remark}", *seen.remarks()]
        ),
        classes=len(first.classes),
        input_bits=count_bits,
        train=train,
        test=test,
        class_names=first.classes,
    )


def load_all(
    root: Path, binning: FrameBinning, sensor: int | None, samples_per_class: int | None, seed: int,
    on_progress: OnProgress | None = None,
) -> FolderRecordings:  # fmt: skip
    """Every recording of a folder, or at most so many of each class, as many as there are."""
    folder = _root(root)
    parts = [path.name for names in (TRAIN_NAMES, TEST_NAMES) if (path := _part(folder, names)) is not None]
    if parts:
        raise ModelsError(f"{folder}: has parts of its own, {' and '.join(parts)}; name one of them")
    found = labelled_files(folder)
    seen = _Camera(sensor)
    chosen = Selection(samples_per_class, split_seed=seed).at_most(seen.recordings(found))
    nothing = chosen.take(np.zeros(0, np.int64))
    frames, _ = bin_parts(Parts(chosen, nothing, ""), binning, on_progress)
    seen.check(folder)
    return FolderRecordings(found.classes, frames, seen.remarks())


def binning_of(
    sensor: int | None, resolution: int | None, slicing: Slicing, timesteps: int, count_bits: int
) -> FrameBinning:
    """Square frames of a square sensor; None for ASSUMED_PX along a side."""
    sensor = sensor or ASSUMED_PX
    grid = PixelGrid.at_resolution(sensor, resolution or sensor)
    return FrameBinning(grid, slicing_of(slicing), timesteps, count_bits)


def labelled_files(folder: Path) -> LabelledFiles:
    """The files of a folder of classes; ModelsError where there are none, or others than of events."""
    classes = _class_folders(folder)
    if not classes:
        raise ModelsError(f"{folder}: no folders of classes in it; expected {folder}/<class>/<recording>")
    files = []
    for label, path in enumerate(classes):
        found = _files_below(path, MOST_FILES - len(files))
        other = next((each for each in found if each.suffix.lower() not in READERS), None)
        if other is not None:
            raise ModelsError(not_read(other))
        if not found:
            raise ModelsError(f"{path}: a class without recordings")
        files += [(each, label) for each in found]
    return LabelledFiles(tuple(path.name for path in classes), tuple(files))


def _class_folders(folder: Path) -> list[Path]:
    """Visible folders, or links to some; ModelsError for recordings that lie beside them, and for what is no file."""
    found = []
    for path in _visible(folder):
        if path.is_dir():
            found.append(path)
        elif not is_regular(path):
            raise ModelsError(_what_else(path))
        elif path.suffix.lower() in READERS:
            raise ModelsError(f"{path}: a recording without a class; expected {folder}/<class>/<recording>")
    return sorted(found, key=_order)


def _files_below(folder: Path, most: int) -> list[Path]:
    """Visible files in it and in folders within; ModelsError for whatever is neither, and for more than so many."""
    files: list[Path] = []
    folders = [folder]
    while folders:
        for path in _visible(folders.pop()):
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            elif is_regular(path):
                files.append(path)
            else:
                raise ModelsError(_what_else(path))
            if len(files) > most:
                raise ModelsError(
                    f"{folder}: more than {MOST_FILES} recordings, those of the classes before it counted"
                )
    return sorted(files, key=_order)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not _hidden(path))
    except OSError as error:
        raise ModelsError(f"{folder}: cannot be read ({reason(error)})") from None


def _what_else(path: Path) -> str:
    """The line about something in a folder of recordings that is no file."""
    if path.is_dir():
        return f"{path}: is a link to a folder, and none is followed within a class; put the folder itself there"
    if path.is_symlink():
        return f"{path}: is a link that leads to no file; fetch what it stands for, or remove it"
    return f"{path}: is not a regular file"


def _root(root: Path | None) -> Path:
    if root is None:
        raise ModelsError("folder needs root, the folder with a folder for each class")
    if not root.is_dir():
        raise ModelsError(f"{root}: is no folder")
    return root


def _part(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((path for path in sorted(folder.iterdir()) if path.is_dir() and path.name.lower() in names), None)


class _Camera:
    """Pixels along a side; how far the events of recordings lie that were read, and what else was in them."""

    def __init__(self, sensor: int | None) -> None:
        self._given, self._px, self._farthest_px = sensor, sensor or ASSUMED_PX, 0
        self._events = self._skipped = 0

    def recordings(self, found: LabelledFiles) -> Recordings:
        labels = np.array([label for _, label in found.files], dtype=np.int64)
        return Recordings(labels, lambda index: self._read(found.files[index][0]))

    def _read(self, path: Path) -> Events:
        recording = read_recording(path, (self._px, self._px))
        events = recording.events
        self._events += len(events)
        self._skipped += recording.skipped
        self._farthest_px = max(self._farthest_px, int(events["x"].max()), int(events["y"].max()))
        return events

    def remarks(self) -> tuple[str, ...]:
        """That much was skipped."""
        whole = self._events + self._skipped
        if self._skipped <= MUCH_SKIPPED * whole:
            return ()
        return (f"{self._skipped:,} of {whole:,} events are of no pixel (external inputs, images, others): skipped",)

    def check(self, folder: Path) -> None:
        """ModelsError where the camera was assumed, and all events lie in a corner: it is a smaller one."""
        if self._given is None and 2 * (self._farthest_px + 1) <= self._px:
            raise ModelsError(
                f"{folder}: no event lies beyond pixel {self._farthest_px} of a camera of {self._px} x {self._px}, "
                "which is assumed; give the pixels along a side of yours (sensor)"
            )


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _order(path: Path) -> tuple[object, ...]:
    """By name, numbers as numbers."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path)) if part)


def _names(found: LabelledFiles) -> str:
    return some_of(found.classes, 12)
