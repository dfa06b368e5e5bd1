"""The section of a machine file that describes crossbars of memory cells that compute in place."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikecycle.simulator.machine.schema import PositiveInt, Section


class Crossbar(Section):
    """Tiles of PEs; a PE holds a square crossbar for each position of a kernel, with shared converters."""

    size: Annotated[int, Field(ge=8, le=4096)]
    """Rows and columns of a crossbar."""
    device: Literal["rram", "sram"]
    """What a cell is."""
    pes_per_tile: PositiveInt = 8
    """PEs that share a buffer and an H-tree."""
