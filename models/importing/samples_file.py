"""Samples from an .npz file: the array `samples` and, where there are any, `labels`. Nothing is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError

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
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ModelsError(f"{path}: must be an .npz file with the array samples, found a single array")
        with loaded as file:
            unknown = [key for key in file.files if key not in KEYS]
            if unknown or "samples" not in file.files:
                found = ", ".join(file.files) or "nothing"
                raise ModelsError(f"{path}: must hold the array samples, and labels if there are any; found {found}")
            arrays = {key: _array(path, file, key) for key in file.files}
    except DAMAGE as error:
        raise ModelsError(f"{path}: {_reason(error)}") from error
    labels = arrays.get("labels")
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != arrays["samples"].shape[:1]):
        wanted = arrays["samples"].shape[:1]
        raise ModelsError(f"{path}: labels must be integers of shape {wanted}, found {labels.dtype} {labels.shape}")
    return SamplesFile(arrays["samples"], labels)


def _array(path: Path, file: Any, key: str) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = file[key]
    except DAMAGE as error:
        raise ModelsError(f"{path}: {key}: {_reason(error)}") from error
    return array


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
