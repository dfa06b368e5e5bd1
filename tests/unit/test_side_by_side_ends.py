"""Series of jobs on threads: errors in their turn, threads that are at work elsewhere, and how all of it ends."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest

from spikecycle.simulator.side_by_side import AHEAD, Series, side_by_side
from tests.unit.series import PATIENCE_S, BusyElsewhere, busy, failing, no_job_is_short, one_job, run, squares

__all__ = ["no_job_is_short"]


@pytest.mark.usefixtures("no_job_is_short")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_an_error_comes_in_its_turn_and_nothing_is_begun_behind_it(threads: int) -> None:
    begun: list[int] = []
    steps = side_by_side([failing(1000, 2, "the third", begun)], threads)
    assert [next(steps), next(steps)] == [0, 0]
    with pytest.raises(ValueError, match="the third"):
        next(steps)
    assert len(begun) <= 3 + AHEAD * threads


@pytest.mark.usefixtures("no_job_is_short")
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


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_series_all_ends_as_with_one_thread(seed: int) -> None:
    """Random counts, work, short and long jobs, errors; a thread that is free at some time, or never."""
    random = Random(seed)
    counts = [random.choice([0, 1, 2, 5, 30]) for _ in range(random.randint(1, 7))]
    work = [random.randint(0, 5) for _ in counts]
    long = [random.random() < 0.3 for _ in counts]
    failing = {
        (random.choice(["prepare", "do", "take"]), random.randrange(len(counts)), random.randrange(6))
        for _ in range(random.choice([0, 0, 1, 4]))
    }
    free_at = random.choice([0, 20, 1000])

    def outcome(threads: int) -> tuple[list[list[int]], str]:
        taken: list[list[int]] = [[] for _ in counts]
        elsewhere, done = BusyElsewhere(), [0]

        def fail(where: str, number: int, index: int) -> None:
            if (where, number, index) in failing:
                raise ValueError(f"{where} {number} {index}")

        def series(number: int, count: int) -> Series[int]:
            def do(index: int) -> int:
                busy(0.0015 if long[number] else 0.0)
                done[0] += 1
                if done[0] == free_at:
                    elsewhere.end()
                fail("do", number, index)
                return index

            def take(index: int) -> None:
                fail("take", number, index)
                taken[number].append(index)

            return Series(count, do, take, lambda: fail("prepare", number, 0), work[number], random.randint(0, 2))

        try:
            run([series(*each) for each in enumerate(counts)], threads, when_free=elsewhere if free_at else None)
        except ValueError as error:
            place = int(str(error).split()[1])
            return taken[: place + 1], str(error)
        return taken, ""

    expected = outcome(1)
    for threads in (2, 3, 5):
        assert outcome(threads) == expected


def test_who_stops_asking_stops_the_jobs() -> None:
    begun: list[int] = []
    steps = side_by_side([Series(10**6, begun.append, lambda result: None)], 2)
    next(steps)
    steps.close()
    count = len(begun)
    assert not [thread for thread in threading.enumerate() if "side by side" in thread.name]
    assert len(begun) == count


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


@pytest.mark.parametrize("threads", [2, 3])
def test_an_interrupt_after_which_its_handler_goes_on_ends_nothing(threads: int) -> None:
    """Handlers of others may only note it, as that of `asyncio.run` does."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    taken: list[int] = []
    try:
        series = replace(squares(40, taken), prepare=lambda: signal.raise_signal(signal.SIGINT))
        assert run([series], threads) == [0] * 40
    finally:
        signal.signal(signal.SIGINT, before)
    assert taken == [number * number for number in range(40)]
    assert heard == [signal.SIGINT]
