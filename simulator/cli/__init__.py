"""The command `spikecycle`: parses, calls, prints. What it prints is made in `spikecycle.simulator.report`.

Exit status: 0 done; 1 `--verify` found a difference, or nothing to compare with; 2 bad input; 70 a fault of the
program; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from spikecycle.simulator.cli.output import (
    Interrupted,
    ReaderGone,
    discard_standard_output,
    flush_standard_output,
)
from spikecycle.simulator.errors import KernelCacheWarning, SimulatorError, UsageError, one_line
from spikecycle.wording import printable

_BAD_INPUT = 2
_PROGRAM_FAULT = 70  # EX_SOFTWARE of sysexits.h
_INTERRUPTED = 130  # as a shell reports SIGINT
_READER_GONE = 141  # as a shell reports SIGPIPE
_DEBUG = "--debug"
_AFTER_INTERRUPT = "interrupted; every file is complete or not there, run it again"
_LONGEST_LINE = 2000
_MOST_LINES = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (sys.argv by default) and return its exit status; raises nothing, except with --debug."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = given[: given.index("--")] if "--" in given else given  # what follows are names, whatever they look like
    debug = _DEBUG in options
    given = [word for word in options if word != _DEBUG] + given[len(options) :]
    try:
        _check_words(given)
        with _interruptible() as interrupts, _warnings_in_lines():
            status = _run_to_end(given, interrupts)
            if interrupts:  # code of others may swallow the exception: compilers, callbacks
                raise KeyboardInterrupt
            return status
    except ReaderGone:
        return _READER_GONE
    except BrokenPipeError:  # the parser wrote its help itself
        discard_standard_output()
        return _READER_GONE
    except Interrupted as stop:
        return _fail(str(stop), _INTERRUPTED)
    except KeyboardInterrupt:
        return _fail(_AFTER_INTERRUPT, _INTERRUPTED)
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of compiled code (Polars) is none of Exception
        if debug:
            raise
        return _tell(error)


def _check_words(words: Sequence[str]) -> None:
    """UsageError unless every argument is a line of text: it is repeated in messages, tables and documents.

    The name of a file may be any bytes on Linux. One with a line break would forge lines of its own, and one that is no
    text in the encoding of the system cannot be written to a document.
    """
    for word in words:
        if not word:
            raise UsageError("an argument is empty: give it a value, or leave it away")
        if any("\ud800" <= character <= "\udfff" for character in word):
            encoding = sys.getfilesystemencoding()
            raise UsageError(f"{printable(word)}: is no text in {encoding}, the encoding of file names; rename it")
        if len(word.splitlines()) > 1 or word.splitlines()[0] != word:
            raise UsageError(f"{word!a}: has a line break, and names of files are repeated in lines; rename it")


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Count every SIGINT, besides raising KeyboardInterrupt for it; what is done elsewhere about signals is left."""
    interrupts: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupts
        return
    try:
        signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not in the main thread
        yield interrupts
        return
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _warnings_in_lines() -> Iterator[None]:
    """Show our own warnings as every message of the program, without the place in the source."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, KernelCacheWarning):
            _say([str(message)])
        else:
            before(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _run_to_end(arguments: list[str], interrupts: Sequence[int]) -> int:
    """Run, and say all of it; of an error behind an interrupt, that it was interrupted: Python makes a RuntimeError of
    one in the middle of a class or of the start of a thread."""
    try:
        status = _run(arguments)
        flush_standard_output()
    except (ReaderGone, BrokenPipeError, Interrupted):
        raise
    except Exception as error:
        if interrupts:
            raise KeyboardInterrupt from error
        raise
    return status


def _run(arguments: list[str]) -> int:
    """Parse and run; what the parser refuses becomes a UsageError in one line."""
    import typer

    from spikecycle.simulator.cli.app import app

    try:
        status = app(arguments, prog_name="spikecycle", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except SystemExit as error:  # rich ends the program so where a pipe is closed
        raise ReaderGone from error
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "spikecycle"
        words = " ".join(error.format_message().split()).rstrip(".")
        raise UsageError(f"{words} (see {command} --help)") from error
    if status == _INTERRUPTED:  # typer has caught it
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _tell(error: BaseException) -> int:
    """Say what went wrong: bad input in its own words, anything else as the fault of the program that it is."""
    from spikecycle.traces import TraceError  # not before: a command that needs no trace should not wait for HDF5

    if isinstance(error, SimulatorError | TraceError):
        return _fail(str(error), _BAD_INPUT)
    if isinstance(error, MemoryError):
        return _fail(f"not enough memory for this trace on this machine: {error or 'out of memory'}", _BAD_INPUT)
    if isinstance(error, OSError) and error.strerror:  # what nobody nearer to it has put in words: a full disk, mostly
        discard_standard_output()
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror}", _BAD_INPUT)
    from spikecycle.simulator.plugins import failed_in_plugin  # not before: most commands have no plugin

    plugin_line = failed_in_plugin(error)
    if plugin_line is not None:
        return _fail(f"{plugin_line}: the plugin fails: {one_line(error)}", _BAD_INPUT)
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return _fail(f"internal error: {words} (run again with {_DEBUG})", _PROGRAM_FAULT)


def _fail(message: str, status: int) -> int:
    """Say it on standard error: not more than a screen, and nothing that a terminal would take for a command."""
    lines = message.splitlines()
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"and {len(lines) - _MOST_LINES:,} more of the kind"]
    _say(lines)
    return status


def _say(lines: Sequence[str]) -> None:
    try:
        if sys.stderr is not None:  # None where it was closed
            for line in lines:
                sys.stderr.write(f"{_cut(f'spikecycle: {printable(line)}')}\n")
            sys.stderr.flush()
    except OSError:
        pass  # it is full, or its reader went away: the status says the rest


def _cut(line: str) -> str:
    """A line with its middle left out where it is long: it ends with what was found."""
    if len(line) <= _LONGEST_LINE:
        return line
    half = (_LONGEST_LINE - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"
