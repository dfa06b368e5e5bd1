"""How wide what a person reads may be."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

WITHOUT_TERMINAL = 80
"""Columns where nothing says how many there are, as of most programs that print tables."""
FEWEST, MOST = 20, 1000
"""Columns with which tables can be laid out at all, and beyond which nobody looks."""


def columns(stream: IO[Any] | None) -> int:
    """Columns for what is written to `stream`: those that the environment variable COLUMNS says, else those of its
    terminal, else of the terminal from which the program was started (`spikecycle list | less`), else
    WITHOUT_TERMINAL."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and said.strip("0"):
        return FEWEST if len(said) == 1 else min(max(int(said[:6]), FEWEST), MOST)
    for each in (stream, sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            found = os.get_terminal_size(each.fileno()).columns if each is not None else 0
        except (OSError, ValueError, AttributeError):  # no terminal, closed, or no file at all
            continue
        if found:
            return max(found, FEWEST)
    return WITHOUT_TERMINAL
