"""What messages about an unknown name say of those that are known: the nearest one, all of them, or who lists them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_LISTED = 12
"""Names that a message lists besides the nearest one: as many as there are weight formats."""
LIST = "`spikecycle list`"
"""The command that lists machines, samples, dataflows, formats and policies."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None if none looks like it."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: "; did you mean 'x'?", or nothing."""
    found = nearest(name, known)
    return "" if found is None else f"; did you mean {found!r}?"


def known_names(name: str, known: Iterable[str], said: str = "allowed:", listed_by: str = "") -> str:
    """The end of a message about an unknown name: ", allowed: x, y; did you mean 'x'?".

    Of more than MOST_LISTED names, the nearest one only; where none looks like it, the command that lists them, or all
    of them if none does. said: what stands before names that are listed.
    """
    names = list(known)
    meant = did_you_mean(name, names)
    if len(names) > MOST_LISTED and meant:
        return meant
    if len(names) > MOST_LISTED and listed_by:
        return f"; {listed_by} shows the {len(names):,} names"
    return f", {said} {', '.join(names) or 'none'}{meant}"
