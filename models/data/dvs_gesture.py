"""DVS128 Gesture: eleven arm gestures of 29 people in front of an event camera of 128 x 128 pixels.

Source: Amir et al., "A Low Power, Fully Event-Based Gesture Recognition System", CVPR 2017, in the form that tonic
fetches: one gesture a file, ibmGestureTrain/user<nn>_<lighting>/<label>.npy and ibmGestureTest/..., each an array
(N, 4) of x, y, polarity and time in milliseconds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikecycle.models.data.events import CAMERA_EVENT, Events, event_array
from spikecycle.models.data.frame_grid import PixelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, bin_parts
from spikecycle.models.data.options import OnProgress, Part, Slicing
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.data.slicing import slicing_of
from spikecycle.models.data.source import RecordingSource
from spikecycle.models.errors import ModelsError

SENSOR_PX = 128
CLASSES = 11
TRAIN_FOLDER, TEST_FOLDER = "ibmGestureTrain", "ibmGestureTest"
US_PER_MS = 1000
LONGEST_MS = 3_600_000  # nothing in these data lasts so long


def _recording_files(folder: Path) -> list[tuple[Path, int]]:
    """Every <user>/<label>.npy and its label, by user, then label."""
    return [
        (user / f"{label}.npy", label)
        for user in sorted(folder.glob("user*"))
        for label in range(CLASSES)
        if (user / f"{label}.npy").is_file()
    ]


SOURCE = RecordingSource(
    name="DVS128 Gesture",
    tonic_name="DVSGesture",
    layout=f"{TRAIN_FOLDER}/user<nn>_<lighting>/<label>.npy and {TEST_FOLDER}/user<nn>_<lighting>/<label>.npy",
    page="https://research.ibm.com/dvsgesture (through tonic, which cuts it into one file a gesture)",
    is_in=lambda folder: bool(_recording_files(folder / TRAIN_FOLDER) and _recording_files(folder / TEST_FOLDER)),
)


def load(
    *,
    root: Path | None = None,
    download: bool = False,
    timesteps: int = 20,
    slicing: Slicing = "events",
    resolution: int = SENSOR_PX,
    count_bits: int = 4,
    samples_per_class: int | None = None,
    split_seed: int = 0,
    part: Part | None = None,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """DVS128 Gesture as event frames (T, 2, side, side); the arguments are those of DataOptions.

    Its own two parts, the test part with people of its own. Equal durations are those of each
    recording. part: the other is left empty.
    """
    binning = FrameBinning(PixelGrid.at_resolution(SENSOR_PX, resolution), slicing_of(slicing), timesteps, count_bits)
    folder = SOURCE.folder(root, download)
    recordings = (_recordings(folder / name) for name in (TRAIN_FOLDER, TEST_FOLDER))
    parts = Selection(samples_per_class, split_seed=split_seed).keep(*recordings)
    train, test = bin_parts(parts.only(part), binning, on_progress)
    return DataSplit(
        name="DVS128 Gesture",
        description=f"DVS128 Gesture (Amir et al. 2017), cut by tonic{binning.remark}: {parts.remark}",
        classes=CLASSES,
        input_bits=count_bits,
        train=train,
        test=test,
    )


def read_recording(path: Path) -> Events:
    """The events of one file, of type CAMERA_EVENT; ModelsError naming the file if it is damaged."""
    try:
        rows = np.load(path, allow_pickle=False)
    except Exception:  # numpy reads the header as Python and fails in as many ways, tokenize.TokenError among them
        raise ModelsError(f"{path}: not a readable .npy file of numbers; damaged?") from None
    if not (isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.shape[1] == 4 and rows.dtype.kind in "iuf"):
        raise ModelsError(f"{path}: not an array (N, 4) of x, y, polarity and time in milliseconds")
    if len(rows) == 0 or not np.isfinite(rows).all():
        raise ModelsError(f"{path}: {'not a single event' if len(rows) == 0 else 'a value that is not a number'}")
    x, y, polarity, time_ms = rows.T
    if not ((time_ms >= 0) & (time_ms <= LONGEST_MS)).all():
        raise ModelsError(f"{path}: a time outside 0 to {LONGEST_MS} ms; damaged?")
    if (rows[:, :3] != np.floor(rows[:, :3])).any():
        raise ModelsError(f"{path}: a pixel or polarity that is no whole number; damaged?")
    if not ((rows[:, :2] >= 0) & (rows[:, :2] < SENSOR_PX)).all():
        raise ModelsError(f"{path}: an event outside {SENSOR_PX} x {SENSOR_PX} pixels; damaged?")
    if not ((polarity == 0) | (polarity == 1)).all():
        raise ModelsError(f"{path}: a polarity that is neither 0 nor 1; damaged?")
    return event_array(CAMERA_EVENT, x=x, y=y, p=polarity, t=time_ms.astype(np.int64) * US_PER_MS)


def _recordings(folder: Path) -> Recordings:
    paths, labels = zip(*_recording_files(folder), strict=True)
    recordings = Recordings(np.array(labels, dtype=np.int64), lambda index: read_recording(paths[index]))
    return recordings.with_every_class(CLASSES, str(folder))
