"""Numbers as people read them."""

import math

import pytest

from spikecycle.simulator.report import human


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1, "1.00"), (1.234, "1.23"), (9.996, "10.0"), (99.96, "100"), (123.4, "123"),
        (1234.4, "1,234"), (999.6, "1,000"),
        (0.01234, "0.0123"), (-1.234, "-1.23"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_digits(value: float, text: str) -> None:
    assert human.digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.234e-6, "1.23 µJ"), (999.4e-9, "999 nJ"), (999.6e-9, "1.00 µJ"), (1e-3, "1.00 mJ"), (0, "0 J"),
        (5, "5.00 J"),
        (12_345, "12.3 kJ"), (1e-20, "0.0100 aJ"), (1e19, "10,000 PJ"),
    ],
)  # fmt: skip
def test_si(value: float, text: str) -> None:
    assert human.si(value, "J") == text


def test_halves_go_up_wherever_they_are_shown() -> None:
    assert human.count(8176.5) == human.digits(8176.5) == human.digits(8176.5, 4) == "8,177"
    assert human.count(0.5) == "0.50"
    assert human.percent(0.0625) == "6.3"
    assert human.digits(2.675) == "2.68"  # as its digits say, though the binary number is a little less


def test_a_column_has_the_unit_of_its_largest_value() -> None:
    factor, unit = human.common_si([2e-9, 3.5e-6], "J")
    assert unit == "µJ"
    assert human.digits(3.5e-6 * factor) == "3.50"
    assert human.common_si([], "J") == (1.0, "J")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (7, "7"), (12_345.4, "12,345"), (99_999, "99,999"), (99_999.6, "100.0 k"),
     (100_000, "100.0 k"), (1_234_567, "1.235 M"), (999_999, "1.000 M"), (5e9, "5.000 G")],
)  # fmt: skip
def test_count(value: float, text: str) -> None:
    assert human.count(value) == text


@pytest.mark.parametrize(("share", "text"), [(0, "·"), (1e-9, "<0.1"), (0.0005, "0.1"), (0.123, "12.3"), (1, "100.0")])
def test_percent(share: float, text: str) -> None:
    assert human.percent(share) == text


@pytest.mark.parametrize(("bits", "text"), [(0, "0 KiB"), (8192, "1.00 KiB"), (8192 * 1024 * 3, "3.00 MiB")])
def test_kib(bits: float, text: str) -> None:
    assert human.bits_in_kib(bits) == text


def test_shares_and_numbers_that_no_decimal_number_can_hold() -> None:
    assert human.percent(1e300) == f"{1e302:.1f}"
    assert human.percent(2.0**53 / 100 + 1) == f"{2.0**53 + 100:.1f}"
    assert human.digits(1e300) == f"{1e300:,.0f}"


def test_one_of_a_thing_is_not_several() -> None:
    assert [human.numbered(number, "key") for number in (0, 1, 2, 1000)] == ["0 keys", "1 key", "2 keys", "1,000 keys"]
