"""Encoding: the very bits of the twin, and its inverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.formats import WEIGHT_FORMATS, EncodedFibers, WeightFormat, decode, encode
from tests.reference import formats as reference
from tests.unit.formats.cases import Fibers, fibers, weight_formats


def string_of(stream: np.ndarray) -> str:
    """The bits of a byte array in order."""
    return "".join(reference.digits(int(byte), 8) for byte in stream)


def string_of_fiber(encoded: EncodedFibers, fiber: int) -> str:
    """The bits of the words of one fiber."""
    first, behind = (int(word) * encoded.word_bits for word in encoded.word_starts[fiber : fiber + 2])
    return string_of(encoded.words)[first:behind]


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(fibers(), weight_formats(), st.integers(1, 70))
def test_memory_is_that_of_the_twin(case: Fibers, weight_format: WeightFormat, word_bits: int) -> None:
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, word_bits)
    memory = reference.memory(case.lists, weight_format, case.value_bits, word_bits)
    assert [string_of_fiber(encoded, fiber) for fiber in range(len(case.lists))] == memory
    assert len(encoded.words) == -(-len("".join(memory)) // 8)
    offsets = reference.offsets_of_set(case.lists, weight_format, case.value_bits)
    assert string_of(encoded.offsets)[: len(offsets)] == offsets
    assert len(encoded.offsets) == -(-len(offsets) // 8)


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(fibers(), weight_formats(), st.integers(1, 70))
def test_decoding_is_that_of_the_twin_and_exact(case: Fibers, weight_format: WeightFormat, word_bits: int) -> None:
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, word_bits)
    decoded = decode(encoded)
    assert decoded.dtype == np.int32
    assert np.array_equal(decoded, case.values)
    for fiber, values in enumerate(case.lists):
        bits, entries = string_of_fiber(encoded, fiber), int(encoded.entries[fiber])
        assert reference.decode(bits, len(values), entries, weight_format, case.value_bits) == values


# [0, 5, 0, -1] in 4 bits: mask 0101, value 5 = 1010, value -1 = 1111 (all least significant bit first).
BY_HAND = [
    ("uncompressed", "0000 1010 0000 1111"),
    ("ubm", "0101 0000 1010 0000 1111"),
    ("bitmask", "0101 1010 1111"),
    ("cp", "10 1010 11 1111"),
    ("rle", "10000 1010 10000 1111"),
    ("uop", "0000 1010 0000 1111"),
    ("csr", "10 1010 11 1111"),
]


@pytest.mark.parametrize(("name", "expected"), BY_HAND)
def test_bits_by_hand(name: str, expected: str) -> None:
    values = np.array([0, 5, 0, -1], dtype=np.int32)
    starts = np.array([0, 4], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup(name), value_bits=4, word_bits=1)
    assert string_of_fiber(encoded, 0) == expected.replace(" ", "")


def test_every_registered_format_has_bits_by_hand() -> None:
    assert {name for name, _ in BY_HAND} == set(WEIGHT_FORMATS.names())


def test_a_fiber_starts_at_a_word_of_its_own_and_an_empty_one_has_none() -> None:
    values = np.array([1, 0, 0, 0, 1, 1], dtype=np.int32)
    starts = np.array([0, 2, 4, 4, 6], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup("bitmask"), value_bits=8, word_bits=12)
    assert encoded.word_starts.tolist() == [0, 1, 1, 1, 3]
    assert encoded.entries.tolist() == [1, 0, 0, 2]


@pytest.mark.parametrize("name", ["csr", "uop"])
def test_offset_pairs_stand_in_for_the_counts_of_the_directory(name: str) -> None:
    values = np.array([1, 0, 2, 3, 0, 0], dtype=np.int32)
    starts = np.array([0, 2, 5, 6], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup(name), value_bits=4, word_bits=8)
    shuffled = replace(encoded, entries=np.roll(encoded.entries, 1))
    assert shuffled.entries.tolist() != encoded.entries.tolist()
    assert decode(shuffled).tolist() == values.tolist()


def test_what_is_encoded_does_not_follow_later_changes_of_the_input() -> None:
    values = np.array([1, 2], dtype=np.int32)
    starts = np.array([0, 2], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup("cp"), value_bits=8, word_bits=16)
    values[:], starts[:] = 0, 0
    assert decode(encoded).tolist() == [1, 2]


@pytest.mark.parametrize("code", [8, -9, 2**31 - 1, -(2**31)])
def test_a_code_outside_its_bits_is_refused(code: int) -> None:
    values = np.array([0, code], dtype=np.int32)
    with pytest.raises(UsageError, match=f"weight code {code} does not fit in 4 bits"):
        encode(values, np.array([0, 2], dtype=np.int64), WEIGHT_FORMATS.lookup("cp"), value_bits=4, word_bits=16)
