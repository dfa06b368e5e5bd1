"""Conversions, exact where they give cycles or bits."""

from __future__ import annotations

from fractions import Fraction

import pytest

from spikecycle.simulator import units


@pytest.mark.parametrize(
    ("time_ns", "clock_mhz", "cycles"),
    [
        (0.0, 500, 0),
        (0.3, 10_000, 3),
        (50.0, 500, 25),
        (50.1, 500, 26),
        (1e-05, 1, 1),
        (2, 1000, 2),
        (3.2, 312.5, 1),
        (3.3, 312.5, 2),
    ],
)
def test_cycles_of_ns_rounds_up_and_is_exact(time_ns, clock_mhz, cycles):
    assert units.cycles_of_ns(time_ns, clock_mhz) == cycles


def test_channel_cycles_per_bit():
    assert units.channel_cycles_per_bit(26, 500) == Fraction(1, 52)
    # 0.1 is no binary fraction: a third of 100 MHz and 102.4 Gbit/s are exact all the same
    assert units.channel_cycles_per_bit(102.4, 33.3) == Fraction(333, 1_024_000)


def test_kib_to_bits():
    assert units.kib_to_bits(0.5) == 4096
    assert units.kib_to_bits(0.0001) == 0


def test_time_and_energy():
    assert units.seconds(500, 500) == 1e-6
    assert units.energy_pj(2.0, 500, 500) == 2000.0  # 2 mW for 1 us are 2 nJ
    assert units.pj_to_j(1e12) == 1.0


def test_lengths_and_areas():
    assert units.um_to_mm(1500) == 1.5
    assert units.um2_to_mm2(2e6) == 2.0
