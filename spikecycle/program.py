"""The program `spikecycle` from its first moment to its last: Ctrl-C is told in one line whenever it comes.

Loading the commands takes longer than most commands do, and an interrupt then would show where Python was. Nothing is
written before they are loaded, so that there is nothing to finish; and when they are done, there is nothing to stop.
"""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from types import FrameType

_INTERRUPTED = 130  # as a shell reports SIGINT
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
"""Loading makes some 166,000 objects that stay; looking for rings among them took 6 % of a short run."""
_SAID = b"spikecycle: interrupted before it began; run it again\n"


def run() -> int:
    """Run the command line and return its exit status; see `spikecycle.simulator.cli`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell may have it ignored
    if is_ours:
        signal.signal(signal.SIGINT, _stop)
    from spikecycle.simulator.cli import main

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:  # just before it was ready for one
        _tell()
        return _INTERRUPTED
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    _tell()
    os._exit(_INTERRUPTED)


def _tell() -> None:
    with suppress(OSError):  # it is closed or full: the status says the rest
        os.write(2, _SAID)
