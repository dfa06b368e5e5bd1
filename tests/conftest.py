"""What holds for all tests: generated cases are the same every time, no clock ends a test, and lines have 120 columns
wherever a test says no other number, whatever terminal it is run in."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("spikecycle", deadline=None, derandomize=True, database=None)
settings.load_profile("spikecycle")

os.environ["COLUMNS"] = "120"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts background jobs so, and children inherit it: tests of Ctrl-C need the default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
