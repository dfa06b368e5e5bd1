"""A trace file that grows sample by sample, beside the target, which is replaced only when everything is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5, schema
from spikecycle.traces.array_types import Array
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.replace_file import ReplacementFile

CHUNK_BYTES = 2**20  # a chunk is read as a whole, by calls that cost as much for a small one; few beside a sample
BLOCK_BYTES = 2**20  # packed samples are written together from so many bytes on: a call costs more than a small chunk


class SampleRows(NamedTuple):
    """A growing dataset, and the samples that wait to be written to it together."""

    dataset: h5py.Dataset
    waiting: list[Array]


class RecordingFile:
    """What the writers of all versions share: the file beside its target, labels, and samples that wait together.

    The file appears when the `with` block of a writer ends, complete; after an exception nothing is left, and a file
    that was there before stays. The same content gives the same bytes.
    """

    def __init__(self, path: str | os.PathLike[str], timesteps: int) -> None:
        self.path = Path(path)
        self.timesteps = timesteps
        self.samples = 0
        self._labels: list[int] = []
        self._rows: list[SampleRows] = []
        self._waiting_bytes = 0
        with located(self.path):
            self._output = ReplacementFile(self.path)

    def _open(self) -> h5py.File:
        # Version 1.10 of the file structure has checksums on all metadata; every HDF5 since 2016 reads it.
        # Without a cache, a chunk, of which every one is written once, is written at once.
        self._file = h5py.File(self._output, "w", libver=("v110", "v110"), rdcc_nbytes=0)
        return self._file

    def _create_samples(self, group: h5py.Group, name: str, sizes: tuple[int, ...], dtype: npt.DTypeLike) -> SampleRows:
        empty: Array = np.empty((0, *sizes), dtype)
        rows = SampleRows(
            hdf5.create(group, name, empty, chunks=(1, *chunk_shape(sizes, empty.itemsize)), growing=True), []
        )
        self._rows.append(rows)
        return rows

    def _begin_sample(self, label: int | None) -> None:
        if self._output.closed:
            raise TraceError("the writer is closed")
        if len(self._labels) != (0 if label is None else self.samples):
            raise TraceError("labels: either every sample has one or none has")
        if label is not None:
            self._labels.append(check_integer("label", label, -(2**63), 2**63 - 1))

    def _put(self, rows: SampleRows, values: Array) -> None:
        rows.waiting.append(values)
        self._waiting_bytes += values.nbytes

    def _write_full_block(self) -> None:
        """Write the samples that wait, if they are worth it: when depends on their sizes alone, so that the same
        content gives the same bytes."""
        if self._waiting_bytes >= BLOCK_BYTES:
            self._write_waiting()

    def _write_waiting(self) -> None:
        for rows in self._rows:
            if rows.waiting:
                hdf5.append(rows.dataset, rows.waiting)
                rows.waiting.clear()
        self._waiting_bytes = 0

    def _write_labels(self, labels: npt.NDArray[np.int64]) -> None:
        hdf5.create(self._file, "labels", labels)

    def close(self) -> None:
        """Complete the file and put it in its place; called by the end of the `with` block."""
        try:
            with self._writing():
                if self._output.closed:
                    raise TraceError("the writer is closed")
                if not self.samples:
                    raise TraceError("at least one sample is needed, found none")
                self._write_waiting()
                hdf5.set_attribute(self._file, "N", self.samples)
                if self._labels:
                    self._write_labels(np.array(self._labels, np.int64))
                self._file.close()
                self._output.commit()
        except BaseException:
            self._abort()
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the file in what goes wrong; a failed write is what went wrong, whatever HDF5 makes of it later."""
        with located(self.path):
            try:
                yield
            finally:
                self._output.check()

    @contextmanager
    def _or_abort(self) -> Iterator[None]:
        """Leave nothing behind if the block fails."""
        try:
            yield
        except BaseException:
            self._abort()
            raise

    def _abort(self) -> None:
        try:
            if hasattr(self, "_file"):
                self._file.close()
        finally:
            self._output.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif not self._output.closed:
            self._abort()


def write_root(root: h5py.File, version: int, timesteps: int, provenance: str) -> None:
    """The attributes that all versions begin with."""
    hdf5.set_attribute(root, "format", schema.FORMAT)
    hdf5.set_attribute(root, "version", version)
    hdf5.set_attribute(root, "T", timesteps)
    hdf5.set_attribute(root, "provenance", provenance)


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The chunk of at most CHUNK_BYTES that covers as many trailing axes as fit, and of the next one parts that are as
    long as each other: what a last chunk has beyond the values is written, read and checked as well."""
    budget = CHUNK_BYTES // itemsize
    chunks: list[int] = []
    for size in reversed(shape):
        parts = -(-size // budget)
        chunks.insert(0, -(-size // parts))
        budget = max(1, budget // size)
    return tuple(chunks)
