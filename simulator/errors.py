"""Everything the simulator refuses, as one tree:

SimulatorError
├── MachineError      a machine file or an energy table is wrong
├── MappingError      a layer that this dataflow or this machine cannot map
│   └── MemoryLimitError  a run that needs more memory than it may
├── ContractError     a dataflow, a format or a plugin that does not keep what it declares
├── PluginError       a file or package with components of others that cannot be loaded
├── UsageError        an unknown name or option
└── OutputError       a result that cannot be written

(Trace files raise `traces.TraceError`; packages built on the simulator derive their own from SimulatorError.) A
message names the file and the key or layer; the command line prints it and exits with status 2.
"""

from __future__ import annotations

import traceback
from typing import Self


class SimulatorError(Exception):
    """Root of the tree: bad input, told in words that a user can act on."""


class MachineError(SimulatorError):
    """A machine file or an energy table is wrong; the message names file and key path."""


class MappingError(SimulatorError):
    """A layer that the machine's dataflow cannot map; the message names machine, layer and reason."""

    @classmethod
    def of(cls, layer: str, machine: str, reason: str) -> Self:
        """The error that says why a layer cannot be mapped on a machine."""
        return cls(f"layer {layer!r} cannot be mapped on machine {machine!r}: {reason}")


class MemoryLimitError(MappingError):
    """A run that needs more of the computer's memory than it may: with another limit, or on another computer, it may
    run."""


class ContractError(SimulatorError):
    """A dataflow, a format or a plugin does not keep what it declares; the message names it and what it returned."""


class PluginError(SimulatorError):
    """A plugin file, or an installed package, that cannot be loaded; the message names it and the line, if known."""


class UsageError(SimulatorError):
    """An unknown name or an option that does not fit; the message lists what is allowed."""


class OutputError(SimulatorError):
    """A result that cannot be written; nothing half-written stays behind."""


class KernelCacheWarning(UserWarning):
    """Compiled kernels cannot be kept, so that every process takes the time to compile them; results are the same."""


def one_line(error: BaseException) -> str:
    """An error of foreign code for a message."""
    try:
        words = str(error)
    except Exception:  # it may be of a class of its own, that fails at that as well
        words = "its message cannot be read"
    return " ".join(f"{type(error).__name__}: {words}".split())


def place_in(file: str, error: BaseException) -> str:
    """A file of foreign code and, if it is known, the line of it in which the error was raised."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{file}, line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}, line {lines[-1]}" if lines else file
