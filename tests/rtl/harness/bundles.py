"""The RTL's register bundles: their fields and constants are read from its own source."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "array_types.sv"
CHUNK_BITS = 32


class NotCoveredError(Exception):
    """The RTL is narrower than the machine or the layer; one line that names what is too large."""


@cache
def constants() -> dict[str, int]:
    """The package's constants by name."""
    return {name: int(value) for name, value in re.findall(r"localparam int (\w+) = (\d+);", SOURCE.read_text())}


@cache
def fields(bundle: str) -> tuple[tuple[str, int], ...]:
    """Names and bits of a bundle's fields, the most significant first."""
    body = re.search(rf"typedef struct packed {{([^}}]*)}} {bundle};", SOURCE.read_text())
    assert body, bundle
    found = re.findall(r"logic (?:signed )?(?:\[([^\]]*):0\] )?(\w+);", body.group(1))
    return tuple((name, _bits(high)) for high, name in found)


def _bits(high: str) -> int:
    """From the expression of a field's highest bit, a number or a constant less one, to its bits."""
    if not high:
        return 1
    name, minus, _ = high.partition("-")
    return constants()[name] if minus else int(name) + 1


def pack(bundle: str, **values: int) -> tuple[int, int]:
    """A bundle's bits and how many there are; NotCoveredError for a value that its field does not hold."""
    packed = total = 0
    assert {name for name, _ in fields(bundle)} == set(values), bundle
    for name, bits in fields(bundle):
        if not -(1 << bits - 1) <= values[name] < 1 << bits:
            raise NotCoveredError(f"the RTL's register {bundle}.{name} has {bits} bits, found {values[name]}")
        packed = packed << bits | values[name] & (1 << bits) - 1
        total += bits
    return packed, total


def chunks(value: int, count: int) -> list[int]:
    """A number in chunks of 32 bits, the lowest first."""
    return [value >> CHUNK_BITS * i & 0xFFFFFFFF for i in range(count)]
