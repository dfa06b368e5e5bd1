"""Guarded access to HDF5: nothing outside the file, no foreign types, no surprises in size."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.files import open_regular
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located, one_line
from spikecycle.traces.filters import (
    WORTH_COMPRESSING,
    WORTH_COMPRESSING_ONCE,
    FilterPipeline,
)
from spikecycle.traces.heap import VariableLengthDataset
from spikecycle.traces.stored import FoundDataset, StoredDataset

_INT64 = np.dtype(np.int64)
_STORED_INT64 = h5py.h5t.py_create(np.dtype("<i8"))
"""The type of the numbers that `set_attribute` writes: h5py takes longer to work out NumPy's for one."""
_encoded, _decoded = lru_cache(128)(os.fsencode), lru_cache(128)(os.fsdecode)
"""Of names, the same ones in every layer, as HDF5 has them."""
MAX_TEXT_BYTES = 1024  # of a name or a word; the names' own limits are in characters
MAX_MEMBERS = 2**16  # of one group
GZIP_LEVEL = (
    1  # zlib levels are 1 to 9; 4 takes 1.5 times as long, for 1 % of traces with 10 % spikes, 10 % of those with 3 %
)


def check_names(what: str, found: Collection[str], known: Collection[str], optional: Collection[str] = ()) -> None:
    """TraceError if a name is unknown, or a known one is missing and not optional."""
    if set(found) == set(known):
        return
    for name in sorted(found):
        if name not in known:
            raise TraceError(f"unknown {what} '{one_line(name)}'; known are {', '.join(sorted(known))}")
    for name in sorted(known):
        if name not in found and name not in optional:
            raise TraceError(f"{what} '{name}' is missing")


def integer_attribute(group: h5py.Group, name: str, lowest: int, highest: int) -> int:
    """A scalar integer attribute."""
    value = _attribute(group, name, "iu", "an integer", (), MAX_TEXT_BYTES)
    return check_integer(name, value, lowest, highest)


def pair_attribute(group: h5py.Group, name: str, lowest: int, highest: int) -> tuple[int, int]:
    """An attribute of two integers."""
    values = _attribute(group, name, "iu", "two integers (vertical, horizontal)", (2,), MAX_TEXT_BYTES)
    first, second = (check_integer(f"{name}[{i}]", values[i], lowest, highest) for i in range(2))
    return (first, second)


def text_attribute(group: h5py.Group | StoredDataset, name: str, longest: int = MAX_TEXT_BYTES) -> str:
    """A scalar text attribute of fixed length, UTF-8, at most `longest` bytes."""
    value = _attribute(group, name, "S", "text of fixed length (h5py writes it from np.bytes_)", (), longest)
    with located(name):
        return str(value.decode("utf-8"))


def _attribute(
    group: h5py.Group | StoredDataset, name: str, kinds: str, wanted: str, shape: tuple[int, ...], longest: int
) -> Any:
    """Read an attribute whose type is known to be plain.

    The type is looked at first, because HDF5 (2.0.0) crashes, or never returns, when it reads a value of variable
    length from a damaged heap.
    """
    with located(name):
        attribute = h5py.h5a.open(group.id, _encoded(name))  # `group.attrs[name]` would look it up twice
        stored_type = attribute.get_type()
        dtype = _INT64 if stored_type.equal(_STORED_INT64) else _dtype_of(stored_type)
        if dtype.kind not in kinds or not _has_shape(attribute.get_space(), shape):
            if dtype.kind == "f" and attribute.shape == ():
                found = str(h5py.AttributeManager(group)[name])
            else:
                found = "text of variable length" if dtype.kind == "O" else f"{dtype} of shape {attribute.shape}"
            raise TraceError(f"must be {wanted}, found {one_line(found)}")
        if dtype.itemsize > longest:
            raise TraceError(f"at most {longest} bytes are allowed, found {dtype.itemsize}")
        value = np.zeros(shape, dtype)
        attribute.read(value, mtype=stored_type)
        return value[()]


def _dtype_of(stored_type: h5py.h5t.TypeID) -> np.dtype[Any]:
    """NumPy's type: of a text without its encoding, which h5py takes twice as long to add."""
    if isinstance(stored_type, h5py.h5t.TypeStringID) and not stored_type.is_variable_str():
        return np.dtype((np.bytes_, stored_type.get_size()))
    dtype: np.dtype[Any] = stored_type.dtype
    return dtype


def _has_shape(space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> bool:
    """Whether there are values, of this shape; HDF5 is asked as little as possible."""
    kind = space.get_simple_extent_type()
    if not shape:
        return bool(kind == h5py.h5s.SCALAR)
    return bool(kind == h5py.h5s.SIMPLE and space.get_simple_extent_dims() == shape)


def open_file(path: Path, what: str) -> h5py.File:
    """Open an HDF5 file for reading; `what` it should be, in words. TraceError on anything but a regular HDF5 file."""
    with open_regular(path):
        pass  # raises the plain "permission denied" that HDF5 would wrap in a paragraph
    if not h5py.is_hdf5(path):
        raise TraceError(f"is not an HDF5 file, so not {what}")
    # Writers replace whole files, so that there is nothing to lock against.
    return h5py.File(path, "r", locking=False, rdcc_nbytes=0)


def attribute_names(group: h5py.Group | StoredDataset) -> tuple[str, ...]:
    """Names of the attributes of a group or dataset; h5py's `attrs` asks for the order in which they were made, too."""
    names: list[bytes] = []
    h5py.h5a.iterate(group.id, names.append)
    return tuple(map(_decoded, names))


def member_names(group: h5py.Group, at_most: int = MAX_MEMBERS) -> tuple[str, ...]:
    """Names of what a group holds; TraceError where there are more. The index of a damaged group need not end."""
    names: list[str] = []

    def add(name: bytes) -> bool | None:
        names.append(_decoded(name))
        return True if len(names) > at_most else None

    group.id.links.iterate(add)
    if len(names) > at_most:
        raise TraceError(f"a group must hold at most {at_most} members, found more")
    return tuple(names)


class SizedGroup(h5py.Group):  # type: ignore[misc]  # h5py has no types
    """A group of a file whose size is known: to ask HDF5 for it takes a fifth of the time to open a dataset."""

    def __init__(self, identifier: h5py.h5g.GroupID, file_bytes: int) -> None:
        super().__init__(identifier)
        self.file_bytes = file_bytes


def _file_bytes(group: h5py.Group) -> int:
    """Size of the file that a group lies in."""
    return group.file_bytes if isinstance(group, SizedGroup) else int(h5py.h5i.get_file_id(group.id).get_filesize())


def child_group(parent: h5py.Group, name: str) -> SizedGroup:
    """A group that lies in this file."""
    with located(name):
        child = _child(parent, name)
    if not isinstance(child, h5py.h5g.GroupID):
        raise TraceError(f"{name} must be an HDF5 group, found a {_kind(child)}")
    return SizedGroup(child, _file_bytes(parent))


def child_dataset(parent: h5py.Group, name: str, dtypes: Collection[str], *shapes: tuple[int, ...]) -> StoredDataset:
    """A dataset whose values lie in this file, of one of the dtypes (any byte order) and shapes.

    dtypes: NumPy names without byte order, such as "int8".
    """
    with located(name):
        child = _child(parent, name)
        if not isinstance(child, h5py.h5d.DatasetID):
            raise TraceError(f"must be an HDF5 dataset, found a {_kind(child)}")
        found = FoundDataset.of(child, _file_bytes(parent))
        if _name_of(found.dtype) not in dtypes:
            raise TraceError(f"the dtype must be {' or '.join(dtypes)}, found {one_line(found.dtype.name)}")
        if found.shape not in shapes:
            raise TraceError(f"the shape must be {' or '.join(map(str, shapes))}, found {found.shape}")
        return StoredDataset(found)


@lru_cache(maxsize=64)
def _name_of(dtype: np.dtype[Any]) -> str:
    """NumPy's name without byte order, which it puts together every time."""
    return dtype.name


def dataset_shape(parent: h5py.Group, name: str) -> tuple[int, ...]:
    """The shape of a dataset of any type, which need not be readable."""
    with located(name):
        found = _child(parent, name)
        if not isinstance(found, h5py.h5d.DatasetID) or found.shape is None:
            raise TraceError(f"must be an HDF5 dataset with values, found a {_kind(found)}")
        return tuple(found.shape)


def child(parent: h5py.Group, name: str) -> h5py.Group | StoredDataset:
    """A group that lies in this file, or a dataset of any type whose values do; see `StoredDataset`."""
    with located(name):
        child = _child(parent, name)
        if isinstance(child, h5py.h5g.GroupID):
            return SizedGroup(child, _file_bytes(parent))
        if not isinstance(child, h5py.h5d.DatasetID):
            raise TraceError(f"must be an HDF5 dataset or group, found a {_kind(child)}")
        found = FoundDataset.of(child, _file_bytes(parent))
        return VariableLengthDataset(found) if found.dtype.kind == "O" else StoredDataset(found)


def _child(parent: h5py.Group, name: str) -> h5py.h5g.ObjectID:
    """What HDF5 knows a member by: h5py's own objects take as long again to be made."""
    encoded = _encoded(name)
    if parent.id.links.get_info(encoded).type != h5py.h5l.TYPE_HARD:
        raise TraceError("is a soft or external link; allowed are only objects in this file")
    return h5py.h5o.open(parent.id, encoded)


def _kind(found: h5py.h5g.ObjectID) -> str:
    """What a member is instead of what is wanted, in a word."""
    words = {h5py.h5g.GroupID: "group", h5py.h5d.DatasetID: "dataset"}
    return next((word for kind, word in words.items() if isinstance(found, kind)), "datatype")


def set_attribute(group: h5py.Group, name: str, value: str | int | tuple[int, ...]) -> None:
    """Write an attribute: text as UTF-8 of fixed length, everything else as int64."""
    if isinstance(value, str):
        encoded = value.encode("utf-8")
        group.attrs.create(name, encoded, dtype=h5py.string_dtype("utf-8", len(encoded)))
    else:
        group.attrs[name] = np.asarray(value, np.int64)


def create(
    parent: h5py.Group,
    name: str,
    values: npt.NDArray[Any],
    chunks: tuple[int, ...] | None = None,
    growing: bool = False,
) -> h5py.Dataset:
    """Write a dataset that every HDF5 library reads, checksummed, and without timestamps.

    growing: the first axis can be extended later.
    """
    dataset = parent.create_dataset(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks or tuple(max(1, size) for size in values.shape),
        maxshape=(None, *values.shape[1:]) if growing else None,
        compression="gzip",
        compression_opts=GZIP_LEVEL,
        shuffle=True,
        fletcher32=True,
        track_times=False,
    )
    _write_chunks(dataset, values, 0, WORTH_COMPRESSING_ONCE)
    return dataset


def append(dataset: h5py.Dataset, rows: Sequence[npt.NDArray[Any]]) -> None:
    """Extend a growing dataset, of which a chunk holds one row at most, by rows of its dtype."""
    first = len(dataset)
    dataset.resize(first + len(rows), axis=0)
    for index, row in enumerate(rows, first):
        _write_chunks(dataset, row[None], index, WORTH_COMPRESSING)


def _write_chunks(dataset: h5py.Dataset, values: npt.NDArray[Any], first: int, worth: float) -> None:
    """Write the values of whole chunks, from index `first` of the first axis on.

    Chunks are filtered here: HDF5 itself would compress every one, however little that saves. worth: what may be left.
    """
    sizes, item_bytes = dataset.chunks, dataset.dtype.itemsize
    filters = FilterPipeline.of(dataset.id.get_create_plist(), item_bytes, math.prod(sizes) * item_bytes)
    starts = (range(0, extent, size) for extent, size in zip(values.shape, sizes, strict=True))
    for corner in itertools.product(*starts):
        part = values[tuple(slice(start, start + size) for start, size in zip(corner, sizes, strict=True))]
        chunk = np.zeros(sizes, dataset.dtype)  # what is beyond the edge of the values is 0
        chunk[tuple(slice(extent) for extent in part.shape)] = part
        share = part.size / chunk.size  # zeros beyond the edge make no values worth compressing that are not
        stored, left_out = filters.apply(chunk.tobytes(), GZIP_LEVEL, worth * share)
        dataset.id.write_direct_chunk((first + corner[0], *corner[1:]), stored, left_out)
