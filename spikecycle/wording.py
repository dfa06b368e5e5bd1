"""How names and numbers of things are written for readers: singular and plural, and names of keys as words."""

from __future__ import annotations

import json
from typing import Any

_WHOLE_BELOW = 1e15
"""Numbers that are whole, and whose digits all count."""


def numbered(number: int, noun: str) -> str:
    """A number of things: numbered(1, "sample") is "1 sample", numbered(2000, "sample") "2,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def numbered_are(number: int, noun: str, one: str = "is", several: str = "are") -> str:
    """The same with a verb that goes with the number: numbered_are(1, "point", "has", "have") is "1 point has"."""
    return f"{numbered(number, noun)} {one if number == 1 else several}"


def label(name: str) -> str:
    """The name of a category, component or kind, as readers see it: label("weight_fetch") is "weight fetch"."""
    return name.replace("_", " ").replace("dram", "DRAM")


def setting_text(value: Any) -> str:
    """A value of a machine file as people write it there: 48.0 is "48", 0.8 "0.8", True "true", a name itself."""
    if isinstance(value, float) and value == int(value) and abs(value) < _WHOLE_BELOW:
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value, default=str)
