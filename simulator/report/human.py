"""Numbers as people read them: three or four digits, SI prefixes, KiB."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from spikecycle.simulator.units import BITS_PER_KIB
from spikecycle.wording import label as label
from spikecycle.wording import numbered as numbered
from spikecycle.wording import numbered_are as numbered_are

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
NOTHING = "·"
"""A cell with nothing to tell."""
_SMALLEST, _LARGEST = min(_PREFIXES), max(_PREFIXES)
_EXACT_BELOW = 100_000
"""Counts below this are written out; the digits that a person compares are all there."""
_WITHOUT_FRACTION = 2.0**53
"""From here on all numbers of 64 bits are whole."""


def digits(value: float, significant: int = 3) -> str:
    """A number to so many significant digits at least, never in exponent form: 0.0123, 1.23, 123, 1,234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    decimals = max(significant - 1 - math.floor(math.log10(abs(value))), 0)
    rounded = _half_up(value, decimals)
    decimals = max(significant - 1 - math.floor(math.log10(abs(rounded))), 0) if rounded else 0  # 9.996 became 10.0
    return f"{rounded:,.{decimals}f}"


def si(value: float, unit: str, significant: int = 3) -> str:
    """A quantity with an SI prefix: si(1.234e-6, "J") is "1.23 µJ"."""
    if value == 0 or not math.isfinite(value):
        return f"{digits(value)} {unit}".rstrip()
    exponent = _prefix(value, significant)
    return f"{digits(value / 10.0**exponent, significant)} {_PREFIXES[exponent]}{unit}".rstrip()


def common_si(values: list[float], unit: str) -> tuple[float, str]:
    """One scale for a whole column: (factor to multiply with, prefixed unit), fit for the largest value."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    exponent = _prefix(largest, 3) if largest else 0
    return 10.0**-exponent, f"{_PREFIXES[exponent]}{unit}"


def count(value: float) -> str:
    """A count, or the mean of counts: 12,345 in full, 1.234 M beyond; 0.25 where it is below one."""
    if 0 < value < 1:
        return digits(value, 2)
    if value < _EXACT_BELOW - 0.5:
        return f"{_half_up(value, 0):,.0f}"
    return si(value, "", 4)


def signed(value: float, decimals: int) -> str:
    """A change with its sign: "+1.2", "-0.3"; what rounds to nothing has none."""
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def percent(share: float) -> str:
    """A share of one in percent, without the sign: "12.3"; a dot for nothing at all."""
    if share == 0:
        return NOTHING
    return "<0.1" if share < 0.0005 else f"{_half_up(100 * share, 1):.1f}"


def bits_in_kib(bits: float) -> str:
    """Bits in KiB or MiB: "1.50 KiB"."""
    kib = bits / BITS_PER_KIB
    return f"{digits(kib)} KiB" if kib < 1000 else f"{digits(kib / 1024)} MiB"


def _half_up(value: float, decimals: int) -> float:
    """Rounded as people round, halves away from zero; what is half is decided on the digits that a person would see."""
    if abs(value) >= _WITHOUT_FRACTION:
        return float(value)  # nothing to round, and more digits than a decimal number keeps
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def _prefix(value: float, significant: int) -> int:
    exponent = math.floor(math.log10(abs(value)) / 3) * 3
    if (
        abs(round(value / 10.0**exponent, significant)) >= 1000
        or digits(value / 10.0**exponent, significant) == "1,000"
    ):
        exponent += 3
    return min(max(exponent, _SMALLEST), _LARGEST)
