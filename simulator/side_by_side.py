"""Jobs on several threads: begun in order, and their results taken in order, whatever ends first.

Kernels, zlib and hashes run without Python's lock, so that threads share the cores of a computer.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from threading import Condition, Lock, Thread
from types import FrameType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

AHEAD = 8
"""Jobs for every thread that are begun while the oldest of them is not done: short ones behind a long one."""


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
                except BaseException:
                    self._make = make  # nobody made it: who asks next does
                    raise
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


class _Job(Generic[T]):
    """A job that has begun, and what came of it; an error instead of a job, where it could not be told."""

    def __init__(self, do: Callable[[], T] | None, error: BaseException | None = None) -> None:
        self._do = do
        self._made: list[T] = []
        self._error = error
        self.is_done = error is not None

    def run(self) -> None:
        """Do it; what goes wrong is told to who asks for the result."""
        do, self._do = self._do, None
        assert do is not None, "a job is done once"
        try:
            self._made.append(do())
        except BaseException as error:
            self._error = error
        self.is_done = True

    @property
    def has_failed(self) -> bool:
        """Whether there is no result."""
        return self._error is not None

    def result(self) -> T:
        """What it made, once; or what went wrong is raised."""
        if self._error is not None:
            raise self._error
        return self._made.pop()


class _Jobs(Generic[T]):
    """Jobs that threads draw one after the other; most: of them whose results nobody has taken yet."""

    def __init__(self, jobs: Iterable[Callable[[], T]], most: int) -> None:
        self._remaining = iter(jobs)
        self._most = most
        self._begun: deque[_Job[T]] = deque()  # the oldest first, until their results are taken
        self._is_closed = False
        self._changed = Condition()

    def help(self) -> None:
        """Do jobs until there is none left to begin."""
        while True:
            with self._changed:
                while (job := self._begin()) is None:
                    if self._is_closed:
                        return
                    self._changed.wait()
            self._do(job)

    def oldest(self, interrupt: _Interrupt) -> _Job[T] | None:
        """The job whose turn it is, done and taken away; None behind the last, or where an interrupt waits. Until it is
        done, do others."""
        while not interrupt.is_waiting:
            with self._changed:
                if self._begun and self._begun[0].is_done:
                    self._changed.notify_all()  # there is room for another
                    return self._begun.popleft()
                job = self._begin()
                if job is None:
                    if not self._begun:
                        return None
                    if not self._begun[0].is_done:
                        self._changed.wait()
                    continue
            self._do(job)
        return None

    def close(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _begin(self) -> _Job[T] | None:
        """The next job, if there is one and room for its result; whoever asks holds the lock."""
        if self._is_closed or len(self._begun) >= self._most:
            return None
        try:
            job = _Job(next(self._remaining))
        except StopIteration:
            self._is_closed = True
            return None
        except BaseException as error:  # of the jobs themselves: raised in its turn, as one of a job
            self._begun.append(_Job(None, error))
            self._is_closed = True
            self._changed.notify_all()
            return None
        self._begun.append(job)
        return job

    def _do(self, job: _Job[T]) -> None:
        job.run()
        with self._changed:
            self._is_closed |= job.has_failed
            self._changed.notify_all()


class _Interrupt:
    """Ctrl-C, kept waiting in a `with` block of the main thread.

    It would end that thread anywhere: within a lock that the others need, Python's own among them, or with a value
    half-made. What handled it before is called when the block ends.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._frames: list[FrameType | None] = []

    @property
    def is_waiting(self) -> bool:
        """Whether it came."""
        return bool(self._frames)

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, lambda _, frame: self._frames.append(frame))

    def __exit__(self, *_: object) -> None:
        before, self._before = self._before, None
        if before is not None:
            signal.signal(signal.SIGINT, before)
            if self._frames:
                frame = self._frames[-1]
                self._frames.clear()
                before(signal.SIGINT, frame)


def in_order(jobs: Iterable[Callable[[], T]], threads: int) -> Generator[T, None, None]:
    """The result of every job, in order; `threads` of them side by side.

    The thread that asks for results does jobs as well: one that only waited would be woken for each of them, and then
    wait for Python's lock. With one thread a job is done when its result is asked for. An error of a job is raised in
    its turn; nothing is begun after it, and what has begun ends first: so does it before Ctrl-C is heard. Close the
    iterator if not all of it is taken.
    """
    if threads == 1:
        for job in jobs:
            yield job()
        return
    shared = _Jobs(jobs, AHEAD * threads)
    helpers = [Thread(target=shared.help, name=f"side by side {number}") for number in range(1, threads)]
    interrupt = _Interrupt()
    try:
        for helper in helpers:
            helper.start()
        while True:
            with interrupt:
                done = shared.oldest(interrupt)
            if done is None:
                return
            yield done.result()
    finally:
        with interrupt:
            shared.close()
            for helper in helpers:
                if helper.ident is not None:  # it was started
                    helper.join()
