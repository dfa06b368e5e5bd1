"""Jobs on several threads: begun in order, and their results taken in order, whatever ends first.

Kernels, zlib and hashes run without Python's lock, so that threads share the cores of a computer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 8
"""Jobs for every thread that are handed out while the oldest of them is not done: short ones behind a long one."""


class Once(Generic[T]):
    """A value that several jobs need: made by the first of them, or ahead of all; an error is raised in each."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._made: list[T] = []
        self._error: Exception | None = None
        self._lock = Lock()

    def __call__(self) -> T:
        """The value, or what went wrong when it was made."""
        with self._lock:  # held until the value is there
            make, self._make = self._make, None
            if make is not None:
                try:
                    self._made.append(make())
                except Exception as error:
                    self._error = error
        if self._error is not None:
            raise self._error
        return self._made[0]

    @property
    def is_being_made(self) -> bool:
        """Whether another job makes it now, so that who asks for it waits."""
        return self._lock.locked()

    def ahead(self) -> None:
        """Make the value, unless it is made or being made; what goes wrong is told to those who ask for it."""
        if self._make is None:
            return
        try:
            self()
        except Exception:
            return


def in_order(jobs: Iterable[Callable[[], T]], threads: int) -> Generator[T, None, None]:
    """The result of every job, in order; `threads` of them side by side.

    With one thread a job is done when its result is asked for, in the thread that asks. An error of a job is raised in
    its turn; nothing is begun after it, and what has begun ends first. Close the iterator if not all of it is taken.
    """
    if threads == 1:
        for job in jobs:
            yield job()
        return
    pool = ThreadPoolExecutor(threads)
    try:
        remaining = iter(jobs)
        waiting = deque(pool.submit(job) for job in islice(remaining, AHEAD * threads))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(job) for job in islice(remaining, 1))
            yield result
            del result
    finally:
        pool.shutdown(cancel_futures=True)
