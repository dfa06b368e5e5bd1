"""A machine as blocks: DRAM, the memories that all share, and the array with the memories of each element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.palette import colour
from spikecycle.simulator.report.charts.svg import drawing, element, label, mark, shortened, width_px

_ROW, _PAD = 40.0, 10.0
_MOST_CELLS = 144


@dataclass(frozen=True)
class Block:
    """A box: its name, a line with its size, and what is said of it."""

    name: str
    size: str
    tip: str


def machine_blocks(
    width: float,
    key: str,
    title: str,
    dram: Block | None,
    channel: str,
    shared: Sequence[Block],
    elements: int,
    in_element: Sequence[Block],
    logic: Sequence[Block],
) -> str:
    """From the top: DRAM and its channel, shared memories, the array, and one of its elements, drawn large."""
    drawn, y = "", 0.0
    if dram is not None:
        drawn += _box(0, y, width, 44, dram, 7)
        y += 44
        drawn += _arrow(width / 2, y, channel, width)
        y += 34
    chip_top = y
    inside, left = "", _PAD
    y += 26
    room = width - 2 * _PAD
    drawn_shared, height = _boxes(left, y, room, shared, 0)
    inside += drawn_shared
    y += height
    narrow = width < 520
    grid_width = room if narrow else room * 0.36
    grid, grid_height = _grid(left, y + 20, grid_width, elements)
    inside += label(left, y + 13, f"{elements:,} processing element{'s' if elements != 1 else ''}", bold=True) + grid
    if narrow:
        y += 20 + grid_height + 10
        x, box_width = left, room
    else:
        x, box_width = left + grid_width + 18, room - grid_width - 18
    if in_element:
        inside += label(x, y + 13, "in each of them" if elements > 1 else "in it", bold=True)
    detail_y = y + 20
    for block in in_element:
        inside += _box(x, detail_y, box_width, _ROW, block, 0)
        detail_y += _ROW + 6
    y = max(detail_y, y + 20 + (0 if narrow else grid_height)) + _PAD
    if logic:
        inside += label(left, y + 13, "logic, all elements together", bold=True)
        drawn_logic, height = _boxes(left, y + 20, room, logic, 2)
        inside += drawn_logic
        y += 20 + height
    drawn += element(
        "rect", x=0.5, y=chip_top + 0.5, width=width - 1, height=y - chip_top, rx=6, fill="none", stroke="var(--ink)"
    )
    drawn += label(_PAD, chip_top + 17, "on chip", px=11, fill="var(--faint)") + inside
    return drawing(width, y + 4, key, title, drawn)


def _boxes(x: float, y: float, width: float, blocks: Sequence[Block], hue: int) -> tuple[str, float]:
    """Boxes side by side, in as many rows as it takes; the drawing and its height."""
    needed = max((max(width_px(b.name), width_px(b.size, 11)) + 16 for b in blocks), default=0.0)
    per_row = max(1, min(len(blocks), int((width + 8) // (max(147.0, needed) + 8))))
    box_width = (width - (per_row - 1) * 8) / per_row
    drawn = "".join(
        _box(x + index % per_row * (box_width + 8), y + index // per_row * (_ROW + 8), box_width, _ROW, block, hue)
        for index, block in enumerate(blocks)
    )
    return drawn, -(-len(blocks) // per_row) * (_ROW + 8)


def _box(x: float, y: float, width: float, height: float, block: Block, hue: int) -> str:
    return (
        mark("rect", block.tip, x=x, y=y, width=width, height=height, rx=4, fill=colour(hue), fill_opacity=0.18,
             stroke=colour(hue))
        + element(
            "g",
            label(x + 8, y + 16, shortened(block.name, width - 14), bold=True)
            + label(x + 8, y + 32, shortened(block.size, width - 14, 11), px=11, fill="var(--faint)"),
            pointer_events="none",
        )
    )  # fmt: skip


def _arrow(x: float, y: float, words: str, width: float) -> str:
    return (
        element("path", d=f"M{x:.0f} {y + 4:.0f}v26m-5 -6l5 6l5 -6m-10 -14l5 -6l5 6", fill="none", stroke="var(--ink)",
                stroke_width=1.5)
        + label(x + 12, y + 22, shortened(words, width / 2 - 16, 11), px=11, fill="var(--faint)")
    )  # fmt: skip


def _grid(x: float, y: float, width: float, elements: int) -> tuple[str, float]:
    """Squares, one for each element (or fewer, with a word about it); the drawing and its height."""
    shown = min(elements, _MOST_CELLS)
    across = max(1, math.ceil(math.sqrt(shown * 1.6)))
    pitch = min(width / across, 34.0)
    cells = "".join(
        element("rect", x=x + index % across * pitch, y=y + index // across * pitch, width=pitch - 3, height=pitch - 3,
                rx=2, fill=colour(0), fill_opacity=0.35)
        for index in range(shown)
    )  # fmt: skip
    height = -(-shown // across) * pitch
    if elements > shown:
        cells += label(x, y + height + 12, f"and {elements - shown:,} more", px=11, fill="var(--faint)")
        height += 18
    return cells, height
