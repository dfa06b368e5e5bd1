"""The levels a weight format is made of, as the integers that kernels branch on."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

TRITS_PER_BYTE = 5
"""3^5 = 243 combinations of five trits fit in the 256 of a byte: 1.6 bits a trit."""
BYTE_BITS = 8
"""Bits of a byte of trits."""


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
    """By one bit per position, all of them ahead of the values: 1 = non-zero."""
    COORDINATE = 2
    """By its position, ahead of each value, in the fewest bits that can name every position of the fiber."""
    RUN = 3
    """By the number of zeros since the entry before, ahead of each value, in `run_bits` bits."""
    GROUP_INDEX = 4
    """By its position in its group of `group` neighbours, ahead of each value, in the fewest bits that can name every
    position of a group; every group stores `kept` values, so the order of the values tells the group."""


class Values(IntEnum):
    """Which values are stored."""

    IN_PLACE = 0
    """Those of all positions."""
    PACKED = 1
    """Those that are not zero (and zeros that pad: a run too long for its counter, a group with too few non-zeros)."""


class Codes(IntEnum):
    """How a stored value is written."""

    PLAIN = 0
    """In two's complement."""
    CODEBOOK = 1
    """As an index into a table of the layer's different values, entry 0 of which is zero."""
    TRITS = 2
    """-1, 0 or 1, five to a byte: the byte is the sum of (trit + 1) * 3^i over the trits i = 0, 1, ... it holds."""


class FormatSpec(NamedTuple):
    """A weight format at a given width, as kernels take it: integers only."""

    located: int
    """A `Located` code."""
    positions: int
    """A `Positions` code."""
    values: int
    """A `Values` code."""
    value_bits: int
    """Bits that a stored value takes: those of a signed two's complement value, or of an index into the codebook.
    Trits take no whole number of bits each; for them it is the width of the weights that they stand for."""
    run_bits: int
    """Bits of a run of zeros (`Positions.RUN` only, else 0)."""
    codes: int = 0
    """A `Codes` code."""
    code_word_bits: int = 0
    """Bits of the words that entries with runs are packed in, the last bit telling the fiber's last word; 0 = entries
    follow each other bit by bit."""
    kept: int = 0
    """Values that a group stores (`Positions.GROUP_INDEX` only, else 0)."""
    group: int = 0
    """Positions of a group (`Positions.GROUP_INDEX` only, else 0)."""
