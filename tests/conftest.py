"""What holds for all tests: generated cases are the same every time, and no clock ends a test."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("spikecycle", deadline=None, derandomize=True, database=None)
settings.load_profile("spikecycle")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts background jobs so, and children inherit it: tests of Ctrl-C need the default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
