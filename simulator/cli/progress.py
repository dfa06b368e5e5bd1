"""Progress on standard error: in a terminal a bar, for what takes longer than a moment; elsewhere a plain line now and
then, for what takes long, so that the log of a job shows that it lives."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TextIO

from spikecycle.simulator.jit import COMPILING
from spikecycle.wording import printable

Report = Callable[[str, int, int], None]
"""Called as report(what, steps done, steps in all)."""

APPEARS_AFTER_S = 0.5
"""What is over sooner shows no bar."""
FIRST_LINE_AFTER_S = 10.0
"""What is over sooner shows no line."""
LINE_EVERY_S = 30.0
"""From then on."""


@contextmanager
def shown_progress(title: str, time_left: bool = False) -> Iterator[Report | None]:
    """A transient progress bar, with the time that is left if steps take about the same each, or lines where standard
    error is no terminal; None where there is none."""
    if sys.stderr is None:
        yield None
        return
    if not sys.stderr.isatty():
        with _lines(title, sys.stderr) as told:
            yield told
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        *((TextColumn("left"), TimeRemainingColumn()) if time_left else ()),
        console=Console(file=sys.stderr),
        transient=True,
    )
    task = bar.add_task(title, total=None)

    doing = title

    def report(what: str, done: int, total: int) -> None:
        nonlocal doing
        doing = f"{title}: {what}"
        bar.update(task, description=doing, completed=done, total=total)

    def compiling(kernel: str) -> None:
        bar.update(task, description=f"{doing}, {COMPILING} {kernel}")

    timer = threading.Timer(APPEARS_AFTER_S, bar.start)
    timer.daemon = True
    timer.start()
    try:
        with _told_of_compiling(compiling):
            yield report
    finally:
        timer.cancel()
        timer.join()  # or it might start the bar after it was stopped
        bar.stop()


class ProgressLine:
    """What a plain line says: what is done, how many steps of how many, and for how long it has been going on."""

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._title, self._clock, self._began_s = title, clock, clock()
        self._step, self._kernel = "", ""

    def report(self, what: str, done: int, total: int) -> None:
        """After each step, as `Report`."""
        self._step, self._kernel = f": {what}, {done:,} of {total:,}", ""

    def compiling(self, kernel: str) -> None:
        """Before each kernel that is compiled."""
        self._kernel = f", {COMPILING} {kernel}"

    def __str__(self) -> str:
        return printable(f"spikecycle: {self._title}{self._step}{self._kernel} ({self._clock() - self._began_s:.0f} s)")


def write_lines(line: ProgressLine, stream: TextIO, is_over: Callable[[float], bool]) -> None:
    """Write the line after FIRST_LINE_AFTER_S, and every LINE_EVERY_S after that.

    is_over: waits so many seconds, or until the work is over; whether it is.
    """
    pause_s = FIRST_LINE_AFTER_S
    with suppress(OSError, ValueError):  # it is full or closed: nobody is told, and the work goes on
        while not is_over(pause_s):
            stream.write(f"{line}\n")
            stream.flush()
            pause_s = LINE_EVERY_S


@contextmanager
def _lines(title: str, stream: TextIO) -> Iterator[Report]:
    """Lines of a thread beside the work, which says them even where no step ends."""
    line, over = ProgressLine(title), threading.Event()

    def write() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # the thread that works may put Ctrl-C off
        write_lines(line, stream, over.wait)

    thread = threading.Thread(target=write, name="lines of progress", daemon=True)
    thread.start()
    try:
        with _told_of_compiling(line.compiling):
            yield line.report
    finally:
        over.set()
        thread.join()


def _told_of_compiling(tell: Callable[[str], None]) -> AbstractContextManager[object]:
    """Tells of kernels that are compiled, if the command simulates: what needs none should not wait for Numba."""
    if "spikecycle.simulator.engine" not in sys.modules:
        return nullcontext()
    from spikecycle.simulator.compiling import told_of_compiling

    return told_of_compiling(tell)
