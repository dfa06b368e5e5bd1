"""Jobs on threads: order of results, errors in their turn, and values that are made once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from spikecycle.simulator.side_by_side import AHEAD, Once, in_order

PATIENCE_S = 20
"""Until a test that hangs gives up."""


class EndlessJobs:
    """Jobs without end, and how many of them were drawn."""

    drawn = 0

    def __iter__(self) -> Iterator[Callable[[], int]]:
        while True:
            self.drawn += 1
            yield lambda: 1


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_results_come_in_the_order_of_the_jobs(threads: int) -> None:
    assert list(in_order([lambda number=number: number * number for number in range(50)], threads)) == [  # type: ignore[misc]
        number * number for number in range(50)
    ]


def test_two_jobs_are_worked_on_at_the_same_time_and_the_later_may_end_first() -> None:
    second_is_done = threading.Event()

    def first() -> str:
        assert second_is_done.wait(PATIENCE_S)
        return "first"

    def second() -> str:
        second_is_done.set()
        return "second"

    assert list(in_order([first, second], 2)) == ["first", "second"]


def test_one_thread_does_a_job_when_it_is_asked_for_in_the_thread_that_asks() -> None:
    done: list[int] = []

    def job(number: int) -> int:
        done.append(number)
        return threading.get_ident()

    results = in_order([lambda: job(0), lambda: job(1)], 1)
    assert done == []
    assert next(results) == threading.get_ident()
    assert done == [0]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_an_error_comes_in_its_turn_and_nothing_is_begun_behind_it(threads: int) -> None:
    drawn = 0

    def fail() -> int:
        raise ValueError("the third")

    def jobs() -> Iterator[Callable[[], int]]:
        nonlocal drawn
        for number in range(1000):
            drawn += 1
            yield fail if number == 2 else lambda: 1

    results = in_order(jobs(), threads)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert drawn <= 3 + AHEAD * threads


def test_who_stops_asking_stops_the_jobs() -> None:
    jobs = EndlessJobs()
    results = in_order(jobs, 2)
    next(results)
    results.close()
    assert jobs.drawn <= 1 + AHEAD * 2
    assert not [thread for thread in threading.enumerate() if "side by side" in thread.name]


@pytest.mark.parametrize("threads", [2, 3])
def test_who_asks_for_results_does_jobs_as_well(threads: int) -> None:
    together = threading.Barrier(threads)

    def job() -> int:
        together.wait(PATIENCE_S)  # as many threads as that are at work, and no more were started
        return threading.get_ident()

    workers = set(in_order([job] * threads, threads))
    assert len(workers) == threads
    assert threading.get_ident() in workers


def test_no_more_is_begun_than_results_can_wait() -> None:
    jobs = EndlessJobs()
    results = in_order(jobs, 2)
    for taken in range(1, 200):
        next(results)
        assert jobs.drawn <= taken + AHEAD * 2
    results.close()


def test_an_error_in_a_helper_is_raised_where_results_are_asked_for() -> None:
    here, failed = threading.get_ident(), threading.Event()

    def job() -> int:
        if threading.get_ident() != here:
            failed.set()
            raise ValueError("in a helper")
        assert failed.wait(PATIENCE_S)
        return 1

    with pytest.raises(ValueError, match="in a helper"):
        list(in_order([job] * 2, 2))


def test_a_value_is_made_once_for_all_who_need_it() -> None:
    made: list[int] = []
    both = threading.Barrier(2)

    def make() -> int:
        made.append(1)
        return 5

    value = Once(make)

    def job() -> int:
        both.wait(PATIENCE_S)
        return value()

    assert list(in_order([job, job], 2)) == [5, 5]
    assert made == [1]


def test_a_value_that_is_being_made_is_not_waited_for_ahead() -> None:
    begun, others_turn = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert others_turn.wait(PATIENCE_S)
        return 5

    value = Once(make)
    assert not value.is_being_made

    def look() -> int:
        assert begun.wait(PATIENCE_S)
        assert value.is_being_made
        value.ahead()
        others_turn.set()
        return value()

    jobs: list[Callable[[], int]] = [value, look]
    assert list(in_order(jobs, 2)) == [5, 5]
    assert not value.is_being_made


def test_an_error_ahead_is_told_to_those_who_ask() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        raise ValueError("no value")

    value = Once(make)
    value.ahead()
    for _ in range(2):
        with pytest.raises(ValueError, match="no value"):
            value()
    assert made == [1]


@pytest.mark.parametrize("threads", [2, 3])
def test_an_error_of_the_jobs_themselves_comes_in_its_turn(threads: int) -> None:
    """Whichever thread draws the job that is none."""

    def jobs() -> Iterator[Callable[[], int]]:
        yield lambda: 0
        yield lambda: 1
        raise ValueError("no third job")

    for _ in range(50):
        results = in_order(jobs(), threads)
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ValueError, match="no third job"):
            next(results)


@pytest.mark.parametrize("threads", [2, 3])
def test_an_interrupt_waits_for_the_jobs_that_have_begun(threads: int) -> None:
    """It is heard behind the job in which it came, outside all locks; who heard interrupts before does so again."""
    before = signal.getsignal(signal.SIGINT)
    ended: list[int] = []

    def job(number: int) -> int:
        if number == 40:
            signal.raise_signal(signal.SIGINT)  # to the main thread, whichever does this job
        ended.append(number)
        return number

    alive = threading.active_count()
    results = in_order([lambda number=number: job(number) for number in range(10_000)], threads)  # type: ignore[misc]
    with pytest.raises(KeyboardInterrupt):
        for _ in results:
            pass
    assert 40 in ended
    assert len(ended) < 10_000
    assert threading.active_count() == alive
    assert signal.getsignal(signal.SIGINT) is before


def test_a_value_whose_making_was_interrupted_is_made_by_the_next() -> None:
    times = 0

    def make() -> int:
        nonlocal times
        times += 1
        if times == 1:
            raise KeyboardInterrupt
        return times

    value = Once(make)
    with pytest.raises(KeyboardInterrupt):
        value()
    assert [value(), value()] == [2, 2]
