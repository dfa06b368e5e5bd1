"""Series of jobs on several threads: the results of each series are taken in order, whatever ends first.

Kernels, zlib and hashes run without Python's lock, all else holds it. Two threads that need it most of the time take
longer together than one: who finds it taken sleeps, and wakes some 50 us later. So threads start at both ends: who asks
for results begins with the series with the least work, whose jobs are mostly Python, while the others hash a file, and
do the series with the most, whose jobs are mostly kernels; and no two threads do short jobs at the same time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

from spikecycle.simulator.interrupts import WaitingInterrupt

T = TypeVar("T")

AHEAD = 8
"""Jobs of a series for every thread that are begun while the oldest of them is not done."""
SHORT_JOB_S = 0.001
"""CPU time of a job of which two side by side take no less than one after the other (measured: jobs of 0.3 to 1 ms that
call a dozen kernels each)."""
SHORT_PREPARATION_S = 0.003
"""The same of a preparation, which calls some hundred kernels and functions of NumPy."""
TOLD_AFTER_S = 0.01
"""For so long, who asks does short jobs without saying in between what was done: the two changes of the handler of
Ctrl-C that go with it take 14 us."""
BEFORE_ALL = -1
"""In place of the index of a job: what all jobs of the series wait for."""


@dataclass(frozen=True, eq=False)
class Series(Generic[T]):
    """Jobs of one kind, numbered from 0.

    count: how many. do: does a job, told its index, and returns its result; any thread may. take: is given the results
    in order, one at a time, by any thread. prepare: is called once, before any job is done. work, preparation: of a job
    and of `prepare`, as far as it can be told before, each in any unit that all series share.
    """

    count: int
    do: Callable[[int], T]
    take: Callable[[T], None]
    prepare: Callable[[], None] = lambda: None
    work: int = 0
    preparation: int = 0


@dataclass(eq=False)
class _Course:
    """How far a series is.

    number: in the order of all. begun, taken: jobs. done: results that nobody has taken yet, by index. job_s: CPU time
    of its shortest job. preparation_s: of its preparation.
    """

    series: Series[Any]
    number: int
    is_started: bool = False
    is_prepared: bool = False
    is_being_taken: bool = False
    begun: int = 0
    taken: int = 0
    done: dict[int, Any] = field(default_factory=dict)
    job_s: float | None = None
    preparation_s: float | None = None

    @property
    def left_s(self) -> float:
        """CPU time of the jobs that nobody has begun; infinite where no job has been measured."""
        return math.inf if self.job_s is None else self.job_s * (self.series.count - self.begun)


@dataclass(eq=False)
class _Worker:
    """A thread that does jobs: of the first series in `order` that it may, with which it stays while nobody has begun
    another; then of that which takes longest.

    is_asker: whether it is the one that asks what was done, and hears of interrupts. is_away: at work elsewhere.
    """

    order: Sequence[_Course]
    is_asker: bool = False
    is_away: bool = False
    current: _Course | None = None


class _Pool:
    """Threads that share out series among them.

    All attributes are read and written with the lock of `_changed` held.
    """

    def __init__(self, series: Sequence[Series[Any]], threads: int, long_work: int) -> None:
        self._courses = [_Course(each, number) for number, each in enumerate(series)]
        self._threads = threads
        self._most_begun = AHEAD * threads
        self._heaviest_first = sorted(self._courses, key=lambda course: -course.series.work)
        self._changed = Condition()
        self._running = 0
        self._told: list[int] = []
        self._short_worker: _Worker | None = None  # who does short jobs
        self._is_asker_waiting = False
        self._has_long_jobs = any(each.work >= long_work for each in series)
        self._short_work = -1  # the most work of a series that has turned out to have short jobs
        self._short_preparation = -1  # the most of one that was short, to a series with short jobs
        self._failed_at: tuple[int, int] | None = None
        self._error: BaseException | None = None
        self._is_closed = False

    def worker(self, number: int) -> _Worker:
        """A new one; the first is who asks, and begins with the least work, all others with the most."""
        is_asker = number == 0
        return _Worker(self._heaviest_first[::-1] if is_asker else self._heaviest_first, is_asker)

    @property
    def needs_help(self) -> bool:
        """Whether there are jobs, as far as is known, of which several side by side take less than one by one."""
        with self._changed:
            return self._has_long_jobs

    def help(self, worker: _Worker) -> None:
        """Do jobs until there will be none to begin."""
        while self._do_one(worker):
            pass

    def taken(self, worker: _Worker, interrupt: WaitingInterrupt) -> list[int] | None:
        """Numbers of the series of which results were taken since it was asked last; empty when all are; None where an
        interrupt waits. Does jobs until there are some, and short ones for some time. Raises the first error, when all
        that came before it is done."""
        began = time.monotonic()
        while not interrupt.is_waiting:
            is_at_work = self._do_one(worker)
            with self._changed:
                if is_at_work and not self._has_long_jobs and time.monotonic() - began < TOLD_AFTER_S:
                    continue
                if not is_at_work:  # others may be
                    self._changed.wait_for(lambda: self._told or not self._running)
                told, self._told = self._told, []
                if told:
                    return told
                if not is_at_work and self._error is not None:
                    raise self._error
                if not is_at_work:
                    return []
        return None

    def return_to_work(self, worker: _Worker) -> None:
        """The worker is not away any more."""
        with self._changed:
            worker.is_away = False
            self._changed.notify_all()

    def close(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _do_one(self, worker: _Worker) -> bool:
        """Do a job, or wait until there may be one to begin; False where there will be none."""
        with self._changed:
            course = self._next(worker)
            if course is None:
                if not self._is_anything_left():
                    return False
                self._is_asker_waiting |= worker.is_asker
                self._changed.wait()
                self._is_asker_waiting &= not worker.is_asker
                return True
            index = course.begun if course.is_prepared else BEFORE_ALL
            course.is_started = True
            course.begun += index != BEFORE_ALL
            self._running += 1
        try:
            self._do(course, index)
        except BaseException as error:
            self._fail(course, index, error)
        with self._changed:
            self._running -= 1
            if not self._running:
                self._changed.notify_all()
        return True

    def _do(self, course: _Course, index: int) -> None:
        if index == BEFORE_ALL:
            start = time.thread_time()
            course.series.prepare()
            with self._changed:
                course.preparation_s = time.thread_time() - start
                course.is_prepared = True
                self._changed.notify_all()
            return
        start = time.thread_time()
        result = course.series.do(index)
        job_s = time.thread_time() - start
        with self._changed:
            self._measured(course, job_s)
            course.done[index] = result
            if course.is_being_taken:
                return
            course.is_being_taken = True
        self._take(course)

    def _measured(self, course: _Course, job_s: float) -> None:
        was_short = self._has_short_jobs(course)
        is_known = course.job_s is not None or course.series.count == 1  # a first job may load its kernels
        course.job_s = job_s if course.job_s is None else min(job_s, course.job_s)
        self._has_long_jobs |= is_known and course.job_s >= SHORT_JOB_S
        if course.job_s < SHORT_JOB_S:
            self._short_work = max(self._short_work, course.series.work)
            if course.preparation_s is not None and course.preparation_s < SHORT_PREPARATION_S:
                self._short_preparation = max(self._short_preparation, course.series.preparation)
        elif was_short:  # it was taken for it: others may join
            self._changed.notify_all()

    def _take(self, course: _Course) -> None:
        """Give out the results whose turn it is."""
        while True:
            with self._changed:
                index = course.taken
                if index not in course.done or not self._is_before_error(course, index):
                    course.is_being_taken = False
                    return
                result = course.done.pop(index)
            try:
                course.series.take(result)
            except BaseException as error:
                self._fail(course, index, error)
                continue
            with self._changed:
                if course.begun - course.taken == self._most_begun or index == course.series.count - 1:
                    self._changed.notify_all()
                course.taken += 1
                self._told.append(course.number)

    def _fail(self, course: _Course, index: int, error: BaseException) -> None:
        with self._changed:
            if self._is_before_error(course, index):
                self._failed_at, self._error = (course.number, index), error
            self._changed.notify_all()

    def _is_before_error(self, course: _Course, index: int) -> bool:
        return self._failed_at is None or (course.number, index) < self._failed_at

    def _is_anything_left(self) -> bool:
        """Whether there is a job to begin, now or later."""
        return not self._is_closed and any(
            (course.begun < course.series.count or not course.is_started)
            and self._is_before_error(course, course.begun if course.is_prepared else BEFORE_ALL)
            for course in self._courses
        )

    def _next(self, worker: _Worker) -> _Course | None:
        """The series of which the worker is to do a job now, if there is one."""
        found = None if self._is_closed or worker.is_away else self._found(worker)
        if found is not None and self._has_short_jobs(found):
            self._short_worker = worker
        elif self._short_worker is worker:
            self._short_worker = None
            self._changed.notify_all()
        worker.current = found
        return found

    def _found(self, worker: _Worker) -> _Course | None:
        if all(course.is_started for course in self._courses):  # long jobs first: short ones fill what is left
            open_ = (course for course in worker.order if self._has_job(course, worker))
            return max(open_, key=lambda course: course.left_s, default=None)
        if worker.current is not None and self._has_job(worker.current, worker):
            return worker.current
        if sum(self._is_alive(course) for course in self._courses) <= self._threads:
            for course in worker.order:
                if self._may_start(course, worker):
                    return course
        return next((course for course in worker.order if self._has_job(course, worker)), None)

    def _is_alive(self, course: _Course) -> bool:
        """Whether it holds what its preparation made, and will go on."""
        return course.is_started and course.taken < course.series.count and self._is_before_error(course, course.taken)

    def _may_start(self, course: _Course, worker: _Worker) -> bool:
        """Whether this worker may prepare a series that nobody has prepared."""
        return (
            not course.is_started
            and self._is_before_error(course, BEFORE_ALL)
            and (self._may_do_short_jobs(worker) or not self._has_short_jobs(course))
        )

    def _has_job(self, course: _Course, worker: _Worker) -> bool:
        """Whether a job of a series that is prepared can be begun by this worker."""
        return (
            course.is_prepared
            and course.begun < course.series.count
            and course.begun - course.taken < self._most_begun
            and self._is_before_error(course, course.begun)
            and (self._may_do_short_jobs(worker) or not self._has_short_jobs(course))
        )

    def _may_do_short_jobs(self, worker: _Worker) -> bool:
        """Whether nobody else does any; who asks is not to wait for a long series of them, and takes turns."""
        return self._short_worker in (None, worker) and (worker.is_asker or not self._is_asker_waiting)

    def _has_short_jobs(self, course: _Course) -> bool:
        """As far as can be told: those with no more work than others that have; to be prepared first, with no more of
        that, either."""
        if course.job_s is not None:
            return course.job_s < SHORT_JOB_S
        is_short_before = course.is_prepared or course.series.preparation <= self._short_preparation
        return is_short_before and course.series.work <= self._short_work


def side_by_side(
    series: Sequence[Series[Any]],
    threads: int,
    when_free: Callable[[Callable[[], None]], None] | None = None,
    long_work: int = 0,
) -> Generator[int, None, None]:
    """Do all jobs of all series, `threads` of them at a time; the number of its series for each result that was taken.

    The thread that asks does jobs as well. With one thread, all is done in order, and when it is asked for. An error is
    that of the first job, in the order of series and jobs, which has one; it is raised when all before it are done, and
    nothing is begun behind it; what has begun ends first. So it does before Ctrl-C is heard. Close the iterator if not
    all of it is taken.

    when_free: one of the threads is at work elsewhere: calls, in any thread, what it is given when that is over.
    long_work: of jobs that are long for sure. If no series has as much, the others begin once a job turned out to be.
    """
    if threads == 1:
        yield from _one_after_the_other(series)
        return
    pool = _Pool(series, threads, long_work)
    workers = [pool.worker(number) for number in range(threads)]
    helpers = [
        Thread(target=pool.help, args=(worker,), name=f"side by side {number}")
        for number, worker in enumerate(workers[1:], 1)
    ]
    waiting = list(helpers)
    interrupt = WaitingInterrupt()
    try:
        with interrupt:
            if when_free is not None:
                workers[1].is_away = True
                when_free(lambda: pool.return_to_work(workers[1]))
        while True:
            with interrupt:
                if waiting and pool.needs_help:
                    while waiting:
                        waiting.pop(0).start()
                told = pool.taken(workers[0], interrupt)
            if told is None:
                continue  # what handled the interrupt did not end this thread
            if not told:
                return
            yield from told
    finally:
        with interrupt:
            pool.close()
            for helper in helpers:
                if helper.ident is not None:  # it was started
                    helper.join()


def _one_after_the_other(series: Sequence[Series[Any]]) -> Iterator[int]:
    for number, each in enumerate(series):
        each.prepare()
        for index in range(each.count):
            each.take(each.do(index))
            yield number
