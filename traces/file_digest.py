"""The SHA-256 of a file, by which results name it: computed when it is asked for, or by a thread of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

import numpy as np

from spikecycle import files

HASHED_BYTES = 2**22
"""Read and hashed at once, at most, in two milliseconds, from the caches. `hashlib.file_digest` takes a sixteenth."""
HASHED_BESIDE_BYTES = 2**23
"""The same by a thread of its own. Before and after each part it waits for Python's lock, up to five milliseconds where
a trace is opened: about as long as a part takes. The memory of larger ones takes longer to be had than they save."""


class FileDigest:
    """The fingerprint of the regular file at a path; read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: str | None = None
        self._lock = Lock()
        self._beginning = Lock()
        self._begun: Thread | None = None
        self._is_given_up = Event()
        self._waiting: list[Callable[[], None]] | None = []

    def begin(self) -> None:
        """Compute it from now on, beside what the caller does, unless that has begun before; end that with `give_up`
        where nobody may ask for it. Any thread may ask."""
        with self._beginning:
            if self._begun is not None or self._found is not None:
                return
            thread = Thread(target=self._early, name=f"SHA-256 of {self._path.name}")
            thread.start()
            self._begun = thread  # others wait for its end, which they may not before it was started

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call something when what `begin` began has ended, in its thread; at once where nothing is at work."""
        with self._lock:
            if self._begun is not None and self._waiting is not None:
                self._waiting.append(call)
                return
        call()

    def give_up(self) -> None:
        """End what `begin` began; who asks for the fingerprint after all, computes it."""
        self._is_given_up.set()
        self._end()

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        self._end()
        with self._lock:
            if self._found is None:
                self._found = self._computed()
            assert self._found is not None, "nobody gives up what is asked for"
            return self._found

    def _end(self) -> None:
        if self._begun is not None:
            self._begun.join()

    def _early(self) -> None:
        try:
            with suppress(OSError, ValueError):  # (of names that no file can have) it is raised to who asks
                self._found = self._computed(self._is_given_up)
        finally:
            with self._lock:
                waiting, self._waiting = self._waiting or [], None
            for call in waiting:
                call()

    def _computed(self, given_up: Event | None = None) -> str | None:
        """None where it is given up."""
        digest = hashlib.sha256()
        with files.open_regular(self._path) as file:
            most = HASHED_BYTES if given_up is None else HASHED_BESIDE_BYTES
            size = min(most, 1 + os.fstat(file.fileno()).st_size)  # it may have become longer since
            buffer = np.empty(size, np.uint8).data  # NumPy does not clear it first
            while count := file.raw.readinto(buffer):
                if given_up is not None and given_up.is_set():
                    return None
                digest.update(buffer[:count])
        return digest.hexdigest()
