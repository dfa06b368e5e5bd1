"""A report as a picture: the tables and bars of a colour terminal, as SVG (exported by rich)."""

from __future__ import annotations

import io
import re

from rich.console import Console, RenderableType

WIDTH = 118
"""Columns of the terminal that is pictured."""
# The picture shall not load fonts from the network: any monospaced font will do.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT = "Fira Code"


def to_svg(title: str, *renderables: RenderableType) -> str:
    """The renderables as an SVG document; the same renderables give the same text."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=WIDTH,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.print(*renderables, sep="\n")
    svg = console.export_svg(title=title, unique_id="spikecycle")
    return _FONT_FACE.sub("", svg).replace(_FONT, "monospace")
