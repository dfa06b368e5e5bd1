"""Bits of a byte array against strings of bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.formats.bits import bits_for, read_bits, read_numbers, read_signed, write_bits, write_numbers
from tests.reference.formats import ceil_log2, digits, number_of, signed_number_of

pytestmark = pytest.mark.kernel
many = settings(max_examples=200, deadline=None, derandomize=True)


def _string(stream: np.ndarray) -> str:
    return "".join(digits(int(byte), 8) for byte in stream)


@many
@given(st.integers(1, 5000))
def test_bits_for_is_the_logarithm_rounded_up(choices: int) -> None:
    assert bits_for(choices) == ceil_log2(choices)


@many
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-(2**40), 2**40)), max_size=12), st.integers(0, 20))
def test_numbers_are_written_one_behind_the_other(fields: list[tuple[int, int]], first_bit: int) -> None:
    expected = "0" * first_bit + "".join(digits(value % 2**width, width) for width, value in fields)
    stream = np.zeros(len(expected) // 8 + 1, dtype=np.uint8)
    bit = first_bit
    for width, value in fields:
        bit = write_bits(stream, bit, width, value)
    assert bit == len(expected)
    assert _string(stream)[:bit] == expected
    assert number_of(_string(stream)[bit:]) == 0


@many
@given(st.lists(st.integers(0, 255), min_size=8, max_size=12), st.integers(0, 32), st.integers(1, 32))
def test_numbers_are_read_from_any_bit(content: list[int], first_bit: int, width: int) -> None:
    stream = np.array(content, dtype=np.uint8)
    field = _string(stream)[first_bit : first_bit + width]
    assert read_bits(stream, first_bit, width) == number_of(field)
    assert read_signed(stream, first_bit, width) == signed_number_of(field)


@many
@given(st.integers(1, 20), st.data())
def test_packed_numbers_are_read_back(width: int, data: st.DataObject) -> None:
    numbers = np.array(data.draw(st.lists(st.integers(0, 2**width - 1), max_size=20)), dtype=np.int64)
    stream = np.zeros(len(numbers) * width // 8 + 1, dtype=np.uint8)
    write_numbers(stream, width, numbers)
    read = np.zeros_like(numbers)
    read_numbers(stream, width, read)
    assert _string(stream).startswith("".join(digits(int(number), width) for number in numbers))
    assert np.array_equal(read, numbers)


def test_a_field_of_no_bits_is_zero() -> None:
    stream = np.full(1, 255, dtype=np.uint8)
    assert write_bits(stream, 3, 0, 7) == 3
    assert read_bits(stream, 3, 0) == 0
    assert bits_for(1) == 0
