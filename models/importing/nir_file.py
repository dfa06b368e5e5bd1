"""The content of a NIR file as nested dictionaries, read so that nothing outside the file, or beyond its values, is.

`nir.read` follows links to other files, trusts the sizes that HDF5 trusts, and ends with the process on a damaged heap.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from spikecycle.traces import TraceError, hdf5
from spikecycle.traces.errors import located
from spikecycle.traces.stored import StoredDataset

MOST_LEVELS = 32  # of groups within groups; a network has three, and two more for each network within
MOST_BYTES = 2**31  # of all values, as they are in memory
IGNORED = "metadata"  # of a node: remarks of whoever wrote the file, of any type

Content = dict[str, Any]
"""By name: further dictionaries, arrays, numbers and texts."""


def read_content(path: Path) -> Content:
    """Everything in a NIR file, metadata left out; TraceError naming the member where that cannot be had safely."""
    with hdf5.open_file(path, "a NIR file") as file:
        return _Reader().group(file, 0)


class _Reader:
    """Walks the groups of a file, each once."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._bytes = 0

    def group(self, group: h5py.Group, level: int) -> Content:
        self._visit(group)
        if level > MOST_LEVELS:
            raise TraceError(f"more than {MOST_LEVELS} groups within each other")
        content: Content = {}
        for name in hdf5.member_names(group):
            if name == IGNORED:
                continue
            child = hdf5.child(group, name)
            with located(name):
                content[name] = self.group(child, level + 1) if isinstance(child, h5py.Group) else self.values(child)
        return content

    def values(self, dataset: StoredDataset) -> Any:
        self._visit(dataset)
        if dataset.dtype.kind not in "iufbSO":
            raise TraceError(f"numbers and texts are supported, found {dataset.dtype}")
        self._bytes += dataset.nbytes
        if self._bytes > MOST_BYTES:
            raise TraceError(f"the values of a NIR file must be at most {MOST_BYTES} bytes, found more")
        values = dataset.values()
        one = values[()]  # of no axes: the value itself
        return one.decode("utf-8") if isinstance(one, bytes) else one

    def _visit(self, member: h5py.Group | StoredDataset) -> None:
        address = h5py.h5o.get_info(member.id).addr
        if address in self._seen:
            raise TraceError("is the same object as an earlier one")
        self._seen.add(address)
