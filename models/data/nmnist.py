"""N-MNIST: MNIST digits on a screen, seen by a moving event camera of 34 x 34 pixels in three saccades of 100 ms.

Source: Orchard, Jayawant, Cohen, Thakor, "Converting Static Image Datasets to Spiking Neuromorphic Datasets Using
Saccades", Frontiers in Neuroscience 9:437 (2015). Its files are Train/<digit>/<id>.bin and Test/<digit>/<id>.bin,
five bytes per event; any part of it will do, as long as every digit occurs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikecycle.models.data.events import CAMERA_EVENT, Events
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, bin_parts
from spikecycle.models.data.options import OnProgress, Part, Slicing
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.data.slicing import slicing_of
from spikecycle.models.data.source import RecordingSource
from spikecycle.models.errors import ModelsError

SENSOR_PX = 34
CLASSES = 10
BYTES_PER_EVENT = 5
PARTS = ("Train", "Test")


def _recording_files(folder: Path) -> list[tuple[Path, int]]:
    """Every <digit>/<id>.bin and its digit, by digit, then name."""
    return [(path, digit) for digit in range(CLASSES) for path in sorted((folder / str(digit)).glob("*.bin"))]


SOURCE = RecordingSource(
    name="N-MNIST",
    tonic_name="NMNIST",
    layout="Train/<digit>/<id>.bin or Test/<digit>/<id>.bin",
    page="https://www.garrickorchard.com/datasets/n-mnist",
    is_in=lambda folder: any(_recording_files(folder / part) for part in PARTS),
)


def load(
    *,
    root: Path | None = None,
    download: bool = False,
    timesteps: int = 10,
    slicing: Slicing = "time",
    resolution: int = SENSOR_PX,
    count_bits: int = 2,
    samples_per_class: int | None = None,
    test_share: float | None = None,
    split_seed: int = 0,
    part: Part | None = None,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """N-MNIST as event frames (T, 2, side, side); the arguments are those of DataOptions.

    With Train and Test both in the folder they are the two parts; one alone is split by class. part: the other is
    left empty.
    """
    binning = FrameBinning(PixelGrid.at_resolution(SENSOR_PX, resolution), slicing_of(slicing), timesteps, count_bits)
    folder, selection = SOURCE.folder(root, download), Selection(samples_per_class, test_share, split_seed)
    found = {name: _recordings(folder / name) for name in PARTS if _recording_files(folder / name)}
    if len(found) == len(PARTS):
        origin, parts = "", selection.keep(*found.values())
    else:
        [(name, recordings)] = found.items()
        origin, parts = f"{len(recordings)} recordings of its {name} part alone, ", selection.split(recordings)
    train, test = bin_parts(parts.only(part), binning, on_progress)
    return DataSplit(
        name="N-MNIST",
        description=f"N-MNIST (Orchard et al. 2015){binning.remark}: {origin}{parts.remark}",
        classes=CLASSES,
        input_bits=count_bits,
        train=train,
        test=test,
    )


def read_recording(path: Path) -> Events:
    """The events of one file, of type CAMERA_EVENT; ModelsError naming the file if it is damaged."""
    from tonic.io import read_mnist_file  # seconds, and only for recordings that are there

    try:
        size_bytes = path.stat().st_size
        if size_bytes == 0 or size_bytes % BYTES_PER_EVENT:
            raise ModelsError(f"{path}: {size_bytes} bytes, not a whole number of {BYTES_PER_EVENT}-byte events")
        events: Events = read_mnist_file(str(path), CAMERA_EVENT)
    except OSError as error:
        raise ModelsError(f"{path}: cannot be read ({error.strerror})") from None
    farthest_px = max(events["x"].max(initial=0), events["y"].max(initial=0))
    if farthest_px >= SENSOR_PX:
        raise ModelsError(f"{path}: an event at pixel {farthest_px}, outside {SENSOR_PX} x {SENSOR_PX}; damaged?")
    return events


def _recordings(folder: Path) -> Recordings:
    paths, digits = zip(*_recording_files(folder), strict=True)
    recordings = Recordings(np.array(digits, dtype=np.int64), lambda index: read_recording(paths[index]))
    return recordings.with_every_class(CLASSES, str(folder))
