"""Files of events, whatever camera or library wrote them, as one array; what is wrong with one is a line.

Read are, by the ending of the name:

    .npy          a structured array with fields x, y, t, p (as tonic's), or numbers (N, 4) in that order
    .npz          the arrays x, y, t, p, or one structured array
    .bin          N-MNIST and N-Caltech101: five bytes an event (Orchard et al., Frontiers in Neuroscience 9:437, 2015)
    .aedat        AEDAT 2.0 and 3.1 (inivation.com, "AEDAT file formats"), events of DVS128 and DAVIS cameras
    .h5, .hdf5    datasets x, y, t, p, in the file itself or in its group `events`; or a dataset `events` that is an
                  array as of .npy
    .mat          ASL-DVS: ts, x, y, pol, rows from the bottom of 180 (Bi et al., ICCV 2019)

AEDAT 2.0 is read as its addresses say, of the camera that its header names, or else whose addresses they are; what is
no event of a pixel (external inputs, images, inertial data) is skipped. Others turn it: SpikingJelly's CIFAR10-DVS has
127 minus these rows as columns, 127 minus these columns as rows, and ON for OFF; tonic's reader of DVS128 has rows for
columns. A network that was trained on recordings read so needs them so, as arrays: SpikingJelly writes such files
(.npz) into its folder events_np.

Fields may have the other names of NAMES; one that is not among them is refused where it may be of events. Times are in
microseconds. Recordings without y are one row of channels; without p, all events are ON.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.files import open_regular, read_bytes
from spikecycle.models.data.aedat_files import EVENT_BYTES, INSTEAD, Columns, Recorded, read_aedat
from spikecycle.models.data.events import CAMERA_EVENT, Events, event_array
from spikecycle.models.data.matlab_file import matlab_arrays
from spikecycle.models.errors import ModelsError
from spikecycle.models.npy_headers import npy_array, npz_arrays
from spikecycle.simulator import default_limit_bytes
from spikecycle.traces import TraceError, hdf5
from spikecycle.traces.errors import one_line, reason
from spikecycle.wording import some_of

LARGEST_BYTES = 2**31
"""Of a recording."""
BYTES_PER_EVENT = 100
"""Of memory that an event takes while its file is read: four columns of 8 bytes, three times, and some."""
LARGEST_PX = 2**14
"""No sensor has more pixels along a side."""
LONGEST_US = 2**53
"""Times are whole numbers that floats hold, too."""
NAMES = {
    "x": ("x", "xs", "addr", "units"),
    "y": ("y", "ys"),
    "t": ("t", "ts", "time", "times", "timestamp", "timestamps"),
    "p": ("p", "ps", "pol", "pols", "polarity", "polarities", "on"),
}
"""What the columns are called in files; capital letters are as good."""
# RuntimeError is what zipfile says of files with a password and, as NotImplementedError, of methods it does not know.
DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, OverflowError, MemoryError, RuntimeError,
          struct.error, zipfile.BadZipFile, zlib.error)  # fmt: skip

BIN_EVENT_BYTES = 5
BIN_OVERFLOW_ROW, BIN_OVERFLOW_US = 240, 2**13
"""An event of this row is none: later times are so much later (event-Python, github.com/gorchard/event-Python)."""
ASL_ROWS = 180
NAMES_OF_ASL = ("ts", "x", "y", "pol")
MATLAB_LEAST_EVENT_BYTES = 7
"""Of a time, two places and a polarity: MATLAB stores whole numbers in as few bytes as they take."""


@dataclass(frozen=True, eq=False)
class EventFile:
    """events: CAMERA_EVENT; skipped: how many others the file has, which are of no pixel."""

    events: Events
    skipped: int


def read_events(path: Path, shape: tuple[int, int] | None = None) -> Events:
    """The events of a file; see `read_recording`."""
    return read_recording(path, shape).events


def read_recording(path: Path, shape: tuple[int, int] | None = None) -> EventFile:
    """The events of a file, in its own order. shape: rows and columns of the sensor, if known.

    ModelsError, naming the file, where it is of another kind, damaged or empty, where times go back, and where an
    event lies outside of the sensor.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ModelsError(not_read(path))
    try:
        with open_regular(path):
            pass  # what is no file at all is told before its size is asked for
        read = reader(path)
    except (TraceError, *DAMAGE) as error:
        raise ModelsError(f"{path}: cannot be read as events: {reason(error)}") from None
    return EventFile(_checked(path, read.columns, shape), read.skipped)


def not_read(path: Path) -> str:
    """The line about a file whose name does not end as those of events."""
    if path.suffix.lower() == ".aedat4":
        return f"{path}: AEDAT 4 is not read; {INSTEAD}"
    return f"{path}: is no file of events; these end in {', '.join(READERS)}"


def _room_for(events: int) -> None:
    """ValueError where so many are more than there is memory for."""
    needed, limit = events * BYTES_PER_EVENT, default_limit_bytes()
    if needed > limit:
        raise ValueError(
            f"{events:,} events need {needed / 1e9:.1f} GB of memory, and {limit / 1e9:.1f} GB may be used (three "
            "quarters of what is free)"
        )


def _room_for_file(path: Path, bytes_per_event: int) -> None:
    _room_for(path.stat().st_size // bytes_per_event)


def _checked(path: Path, columns: Columns, shape: tuple[int, int] | None) -> Events:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ModelsError(f"{path}: its arrays have different lengths: {lengths}")
    count = len(columns["t"])
    if not count:
        raise ModelsError(f"{path}: an empty recording, without events")
    whole = {name: _whole(path, name, values) for name, values in columns.items()}
    times = whole["t"]
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        at = int(back[0])
        before, after = int(times[at]), int(times[at + 1])
        wraps = " (they wrap around 2**32; unwrap them)" if before - after > 2**31 else ""
        raise ModelsError(
            f"{path}: times go back from {before} to {after} us at event {at + 1} of {count}{wraps}; sort the recording"
        )
    if times[0] < 0 or times[-1] > LONGEST_US:
        raise ModelsError(f"{path}: times from {int(times[0])} to {int(times[-1])} us; supported: 0 to {LONGEST_US}")
    rows, columns_px = shape or (LARGEST_PX, LARGEST_PX)
    for name, size in (("x", columns_px), ("y", rows)):
        outside = np.flatnonzero((whole[name] < 0) | (whole[name] >= size))
        if outside.size:
            at = int(outside[0])
            sensor = f"a sensor of {rows} rows and {columns_px} columns" if shape else f"0 to {size - 1}"
            raise ModelsError(f"{path}: {name} of event {at} is {int(whole[name][at])}, outside of {sensor}")
    if not np.isin(whole["p"], (-1, 0, 1)).all():
        raise ModelsError(f"{path}: polarities other than 0 and 1 (or -1 and 1)")
    return event_array(CAMERA_EVENT, x=whole["x"], y=whole["y"], t=times, p=whole["p"] > 0)


def _whole(path: Path, name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise ModelsError(f"{path}: {name} must be numbers, one for each event, found {values.dtype} {values.shape}")
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        hint = "; times are in microseconds" if name == "t" else ""
        raise ModelsError(f"{path}: {name} must be whole numbers{hint}")
    if values.dtype.kind in "uf" and values.size and not -LONGEST_US <= values.min() <= values.max() <= LONGEST_US:
        raise ModelsError(f"{path}: {name} from {values.min()} to {values.max()}; supported: up to {LONGEST_US}")
    return values.astype(np.int64)


def _fields(shapes: Mapping[str, tuple[int, ...] | None], needed: Collection[str] = ("x", "t")) -> dict[str, str]:
    """The names that x, y, t, p have in a file that holds so much; shape None: without values of its own.

    ValueError where there are no places or times, where two names stand for the same, and for a name that is not known
    and may be of events: it has as many values, or it may be the column that is missing.
    """
    columns = {name: column for column, names in NAMES.items() for name in names}
    fields: dict[str, str] = {}
    for name in shapes:
        column = columns.get(name.strip().casefold())
        if column in fields:
            raise ValueError(f"{one_line(fields[column])} and {one_line(name)} are both {column}; only one is needed")
        if column is not None:
            fields[column] = name
    if not set(needed) <= fields.keys():
        raise ValueError(f"x, y, t, p are needed, found {one_line(', '.join(shapes) or 'nothing')}")
    missing = [column for column in NAMES if column not in fields]
    events = math.prod(shapes[fields["t"]] or ())
    others = {name: shape for name, shape in shapes.items() if name not in fields.values() and shape != ()}
    unknown = [name for name, shape in others.items() if missing or (shape and events in (shape[0], math.prod(shape)))]
    if unknown:
        lack = f", and there is no {missing[0]} ({', '.join(NAMES[missing[0]])})" if missing else ""
        raise ValueError(
            f"what is {one_line(some_of(unknown))}? no such name is known{lack}; rename, or take away what is none of "
            "x, y, t, p"
        )
    return fields


def _named(found: Mapping[str, Any]) -> Columns:
    """Columns by their usual names, whatever they are called; without y all are 0, without p all are ON."""
    fields = _fields({name: np.shape(values) for name, values in found.items()})
    return _filled({column: found[name] for column, name in fields.items()})


def _filled(found: Mapping[str, Any]) -> Columns:
    columns = {name: np.asarray(values).reshape(-1) for name, values in found.items()}
    zeros = np.zeros(len(columns["t"]), np.int64)
    return {"y": zeros, "p": zeros + 1, **columns}


def _npy(path: Path) -> Columns:
    with open_regular(path) as file:
        stored = npy_array(file, path.stat().st_size)
        _room_for(max(math.prod(stored.shape[:1]), stored.bytes // BYTES_PER_EVENT))
        file.seek(0)
        return _of_array(np.load(file, allow_pickle=False))


def _of_array(array: Any) -> Columns:
    if array.dtype.names:
        return _named({name: array[name] for name in array.dtype.names})
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"an array with fields x, y, t, p, or of shape (N, 4), is needed, found {array.shape}")
    return _named(dict(zip("xytp", array.T, strict=True)))


def _npz(path: Path) -> Columns:
    if not zipfile.is_zipfile(path):
        raise ValueError("no .npz file: that is a ZIP archive of arrays")
    with open_regular(path) as file, np.load(file, allow_pickle=False) as arrays:
        stored = list(npz_arrays(arrays.zip))
        _room_for(max((math.prod(each.shape[:1]) for each in stored), default=0))
        _room_for(sum(each.bytes for each in stored) // BYTES_PER_EVENT)
        if len(arrays.files) == 1:
            return _of_array(arrays[arrays.files[0]])
        return _named({name: arrays[name] for name in arrays.files})


def _bin(path: Path) -> Columns:
    _room_for_file(path, BIN_EVENT_BYTES)
    data = np.frombuffer(read_bytes(path, LARGEST_BYTES), np.uint8)
    if data.size % BIN_EVENT_BYTES:
        raise ValueError(f"{data.size} bytes are no whole number of events of {BIN_EVENT_BYTES}")
    x, y, high, middle, low = data.reshape(-1, BIN_EVENT_BYTES).T.astype(np.int64)
    overflows = y == BIN_OVERFLOW_ROW
    times = ((high & 0x7F) << 16 | middle << 8 | low) + np.cumsum(overflows) * BIN_OVERFLOW_US
    columns = {"x": x, "y": y, "t": times, "p": high >> 7}
    return {name: values[~overflows] for name, values in columns.items()}


def _aedat(path: Path) -> Recorded:
    _room_for_file(path, EVENT_BYTES)
    return read_aedat(read_bytes(path, LARGEST_BYTES))


def _hdf5(path: Path, needed: Collection[str] = ("x", "t")) -> Columns:
    with hdf5.open_file(path, "a recording of events") as file:
        group = hdf5.child(file, "events") if "events" in hdf5.member_names(file) else file
        if not isinstance(group, h5py.Group):
            _room_for(math.prod(group.shape[:1]))
            return _of_array(group.values())
        fields = _fields({name: _shape(group, name) for name in hdf5.member_names(group)}, needed)
        _room_for(max(math.prod(hdf5.dataset_shape(group, name)) for name in fields.values()))
        return _filled({column: hdf5.child(group, name).values() for column, name in fields.items()})


def _shape(group: h5py.Group, name: str) -> tuple[int, ...] | None:
    try:
        return hdf5.dataset_shape(group, name)
    except TraceError:
        return None  # a group, or a link


def _unpacked(total_bytes: int) -> None:
    _room_for(total_bytes // MATLAB_LEAST_EVENT_BYTES)


def _mat(path: Path) -> Columns:
    if h5py.is_hdf5(path):  # as MATLAB writes them from version 7.3 on
        columns = _hdf5(path, tuple(NAMES))
    else:
        found = matlab_arrays(read_bytes(path, LARGEST_BYTES), NAMES_OF_ASL, _unpacked)
        if len(found) < len(NAMES_OF_ASL):
            raise ValueError(f"{', '.join(NAMES_OF_ASL)} are needed, found {', '.join(found) or 'none of them'}")
        columns = _named(found)
    return {**columns, "y": ASL_ROWS - 1 - columns["y"].astype(np.int64)}  # as tonic has it


def _all_of(columns: Callable[[Path], Columns]) -> Callable[[Path], Recorded]:
    """A reader of files in which there are events of pixels only."""
    return lambda path: Recorded(columns(path))


READERS: dict[str, Callable[[Path], Recorded]] = {
    ".npy": _all_of(_npy),
    ".npz": _all_of(_npz),
    ".bin": _all_of(_bin),
    ".aedat": _aedat,
    ".h5": _all_of(_hdf5),
    ".hdf5": _all_of(_hdf5),
    ".mat": _all_of(_mat),
}
