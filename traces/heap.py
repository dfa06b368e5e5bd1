"""Values of variable length, texts and sequences, read from HDF5's global heaps by our own code.

HDF5 (2.0.0) crashes, or never returns, when such a heap is damaged. A dataset of them holds a length, the address of a
collection and the number of an object in it for each value; a collection is a header and objects one after the other.
Source: HDF5 File Format Specification 3.0, III.E "Global Heap", IV.B "Variable-length datatypes".
"""

from __future__ import annotations

import math
import os
import struct
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.filters import AddWords, add_words
from spikecycle.traces.stored import FoundDataset, Range, StoredDataset

_REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
_COLLECTION = struct.Struct("<4sBxxxQ")  # signature, version, size with this header
_OBJECT = struct.Struct("<HHxxxxQ")  # number, references, size without this header and padding
_ALIGNMENT = 8
_SIZES = (8, 8)  # bytes of an address and of a length; HDF5 writes others only when asked to


class VariableLengthDataset(StoredDataset):
    """A dataset of texts, or of sequences of numbers, of any length each.

    item_type: of a number of a sequence; None where values are texts. TraceError where they cannot be checked.
    """

    def __init__(self, found: FoundDataset) -> None:
        item = h5py.check_vlen_dtype(found.dtype)  # of texts: the class str, or bytes
        self.item_type: np.dtype[Any] | None = item if isinstance(item, np.dtype) else None
        super().__init__(found)
        self._file = h5py.h5i.get_file_id(self.id)
        creation = self._file.get_create_plist()
        if creation.get_sizes() != _SIZES or creation.get_userblock():
            raise TraceError("values of variable length in a file of another layout; supported: the usual one")
        if self._is_compact:
            raise TraceError("values of variable length in a header; supported: contiguous or chunked ones")
        if self._declared_bytes > self._file_bytes:  # each has more in a heap than its reference
            raise TraceError(
                f"declares {math.prod(self.shape)} values, more than a file of {self._file_bytes} bytes can hold"
            )

    def _check_type(self, kind: h5py.h5t.TypeID) -> None:
        if self.item_type is None:
            is_plain = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
        else:
            is_plain = self.item_type.kind in "iuf" and kind.get_super().equal(h5py.h5t.py_create(self.item_type))
        if not is_plain:
            raise TraceError(f"values of variable length must be texts or plain numbers, found {self.dtype}")

    @property
    def _stored_type(self) -> np.dtype[Any]:
        return _REFERENCE

    def _read_whole(self, values: npt.NDArray[Any], ranges: list[Range]) -> None:
        stored = _read(self._file, self.id.get_offset(), self._declared_bytes)
        whole = np.frombuffer(stored, _REFERENCE).reshape(self.shape)
        values[...] = whole[tuple(slice(*each) for each in ranges)]

    def values(self, selection: Any = (), adding: AddWords = add_words) -> npt.NDArray[Any]:
        """The selected values as an array of objects: str, or arrays in native byte order."""
        references = super().values(selection, adding)
        values = np.empty(references.shape, object)
        item_bytes = 1 if self.item_type is None else self.item_type.itemsize
        heap = _Heap(self._file)
        for place, reference in np.ndenumerate(references):
            length, address, index = (int(part) for part in reference)
            content = heap.content(address, index, length * item_bytes) if length else b""
            values[place] = self._value(content)
        return values

    def _value(self, content: bytes) -> Any:
        if self.item_type is None:
            try:
                return content.rstrip(b"\0").decode("utf-8")
            except UnicodeDecodeError:
                raise TraceError(f"a text is not UTF-8: {one_line(content)}") from None
        return np.frombuffer(content, self.item_type).astype(self.item_type.newbyteorder("="))


class _Heap:
    """The collections of a file, each read once; together no larger than it, and neither is what is taken from them."""

    def __init__(self, file: h5py.h5f.FileID) -> None:
        self._file = file
        self._unread_bytes = self._untaken_bytes = int(file.get_filesize())
        self._collections: dict[int, tuple[bytes, dict[int, Range]]] = {}

    def content(self, address: int, index: int, size: int) -> bytes:
        """The first `size` bytes of an object; TraceError unless there are as many."""
        if address not in self._collections:
            self._collections[address] = self._collection(address)
        collection, objects = self._collections[address]
        start, stop = objects.get(index, (0, 0))
        self._untaken_bytes -= size
        if size > stop - start:
            raise TraceError(f"damaged (a value of {size} bytes has {stop - start} in its heap)")
        if self._untaken_bytes < 0:
            raise TraceError("damaged (its values are more than the file holds)")
        return collection[start : start + size]

    def _collection(self, address: int) -> tuple[bytes, dict[int, Range]]:
        signature, version, size = _COLLECTION.unpack(_read(self._file, address, _COLLECTION.size))
        if signature != b"GCOL" or version != 1:
            raise TraceError("damaged (a value of variable length lies in no heap)")
        self._unread_bytes -= size
        if self._unread_bytes < 0:
            raise TraceError("damaged (its heaps are larger than the file)")
        collection = _read(self._file, address, size)
        objects = {}
        start = _COLLECTION.size
        while start + _OBJECT.size <= size:
            index, _, length = _OBJECT.unpack_from(collection, start)
            start += _OBJECT.size
            if index == 0:  # what is left is free
                break
            if start + length > size:
                raise TraceError("damaged (a value of variable length ends after its heap)")
            objects[index] = (start, start + length)
            start += -(-length // _ALIGNMENT) * _ALIGNMENT
        return collection, objects


def _read(file: h5py.h5f.FileID, start: int, size: int) -> bytes:
    """Bytes of the file itself; TraceError where it has fewer."""
    if start + size > file.get_filesize():
        raise TraceError("damaged (a value lies beyond the end of the file)")
    content = os.pread(file.get_vfd_handle(), size, start)
    if len(content) != size:
        raise TraceError("damaged (a value lies beyond the end of the file)")
    return content
