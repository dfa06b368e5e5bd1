"""Progress on standard error, for what takes longer than a moment, and only where a person watches."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from spikecycle.simulator.jit import COMPILING

Report = Callable[[str, int, int], None]
"""Called as report(what, steps done, steps in all)."""

APPEARS_AFTER_S = 0.5
"""What is over sooner shows nothing."""


@contextmanager
def shown_progress(title: str, time_left: bool = False) -> Iterator[Report | None]:
    """A transient progress bar, with the time that is left if steps take about the same each; None where standard error
    is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
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


def _told_of_compiling(tell: Callable[[str], None]) -> AbstractContextManager[object]:
    """Tells of kernels that are compiled, if the command simulates: what needs none should not wait for Numba."""
    if "spikecycle.simulator.engine" not in sys.modules:
        return nullcontext()
    from spikecycle.simulator.compiling import told_of_compiling

    return told_of_compiling(tell)
