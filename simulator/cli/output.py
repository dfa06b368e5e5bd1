"""Where output goes: standard output that may be full or closed, and files that are complete or not there at all."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from spikecycle.files import beside, check_replaceable, is_regular, is_shipped
from spikecycle.simulator.errors import OutputError
from spikecycle.simulator.files import write_file
from spikecycle.terminal import columns

if TYPE_CHECKING:
    from rich.console import RenderableType

PICTURE, PICTURE_SUFFIXES = "--picture", (".svg", "")  # a pipe or device has no suffix


class ReaderGone(Exception):
    """Whoever read standard output went away (`spikecycle list | head -1`): no reason to complain."""


class Interrupted(Exception):
    """Ctrl-C in a command that keeps what is finished; the message says where, and how to go on."""


@contextmanager
def kept_when_interrupted(folder: str) -> Iterator[None]:
    """Turn Ctrl-C into Interrupted, of a command that keeps its points in a folder."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"interrupted; {folder} keeps every point that is finished: run the same again to go on"
        ) from error


class Output:
    """Standard output: tables as wide as `columns` says, colours only in terminals, failures as OutputError."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, *renderables: RenderableType) -> None:
        """Print rich renderables; where no terminal shows them, without blanks at line ends."""
        from rich.console import Console

        width = columns(self._stream)
        console = Console(file=self._stream, width=width, markup=False, highlight=False, emoji=False)
        if console.is_terminal:
            with _guarded(self._stream):
                console.print(*renderables, sep="\n")
            return
        page = io.StringIO()
        Console(
            file=page, width=width, markup=False, highlight=False, emoji=False, force_terminal=False, color_system=None
        ).print(*renderables, sep="\n")
        self.text("".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines()))

    def text(self, text: str) -> None:
        """Print text as it is."""
        with _guarded(self._stream):
            self._stream.write(text)


@contextmanager
def _guarded(stream: TextIO) -> Iterator[None]:
    """Flush the stream in the end, and say what went wrong in the words of this module."""
    try:
        yield
        stream.flush()
    except (BrokenPipeError, SystemExit):  # rich ends the program where a pipe is closed
        _discard_buffered(stream)
        raise ReaderGone from None
    except OSError as error:
        _discard_buffered(stream)
        raise OutputError(f"standard output: cannot be written: {error.strerror or error}") from error


def standard_output() -> Output:
    """Standard output as it is now; characters that its encoding lacks are replaced, not fatal."""
    stream = sys.stdout
    if stream is None:  # so Python says that it was closed
        raise OutputError("standard output: is closed")
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return Output(cast(TextIO, stream))


def flush_standard_output() -> None:
    """Bring everything out while what goes wrong can still be told; ReaderGone and OutputError as `Output` has them."""
    if sys.stdout is not None:
        with _guarded(sys.stdout):
            pass


def discard_standard_output() -> None:
    """Forget what standard output still holds: Python would try to write it again when it exits."""
    if sys.stdout is not None:
        _discard_buffered(sys.stdout)


def check_targets(targets: Mapping[str, str | None], inputs: Iterable[str | None], kept: Iterable[Path] = ()) -> None:
    """OutputError if a document cannot be written, or would replace an input of the command or another document.

    targets: file by option, {"--json": "result.json"}. inputs: every file that the command reads, also those that its
    files name, and every folder, whose files are inputs as well; None for none. kept: files and folders that are the
    command's own, whether they are there yet or not.
    """
    inputs, kept = list(inputs), list(kept)
    taken = [(Path(name), f"the input {name}") for name in inputs if name and is_regular(name)]
    folders = [name for name in inputs if name and Path(name).is_dir()]
    for option, target in targets.items():
        check_writable(target)
        if target is None:
            continue
        path = Path(target)
        for other, what in taken:
            if _is_same(path, other):
                raise OutputError(f"{option} {target}: would overwrite {what}")
        if target != "-" and not _is_device(path):
            for folder in folders:
                if os.path.lexists(path) and _is_below(path, folder):
                    raise OutputError(f"{option} {target}: would overwrite a file of the input {folder}")
            if any(_is_below(path, own) for own in kept):
                raise OutputError(f"{option} {target}: is a name of a file that the command keeps there; name another")
        if option == PICTURE and path.suffix not in PICTURE_SUFFIXES:
            raise OutputError(f"{option} {target}: pictures are SVG, name the file .svg")
        if target == "-" or not _is_device(path):  # a device takes any number
            taken.append((path, f"what {option} writes"))


def check_writable(target: str | None) -> None:
    """OutputError if a file cannot be put there; asked before a long run, so that it does not fail at its end."""
    if target is None or target == "-":
        return
    path = Path(target)
    if is_shipped(path):
        raise OutputError(f"{target}: cannot be written: is a file of spikecycle itself; name another")
    if _is_device(path):
        return  # only writing tells
    try:
        check_replaceable(path)
        probe = beside(path)
        with probe.open("x"):
            pass
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error


def write_document(target: str, text: str) -> None:
    """Write a file beside its place, bring it to the disk, and rename it; on failure nothing stays behind.

    target: "-" is standard output; a device is written directly. Raises OutputError naming the target.
    """
    if target == "-":
        standard_output().text(text)
        return
    path = Path(target)
    if _is_device(path):
        try:
            with path.open("w", encoding="utf-8") as device:
                device.write(text)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    else:
        write_file(target, text)


def _is_device(path: Path) -> bool:
    """Whether it is there and neither a file nor a folder: a pipe or device, perhaps through a link (/dev/stdout)."""
    try:
        mode = path.stat().st_mode
    except OSError:  # not there, or a link to itself
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _is_below(path: Path, place: str | Path) -> bool:
    """Whether a path is, or would be, a place or below it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(place))


def _is_same(one: Path, other: Path) -> bool:
    """Whether both names are of one file, or would be."""
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def _discard_buffered(stream: TextIO) -> None:
    """Send what is still buffered nowhere: it cannot be written, and Python would try again when it exits."""
    try:
        descriptor = stream.fileno()
    except (OSError, AttributeError):
        return  # not a file, as in tests
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, descriptor)
    os.close(devnull)
