"""Series of jobs on threads: who does what, the order of results, errors in their turn, and how all of it ends."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from spikecycle.simulator import side_by_side as module
from spikecycle.simulator.side_by_side import AHEAD, Series, side_by_side

PATIENCE_S = 20
"""Until a test that hangs gives up."""


@pytest.fixture
def no_job_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little time it takes."""
    monkeypatch.setattr(module, "SHORT_JOB_S", 0.0)


def squares(count: int, taken: list[int]) -> Series[int]:
    return Series(count, lambda index: index * index, taken.append)


def one_job(do: Callable[[], Any], **more: Any) -> Series[Any]:
    return Series(1, lambda index: do(), lambda result: None, **more)


def run(series: Sequence[Series[Any]], threads: int, **more: Any) -> list[int]:
    return list(side_by_side(series, threads, **more))


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
def test_the_second_thread_begins_with_the_least_work_all_others_with_the_most() -> None:
    """Each takes the next from its end, and none joins another while there is a series that nobody has begun."""
    began: list[tuple[int, bool]] = []
    both = threading.Barrier(2)

    def job(work: int) -> Series[None]:
        def do() -> None:
            began.append((work, threading.current_thread() is threading.main_thread()))
            both.wait(PATIENCE_S)

        return one_job(do, work=work)

    run([job(work) for work in (3, 6, 1, 5, 2, 4)], 2)
    assert [work for work, is_asking in began if is_asking] == [6, 5, 4]
    assert [work for work, is_asking in began if not is_asking] == [1, 2, 3]


@pytest.mark.usefixtures("no_job_is_short")
def test_a_thread_stays_with_its_series_while_nobody_has_begun_another() -> None:
    helper: list[str] = []
    is_done = threading.Event()

    def heavy(index: int) -> None:
        if threading.current_thread() is threading.main_thread():
            assert is_done.wait(PATIENCE_S)

    def light(index: int) -> None:
        helper.append("light")

    def middle(index: int) -> None:
        helper.append("middle")
        is_done.set()

    series = [(heavy, 9, 3), (middle, 1, 2), (light, 3, 1)]
    run([Series(count, do, lambda _: None, work=work) for do, count, work in series], 2)
    assert helper == ["light"] * 3 + ["middle"]


def busy(seconds: float) -> None:
    """Takes CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.mark.usefixtures("no_job_is_short")
def test_when_all_have_begun_the_one_with_most_time_left_is_next() -> None:
    """The helper's own series has 9 jobs of 1 ms left, the other one of 100 ms: that is done first, to end with short
    ones."""
    helper: list[str] = []
    second_began = threading.Event()

    def heavy(index: int) -> None:
        busy(0.1)
        if threading.current_thread() is not threading.main_thread():
            helper.append("heavy")
        elif index == 1:
            second_began.set()
            while "heavy" not in helper:
                time.sleep(0.001)

    def light(index: int) -> None:
        if index == 0:  # one heavy job is measured, one has begun, one is left
            assert second_began.wait(PATIENCE_S)
        busy(0.001)
        if threading.current_thread() is not threading.main_thread():
            helper.append("light")

    run([Series(3, heavy, lambda _: None, work=2), Series(10, light, lambda _: None, work=1)], 2)
    assert helper[:2] == ["light", "heavy"]


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


@pytest.mark.parametrize(("preparation", "others_prepare"), [(1, False), (2, True)])
def test_short_series_are_not_prepared_beside_short_jobs(preparation: int, others_prepare: bool) -> None:
    """A series that may take longer to prepare than one that is known to be short, is."""
    prepared, is_known, helped = [], threading.Event(), threading.Event()

    def do(index: int) -> None:
        if index == 1:  # that the first was short is known
            is_known.set()
        if index == 30 and others_prepare:
            assert helped.wait(PATIENCE_S)

    def late() -> None:  # begins with the last series, before anything is known
        assert is_known.wait(PATIENCE_S)

    def prepare() -> None:
        prepared.append(threading.get_ident())
        helped.set()

    asking = Series(40, do, lambda _: None, work=3, preparation=1)
    other = one_job(lambda: None, prepare=prepare, work=2, preparation=preparation)
    helping = one_job(lambda: None, prepare=late, work=1, preparation=0)
    run([asking, other, helping], 2)
    assert (prepared != [threading.get_ident()]) is others_prepare


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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_few_series_are_prepared_and_not_done(threads: int) -> None:
    """What a preparation makes takes memory: one per thread, and one more that is ready."""
    alive = Crowd()

    def series(work: int) -> Series[int]:
        def take(index: int) -> None:
            if index == 19:
                alive.__exit__()

        return Series(20, lambda index: index, take, alive.__enter__, work)

    run([series(work) for work in range(12)], threads)
    assert alive.now == 0
    assert alive.most <= threads + (threads > 1)


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


def failing(count: int, at: int, message: str, begun: list[int]) -> Series[int]:
    def do(index: int) -> int:
        begun.append(index)
        if index == at:
            raise ValueError(message)
        return index

    return Series(count, do, lambda result: None)


@pytest.mark.usefixtures("no_job_is_short")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_an_error_comes_in_its_turn_and_nothing_is_begun_behind_it(threads: int) -> None:
    begun: list[int] = []
    steps = side_by_side([failing(1000, 2, "the third", begun)], threads)
    assert [next(steps), next(steps)] == [0, 0]
    with pytest.raises(ValueError, match="the third"):
        next(steps)
    assert len(begun) <= 3 + AHEAD * threads


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("where", ["prepare", "do", "take"])
def test_the_first_error_is_raised_when_all_before_it_is_done(threads: int, where: str) -> None:
    """The third series fails before the second one does, where several threads are at work."""
    taken: list[int] = []
    third_has_failed = threading.Event()

    def fail(*_: object) -> None:
        assert threads == 1 or third_has_failed.wait(PATIENCE_S)
        raise ValueError("the second series")

    def third() -> None:
        third_has_failed.set()
        raise ValueError("the third series")

    second = Series(
        1, fail if where == "do" else lambda index: None, fail, fail if where == "prepare" else lambda: None
    )
    with pytest.raises(ValueError, match="the second series"):
        run([squares(40, taken), second, one_job(lambda: None, prepare=third), one_job(lambda: None)], threads)
    assert len(taken) == 40


def test_series_that_failed_do_not_keep_those_before_them_from_being_prepared() -> None:
    """The last five are the first to be begun, by the thread that asks, and all of them fail."""
    taken: list[int] = []
    series = [squares(3, taken) for _ in range(5)]
    series += [replace(failing(3, 1, f"number {number}", []), work=number) for number in range(5, 10)]
    with pytest.raises(ValueError, match="number 5"):
        run(series, 2, when_free=BusyElsewhere())
    assert len(taken) == 15


def test_who_stops_asking_stops_the_jobs() -> None:
    begun: list[int] = []
    steps = side_by_side([Series(10**6, begun.append, lambda result: None)], 2)
    next(steps)
    steps.close()
    count = len(begun)
    assert not [thread for thread in threading.enumerate() if "side by side" in thread.name]
    assert len(begun) == count


class BusyElsewhere:
    """One of the threads is, until `end`."""

    def __init__(self) -> None:
        self.end: Callable[[], None] = lambda: None

    def __call__(self, call: Callable[[], None]) -> None:
        self.end = call


@pytest.mark.usefixtures("no_job_is_short")
def test_a_thread_that_is_at_work_elsewhere_begins_when_it_is_free() -> None:
    elsewhere = BusyElsewhere()
    helped = threading.Event()
    workers: list[int] = []

    def do(index: int) -> None:
        workers.append(threading.get_ident())
        if index == 30:
            elsewhere.end()
        if threading.current_thread() is not threading.main_thread():
            helped.set()
        elif index > 30:
            assert helped.wait(PATIENCE_S)

    run([Series(60, do, lambda result: None)], 2, when_free=elsewhere)
    assert set(workers[:31]) == {threading.get_ident()}
    assert len(set(workers)) == 2


def test_nobody_waits_for_a_thread_that_is_at_work_elsewhere() -> None:
    """It need not be free before all is done, or given up."""
    taken: list[int] = []
    assert run([squares(5, taken)], 2, when_free=BusyElsewhere()) == [0] * 5
    with closing(side_by_side([squares(5, taken)], 2, BusyElsewhere())) as steps:
        next(steps)
    with pytest.raises(ValueError, match="at once"):
        run([failing(1, 0, "at once", [])], 2, when_free=BusyElsewhere())


@pytest.mark.parametrize("threads", [2, 3])
def test_an_interrupt_waits_for_the_jobs_that_have_begun(threads: int) -> None:
    """It is heard behind the job in which it came, outside all locks; who heard interrupts before does so again."""
    before = signal.getsignal(signal.SIGINT)
    ended: list[int] = []

    def do(index: int) -> None:
        if index == 40:
            signal.raise_signal(signal.SIGINT)  # to the main thread, whichever does this job
        ended.append(index)

    alive = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run([Series(10_000, do, lambda result: None)] * 2, threads)
    assert 40 in ended
    assert len(ended) < 20_000
    assert threading.active_count() == alive
    assert signal.getsignal(signal.SIGINT) is before
