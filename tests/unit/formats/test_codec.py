"""Encoding: the very bits of the twin, and its inverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import WEIGHT_FORMATS, EncodedFibers, WeightFormat, decode, encode
from tests.reference import formats as reference
from tests.unit.formats.cases import Fibers, fibers, weight_formats


def string_of(stream: np.ndarray) -> str:
    """The bits of a byte array in order."""
    return "".join(reference.digits(int(byte), 8) for byte in stream)


def string_of_fiber(encoded: EncodedFibers, fiber: int) -> str:
    """The bits of one fiber, and of what is left free behind it."""
    first, behind = encoded.first_bits[fiber : fiber + 2]
    return string_of(encoded.words)[first:behind]


@st.composite
def memories(draw: st.DrawFn) -> tuple[int, int]:
    """Bits of a word and an alignment that divides it."""
    word_bits = draw(st.integers(1, 70))
    return word_bits, draw(st.sampled_from([bits for bits in range(1, word_bits + 1) if word_bits % bits == 0]))


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(fibers(), weight_formats(), memories())
def test_memory_is_that_of_the_twin(case: Fibers, weight_format: WeightFormat, memory: tuple[int, int]) -> None:
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, *memory)
    image, starts = reference.memory(case.lists, weight_format, case.value_bits, *memory)
    assert encoded.first_bits.tolist() == starts
    assert string_of(encoded.words) == image + "0" * (-len(image) % 8)
    offsets = reference.offsets_of_set(case.lists, weight_format, case.value_bits)
    assert string_of(encoded.offsets)[: len(offsets)] == offsets
    assert len(encoded.offsets) == -(-len(offsets) // 8)


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(fibers(), weight_formats(), memories())
def test_decoding_is_that_of_the_twin_and_exact(
    case: Fibers, weight_format: WeightFormat, memory: tuple[int, int]
) -> None:
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, *memory)
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
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup(name), value_bits=4, word_bits=1, alignment_bits=1)
    assert string_of_fiber(encoded, 0) == expected.replace(" ", "")


def test_every_registered_format_has_bits_by_hand() -> None:
    assert {name for name, _ in BY_HAND} == set(WEIGHT_FORMATS.names())


@pytest.mark.parametrize(
    ("alignment_bits", "first_bits", "word_count"),
    # fibers of 10, 0, 0 and 18 bits
    [
        (12, [0, 12, 12, 12, 36], 3),
        (4, [0, 12, 12, 12, 32], 3),
        (2, [0, 10, 10, 10, 28], 3),
        (1, [0, 10, 10, 10, 28], 3),
    ],
)
def test_a_fiber_starts_at_a_multiple_of_the_alignment_and_an_empty_one_takes_nothing(
    alignment_bits: int, first_bits: list[int], word_count: int
) -> None:
    values = np.array([1, 0, 0, 0, 1, 1], dtype=np.int32)
    starts = np.array([0, 2, 4, 4, 6], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup("bitmask"), 8, word_bits=12, alignment_bits=alignment_bits)
    assert encoded.first_bits.tolist() == first_bits
    assert encoded.entries.tolist() == [1, 0, 0, 2]
    assert len(encoded.words) == -(-word_count * 12 // 8)


def test_an_alignment_that_does_not_divide_words_is_refused() -> None:
    with pytest.raises(UsageError, match="an alignment of 8 bits does not divide words of 12 bits"):
        encode(np.ones(1, np.int32), np.array([0, 1]), WEIGHT_FORMATS.lookup("cp"), 4, word_bits=12, alignment_bits=8)


@pytest.mark.parametrize("name", ["csr", "uop"])
def test_offset_pairs_stand_in_for_the_counts_of_the_directory(name: str) -> None:
    values = np.array([1, 0, 2, 3, 0, 0], dtype=np.int32)
    starts = np.array([0, 2, 5, 6], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup(name), value_bits=4, word_bits=8, alignment_bits=4)
    shuffled = replace(encoded, entries=np.roll(encoded.entries, 1))
    assert shuffled.entries.tolist() != encoded.entries.tolist()
    assert decode(shuffled).tolist() == values.tolist()


def test_what_is_encoded_does_not_follow_later_changes_of_the_input() -> None:
    values = np.array([1, 2], dtype=np.int32)
    starts = np.array([0, 2], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup("cp"), value_bits=8, word_bits=16, alignment_bits=8)
    values[:], starts[:] = 0, 0
    assert decode(encoded).tolist() == [1, 2]


@pytest.mark.parametrize("code", [8, -9, 2**31 - 1, -(2**31)])
def test_a_code_outside_its_bits_is_refused(code: int) -> None:
    values = np.array([0, code], dtype=np.int32)
    with pytest.raises(UsageError, match=f"weight code {code} does not fit in 4 bits"):
        encode(values, np.array([0, 2]), WEIGHT_FORMATS.lookup("cp"), value_bits=4, word_bits=16, alignment_bits=16)
