"""Suggestions for names that are unknown: the nearest of those that are known ("did you mean ...?")."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None if none looks like it."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: "; did you mean 'x'?", or nothing."""
    found = nearest(name, known)
    return "" if found is None else f"; did you mean {found!r}?"
