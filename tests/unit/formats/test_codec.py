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
from tests.unit.formats.cases import Fibers, formats_and_fibers


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
@settings(max_examples=400, deadline=None, derandomize=True)
@given(formats_and_fibers(), memories())
def test_memory_is_that_of_the_twin(chosen: tuple[WeightFormat, Fibers], memory: tuple[int, int]) -> None:
    weight_format, case = chosen
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, *memory, segments=case.segments)
    image, starts = reference.memory(case.lists, weight_format, case.value_bits, *memory, case.segment_lists)
    assert encoded.first_bits.tolist() == starts
    assert string_of(encoded.words) == image + "0" * (-len(image) % 8)
    offsets = reference.offsets_of_set(case.lists, weight_format, case.value_bits)
    assert string_of(encoded.offsets)[: len(offsets)] == offsets
    assert len(encoded.offsets) == -(-len(offsets) // 8)


@pytest.mark.kernel
@settings(max_examples=400, deadline=None, derandomize=True)
@given(formats_and_fibers(), memories())
def test_decoding_is_that_of_the_twin_and_exact(chosen: tuple[WeightFormat, Fibers], memory: tuple[int, int]) -> None:
    weight_format, case = chosen
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, *memory, segments=case.segments)
    decoded = decode(encoded)
    assert decoded.dtype == np.int32
    assert np.array_equal(decoded, case.values)
    table = encoded.codebook.tolist()
    for fiber, values in enumerate(case.lists):
        bits, entries, segment = string_of_fiber(encoded, fiber), int(encoded.entries[fiber]), case.segment_lists[fiber]
        found = reference.decode(bits, len(values), entries, weight_format, case.value_bits, segment, table)
        assert found == values


# [0, 5, 0, -1] in 4 bits: mask 0101, value 5 = 1010, value -1 = 1111 (all least significant bit first).
BY_HAND = [
    ("uncompressed", "0000 1010 0000 1111"),
    ("ubm", "0101 0000 1010 0000 1111"),
    ("bitmask", "0101 1010 1111"),
    ("cp", "10 1010 11 1111"),
    ("rle", "10000 1010 10000 1111"),
    ("uop", "0000 1010 0000 1111"),
    ("csr", "10 1010 11 1111"),
    # two of four: index 1 = 10, index 3 = 11
    ("n_of_m", "10 1010 11 1111"),
    # the codebook is 0, -1, 5: -1 has index 1, 5 has index 2
    ("codebook", "0000 0100 0000 1000"),
    # runs of 1 zero in 4 bits
    ("eie", "1000 0100 1000 1000"),
    # 7 entries of 9 bits would fit in the 63 bits ahead of the end bit; there are 2
    ("rlc", "10000 1010 10000 1111" + "0" * 45 + "1"),
]
TRITS_BY_HAND = [
    # the values plus one, times 1, 3, 9, 27, 81: 0 + 3 + 18 + 27 + 0 = 48 = 16 + 32, and 2 + 0 + 9 = 11 = 1 + 2 + 8
    ([-1, 0, 1, 0, -1, 1, -1, 0], "00001100 11010000"),
    ([1, 1, 1, 1, 1], "01001111"),  # 242 = 2 + 16 + 32 + 64 + 128
    ([-1], "00000000"),
]


@pytest.mark.parametrize(("name", "expected"), BY_HAND)
def test_bits_by_hand(name: str, expected: str) -> None:
    values = np.array([0, 5, 0, -1], dtype=np.int32)
    starts = np.array([0, 4], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup(name), value_bits=4, word_bits=1, alignment_bits=1)
    assert string_of_fiber(encoded, 0) == expected.replace(" ", "")


@pytest.mark.parametrize(("fiber", "expected"), TRITS_BY_HAND)
def test_trits_by_hand(fiber: list[int], expected: str) -> None:
    starts = np.array([0, len(fiber)], dtype=np.int64)
    encoded = encode(np.array(fiber, np.int32), starts, WEIGHT_FORMATS.lookup("trits"), 2, 1, 1)
    assert string_of_fiber(encoded, 0) == expected.replace(" ", "")


def test_every_registered_format_has_bits_by_hand() -> None:
    assert {name for name, _ in BY_HAND} | {"trits"} == set(WEIGHT_FORMATS.names())


def test_groups_store_zeros_that_make_up_their_number_and_begin_anew_with_a_segment() -> None:
    values = np.array([0, 0, 0, 0, 0, 3, 0, 7, 0, 0, 0], dtype=np.int32)
    starts, segments = np.array([0, 6, 11], dtype=np.int64), np.array([6, 3], dtype=np.int64)
    encoded = encode(values, starts, WEIGHT_FORMATS.lookup("n_of_m"), 4, 1, 1, segments=segments)
    # positions 0, 1 of the first group and 0, 1 of the rest of two: zeros, zeros and 0, 3
    assert string_of_fiber(encoded, 0) == "00 0000 10 0000 00 0000 10 1100".replace(" ", "")
    # segments of 3 and 2: 0, 7, 0 stores its first zero and 7; 0, 0 both
    assert string_of_fiber(encoded, 1) == "00 0000 10 1110 00 0000 10 0000".replace(" ", "")
    assert encoded.entries.tolist() == [4, 4]


def test_a_run_that_is_too_long_is_padded_as_in_the_paper() -> None:
    """The column of section III of EIE: values 1, 2, a zero that pads, 3; 2, 0, 15 and 2 zeros ahead of them."""
    column = [0, 0, 1, 2, *[0] * 18, 3]
    starts = np.array([0, len(column)], dtype=np.int64)
    encoded = encode(np.array(column, np.int32), starts, WEIGHT_FORMATS.lookup("eie"), 8, 1, 1)
    expected = [(2, 1), (0, 2), (15, 0), (2, 3)]  # the codebook is 0, 1, 2, 3
    bits = "".join(reference.digits(run, 4) + reference.digits(code, 4) for run, code in expected)
    assert string_of_fiber(encoded, 0) == bits
    assert encoded.codebook.tolist() == [0, 1, 2, 3] + [0] * 12


def test_three_16_bit_values_lie_in_a_code_word_and_the_last_one_says_so() -> None:
    values = [1, 2, 3, 0, 4]
    starts = np.array([0, 5], dtype=np.int64)
    encoded = encode(np.array(values, np.int32), starts, WEIGHT_FORMATS.lookup("rlc"), 16, 64, 64)

    def pair(run: int, value: int) -> str:
        return reference.digits(run, 5) + reference.digits(value, 16)

    first = pair(0, 1) + pair(0, 2) + pair(0, 3) + "0"
    second = pair(1, 4) + "0" * 42 + "1"
    assert string_of_fiber(encoded, 0) == first + second
    told_nothing = replace(encoded, entries=np.array([99], dtype=np.int64))
    assert decode(told_nothing).tolist() == values  # the end bit says where it ends


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("trits", [0, 5], "weight format 'trits': value 5 is no trit"),
        ("codebook", [*range(-8, 8), 9], "17 different values, zero counted, are more than the codebook's 16"),
        ("n_of_m", [0, 1, 2, 3], "not 2:4 along input_channel: fiber 0 has 3 non-zero values in weights 0..3"),
    ],
)
def test_values_that_a_format_does_not_accept_are_refused(name: str, values: list[int], problem: str) -> None:
    starts = np.array([0, len(values)], dtype=np.int64)
    with pytest.raises(UsageError, match=problem):
        encode(np.array(values, np.int32), starts, WEIGHT_FORMATS.lookup(name), 8, word_bits=8, alignment_bits=8)


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
