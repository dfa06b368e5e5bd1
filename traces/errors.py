"""The one exception of the `traces` package, and the place where its message gets its address."""

from __future__ import annotations

import re
from types import TracebackType

# What h5py raises on files that are cut off, damaged, or not HDF5 at all, and NumPy on what they claim to hold.
DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError, MemoryError)
LONGEST_QUOTE = 80  # characters of a foreign value that are repeated in a message


class TraceError(Exception):
    """A trace file or its contents break the format; the message names the file and the layer or field."""


def one_line(value: object, longest: int = LONGEST_QUOTE) -> str:
    """A foreign value as printable text without line breaks, cut to `longest` characters."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))
    return text if len(text) <= longest else text[: longest - 3] + "..."


class LocatedErrors:
    """Prefixes every TraceError from a `with` block with `where`; turns what h5py and NumPy raise into a TraceError."""

    def __init__(self, where: object) -> None:
        self._where = where

    def __enter__(self) -> None:
        """A class and no generator: reading a trace enters some hundred of these blocks, and hardly ever an error."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return
        if isinstance(error, TraceError):
            # The same exception, so that --debug shows one traceback, not a chain.
            error.args = (f"{_place(self._where)}: {error}",)
        elif isinstance(error, DAMAGE):
            raise TraceError(f"{_place(self._where)}: {reason(error)}") from error


def located(where: object) -> LocatedErrors:
    """A `with` block whose errors name the place where they happened."""
    return LocatedErrors(where)


def _place(where: object) -> str:
    return one_line(where, longest=1000)


def reason(error: Exception) -> str:
    """What an exception of h5py, NumPy or the operating system says, as the rest of a line."""
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror, longest=200)
    text = one_line(error.args[0] if isinstance(error, KeyError) else error, longest=200) or type(error).__name__
    from_hdf5 = re.fullmatch(r"(?:Unable|Can't|Error) .*?\((.*)\)", text)  # "Can't synchronously read data (reason)"
    return f"damaged ({from_hdf5[1]})" if from_hdf5 else text
