"""Samples from an .npz file: the array `samples` and, where there are any, `labels`. Nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.files import open_regular
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.inputs import floats_bytes
from spikecycle.models.npy_headers import npz_arrays
from spikecycle.simulator import default_limit_bytes
from spikecycle.traces.errors import one_line

KEYS = ("samples", "labels")
# NotImplementedError, a RuntimeError, is what zipfile says of versions and methods that it does not know.
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError)


class SamplesFile(NamedTuple):
    """samples: numbers (N, T, ...); labels: integers (N,), or None."""

    samples: npt.NDArray[Any]
    labels: npt.NDArray[Any] | None


def read_samples(path: Path) -> SamplesFile:
    """What is in the file; ModelsError naming file and key where that is not samples."""
    try:
        with open_regular(path) as stream, _loaded(path, stream) as file:
            unknown = [key for key in file.files if key not in KEYS]
            if unknown or "samples" not in file.files:
                found = one_line(", ".join(file.files), longest=200) or "nothing"
                raise ModelsError(f"{path}: must hold the array samples, and labels if there are any; found {found}")
            _check_sizes(path, file)
            arrays = {key: _array(path, file, key) for key in file.files}
    except DAMAGE as error:
        raise ModelsError(f"{path}: {_reason(error)}") from error
    labels = arrays.get("labels")
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != arrays["samples"].shape[:1]):
        wanted = arrays["samples"].shape[:1]
        raise ModelsError(f"{path}: labels must be integers of shape {wanted}, found {labels.dtype} {labels.shape}")
    return SamplesFile(arrays["samples"], labels)


RAW = (".bin", ".aedat", ".aedat4", ".h5", ".hdf5", ".mat", ".dat", ".raw", ".bag")
"""Endings of recordings of events."""


def _loaded(path: Path, stream: BufferedReader) -> Any:
    start = stream.read(6)
    stream.seek(0)
    if path.suffix.lower() in RAW or not start.startswith((b"PK", b"\x93NUMPY")):
        raise ModelsError(
            f"{path}: is no .npz file with the array samples (N, T, ...); recordings of events, in a folder for each "
            "class, are what spikecycle evaluate takes"
        )
    loaded = np.load(stream, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise ModelsError(f"{path}: must be an .npz file with the array samples, found a single array")
    return loaded


def _check_sizes(path: Path, file: Any) -> None:
    """ModelsError unless every array has the size that its header declares, and all of them fit the memory."""
    total = floats = 0
    for array in npz_arrays(file.zip):
        total += array.bytes
        floats += floats_bytes(math.prod(array.shape), array.dtype) if array.name == KEYS[0] else 0
    limit = default_limit_bytes()
    if total + floats > limit:
        raise ModelsError(
            f"{path}: {total} bytes of samples need {total + floats} bytes of memory with what is made of them, and "
            f"{limit} may be used (three quarters of what is free); take fewer samples"
        )


def _array(path: Path, file: Any, key: str) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = file[key]
    except DAMAGE as error:
        raise ModelsError(f"{path}: {one_line(key)}: {_reason(error)}") from error
    return array


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(" ".join(str(error).split()), longest=200) or type(error).__name__
