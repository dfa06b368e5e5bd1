"""Stacked bars of shares, one colour per part, or one character per part where there are no colours."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

COLOURS = (
    "green", "yellow", "red", "magenta", "cyan", "blue", "bright_yellow", "bright_red", "bright_magenta",
    "bright_cyan", "bright_blue", "bright_green", "white", "bright_black",
)  # fmt: skip
_EIGHTHS = " ▏▎▍▌▋▊▉█"


GLYPHS = "█░▓▒#=+*o%@x~-"
"""Characters of parts where there are no colours: neighbours differ in how dark they are."""


def colour(index: int) -> str:
    """Colour of part number `index`."""
    return COLOURS[index % len(COLOURS)]


def glyph(index: int) -> str:
    """Character of part number `index`."""
    return GLYPHS[index % len(GLYPHS)]


def glyph_bar(shares: Sequence[float], width: int) -> Text:
    """A bar `width` characters wide of parts that sum to at most 1, each of its character; the largest part of a
    character's place is shown."""
    edges = [0.0]
    for share in shares:
        edges.append(edges[-1] + share * width)
    bar = ""
    for position in range(width):
        inside = [min(edges[i + 1], position + 1) - max(edges[i], position) for i in range(len(shares))]
        largest = max(range(len(shares)), key=lambda i: inside[i], default=-1)
        bar += glyph(largest) if largest >= 0 and inside[largest] > 0 else " "
    return Text(bar)


def stacked_bar(shares: Sequence[float], width: int) -> Text:
    """A bar `width` characters wide of parts that sum to at most 1, each in its colour; boundaries to 1/8 character."""
    edges = [0.0]
    for share in shares:
        edges.append(edges[-1] + share)
    eighths = [round(edge * width * len(_EIGHTHS[1:])) for edge in edges]
    bar = Text()
    for position in range(width):
        bar.append_text(_character(eighths, position * 8))
    return bar


def _character(eighths: Sequence[int], start: int) -> Text:
    """One character: the two parts that fill most of it, the left one as the block, the right one as background."""
    parts = [
        (min(eighths[i + 1], start + 8) - max(eighths[i], start), i)
        for i in range(len(eighths) - 1)
        if min(eighths[i + 1], start + 8) > max(eighths[i], start)
    ]
    if not parts:
        return Text(" ")
    largest = sorted(sorted(parts, reverse=True)[:2], key=lambda part: part[1])
    filled = sum(part[0] for part in parts)
    if len(largest) == 1:
        return Text(_EIGHTHS[filled], style=colour(largest[0][1]))
    (left, first), (_, second) = largest
    return Text(_EIGHTHS[left], style=f"{colour(first)} on {colour(second)}")
