"""The levels a weight format is made of, as the integers that kernels branch on."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Located(IntEnum):
    """How a fiber is found in memory."""

    FIXED = 0
    """Its size depends on its length alone: the address is computed, and an empty fiber is stored in full."""
    OFFSETS = 1
    """Its size depends on its values: the address is looked up, and an empty fiber stores nothing."""


class Positions(IntEnum):
    """How a stored value's position in its fiber is known."""

    IMPLICIT = 0
    """By the order of the values."""
    MASK = 1
    """By one bit a position, all of them ahead of the values: 1 = non-zero."""
    COORDINATE = 2
    """By its position, ahead of each value, in the fewest bits that can name every position of the fiber."""
    RUN = 3
    """By the number of zeros since the entry before, ahead of each value, in `run_bits` bits."""


class Values(IntEnum):
    """Which values are stored."""

    IN_PLACE = 0
    """Those of all positions."""
    PACKED = 1
    """Those that are not zero (and the zeros that pad a run which is too long for its counter)."""


class FormatSpec(NamedTuple):
    """A weight format at a given width, as kernels take it: integers only."""

    located: int
    """A `Located` code."""
    positions: int
    """A `Positions` code."""
    values: int
    """A `Values` code."""
    value_bits: int
    """Bits of one value, signed two's complement."""
    run_bits: int
    """Bits of a run of zeros (`Positions.RUN` only, else 0)."""
