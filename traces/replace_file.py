"""Write a file beside its place and rename it when it is complete."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

from spikecycle.files import beside, check_replaceable, put_in_place


class ReplacementFile(FileIO):
    """A file object for h5py that takes the place of `target` when it is committed, and never before.

    OSError where `target` is a link, device or folder, or read-only.

    HDF5 crashes the process at exit when a write fails while it closes a file (seen with HDF5 2.0.0 on a full disk).
    So a failed write is remembered, later ones are dropped, and `check` raises the failure where it is safe.
    """

    def __init__(self, target: Path) -> None:
        check_replaceable(target)
        self.target = target.absolute()
        self.temporary = beside(self.target)
        self._failure: OSError | None = None
        super().__init__(self.temporary, "x+")

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Write everything, or remember why not."""
        rest = memoryview(data).cast("B")
        total = len(rest)
        try:
            while rest and self._failure is None:
                written = super().write(rest)
                rest = rest[written:]
        except OSError as failure:
            self._failure = failure
        return total

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or remember why not."""
        try:
            if self._failure is None:
                return super().truncate(size)
        except OSError as failure:
            self._failure = failure
        return size or 0

    def check(self) -> None:
        """Raise the first failure, if there was one."""
        if self._failure is not None:
            raise self._failure

    def commit(self) -> None:
        """Put the complete file in the target's place."""
        self.check()
        os.fsync(self.fileno())
        self.close()
        put_in_place(self.temporary, self.target)

    def discard(self) -> None:
        """Leave nothing."""
        self.close()
        self.temporary.unlink(missing_ok=True)
