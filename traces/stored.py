"""Datasets whose values lie in their file, as many as they declare: checked when opened, read under bounds."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import h5py
import numpy as np

from spikecycle.traces.array_types import Array, UInt8
from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.filters import AddWords, FilterPipeline, add_words, check_each
from spikecycle.traces.schema import CHUNK_CACHE_BYTES, MAX_CHUNK_BYTES

Range = tuple[int, int]  # first index and the one after the last
MOST_KEPT_CHUNKS = 2**10
"""Of a sample, whose places are kept: a foreign file may have a chunk for every value."""


class FoundDataset(NamedTuple):
    """A dataset and what is asked about it first, once: HDF5 makes an object of its own for every answer.

    kind: its type, as HDF5 has it. shape: None where there are no values, not even none of a shape. file_bytes: size of
    its file.
    """

    identifier: h5py.h5d.DatasetID
    kind: h5py.h5t.TypeID
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None
    file_bytes: int

    @classmethod
    def of(cls, identifier: h5py.h5d.DatasetID, file_bytes: int) -> FoundDataset:
        """A dataset that HDF5 has opened."""
        kind = identifier.get_type()
        return cls(identifier, kind, kind.dtype, identifier.shape, file_bytes)


class InLine(NamedTuple):
    """Chunks that lie one behind the other in the values that are read, as rows of rows.

    corners: the first index of each. places: the byte of the values at which it begins. shape: of the values.
    are_apart: whether none is written over by another.
    """

    corners: list[tuple[int, ...]]
    places: list[int]
    shape: tuple[int, ...]
    are_apart: bool


class StoredDataset:
    """A dataset that is read with our own code where HDF5 would trust the file.

    Made of a dataset; TraceError where its values lie in another file, are of a type that is not plain, went through
    filters that cannot be checked, or are not all there.

    id: as HDF5 knows it. False once its file is closed.
    """

    def __init__(self, found: FoundDataset) -> None:
        self.id = found.identifier
        creation = found.identifier.get_create_plist()
        layout, shape = creation.get_layout(), found.shape
        if creation.get_external_count() or layout == h5py.h5d.VIRTUAL:
            raise TraceError("the values lie in another file; allowed are only values in this file")
        if shape is None:
            raise TraceError("has no values, not even none of a shape")
        self._shape: tuple[int, ...] = shape
        self._chunks = creation.get_chunk() if layout == h5py.h5d.CHUNKED else None
        self._is_compact = layout == h5py.h5d.COMPACT
        self._type = found.dtype
        self._check_type(found.kind)
        self._declared_bytes = math.prod(shape) * self._stored_type.itemsize
        self._file_bytes = found.file_bytes
        self._are_sizes_checked = False
        self._last_chunk: tuple[tuple[int, ...], Array] | None = None
        self._first_sample: InLine | None = None
        if self._chunks is None:
            self._check_whole()
        else:
            self._check_chunks(self._chunks, creation)

    def __bool__(self) -> bool:
        return bool(self.id)

    def __len__(self) -> int:
        return self._shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Values along each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a value."""
        return self._type

    @property
    def nbytes(self) -> int:
        """Of all values."""
        return math.prod(self._shape) * self._type.itemsize

    def _check_type(self, kind: h5py.h5t.TypeID) -> None:
        if not kind.equal(_plain(self._type)):
            raise TraceError(f"must be plain {one_line(self._type.name)}, found another layout of its bits")

    @property
    def _stored_type(self) -> np.dtype[Any]:
        """Of a value as it is in the file."""
        return self._type

    def _check_whole(self) -> None:
        """All of the values stand in one piece."""
        stored_bytes = self.id.get_storage_size()
        if stored_bytes != self._declared_bytes:
            raise TraceError(f"declares {self._declared_bytes} bytes of values, but stores {stored_bytes}")
        first = self.id.get_offset()  # None where they stand in the header, and where there are none
        if self._declared_bytes and not self._is_compact and (first is None or first + stored_bytes > self._file_bytes):
            raise TraceError(f"declares {self._declared_bytes} bytes of values that lie beyond the end of the file")

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """The shape of a chunk; None where the values stand in one piece."""
        return self._chunks

    def _check_chunks(self, chunks: tuple[int, ...], creation: h5py.h5p.PropDCID) -> None:
        chunk_bytes = math.prod(chunks) * self._stored_type.itemsize
        if chunk_bytes > MAX_CHUNK_BYTES:
            raise TraceError(f"a chunk must be at most {MAX_CHUNK_BYTES} bytes, found {chunk_bytes}")
        self._filters = FilterPipeline.of(creation, self._stored_type.itemsize, chunk_bytes)
        # Asking HDF5 for the number of chunks would walk their whole index, which a damaged one need not end.
        self._chunk_count = math.prod(-(-size // chunk) for size, chunk in zip(self._shape, chunks, strict=True))
        if self._chunk_count * self._filters.least_bytes > self._file_bytes:
            raise TraceError(
                f"declares {self._declared_bytes} bytes of values, more than a file of {self._file_bytes} can hold"
            )

    def values(self, selection: Any = (), adding: AddWords = add_words) -> Array:
        """The selected values, in native byte order.

        selection: an index, a slice without step, or a tuple of them for the first axes; indices drop their axis.
        adding: for the checksums of many values.
        What is returned may be read-only.
        """
        sample = self._sample_in_line(selection)
        if sample is not None:
            return self._read_in_line(sample, adding)
        ranges, kept = self._ranges(selection)
        native = self._stored_type.newbyteorder("=")
        if self._chunks == self._shape and ranges == [(0, size) for size in self._shape]:
            values = self._only_chunk().astype(native, copy=False)
            return values.reshape([values.shape[axis] for axis in kept])
        if self._chunks is not None and self._are_in_line(ranges, self._chunks):
            values = self._read_in_line(self._in_line(ranges, self._chunks), adding)
            return values.reshape([values.shape[axis] for axis in kept])
        values = np.empty([stop - start for start, stop in ranges], native)
        if not values.size:
            pass
        elif self._chunks is None:
            self._read_whole(values, ranges)
        else:
            self._read_chunks(values, ranges, self._chunks)
        return values.reshape([values.shape[axis] for axis in kept])

    def __getitem__(self, selection: Any, new_dtype: Any = None) -> Any:
        """As `values`: nobody reads past the checks."""
        return self.values(selection)

    def _ranges(self, selection: Any) -> tuple[list[Range], list[int]]:
        """The range of every axis, and the axes that stay."""
        parts = selection if isinstance(selection, tuple) else (selection,)
        if len(parts) > len(self._shape):
            raise IndexError(f"{len(parts)} indices for {len(self._shape)} axes")
        ranges, kept = [], []
        for axis, size in enumerate(self._shape):
            part = parts[axis] if axis < len(parts) else slice(None)
            if isinstance(part, slice):
                start, stop, step = part.indices(size)
                if step != 1:
                    raise IndexError("a slice with a step")
                ranges.append((start, max(start, stop)))
                kept.append(axis)
            else:
                index = operator.index(part)
                if not 0 <= index < size:
                    raise IndexError(f"index {index} of {size}")
                ranges.append((index, index + 1))
        return ranges, kept

    def _read_whole(self, values: Array, ranges: list[Range]) -> None:
        values[...] = h5py.Dataset(self.id)[tuple(slice(*each) for each in ranges)]

    def _read_chunks(self, values: Array, ranges: list[Range], chunks: tuple[int, ...]) -> None:
        rows = ranges[0][1] - ranges[0][0]
        is_decoded_again = rows < min(self._shape[0], chunks[0])  # for its other rows, as it is too large to be kept
        if is_decoded_again and self._filters.chunk_bytes > CHUNK_CACHE_BYTES:
            raise TraceError(
                f"a chunk that holds several samples must be at most {CHUNK_CACHE_BYTES} bytes, "
                f"found {self._filters.chunk_bytes}"
            )
        if not self._filters.codes:
            self._check_sizes()
        for first in _chunks_of(ranges, chunks):
            chunk = self._chunk(first)
            inside, outside = [], []
            for begin, size, (start, stop) in zip(first, chunks, ranges, strict=True):
                low, high = max(begin, start), min(begin + size, stop)
                inside.append(slice(low - begin, high - begin))
                outside.append(slice(low - start, high - start))
            values[tuple(outside)] = chunk[tuple(inside)]

    def _are_in_line(self, ranges: list[Range], chunks: tuple[int, ...]) -> bool:
        """Whether the chunks of some values lie one behind the other in them, as rows of rows, from the start of one
        on, and nobody will ask for what they hold of other samples."""
        axis = next((axis for axis, size in enumerate(chunks) if size > 1), len(chunks) - 1)
        behind = slice(axis + 1, None)
        whole = [(0, size) for size in self._shape[behind]]
        in_rows = chunks[behind] == self._shape[behind] and ranges[behind] == whole
        first, stop = ranges[0]
        are_done_with = stop - first >= min(self._shape[0], chunks[0])
        starts_one = ranges[axis][0] % chunks[axis] == 0
        return in_rows and are_done_with and starts_one and self._filters.chunk_bytes <= CHUNK_CACHE_BYTES

    def _in_line(self, ranges: list[Range], chunks: tuple[int, ...]) -> InLine:
        """The chunks of some values where `_are_in_line` is true."""
        shape = tuple(stop - start for start, stop in ranges)
        item_bytes = self._stored_type.itemsize
        rows = [math.prod(shape[axis + 1 :]) * item_bytes for axis in range(len(shape))]  # bytes from one to the next
        corners = list(_chunks_of(ranges, chunks))
        places = [
            sum((begin - start) * row for begin, (start, _), row in zip(corner, ranges, rows, strict=True))
            for corner in corners
        ]
        are_apart = all(place == number * self._filters.chunk_bytes for number, place in enumerate(places))
        return InLine(corners, places, shape, are_apart)

    def _sample_in_line(self, selection: Any) -> InLine | None:
        """The chunks of one index of the first axis, if that is what is selected and they are in line.

        What is asked for most often: the chunks of every index lie as those of the first do, which is worked out once.
        """
        if not isinstance(selection, int) or not 0 <= selection < self._shape[0]:
            return None
        first = self._first_sample
        if first is None:
            ranges = [(0, 1), *((0, size) for size in self._shape[1:])]
            if self._chunks is None or self._chunks[0] != 1 or not self._are_in_line(ranges, self._chunks):
                return None
            first = self._in_line(ranges, self._chunks)._replace(shape=self._shape[1:])
            if len(first.corners) <= MOST_KEPT_CHUNKS:
                self._first_sample = first
        return first._replace(corners=[(selection, *corner[1:]) for corner in first.corners])

    def _read_in_line(self, chunks: InLine, adding: AddWords) -> Array:
        """Values whose chunks lie one behind the other, each read where it belongs, in native byte order: what a chunk
        has beyond them, and its checksum, is overwritten by the next one, and lies behind the values at last."""
        filters = self._filters
        if not filters.codes:
            self._check_sizes()
        most_bytes, chunk_bytes = filters.most_bytes, filters.chunk_bytes
        all_bytes = math.prod(chunks.shape) * self._stored_type.itemsize
        room = np.empty(all_bytes + most_bytes, np.uint8)
        # Where no chunk is written over by another, checksums that are all there is to be undone wait for the others.
        waiting: list[int] = []
        checksums: list[int] = []
        for number, (corner, place) in enumerate(zip(chunks.corners, chunks.places, strict=True)):
            there = room[place : place + most_bytes]
            skipped, stored = self._stored_chunk(corner, there)
            checksum = filters.only_checksum(stored, skipped) if chunks.are_apart else None
            if checksum is not None:
                waiting.append(number)
                checksums.append(checksum)
                continue
            undone = filters.undo(stored, skipped)
            if undone.ctypes.data != there.ctypes.data:
                there[: len(undone)] = undone
        if waiting:
            read = room[: len(chunks.corners) * chunk_bytes].reshape(-1, chunk_bytes)
            check_each(read if len(waiting) == len(read) else read[waiting], checksums, adding)
        values = room[:all_bytes].view(self._stored_type).reshape(chunks.shape)
        return values.astype(self._stored_type.newbyteorder("="), copy=False)

    def _only_chunk(self) -> Array:
        """All values where they are one whole chunk, as it is: nothing is copied, and nothing kept."""
        if not self._filters.codes:
            self._check_sizes()
        chunk = self._chunk((0,) * len(self._shape))
        self._last_chunk = None
        return chunk

    def _check_sizes(self) -> None:
        """TraceError unless the index gives every chunk its size.

        Without filters HDF5 (2.0.0) reads as many bytes as the index says, and tells that it were those of a chunk.
        """
        if self._are_sizes_checked:
            return
        visited = 0

        def look(chunk: Any) -> TraceError | None:
            nonlocal visited
            visited += 1
            if visited > self._chunk_count:
                return TraceError(f"damaged (its index has more than the {self._chunk_count} chunks of its shape)")
            if chunk.size != self._filters.chunk_bytes:
                return TraceError(f"damaged (a chunk of {self._filters.chunk_bytes} bytes is stored in {chunk.size})")
            return None

        problem = self.id.chunk_iter(look)
        if problem is not None:
            raise problem
        self._are_sizes_checked = True

    def _chunk(self, first: tuple[int, ...]) -> Array:
        """The chunk whose first value has that index."""
        last = self._last_chunk  # which another thread may replace meanwhile
        if last is not None and last[0] == first:
            return last[1]
        skipped, stored = self._stored_chunk(first, np.empty(self._filters.most_bytes, np.uint8))
        undone = self._filters.undo(stored, skipped)
        chunk = undone.view(self._stored_type).reshape(self._chunks)
        if self._filters.chunk_bytes <= CHUNK_CACHE_BYTES:
            self._last_chunk = (first, chunk)
        return chunk

    def _stored_chunk(self, first: tuple[int, ...], room: UInt8) -> tuple[int, memoryview]:
        """Which filters the writer left out of the chunk whose first value has that index, and its bytes as they are in
        the file, at the beginning of `room`: bytes for as many as it can be stored in."""
        try:
            skipped, stored = self.id.read_direct_chunk(first, out=room)
        except ValueError:  # it does not fit
            raise TraceError(
                f"damaged (a chunk of {self._filters.chunk_bytes} bytes is stored in more than {len(room)})"
            ) from None
        return skipped, memoryview(stored)


@lru_cache(maxsize=64)
def _plain(dtype: np.dtype[Any]) -> h5py.h5t.TypeID:
    """HDF5's type of the same layout."""
    return h5py.h5t.py_create(dtype)


def _chunks_of(ranges: list[Range], sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The first index of every chunk that holds some of the ranges."""
    return itertools.product(
        *(range(start - start % size, stop, size) for (start, stop), size in zip(ranges, sizes, strict=True))
    )
