"""Series of jobs for tests, and threads that are busy elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from spikecycle.simulator import side_by_side as module
from spikecycle.simulator.side_by_side import Series, side_by_side

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


def busy(seconds: float) -> None:
    """Takes CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def failing(count: int, at: int, message: str, begun: list[int]) -> Series[int]:
    def do(index: int) -> int:
        begun.append(index)
        if index == at:
            raise ValueError(message)
        return index

    return Series(count, do, lambda result: None)


class BusyElsewhere:
    """One of the threads is, until `end`."""

    def __init__(self) -> None:
        self.end: Callable[[], None] = lambda: None

    def __call__(self, call: Callable[[], None]) -> None:
        self.end = call
