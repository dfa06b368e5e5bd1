"""The program `spikecycle` from its first moment to its last: Ctrl-C is told in one line whenever it comes.

Loading the commands takes longer than most commands do, and an interrupt then would show where Python was. Nothing is
written before they are loaded, so that there is nothing to finish; and when they are done, there is nothing to stop.

What the environment asks of libraries is checked where a library would fail over it, and processes that are started
look for modules where this one does: the working directory may be a folder of somebody else, with modules in it.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130  # as a shell reports SIGINT
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
"""Loading makes some 166,000 objects that stay; looking for rings among them took 6 % of a short run."""
_SIZES = ("COLUMNS", "LINES", "TERMINAL_WIDTH", "POLARS_MAX_THREADS")
_LARGEST_SIZE = 10_000
"""Columns or lines of a terminal, or threads: beyond, it is nonsense, and tables would be filled with blanks."""
_SAFE_PATH = "PYTHONSAFEPATH"
"""Python puts the working directory first where it looks for modules, of `python -m` and `python -c`, unless this is
set. Source: Python documentation, "Command line and environment", PYTHONSAFEPATH."""
_COMPLETION = "_SPIKECYCLE_COMPLETE"
"""The parser would complete words for a shell instead of running, and this program offers no completion."""
_NO_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""Pydantic would ask every installed package for code to run whenever it checks a value, which takes longer the more
are installed. Source: Pydantic documentation, "Plugins"."""
_SAID = b"spikecycle: interrupted before it began; run it again\n"


def run_and_leave() -> NoReturn:
    """Run the command line, and end the process with its exit status.

    Python would take all apart that is loaded, module by module, which takes 0.1 s after a short run; here what is to
    be done at the end is done (`atexit`, buffers), and the operating system frees the rest at once. Where other threads
    still work, Python waits for them and ends as always.
    """
    status = run()
    main_thread = threading.main_thread()
    if any(not thread.daemon and thread is not main_thread for thread in threading.enumerate()):
        sys.exit(status)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # full, closed, or none: the status says the rest
            stream.flush()
    os._exit(status)


def run() -> int:
    """Run the command line and return its exit status; see `spikecycle.simulator.cli`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    _settle(os.environ)
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


def _settle(environment: MutableMapping[str, str]) -> None:
    """Drop sizes that are none, and keep out what nobody asked for: modules of the working directory, in other
    processes, and plugins of Pydantic, unless the user has said which."""
    for name in _SIZES:
        size = environment.get(name, "")
        if name in environment and not (size.isascii() and size.isdigit() and 0 < int(size[:6]) <= _LARGEST_SIZE):
            del environment[name]
    environment.pop(_COMPLETION, None)
    environment[_SAFE_PATH] = "1"
    environment.setdefault(_NO_PLUGINS, "__all__")


def _stop(number: int, frame: FrameType | None) -> None:
    _tell()
    os._exit(_INTERRUPTED)


def _tell() -> None:
    with suppress(OSError):  # it is closed or full: the status says the rest
        os.write(2, _SAID)
