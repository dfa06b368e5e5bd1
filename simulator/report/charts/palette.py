"""Colours of charts: names of CSS variables, and their values on light and dark pages.

The categories are those of Okabe and Ito (Color Universal Design, 2008), which people with the common kinds of colour
blindness tell apart; in the dark the same hues, lighter. Beyond their number the hues come again, hatched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HUES = 8
"""Categories before hatching begins."""

LIGHT: Mapping[str, str] = {
    "page": "#f6f7f9",
    "surface": "#ffffff",
    "ink": "#1d2430",
    "faint": "#5a6472",
    "line": "#c9d0d9",
    "grid": "#e6e9ee",
    "accent": "#005ea8",
    "warn": "#8a4b00",
    "heat-low": "#eef3f9",
    "heat-high": "#08407e",
    "heat-ink": "#ffffff",
    "c0": "#0072b2",
    "c1": "#e69f00",
    "c2": "#009e73",
    "c3": "#d55e00",
    "c4": "#56b4e9",
    "c5": "#cc79a7",
    "c6": "#d9c81f",
    "c7": "#7a828e",
}
DARK: Mapping[str, str] = {
    "page": "#12161c",
    "surface": "#1a2029",
    "ink": "#e8ecf2",
    "faint": "#a3adba",
    "line": "#46505e",
    "grid": "#2a323d",
    "accent": "#6fb7f2",
    "warn": "#f0b060",
    "heat-low": "#222b37",
    "heat-high": "#9fd0ff",
    "heat-ink": "#0b1118",
    "c0": "#3a9bdc",
    "c1": "#f0b030",
    "c2": "#2fc398",
    "c3": "#ee7a2b",
    "c4": "#9bd5f7",
    "c5": "#dd95bd",
    "c6": "#f2e65c",
    "c7": "#9aa3af",
}
_VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")


def colour(index: int) -> str:
    """Fill of category number `index`."""
    return f"var(--c{index % HUES})"


def is_hatched(index: int) -> bool:
    """Whether the hue of this category was given out before."""
    return index >= HUES


def css_variables(values: Mapping[str, str]) -> str:
    """The declarations of all colours."""
    return "".join(f"--{name}:{value};" for name, value in values.items())


def resolved(drawing: str) -> str:
    """A drawing with the colours of a light page in place of their names, for files of their own."""
    return _VARIABLE.sub(lambda found: LIGHT[found[1]], drawing)
