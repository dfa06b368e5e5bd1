"""SHD: spoken digits, in English and German, as the spikes of a model of the inner ear with 700 channels.

Source: Cramer, Stradmann, Schemmel, Zenke, "The Heidelberg Spiking Data Sets for the Systematic Evaluation of
Spiking Neural Networks", IEEE TNNLS 33(7) (2022). Its files are shd_train.h5 and shd_test.h5: times in seconds and
channels ("units") of every recording's spikes, and its label.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.files import open_regular
from spikecycle.models.data.events import COCHLEA_EVENT, Events, event_array
from spikecycle.models.data.frame_grid import ChannelGrid
from spikecycle.models.data.frames import DataSplit, FrameBinning, bin_parts
from spikecycle.models.data.options import OnProgress, Part, Slicing
from spikecycle.models.data.recordings import Recordings, Selection
from spikecycle.models.data.slicing import slicing_of
from spikecycle.models.data.source import RecordingSource
from spikecycle.models.errors import ModelsError
from spikecycle.traces import TraceError, hdf5
from spikecycle.traces.errors import reason
from spikecycle.traces.stored import StoredDataset

SENSOR_CHANNELS = 700
CLASSES = 20
TRAIN_FILE, TEST_FILE = "shd_train.h5", "shd_test.h5"
US_PER_S = 1e6
LONGEST_S = 3600  # nothing in these data lasts so long
# What h5py raises on files that are cut off, and on groups where an array is expected.
DAMAGE = (OSError, KeyError, AttributeError, RuntimeError, ValueError, TypeError, OverflowError, MemoryError)
ARRAYS = ("labels", "spikes/times", "spikes/units")

SOURCE = RecordingSource(
    name="SHD",
    tonic_name="SHD",
    layout=f"{TRAIN_FILE} and {TEST_FILE}",
    page="https://zenkelab.org/resources/spiking-heidelberg-datasets-shd",
    is_in=lambda folder: (folder / TRAIN_FILE).is_file() and (folder / TEST_FILE).is_file(),
)


def load(
    *,
    root: Path | None = None,
    download: bool = False,
    timesteps: int = 50,
    slicing: Slicing = "time",
    channels: int = 140,
    count_bits: int = 2,
    samples_per_class: int | None = None,
    split_seed: int = 0,
    part: Part | None = None,
    on_progress: OnProgress | None = None,
) -> DataSplit:
    """SHD as frames (T, channels, 1, 1); the arguments are those of DataOptions.

    Its own two parts, the test part with speakers of its own. Equal durations are those of each
    recording. part: the other is left empty.
    """
    grid = ChannelGrid.of_channels(SENSOR_CHANNELS, channels)
    binning = FrameBinning(grid, slicing_of(slicing), timesteps, count_bits)
    folder = SOURCE.folder(root, download)
    recordings = (read_recordings(folder / name) for name in (TRAIN_FILE, TEST_FILE))
    parts = Selection(samples_per_class, split_seed=split_seed).keep(*recordings)
    train, test = bin_parts(parts.only(part), binning, on_progress)
    return DataSplit(
        name="SHD",
        description=f"Spiking Heidelberg Digits (Cramer et al. 2022){binning.remark}: {parts.remark}",
        classes=CLASSES,
        input_bits=count_bits,
        train=train,
        test=test,
    )


def read_recordings(path: Path) -> Recordings:
    """The recordings of one file; ModelsError naming the file if it is damaged."""
    try:
        with open_regular(path):
            pass  # raises what is the matter with the file itself, before it is called damaged
    except OSError as error:
        raise ModelsError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        with hdf5.open_file(path, "SHD") as file:
            spikes = hdf5.child_group(file, "spikes")
            datasets = [hdf5.child(file, "labels"), hdf5.child(spikes, "times"), hdf5.child(spikes, "units")]
            kinds = "".join(_kind(dataset) for dataset in datasets)
            labels, times_s, units = (dataset.values() for dataset in datasets)
    except (TraceError, *DAMAGE) as error:
        raise ModelsError(
            f"{path}: not a readable HDF5 file with {', '.join(ARRAYS)}; damaged? ({reason(error)})"
        ) from None
    if kinds not in ("iFI", "uFI", "iFU", "uFU") or not labels.shape == times_s.shape == units.shape == (len(labels),):
        raise ModelsError(f"{path}: expected a whole label, an array of times and one of units for every recording")
    if labels.size and not 0 <= labels.min() <= labels.max() < CLASSES:
        raise ModelsError(f"{path}: a label outside 0 to {CLASSES - 1}")
    recordings = Recordings(
        labels.astype(np.int64), lambda index: _events(f"{path}: recording {index}", times_s[index], units[index])
    )
    return recordings.with_every_class(CLASSES, str(path))


def _kind(dataset: StoredDataset) -> str:
    """numpy's letter for the type of the values; a capital one where every recording has an array of them."""
    values: np.dtype[np.generic] | None = h5py.check_vlen_dtype(dataset.dtype)
    return str(dataset.dtype.kind) if values is None else values.kind.upper()


def _events(place: str, times_s: npt.NDArray[np.floating], units: npt.NDArray[np.integer]) -> Events:
    """The spikes of one recording. Times come as float16 or float32, and are rounded down to microseconds."""
    if len(times_s) != len(units):
        raise ModelsError(f"{place}: {len(times_s)} times for {len(units)} units; damaged?")
    if not ((times_s >= 0) & (times_s <= LONGEST_S)).all():
        raise ModelsError(f"{place}: a time that is no number from 0 to {LONGEST_S} s; damaged?")
    if units.size and not 0 <= units.min() <= units.max() < SENSOR_CHANNELS:
        raise ModelsError(f"{place}: a unit outside 0 to {SENSOR_CHANNELS - 1}; damaged?")
    return event_array(COCHLEA_EVENT, x=units, t=(times_s.astype(np.float64) * US_PER_S).astype(np.int64))
