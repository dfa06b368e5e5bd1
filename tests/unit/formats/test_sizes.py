"""Sizes of fibers: the kernel against the formulas, sizes by hand, words, offsets and directory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import WEIGHT_FORMATS, WeightFormat, directory_entry_bits, measure
from tests.reference import formats as reference
from tests.unit.formats.cases import Fibers, formats_and_fibers


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(formats_and_fibers(), st.integers(1, 70))
def test_sizes_are_those_of_the_formulas(chosen: tuple[WeightFormat, Fibers], alignment: int) -> None:
    weight_format, case = chosen
    sizes = measure(case.values, case.starts, weight_format, case.value_bits, case.segments)
    cut = zip(case.lists, case.segment_lists, strict=True)
    expected = [reference.size(fiber, weight_format, case.value_bits, segment) for fiber, segment in cut]
    measured = zip(sizes.payload_bits, sizes.metadata_bits, sizes.entries, strict=True)
    assert [tuple(map(int, size)) for size in measured] == expected
    _, starts = reference.memory(case.lists, weight_format, case.value_bits, alignment, alignment, case.segment_lists)
    assert np.array_equal(sizes.units(alignment) * alignment, np.diff(starts))
    assert sizes.offsets_bits == len(reference.offsets_of_set(case.lists, weight_format, case.value_bits))


# (payload bits, metadata bits, entries) of 8-bit fibers, worked out by hand.
EMPTY = [0] * 16
FULL = [1] * 16
LAST = [0] * 15 + [-7]
BY_HAND = [
    ("uncompressed", EMPTY, (128, 0, 16)),
    ("uncompressed", FULL, (128, 0, 16)),
    ("uncompressed", LAST, (128, 0, 16)),
    ("ubm", EMPTY, (128, 16, 16)),
    ("ubm", FULL, (128, 16, 16)),
    ("ubm", LAST, (128, 16, 16)),
    ("bitmask", EMPTY, (0, 16, 0)),
    ("bitmask", FULL, (128, 16, 16)),
    ("bitmask", LAST, (8, 16, 1)),
    ("cp", EMPTY, (0, 0, 0)),
    ("cp", FULL, (128, 64, 16)),
    ("cp", LAST, (8, 4, 1)),
    ("cp", [0] * 16 + [1], (8, 5, 1)),
    ("cp", [3], (8, 0, 1)),
    ("rle", EMPTY, (0, 0, 0)),
    ("rle", FULL, (128, 80, 16)),
    ("rle", LAST, (8, 5, 1)),
    ("rle", [0] * 31 + [1], (8, 5, 1)),
    ("rle", [0] * 32 + [1], (16, 10, 2)),
    ("rle", [0] * 63 + [1], (16, 10, 2)),
    ("rle", [0] * 64 + [1], (24, 15, 3)),
    ("rle", [1] + [0] * 100, (8, 5, 1)),
    ("uop", EMPTY, (0, 0, 0)),
    ("uop", FULL, (128, 0, 16)),
    ("uop", LAST, (128, 0, 16)),
    ("csr", EMPTY, (0, 0, 0)),
    ("csr", FULL, (128, 64, 16)),
    ("csr", LAST, (8, 4, 1)),
    # 4 groups of 4, 2 slots each; the last group may be short: 1 of 1, 2 of 3
    ("n_of_m", EMPTY, (8 * 8, 8 * 2, 8)),
    ("n_of_m", [5, 0, 0, 7] * 4, (8 * 8, 8 * 2, 8)),
    ("n_of_m", [0] * 5, (3 * 8, 3 * 2, 3)),
    ("n_of_m", [0] * 7, (4 * 8, 4 * 2, 4)),
    # 5, 10, 15 and 1 more: 4 bytes
    ("trits", EMPTY, (4 * 8, 0, 16)),
    ("trits", FULL, (4 * 8, 0, 16)),
    ("trits", [1] * 5, (8, 0, 5)),
    ("trits", [1] * 6, (16, 0, 6)),
    # indices of 4 bits
    ("codebook", EMPTY, (64, 0, 16)),
    ("codebook", FULL, (64, 0, 16)),
    ("codebook", LAST, (64, 0, 16)),
    # runs and indices of 4 bits; a run ends at 15
    ("eie", EMPTY, (0, 0, 0)),
    ("eie", FULL, (64, 64, 16)),
    ("eie", LAST, (4, 4, 1)),
    ("eie", [0] * 16 + [1], (8, 8, 2)),
    # 4 pairs of 5 + 8 bits to a word of 64: 16 values take 4 words, 5 values 2
    ("rlc", EMPTY, (0, 0, 0)),
    ("rlc", FULL, (128, 4 * 64 - 128, 16)),
    ("rlc", LAST, (8, 64 - 8, 1)),
    ("rlc", [1] * 5, (40, 128 - 40, 5)),
    ("rlc", [0] * 32 + [1], (16, 64 - 16, 2)),
]


@pytest.mark.parametrize(("name", "fiber", "expected"), BY_HAND)
def test_sizes_by_hand(name: str, fiber: list[int], expected: tuple[int, int, int]) -> None:
    starts = np.array([0, len(fiber)], dtype=np.int64)
    sizes = measure(np.array(fiber, dtype=np.int32), starts, WEIGHT_FORMATS.lookup(name), 8)
    assert (sizes.payload_bits[0], sizes.metadata_bits[0], sizes.entries[0]) == expected
    empty = WEIGHT_FORMATS.lookup(name).located == "offsets" and not any(fiber)
    assert sizes.stored_bits[0] == (0 if empty else expected[0] + expected[1])


def test_every_registered_format_has_sizes_by_hand() -> None:
    assert {name for name, _, _ in BY_HAND} == set(WEIGHT_FORMATS.names())


@pytest.mark.parametrize(("name", "offsets_bits"), [("cp", 0), ("csr", 4 * 2), ("uop", 4 * 3), ("uncompressed", 0)])
def test_offsets_count_the_values_that_are_stored(name: str, offsets_bits: int) -> None:
    values = np.array([0, 0, 0, 0, 5, 0, 0, 5, 0, 5], dtype=np.int32)
    starts = np.array([0, 4, 9, 10], dtype=np.int64)
    # csr stores 0, 2 and 1 values: offsets up to 3; uop 0, 5 and 1: offsets up to 6, which takes 3 bits.
    sizes = measure(values, starts, WEIGHT_FORMATS.lookup(name), 8)
    assert sizes.offsets_bits == offsets_bits


@pytest.mark.parametrize(("name", "table_bits"), [("codebook", 16 * 8), ("eie", 16 * 8), ("cp", 0), ("n_of_m", 0)])
def test_a_codebook_has_a_value_for_every_index(name: str, table_bits: int) -> None:
    sizes = measure(np.ones(3, dtype=np.int32), np.array([0, 1, 3]), WEIGHT_FORMATS.lookup(name), 8)
    assert sizes.table_bits == table_bits


# Pairs of a 5-bit run and a value in the 63 bits of a word ahead of its end bit.
@pytest.mark.parametrize(("value_bits", "pairs"), [(16, 3), (8, 4), (6, 5), (4, 7), (3, 7), (2, 9), (1, 10)])
def test_pairs_of_any_width_lie_whole_in_a_code_word(value_bits: int, pairs: int) -> None:
    for values in (pairs, pairs + 1):
        ones = np.full(values, -1, dtype=np.int32)
        sizes = measure(ones, np.array([0, values]), WEIGHT_FORMATS.lookup("rlc"), value_bits)
        assert sizes.stored_bits[0] == (64 if values == pairs else 128)


def test_groups_begin_anew_with_every_segment() -> None:
    starts, segments = np.array([0, 9], dtype=np.int64), np.array([3], dtype=np.int64)
    values, chosen = np.zeros(9, np.int32), WEIGHT_FORMATS.lookup("n_of_m")
    assert measure(values, starts, chosen, 8).entries[0] == 2 + 2 + 1  # groups of 4, 4 and 1
    assert measure(values, starts, chosen, 8, segments).entries[0] == 2 + 2 + 2  # three groups of 3


@pytest.mark.parametrize("segments", [[], [0], [1, 1]])
def test_segments_that_do_not_fit_the_fibers_are_refused(segments: list[int]) -> None:
    with pytest.raises(UsageError, match="segments"):
        measure(
            np.ones(3, np.int32), np.array([0, 3]), WEIGHT_FORMATS.lookup("n_of_m"), 8, np.array(segments, np.int64)
        )


def test_a_directory_entry_says_where_a_fiber_starts_and_how_many_entries_it_has() -> None:
    assert directory_entry_bits(WEIGHT_FORMATS.lookup("ubm"), total_units=1000, longest_fiber=9) == 0
    assert directory_entry_bits(WEIGHT_FORMATS.lookup("cp"), total_units=1023, longest_fiber=7) == 10 + 3
    assert directory_entry_bits(WEIGHT_FORMATS.lookup("cp"), total_units=1024, longest_fiber=8) == 11 + 4


@pytest.mark.parametrize("starts", [[], [1, 3], [0, 2], [0, 4], [0, 2, 1, 3]])
def test_fibers_that_are_not_the_values_are_refused(starts: list[int]) -> None:
    with pytest.raises(UsageError, match="fiber starts"):
        measure(np.ones(3, dtype=np.int32), np.array(starts, dtype=np.int64), WEIGHT_FORMATS.lookup("cp"), value_bits=8)
