"""What a process that Dask starts on this computer does first: it leaves Ctrl-C to the process that started it.

A terminal sends an interrupt to all processes of a command. The first one ends the others in good order; a worker that
was interrupted by itself would print a traceback before.
"""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Dask calls this in every worker that it starts (its option `preload`)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
