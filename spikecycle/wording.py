"""How names and numbers of things are written for readers: singular and plural, and names of keys as words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_WHOLE_BELOW = 1e15
"""Numbers that are whole, and whose digits all count."""
_CONTROLS = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories that terminals act on, or that hide what a text says."""
_ABBREVIATIONS = frozenset({"al", "e.g", "i.e", "cf", "vs", "fig", "figs", "sec", "eq", "no", "vol", "approx", "ca"})
"""Words, without their last full stop, that go on in the same sentence."""


def printable(text: str) -> str:
    """A text without what a terminal takes for a command: control characters are written out, line feeds stay."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in _CONTROLS else ascii(c)[1:-1] for c in text)


def numbered(number: int, noun: str) -> str:
    """A number of things: numbered(1, "sample") is "1 sample", numbered(2000, "sample") "2,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def numbered_are(number: int, noun: str, one: str = "is", several: str = "are") -> str:
    """The same with a verb that goes with the number: numbered_are(1, "point", "has", "have") is "1 point has"."""
    return f"{numbered(number, noun)} {one if number == 1 else several}"


def some_of(names: Sequence[str], most: int = 8) -> str:
    """The first of many names, and how many more there are: "a, b and 12 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def label(name: str) -> str:
    """The name of a category, component or kind, as readers see it: label("weight_fetch") is "weight fetch"."""
    return name.replace("_", " ").replace("dram", "DRAM")


def first_sentence(text: str) -> str:
    """The text up to the full stop that ends its first sentence, without it and on one line.

    A full stop ends none after an abbreviation ("Frenkel et al. derived it") or an initial ("J. Smith"), or where what
    follows begins with a small letter.
    """
    words = text.split()
    for index, (word, following) in enumerate(pairwise(words)):
        stem = word.removesuffix(".").lstrip("(").lower()
        short = stem in _ABBREVIATIONS or (len(stem) == 1 and stem.isalpha())
        if word.endswith(".") and not short and not following[0].islower():
            return " ".join(words[: index + 1]).removesuffix(".")
    return " ".join(words).removesuffix(".")


def setting_text(value: Any) -> str:
    """A value of a machine file as people write it there: 48.0 is "48", 0.8 "0.8", True "true", a name itself."""
    if isinstance(value, float) and value == int(value) and abs(value) < _WHOLE_BELOW:
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value, default=str)
