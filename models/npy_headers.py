"""Headers of NumPy's .npy files and of arrays in .npz files, read before the values: what they declare, and whether the
file has it. A few bytes can declare an array of terabytes, and a few kilobytes unpack to it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from spikecycle.traces.errors import one_line

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class StoredArray(NamedTuple):
    """name: in an .npz file, else empty; bytes: of its values, as they are stored unpacked."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bytes: int


def npz_arrays(file: zipfile.ZipFile) -> Iterator[StoredArray]:
    """The arrays of an .npz file; ValueError, naming it, for one that declares other values than it stores."""
    for member in file.infolist():
        with file.open(member) as content:
            yield _stored(member.filename.removesuffix(".npy"), content, member.file_size)


def npy_array(file: IO[bytes], size_bytes: int) -> StoredArray:
    """The array of an .npy file of that size, which is read from its beginning; ValueError as of `npz_arrays`."""
    return _stored("", file, size_bytes)


def _stored(name: str, content: IO[bytes], size_bytes: int) -> StoredArray:
    place = f"{one_line(name)}: " if name else ""
    header = HEADERS.get(npy.read_magic(content))
    if header is None:
        raise ValueError(f"{place}is of a version of .npy that no array of numbers needs")
    try:
        shape, _, dtype = header(content)
    except Exception:  # it is read as Python, and fails in as many ways, tokenize.TokenError among them
        raise ValueError(f"{place}its header is damaged") from None
    declared, stored = math.prod(shape) * dtype.itemsize, size_bytes - content.tell()
    if (declared != stored or min(shape, default=0) < 0) and not dtype.hasobject:  # those are refused when loaded
        raise ValueError(f"{place}declares {declared} bytes of values, but stores {stored}")
    return StoredArray(name, shape, dtype, stored)
