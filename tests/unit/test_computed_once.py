"""Attributes that are worked out once, without waiting for other objects."""

from __future__ import annotations

from threading import Barrier, Thread

from spikecycle.simulator.computed_once import computed_once
from tests.unit.series import PATIENCE_S


class Square:
    """Of a number; `together` is passed when all are being worked out."""

    def __init__(self, number: int, together: Barrier | None = None) -> None:
        self.number, self.together, self.asked = number, together, 0

    @computed_once
    def value(self) -> int:
        """The square."""
        self.asked += 1
        if self.together is not None:
            self.together.wait(PATIENCE_S)
        return self.number**2


def test_it_is_worked_out_once_for_each_object() -> None:
    three, four = Square(3), Square(4)
    assert [three.value, four.value, three.value] == [9, 16, 9]
    assert (three.asked, four.asked) == (1, 1)
    assert Square.value.__doc__ == "The square."


def test_threads_that_ask_different_objects_do_not_wait_for_each_other() -> None:
    together = Barrier(2)
    squares, found = [Square(number, together) for number in range(2)], []
    threads = [Thread(target=lambda each=each: found.append(each.value)) for each in squares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(found) == [0, 1]


def test_threads_that_ask_the_same_object_get_the_same() -> None:
    together = Barrier(2)
    square = Square(10**6, together)
    found: list[int] = []
    threads = [Thread(target=lambda: found.append(square.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found[0] is found[1] is square.value
