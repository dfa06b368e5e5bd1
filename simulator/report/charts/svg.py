"""SVG, element by element; all text is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape

from spikecycle.simulator.report.charts.palette import colour, is_hatched, resolved

FONT_PX = 12
_CHARACTER = 0.6  # width of a character over the size of its font: on the wide side of sans-serif fonts
_MARGIN = 12
_SIZE = re.compile(r' (?:width|height)="([0-9.]+)"')
_VIEW_BOX = re.compile(r'viewBox="[^"]*"')
_PIECES = re.compile(r"[^\s._/-]*[._/-]+\s*|[^\s._/-]+\s*|\s+")
_XML_ALLOWS = "\t\n"
_FAMILY = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"


def element(name: str, content: str = "", **attributes: object) -> str:
    """One element; `content` is SVG already. Attributes: stroke_width becomes stroke-width, class_ class."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{plain(_number(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def plain(text: str) -> str:
    """Foreign text, escaped, and without the control characters that no XML may hold."""
    kept = "".join(c if c in _XML_ALLOWS or unicodedata.category(c) not in ("Cc", "Cs") else "?" for c in text)
    return escape(kept)


def label(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    px: int = FONT_PX,
    fill: str = "var(--ink)",
    bold: bool = False,
    seam: bool = False,
) -> str:
    """Text whose baseline is at y; with a seam of the ground's colour where it may lie over lines."""
    more: dict[str, object] = {"font_weight": 600} if bold else {}
    if seam:
        more |= {"stroke": "var(--surface)", "stroke_width": 3, "paint_order": "stroke"}
    return element("text", plain(words), x=x, y=y, text_anchor=anchor, font_size=px, fill=fill, **more)


def mark(name: str, tip: str, **attributes: object) -> str:
    """An element that can be pointed at, and what is said of it then."""
    return element(name, element("title", plain(tip)), class_="mark", **attributes)


def rectangle(x: float, y: float, width: float, height: float, tip: str, fill: str, **attributes: object) -> str:
    """A rectangle that can be pointed at."""
    return mark("rect", tip, x=x, y=y, width=max(width, 0), height=height, fill=fill, **attributes)


def category(x: float, y: float, width: float, height: float, tip: str, index: int, key: str) -> str:
    """A rectangle in the colour of category `index`, hatched where its hue has been given out before."""
    drawn = rectangle(x, y, width, height, tip, colour(index), stroke="var(--surface)", stroke_width=1)
    if is_hatched(index):
        drawn += element(
            "rect", x=x, y=y, width=max(width, 0), height=height, fill=f"url(#{key}-hatch)", pointer_events="none"
        )
    return drawn


def marker(x: float, y: float, size: float, tip: str, index: int, **attributes: object) -> str:
    """A point of category `index`, which tells them apart by shape too: circle, square, triangle, diamond."""
    match index % 4:
        case 0:
            return mark("circle", tip, cx=x, cy=y, r=size, **attributes)
        case 1:
            return mark("rect", tip, x=x - size, y=y - size, width=2 * size, height=2 * size, **attributes)
        case 2:
            path = f"M{x:.1f} {y - size - 1:.1f}l{size + 1} {2 * size + 1}h{-2 * size - 2}z"
        case _:
            path = f"M{x:.1f} {y - size - 1:.1f}l{size + 1} {size + 1}l{-size - 1} {size + 1}l{-size - 1} {-size - 1}z"
    return mark("path", tip, d=path, **attributes)


def drawing(width: float, height: float, key: str, title: str, *content: str) -> str:
    """The whole SVG element. key: its own among all drawings of a page; title: what it shows, for screen readers."""
    hatch = element(
        "pattern",
        element("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", stroke="var(--surface)", stroke_width=2),
        id=f"{key}-hatch",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return element(
        "svg",
        f"{element('defs', hatch)}{''.join(content)}",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
        font_family=_FAMILY,
    )


def as_file(drawn: str) -> str:
    """A drawing as a file of its own: light colours on a ground of their own."""
    head, _, rest = drawn.partition(">")
    width, height = (float(size) + 2 * _MARGIN for size in _SIZE.findall(head)[:2])
    place = f'viewBox="{-_MARGIN} {-_MARGIN} {_number(width)} {_number(height)}"'
    head = _SIZE.sub("", _VIEW_BOX.sub(place, head))
    ground = element("rect", x=-_MARGIN, y=-_MARGIN, width="100%", height="100%", fill="var(--surface)")
    size = f'width="{_number(width)}" height="{_number(height)}"'
    return resolved(f'<?xml version="1.0" encoding="UTF-8"?>\n{head} {size}>{ground}{rest}\n')


def width_px(words: str, px: int = FONT_PX) -> float:
    """About how wide a text is."""
    return len(words) * px * _CHARACTER


def shortened(words: str, room_px: float, px: int = FONT_PX) -> str:
    """A text cut to the room that there is, with a mark where it was."""
    most = max(int(room_px / (px * _CHARACTER)), 2)
    return words if len(words) <= most else f"{words[: most - 1]}…"


def wrapped(words: str, room_px: float, px: int = FONT_PX) -> list[str]:
    """A text in lines that fit the room that there is: it goes on between words, or within one after its points and
    strokes ("dataflow.", "fifo_", "depth"), or where it must."""
    most = max(int(room_px / (px * _CHARACTER)), 2)
    lines = [""]
    for piece in _PIECES.findall(words):
        if len(lines[-1]) + len(piece.rstrip()) > most and lines[-1]:
            lines.append("")
        while len(piece.rstrip()) > most:
            lines[-1], piece = piece[:most], piece[most:]
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def lines_of(words: str, room_px: float, most: int, px: int = FONT_PX) -> list[str]:
    """A text in at most so many lines; what finds no room in them is cut, with a mark where it was."""
    lines = wrapped(words, room_px, px)
    return lines if len(lines) <= most else [*lines[: most - 1], shortened("".join(lines[most - 1 :]), room_px, px)]


def legend(
    names: list[str], left: float, top: float, width: float, key: str, hues: Sequence[int] | None = None
) -> tuple[str, float]:
    """Boxes and names of categories in as many lines as it takes; the drawing and its height.

    hues: the number of each one's colour, by default its place.
    """
    drawn, x, y = "", left, top
    for index, name in enumerate(names):
        needs = 18 + width_px(name) + 12
        if x > left and x + needs > left + width:
            x, y = left, y + 18
        drawn += category(x, y, 12, 12, name, hues[index] if hues else index, key) + label(
            x + 17, y + 10.5, shortened(name, width - 20)
        )
        x += needs
    return drawn, (y - top + 22 if names else 0)


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value == value else "0"
    return str(value)
