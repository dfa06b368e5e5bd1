"""Attributes and arrays of one HDF5 group; whatever else is in the group is refused as unknown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.traces import hdf5
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located, one_line
from spikecycle.traces.operators.base import ReadArray
from spikecycle.traces.schema import CHECKSUM
from spikecycle.traces.stored import StoredDataset

INT64 = (-(2**63), 2**63 - 1)


class GroupFields:
    """What one group holds, read by name; `finish` refuses the rest. Messages do not name the group, but arrays that
    are read later name `path` and `place`."""

    def __init__(self, group: h5py.Group, path: Path, place: str) -> None:
        self._group = group
        self._path = path
        self._place = place
        self._attributes = frozenset(hdf5.attribute_names(group))
        self._members = frozenset(hdf5.member_names(group))
        self._asked_attributes: set[str] = set()
        self._asked_members: set[str] = set()

    def finish(self) -> None:
        """TraceError on attributes and members that nobody asked for."""
        hdf5.check_names("attribute", self._attributes, self._asked_attributes, self._asked_attributes)
        hdf5.check_names("member", self._members, self._asked_members, self._asked_members)

    def integer(self, name: str) -> int:
        """An integer attribute."""
        self._ask(name)
        return hdf5.integer_attribute(self._group, name, *INT64)

    def optional_integer(self, name: str) -> int | None:
        """An integer attribute, None if it is not there."""
        self._asked_attributes.add(name)
        return self.integer(name) if name in self._attributes else None

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        """An attribute of `count` integers."""
        self._ask(name)
        return integers_attribute(self._group, name, count)

    def some_integers(self, name: str, most: int) -> tuple[int, ...]:
        """An attribute of 1 to `most` integers."""
        self._ask(name)
        shape = self._group.attrs.get_id(name).shape
        if len(shape) != 1 or not 1 <= shape[0] <= most:
            raise TraceError(f"{name}: must be 1 to {most} integers, found shape {shape}")
        return integers_attribute(self._group, name, shape[0])

    def word(self, name: str) -> str:
        """A text attribute."""
        self._ask(name)
        return hdf5.text_attribute(self._group, name)

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        self._asked_members.add(name)
        return name in self._members

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""
        self._need(name)
        return hdf5.dataset_shape(self._group, name)

    def dataset(self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...]) -> StoredDataset:
        """A dataset of one of the dtypes and shapes."""
        self._need(name)
        return hdf5.child_dataset(self._group, name, dtypes, *shapes)

    def values(self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...]) -> npt.NDArray[Any]:
        """The array of one of the dtypes and shapes."""
        dataset = self.dataset(name, dtypes, *shapes)
        with located(name):
            return read_checked(dataset)

    def array(
        self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...], limits: tuple[int, int] = INT64
    ) -> ReadArray:
        """An integer array of one of the dtypes and shapes, to be read later; its values must lie within limits."""
        dataset = self.dataset(name, dtypes, *shapes)
        with located(name):
            check_checksum_attribute(dataset)

        def read() -> npt.NDArray[Any]:
            with located(self._path), located(self._place):
                check_open(dataset)
                with located(name):
                    values = read_checked(dataset)
                    check_limits(values, *limits)
                    return values

        return read

    def _ask(self, name: str) -> None:
        self._asked_attributes.add(name)
        if name not in self._attributes:
            raise TraceError(f"attribute '{name}' is missing")

    def _need(self, name: str) -> None:
        self._asked_members.add(name)
        if name not in self._members:
            raise TraceError(f"member '{name}' is missing")


def integers_attribute(group: h5py.Group, name: str, count: int) -> tuple[int, ...]:
    """An attribute of `count` integers."""
    values = hdf5._attribute(group, name, "iu", f"{count} integers", (count,), hdf5.MAX_TEXT_BYTES)
    return tuple(check_integer(f"{name}[{index}]", value, *INT64) for index, value in enumerate(values))


def check_open(dataset: StoredDataset) -> None:
    """TraceError if the file is closed."""
    if not dataset:  # h5py objects are false once their file is closed
        raise TraceError("the trace is closed")


def check_limits(values: npt.NDArray[Any], lowest: int, highest: int) -> None:
    """TraceError unless all values lie within lowest to highest."""
    smallest, largest = int(values.min()), int(values.max())
    if smallest < lowest or largest > highest:
        raise TraceError(f"values must be {lowest} to {highest}, found {smallest} to {largest}")


def checksum(values: npt.NDArray[Any]) -> bytes:
    """SHA-256 of the values in row-major order, little-endian."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return hashlib.sha256(little.data if little.size else b"").digest()


def check_checksum_attribute(dataset: StoredDataset) -> str:
    """The checksum that a dataset carries; TraceError if it has none, or other attributes."""
    hdf5.check_names("attribute", hdf5.attribute_names(dataset), (CHECKSUM,))
    return hdf5.text_attribute(dataset, CHECKSUM)


def read_checked(dataset: StoredDataset) -> npt.NDArray[Any]:
    """All values of a dataset; TraceError if its checksum says that they are not those that were written."""
    expected = check_checksum_attribute(dataset)
    values = dataset.values()
    check_checksum(checksum(values).hex(), expected)
    return values


def check_checksum(found: str, expected: str) -> None:
    """TraceError if checksums differ."""
    if found != expected:
        told = one_line(expected[:16])
        raise TraceError(f"the values do not have the checksum {told}..., they were changed or damaged")


def create_checked(group: h5py.Group, name: str, values: npt.NDArray[Any], **options: Any) -> None:
    """Write a dataset with its checksum."""
    dataset = hdf5.create(group, name, values, **options)
    hdf5.set_attribute(dataset, CHECKSUM, checksum(values).hex())
