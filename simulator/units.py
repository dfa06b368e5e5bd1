"""The only unit conversions. Everywhere else a quantity keeps the unit that its name ends in.

A cycle count is exact: conversions to cycles work on the decimal number that the machine file holds, not on its nearest
binary fraction, and round up.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

BITS_PER_BYTE = 8
BITS_PER_KIB = 1024 * BITS_PER_BYTE
MBIT_PER_GBIT = 1000
NS_PER_US = 1000
PJ_PER_UJ = 10**6
PJ_PER_J = 10**12
UM_PER_MM = 1000
UW_PER_MW = 1000
US_PER_S = 10**6


def seconds(cycles: int, clock_mhz: float) -> float:
    """Time of `cycles`, s."""
    return cycles / (clock_mhz * 1e6)


def cycles_of_ns(time_ns: float, clock_mhz: float) -> int:
    """Cycles that cover `time_ns`, rounded up; exact, e.g. 0.3 ns at 10,000 MHz are 3 cycles."""
    return math.ceil(Fraction(repr(time_ns)) * Fraction(repr(clock_mhz)) / NS_PER_US)


@lru_cache(maxsize=1024)
def channel_cycles_per_bit(bandwidth_gbit_per_s: float, clock_mhz: float) -> Fraction:
    """Cycles that a channel needs for one bit, as a reduced fraction; 0 for an infinite bandwidth.

    Every stage of every sample asks for it.
    """
    if math.isinf(bandwidth_gbit_per_s):
        return Fraction(0)
    return Fraction(repr(clock_mhz)) / (Fraction(repr(bandwidth_gbit_per_s)) * MBIT_PER_GBIT)


@lru_cache(maxsize=1024)
def kib_to_bits(size_kib: float) -> int:
    """Whole bits of `size_kib`, KiB of 1024 bytes; a run asks for the same few sizes again and again."""
    return math.floor(Fraction(repr(size_kib)) * BITS_PER_KIB)


def energy_pj(power_mw: float, cycles: int, clock_mhz: float) -> float:
    """Energy of a constant power over `cycles`, pJ (1 mW for 1 ns is 1 pJ)."""
    return power_mw * cycles * NS_PER_US / clock_mhz


def pj_to_j(energy_pj: float) -> float:
    """pJ in J."""
    return energy_pj / PJ_PER_J


def um_to_mm(length_um: float) -> float:
    """um in mm."""
    return length_um / UM_PER_MM


def um2_to_mm2(area_um2: float) -> float:
    """um2 in mm2."""
    return area_um2 / UM_PER_MM**2


def uw_to_mw(power_uw: float) -> float:
    """uW in mW."""
    return power_uw / UW_PER_MW
