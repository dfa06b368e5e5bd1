"""Series of jobs on threads: who does what, when, and in which order results are taken."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from spikecycle.simulator import side_by_side as module
from spikecycle.simulator.side_by_side import AHEAD, Series, side_by_side
from tests.unit.series import PATIENCE_S, busy, no_job_is_short, one_job, run, squares

__all__ = ["no_job_is_short"]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("short_s", [0.0, 1000.0])
def test_results_of_each_series_are_taken_in_order(
    threads: int, short_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHORT_JOB_S", short_s)
    taken: list[list[int]] = [[], [], [], []]
    told = run([squares(count, found) for count, found in zip((50, 1, 0, 30), taken, strict=True)], threads)
    assert taken == [[number * number for number in range(count)] for count in (50, 1, 0, 30)]
    assert sorted(told) == [0] * 50 + [1] + [3] * 30
    assert threads > 1 or told == sorted(told)


@pytest.mark.usefixtures("no_job_is_short")
def test_two_jobs_are_worked_on_at_the_same_time_and_the_later_may_end_first() -> None:
    second_is_done = threading.Event()
    taken: list[int] = []

    def do(index: int) -> int:
        if index == 0:
            assert second_is_done.wait(PATIENCE_S)
        elif index == 1:
            second_is_done.set()
        return index

    assert run([Series(2, do, taken.append)], 2) == [0, 0]
    assert taken == [0, 1]


def test_one_thread_does_a_job_when_it_is_asked_for_in_the_thread_that_asks() -> None:
    done: list[int] = []
    steps = side_by_side([Series(2, lambda index: threading.get_ident(), done.append)], 1)
    assert done == []
    next(steps)
    assert done == [threading.get_ident()]


@pytest.mark.usefixtures("no_job_is_short")
@pytest.mark.parametrize("threads", [2, 3])
def test_who_asks_does_jobs_as_well(threads: int) -> None:
    together = threading.Barrier(threads)
    workers: set[int] = set()

    def do(index: int) -> None:
        together.wait(PATIENCE_S)  # as many threads as that are at work, and no more were started
        workers.add(threading.get_ident())

    run([Series(threads, do, lambda result: None)], threads)
    assert len(workers) == threads
    assert threading.get_ident() in workers


@pytest.mark.usefixtures("no_job_is_short")
def test_who_asks_begins_with_the_least_work_all_others_with_the_most() -> None:
    """Each takes the next from its end, and none joins another while there is a series that nobody has begun."""
    began: list[tuple[int, bool]] = []
    both = threading.Barrier(2)

    def job(work: int) -> Series[None]:
        def do() -> None:
            began.append((work, threading.current_thread() is threading.main_thread()))
            both.wait(PATIENCE_S)

        return one_job(do, work=work)

    run([job(work) for work in (3, 6, 1, 5, 2, 4)], 2)
    assert [work for work, is_asking in began if is_asking] == [1, 2, 3]
    assert [work for work, is_asking in began if not is_asking] == [6, 5, 4]


@pytest.mark.usefixtures("no_job_is_short")
def test_a_thread_stays_with_its_series_while_nobody_has_begun_another() -> None:
    asker: list[str] = []
    is_done = threading.Event()

    def heavy(index: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            assert is_done.wait(PATIENCE_S)

    def light(index: int) -> None:
        asker.append("light")

    def middle(index: int) -> None:
        asker.append("middle")
        is_done.set()

    series = [(heavy, 9, 3), (middle, 1, 2), (light, 3, 1)]
    run([Series(count, do, lambda _: None, work=work) for do, count, work in series], 2)
    assert asker == ["light"] * 3 + ["middle"]


@pytest.mark.usefixtures("no_job_is_short")
def test_when_all_have_begun_the_one_with_most_time_left_is_next() -> None:
    """The asker's own series has 9 jobs of 1 ms left, the other one of 100 ms: that is done first, to end with short
    ones."""
    asker: list[str] = []
    second_began = threading.Event()

    def heavy(index: int) -> None:
        busy(0.1)
        if threading.current_thread() is threading.main_thread():
            asker.append("heavy")
        elif index == 1:
            second_began.set()
            while "heavy" not in asker:
                time.sleep(0.001)

    def light(index: int) -> None:
        if index == 0:  # one heavy job is measured, one has begun, one is left
            assert second_began.wait(PATIENCE_S)
        busy(0.001)
        if threading.current_thread() is threading.main_thread():
            asker.append("light")

    run([Series(3, heavy, lambda _: None, work=2), Series(10, light, lambda _: None, work=1)], 2)
    assert asker[:2] == ["light", "heavy"]


@dataclass
class Crowd:
    """How many are in it at once, at most."""

    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize("threads", [2, 4])
def test_no_two_threads_do_short_jobs_at_the_same_time(threads: int) -> None:
    """Once it is known that they are: of the first series that is measured, and of those that have less work."""
    crowd = Crowd()

    def do(index: int) -> None:
        if index >= threads:
            with crowd:
                time.sleep(0.0005)  # takes no time of a processor

    run([Series(20, do, lambda result: None, work=work) for work in range(3)], threads)
    assert crowd.most == 1


@pytest.mark.parametrize(("preparation", "at_once"), [(1, 1), (2, 2)])
def test_short_series_are_not_prepared_beside_short_jobs(preparation: int, at_once: int) -> None:
    """A series that may take longer to prepare than one that is known to be short, is."""
    crowd, is_known, is_prepared = Crowd(), threading.Event(), threading.Event()

    def do(index: int) -> None:
        with crowd:
            if index == 1:  # that the first was short is known
                is_known.set()
            if index == 30:  # time for others, where they may
                assert is_prepared.wait(PATIENCE_S if at_once == 2 else 0.1) or at_once == 1

    def late() -> None:  # with what has least work, before anything is known
        assert is_known.wait(PATIENCE_S)

    def prepare() -> None:
        with crowd:
            is_prepared.set()
            time.sleep(0.001)

    short = Series(40, do, lambda _: None, work=3, preparation=1)
    other = one_job(lambda: None, prepare=prepare, work=2, preparation=preparation)
    first = one_job(lambda: None, prepare=late, work=1, preparation=0)
    run([short, other, first], 2)
    assert crowd.most == at_once


def test_long_jobs_are_done_beside_short_ones() -> None:
    """Also by those who may not do short ones."""
    short_began, long_began = threading.Event(), threading.Event()

    def long(index: int) -> None:
        busy(2 * module.SHORT_JOB_S)
        if index == 5:
            long_began.set()
            assert short_began.wait(PATIENCE_S)

    def short(index: int) -> None:
        if index == 1:  # that the first was short is known
            short_began.set()
            assert long_began.wait(PATIENCE_S)

    run([Series(8, long, lambda _: None, work=2), Series(8, short, lambda _: None, work=1)], 2)


def workers_of(long_jobs: int) -> set[int]:
    """The threads that did jobs of two series, the second of which has so many long ones and then short ones."""
    found = set()

    def do(is_long: bool) -> None:
        found.add(threading.get_ident())
        if is_long:
            busy(3 * module.SHORT_JOB_S)

    first = Series(50, lambda _: do(is_long=False), lambda _: None, work=1)
    second = Series(50, lambda index: do(index < long_jobs), lambda _: None, work=2)
    assert sorted(run([first, second], 2, long_work=3)) == [0] * 50 + [1] * 50
    return found


@pytest.mark.parametrize("long_jobs", [0, 1])
def test_nobody_helps_where_jobs_are_short(long_jobs: int) -> None:
    """The first may take its time, which loads its kernels."""
    assert workers_of(long_jobs) == {threading.get_ident()}


def test_others_help_once_jobs_turned_out_to_be_long() -> None:
    assert len(workers_of(50)) == 2


@pytest.mark.usefixtures("no_job_is_short")
def test_others_help_from_the_beginning_where_work_is_long_for_sure() -> None:
    both = threading.Barrier(2)
    series = Series(2, lambda _: both.wait(PATIENCE_S), lambda _: None, work=2)
    assert run([series], 2, long_work=2) == [0, 0]


def test_a_series_is_prepared_once_before_its_jobs_and_others_go_on_meanwhile() -> None:
    prepared: list[int] = []
    other_is_done = threading.Event()

    def prepare() -> None:
        assert other_is_done.wait(PATIENCE_S)
        prepared.append(1)

    def do(index: int) -> None:
        assert prepared == [1]

    slow = Series(30, do, lambda result: None, prepare)
    run([slow, one_job(other_is_done.set)], 2)
    assert prepared == [1]


@pytest.mark.parametrize("threads", [2, 3])
def test_few_series_are_prepared_and_not_done(threads: int) -> None:
    """What a preparation makes takes memory: one per thread, and one more that is ready. Here only one thread may do
    jobs, which are short, and others have time enough to prepare all."""
    alive, is_known = Crowd(), threading.Event()

    def series(work: int) -> Series[int]:
        def prepare() -> None:
            alive.__enter__()
            if work < 12:
                assert is_known.wait(PATIENCE_S)

        def do(index: int) -> int:
            if work == 12 and index == 1:  # that jobs are short is known
                is_known.set()
                time.sleep(0.1)
            return index

        def take(index: int) -> None:
            if index == 19:
                alive.__exit__()

        return Series(20, do, take, prepare, work, preparation=12 - work)

    run([series(work) for work in range(1, 13)], threads)
    assert alive.now == 0
    assert 2 < alive.most <= threads + 1


@pytest.mark.usefixtures("no_job_is_short")
def test_no_more_is_begun_than_results_can_wait() -> None:
    """The first job of a series is done last of all that can be begun while it is not."""
    all_have_begun = threading.Event()
    begun: list[int] = []

    def do(index: int) -> None:
        if index == 0:
            assert all_have_begun.wait(PATIENCE_S)
            assert len(begun) == AHEAD * 2 - 1
            return
        begun.append(index)
        if len(begun) == AHEAD * 2 - 1:
            all_have_begun.set()

    run([Series(100, do, lambda result: None)], 2)
    assert sorted(begun) == list(range(1, 100))
