"""The decode schedule: the kernel against its twin, cases by hand, and what holds for every schedule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.formats import WEIGHT_FORMATS, WeightFormat, decode_schedule, goes_by
from tests.reference import formats as reference
from tests.unit.formats.cases import Fibers, fibers, weight_formats

Schedule = list[tuple[int, int, int]]
GUARD = -99


def schedule(
    fiber: list[int],
    weight_format: WeightFormat,
    value_bits: int,
    rate: int,
    mask_window: int,
    skip: int,
    segment: int | None = None,
) -> tuple[Schedule, int]:
    """The kernel's (position, last bit, step) of each entry, and its steps, for a fiber amidst other values."""
    before = [1, 0, 2]
    values = np.array([*before, *fiber, 3, 0], dtype=np.int32)
    outs = [np.full(len(fiber) + 1, GUARD, dtype=np.int64) for _ in range(3)]
    start = len(before)
    spec = weight_format.spec(value_bits)
    stop, cut = start + len(fiber), segment or max(1, len(fiber))
    entries, steps = decode_schedule(
        values, start, stop, cut, spec, rate, mask_window, skip, *outs, *goes_by(spec, skip)
    )
    positions, last_bits, stops = (out.tolist() for out in outs)
    assert steps <= entries <= len(fiber)
    assert all(each == GUARD for out in (last_bits, stops) for each in out[steps:])
    assert positions[len(fiber)] == GUARD
    assert stops[:steps] == sorted(set(stops[:steps])) and stops[:steps][-1:] == [entries] * bool(entries)
    step_of = [next(step for step in range(steps) if entry < stops[step]) for entry in range(entries)]
    return [(positions[entry], last_bits[step], step) for entry, step in enumerate(step_of)], int(steps)


@st.composite
def one_fiber(draw: st.DrawFn) -> tuple[WeightFormat, list[int], int, int]:
    """A format, a fiber that it accepts, the width of its values and the length of its segments."""
    weight_format = draw(weight_formats())
    case: Fibers = draw(fibers(weight_format, most=1, longest=50).filter(lambda case: case.lists))
    return weight_format, case.lists[0], case.value_bits, case.segment_lists[0]


@pytest.mark.kernel
@settings(max_examples=900, deadline=None, derandomize=True)
@given(one_fiber(), st.integers(1, 9), st.integers(1, 45), st.integers(0, 1))
def test_schedule_is_that_of_the_twin(
    case: tuple[WeightFormat, list[int], int, int], rate: int, mask_window: int, skip: int
) -> None:
    weight_format, fiber, value_bits, segment = case
    found, steps = schedule(fiber, weight_format, value_bits, rate, mask_window, skip, segment)
    twin = reference.decode_steps(fiber, weight_format, value_bits, rate, mask_window, bool(skip), segment)
    assert found == reference.schedule_of(twin)
    assert steps == len(twin)


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(one_fiber(), st.integers(1, 6), st.integers(1, 20), st.integers(0, 1))
def test_every_schedule_delivers_the_non_zeros_at_the_rate(
    case: tuple[WeightFormat, list[int], int, int], rate: int, mask_window: int, skip: int
) -> None:
    weight_format, fiber, value_bits, segment = case
    found, steps = schedule(fiber, weight_format, value_bits, rate, mask_window, skip, segment)
    assert [position for position, _, _ in found if position >= 0] == [i for i, v in enumerate(fiber) if v != 0]
    assert sorted({step for _, _, step in found}) == list(range(steps))
    assert [step for _, _, step in found] == sorted(step for _, _, step in found)
    fiber_bits = len(reference.encode(fiber, weight_format, value_bits, segment))
    for step in range(steps):
        entries = [entry for entry in found if entry[2] == step]
        assert len(entries) <= rate
        assert len(entries) == 1 or all(position >= 0 for position, _, _ in entries)
        assert len({last_bit for _, last_bit, _ in entries}) == 1
        assert 0 <= entries[0][1] < fiber_bits


FIBER = [0, 3, 0, 0, 0, -1, 2, 4]
# 4-bit values, rate 2, mask windows of 4: (position, last bit, step).
BY_HAND: list[tuple[str, int, Schedule]] = [
    ("uncompressed", 1, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
    ("uncompressed", 0, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
    ("uop", 1, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
    ("uop", 0, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
    # 8 bits of mask, then all values.
    ("ubm", 1, [(1, 15, 0), (5, 35, 1), (6, 35, 1), (7, 39, 2)]),
    ("ubm", 0, [(1, 15, 0), (-1, 3, 1), (5, 31, 2), (6, 39, 3), (7, 39, 3)]),
    # 8 bits of mask, then 4 values.
    ("bitmask", 1, [(1, 11, 0), (5, 19, 1), (6, 19, 1), (7, 23, 2)]),
    ("bitmask", 0, [(1, 11, 0), (-1, 3, 1), (5, 15, 2), (6, 23, 3), (7, 23, 3)]),
    # Entries of 3 + 4 bits.
    ("cp", 1, [(1, 13, 0), (5, 13, 0), (6, 27, 1), (7, 27, 1)]),
    ("cp", 0, [(1, 9, 0), (-1, 9, 1), (5, 16, 2), (6, 27, 3), (7, 27, 3)]),
    ("csr", 1, [(1, 13, 0), (5, 13, 0), (6, 27, 1), (7, 27, 1)]),
    ("csr", 0, [(1, 9, 0), (-1, 9, 1), (5, 16, 2), (6, 27, 3), (7, 27, 3)]),
    # Entries of 5 + 4 bits.
    ("rle", 1, [(1, 17, 0), (5, 17, 0), (6, 35, 1), (7, 35, 1)]),
    ("rle", 0, [(1, 13, 0), (-1, 13, 1), (5, 22, 2), (6, 35, 3), (7, 35, 3)]),
    # The same entries; all 4 lie in one code word.
    ("rlc", 1, [(1, 17, 0), (5, 17, 0), (6, 35, 1), (7, 35, 1)]),
    ("rlc", 0, [(1, 13, 0), (-1, 13, 1), (5, 22, 2), (6, 35, 3), (7, 35, 3)]),
    # Entries of 4 + 4 bits.
    ("eie", 1, [(1, 15, 0), (5, 15, 0), (6, 31, 1), (7, 31, 1)]),
    ("eie", 0, [(1, 11, 0), (-1, 11, 1), (5, 19, 2), (6, 31, 3), (7, 31, 3)]),
    # Indices of 4 bits.
    ("codebook", 1, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
    ("codebook", 0, [(1, 7, 0), (-1, 15, 1), (5, 23, 2), (6, 31, 3), (7, 31, 3)]),
]
# 2:4, entries of 2 + 4 bits: the first group stores a zero at 0 and 3 at 1, the second -1 at 5 and 4 at 7.
GROUPS = [0, 3, 0, 0, 0, -1, 0, 4]
GROUPS_BY_HAND: list[tuple[int, Schedule]] = [
    (1, [(1, 11, 0), (5, 23, 1), (7, 23, 1)]),
    # positions 0 and 1 fill the first group; nothing is stored for 2 and 3; of 4 and 5 only 5 is, and the index of the
    # next entry tells that it is not 4 or 5; then 7
    (0, [(1, 11, 0), (-1, 11, 1), (5, 19, 2), (7, 23, 3)]),
]
# Bytes of 5 and 3 trits: positions 0 to 4 need bit 7, the others bit 15.
TRITS = [0, 1, 0, 0, 0, -1, 1, 1]
TRITS_BY_HAND: Schedule = [(1, 7, 0), (-1, 7, 1), (5, 15, 2), (6, 15, 3), (7, 15, 3)]


@pytest.mark.parametrize(("name", "skip", "expected"), BY_HAND)
def test_schedules_by_hand(name: str, skip: int, expected: Schedule) -> None:
    found, steps = schedule(FIBER, WEIGHT_FORMATS.lookup(name), 4, rate=2, mask_window=4, skip=skip)
    assert found == expected
    assert steps == expected[-1][2] + 1


@pytest.mark.parametrize(("skip", "expected"), GROUPS_BY_HAND)
def test_schedules_of_groups_by_hand(skip: int, expected: Schedule) -> None:
    found, steps = schedule(GROUPS, WEIGHT_FORMATS.lookup("n_of_m"), 4, rate=2, mask_window=1, skip=skip)
    assert found == expected
    assert steps == expected[-1][2] + 1


@pytest.mark.parametrize("skip", [0, 1])
def test_the_schedule_of_trits_by_hand(skip: int) -> None:
    found, steps = schedule(TRITS, WEIGHT_FORMATS.lookup("trits"), 4, rate=2, mask_window=1, skip=skip)
    assert (found, steps) == (TRITS_BY_HAND, 4)


def test_an_entry_in_a_later_code_word_needs_that_word() -> None:
    # 7 entries of 5 + 4 bits to a word: the eighth ends at bit 64 + 8
    found, steps = schedule([1] * 8, WEIGHT_FORMATS.lookup("rlc"), 4, rate=4, mask_window=1, skip=1)
    assert [last_bit for _, last_bit, _ in found] == [4 * 9 - 1] * 4 + [64 + 9 - 1] * 4
    assert steps == 2


def test_every_registered_format_has_schedules_by_hand() -> None:
    others = {(name, skip) for name in ("n_of_m", "trits") for skip in (0, 1)}
    by_hand = {(name, skip) for name, skip, _ in BY_HAND} | others
    assert by_hand == {(n, s) for n in WEIGHT_FORMATS.names() for s in (0, 1)}


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
def test_an_empty_fiber_takes_steps_only_if_it_is_stored(name: str, skip: int) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    found, steps = schedule([0] * 6, weight_format, 8, rate=2, mask_window=3, skip=skip)
    # 6 positions are 2 windows of 3, or 4 slots in groups of 4 and 2; else 2 per step
    steps_of_fixed = 2 if skip and name in ("ubm", "n_of_m") else 3
    expected = steps_of_fixed if weight_format.located == "fixed" else 0
    assert (len(found), steps) == (expected, expected)
    assert all(position == -1 for position, _, _ in found)
    assert schedule([], weight_format, 8, rate=2, mask_window=3, skip=skip) == ([], 0)


@pytest.mark.parametrize(
    ("zeros", "expected"),
    [
        (3, [(3, 9, 0)]),
        (4, [(-1, 9, 0), (4, 19, 1)]),
        (8, [(-1, 9, 0), (-1, 19, 1), (8, 29, 2)]),
    ],
)
def test_padding_of_a_long_run_takes_a_slot(zeros: int, expected: Schedule) -> None:
    two_bit_runs = WeightFormat("rle2", "", "", "offsets", "run", "packed", run_bits=2)
    found, steps = schedule([0] * zeros + [7, 0, 0, 0, 0, 0], two_bit_runs, 8, rate=1, mask_window=1, skip=1)
    assert found == expected
    assert steps == len(expected)


def test_a_window_without_non_zeros_takes_a_step() -> None:
    found, steps = schedule([0, 0, 0, 0, 1], WEIGHT_FORMATS.lookup("bitmask"), 8, rate=4, mask_window=2, skip=1)
    assert found == [(-1, 1, 0), (-1, 3, 1), (4, 12, 2)]
    assert steps == 3


def test_a_single_position_needs_no_coordinate() -> None:
    found, steps = schedule([-5], WEIGHT_FORMATS.lookup("cp"), 8, rate=4, mask_window=2, skip=1)
    assert found == [(0, 7, 0)]
    assert steps == 1
