"""What a process that Dask starts on this computer does first: it leaves Ctrl-C to the process that started it.

A terminal sends an interrupt to all processes of a command. The first one ends the others in good order; a worker that
was interrupted by itself would print a traceback before, even while it loads its modules.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


def dask_setup(worker: object) -> None:
    """Dask calls this in every worker that it starts (its option `preload`)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_put_off() -> Iterator[None]:
    """Ctrl-C reaches processes that are started here never, and this one when the block is over.

    A process is born with the signals blocked that its parent's thread has blocked, and so is a thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # started with the first process otherwise, it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
